/**
 * `kairos framework forget`: the operator's way to begin as a new Mesos framework, once Mesos has removed the old one.
 * All nodes are to be stopped; see docs/mesos.md, "A removed framework".
 */

import { systemClock } from '../clock/system-clock.ts';
import { ConfigError, loadConfig } from '../node/config/load-config.ts';
import { type Forgetting, forgetFramework } from '../node/forget-framework.ts';
import { openStore } from '../node/open-store.ts';
import { silentLogger } from '../telemetry/logger.ts';

export interface ForgetFlags {
  readonly config?: string;
  readonly set?: string[];
  readonly yes?: boolean;
  readonly force?: boolean;
}

/** How many of the runs that stand in the way are named. */
const NAMED_RUNS = 10;

/** Resolves with the exit code: 0 done, 1 not done, 2 when the configuration can't be used. */
export async function forgetFrameworkCommand(flags: ForgetFlags): Promise<number> {
  try {
    const config = loadConfig({ file: flags.config, env: process.env, flags: flags.set ?? [] });
    const store = await openStore(config.store, systemClock, silentLogger);
    try {
      const isConfirmed = flags.yes === true;
      const done = await forgetFramework({ store, clock: systemClock, isConfirmed, isForced: flags.force === true });
      process.stdout.write(`${describe(done)}\n`);
      return done.outcome === 'forgotten' || done.outcome === 'none' ? 0 : 1;
    } finally {
      await store.close();
    }
  } catch (error) {
    process.stderr.write(`kairos: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof ConfigError ? 2 : 1;
  }
}

function describe(done: Forgetting): string {
  switch (done.outcome) {
    case 'none':
      return 'no framework id is stored: the next leader begins as a new framework anyway';
    case 'led':
      return `nothing was changed: node ${done.leader} leads; stop all nodes first`;
    case 'alive':
      return (
        `nothing was changed: ${runs(done.alive)} believed alive under framework ${done.identity}. If Mesos has removed it their tasks are dead: ` +
        'then add --force, and they are found lost and retried. If it has not, they would run on beside their retries'
      );
    case 'unconfirmed':
      return `nothing was changed: framework ${done.identity} would be forgotten${also(done.alive)}; add --yes`;
    case 'forgotten':
      return `framework ${done.identity} is forgotten${also(done.alive)}: the next leader begins as a new one`;
  }
}

function also(alive: readonly string[]): string {
  return alive.length === 0 ? '' : `, with ${runs(alive)} believed alive`;
}

function runs(alive: readonly string[]): string {
  const named = alive.slice(0, NAMED_RUNS).join(', ');
  const more = alive.length > NAMED_RUNS ? ` and ${alive.length - NAMED_RUNS} more` : '';
  return `${alive.length === 1 ? 'run' : 'runs'} ${named}${more}`;
}
