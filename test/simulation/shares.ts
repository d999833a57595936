/** Seeds shared out over processes, one a core: seeds have nothing to do with each other. */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Tally {
  readonly seeds: number;
  readonly hours: number;
  readonly launches: number;
  readonly commits: number;
  /** Milliseconds of processor time. */
  readonly cpuMs: number;
}

export const NOTHING: Tally = { seeds: 0, hours: 0, launches: 0, commits: 0, cpuMs: 0 };

function add(a: Tally, b: Tally): Tally {
  return {
    seeds: a.seeds + b.seeds,
    hours: a.hours + b.hours,
    launches: a.launches + b.launches,
    commits: a.commits + b.commits,
    cpuMs: a.cpuMs + b.cpuMs,
  };
}

/** One line for people. `tookMs`: on the clock. */
export function describeTally({ seeds, hours, launches, commits, cpuMs }: Tally, tookMs: number): string {
  const rate = (ms: number): string => (hours / (ms / 1_000)).toFixed(1);
  return (
    `${seeds} seeds, ${Math.round(hours)} hours, ${launches} launches, ${commits} commits: ` +
    `${rate(tookMs)} simulated hours a second (${rate(cpuMs)} a CPU second)`
  );
}

/** What a share tells: how far it is, or that a seed failed and it is about to explain it, which takes a while. */
export type ShareMessage = { readonly type: 'tally'; readonly tally: Tally } | { readonly type: 'failed' };

/**
 * Starts the simulation's main.ts `count` times over, each with its share of the seeds, and adds up what they tell. Resolves with
 * whether all passed. The first that fails ends the others, but for those that are explaining a failure of their own.
 */
export async function runShares(count: number, args: readonly string[], onTally: (tally: Tally) => void): Promise<boolean> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const tallies: Tally[] = Array.from({ length: count }, () => NOTHING);
  const children = tallies.map((_, index) => fork(main, [...args, '--share', `${index}/${count}`]));
  const explaining = new Set<ChildProcess>();
  let isGood = true;
  const endOthers = (): void => {
    isGood = false;
    for (const child of children) if (!explaining.has(child)) child.kill();
  };
  const ends = children.map(
    (child, index) =>
      new Promise<void>((resolve) => {
        child.on('message', (message: ShareMessage) => {
          if (message.type === 'failed') {
            explaining.add(child);
            return endOthers();
          }
          tallies[index] = message.tally;
          onTally(tallies.reduce(add, NOTHING));
        });
        child.on('exit', (code) => {
          if (code !== 0) endOthers();
          resolve();
        });
      }),
  );
  await Promise.all(ends);
  return isGood;
}
