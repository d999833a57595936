/**
 * `kairos quickstart`: one node on this machine with the embedded store, the example jobs, and a live account of what happens.
 * Running it again goes on where it was: definitions, history and running tasks are kept in its directory.
 */

import { join, resolve } from 'node:path';
import pc from 'picocolors';
import { ConfigError, loadConfig } from '../node/config/load-config.ts';
import { type RunningNode, startNode } from '../node/node.ts';
import { createLogger } from '../telemetry/logger.ts';
import { loadExamples } from './examples.ts';
import { Narrator } from './narrator.ts';
import { startedUnless, stopSignal } from './stop-signal.ts';

export interface QuickstartOptions {
  readonly directory: string;
  readonly port: string;
  readonly executor: string;
  readonly set?: string[];
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

export async function quickstart(options: QuickstartOptions): Promise<number> {
  const stopped = stopSignal();
  const narrator = new Narrator(say);
  let node: RunningNode | undefined;
  try {
    const logger = createLogger({ level: 'silent' });
    node = await startedUnless(stopped, startNode({ config: configOf(options), logger, onFact: (fact) => narrator.tell(fact) }));
    greet(node, resolve(options.directory));
    const { created, kept } = await loadExamples(node.url);
    say(pc.dim(`${created} example jobs created, ${kept} were there already. Ctrl-C stops; running it again goes on where it was.`));
    say('');
    await stopped;
    say('');
    say(pc.dim('stopping; tasks that run go on and are found again'));
    return 0;
  } catch (error) {
    process.stderr.write(`kairos: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof ConfigError ? 2 : 1;
  } finally {
    await node?.stop();
  }
}

function configOf({ directory, port, executor, set = [] }: QuickstartOptions): ReturnType<typeof loadConfig> {
  const flags = [
    `api.port=${port}`,
    `executor.kind=${executor}`,
    'store.kind=embedded',
    `store.embedded.directory=${join(directory, 'store')}`,
    `executor.process.directory=${join(directory, 'tasks')}`,
  ];
  return loadConfig({ flags: [...flags, ...set] });
}

function greet(node: RunningNode, directory: string): void {
  const runner = node.executor === 'docker' ? 'as containers of the local Docker Engine' : 'as plain processes';
  say(`${pc.bold('Kairos')} runs at ${pc.cyan(node.url)}, tasks ${runner}`);
  say(pc.dim(`data in ${directory}`));
  say(pc.dim(`try: curl ${node.url}/v1/jobs   curl ${node.url}/v1/jobs/example.report/runs   curl ${node.url}/metrics`));
}
