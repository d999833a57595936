/** Seeds shared out over processes, one a core: seeds have nothing to do with each other. */

import { fork } from 'node:child_process';
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

/**
 * Starts the simulation's main.ts `count` times over, each with its share of the seeds, and adds up what they tell. Resolves with
 * whether all passed; the first that fails ends the others, once it has explained itself.
 */
export async function runShares(count: number, args: readonly string[], onTally: (tally: Tally) => void): Promise<boolean> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const tallies: Tally[] = Array.from({ length: count }, () => NOTHING);
  const children = tallies.map((_, index) => fork(main, [...args, '--share', `${index}/${count}`]));
  let isGood = true;
  const ends = children.map(
    (child, index) =>
      new Promise<void>((resolve) => {
        child.on('message', (tally) => {
          tallies[index] = tally as Tally;
          onTally(tallies.reduce(add, NOTHING));
        });
        child.on('exit', (code) => {
          if (code !== 0) isGood = false;
          if (code !== 0) for (const other of children) other.kill();
          resolve();
        });
      }),
  );
  await Promise.all(ends);
  return isGood;
}
