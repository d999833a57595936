/**
 * `npm run simulate -- --seeds 1000 --hours 168`: whole clusters under virtual time, one per seed, until one breaks an invariant.
 *
 *   --from N    first seed (1)            --seed N      this one only
 *   --hours H   of cluster time (24)      --trace       print every line of what happens
 *   --off A,B   without these faults (`all`: none at all; `api`: people do nothing); docs/simulation.md lists them
 *   --jobs N, --nodes N   at most so many          --no-shrink   tell the first story as it is
 */

import { parseArgs } from 'node:util';
import { runSeed } from './run-seed.ts';
import { shrink } from './shrink.ts';
import type { SimulationOptions } from './simulation.ts';
import { story } from './story.ts';

interface Arguments {
  readonly first: number;
  readonly last: number;
  readonly options: Omit<SimulationOptions, 'seed'>;
  readonly isShrunk: boolean;
}

function readArguments(): Arguments {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    options: { seeds: text, from: text, seed: text, hours: text, off: text, jobs: text, nodes: text, trace: flag, 'no-shrink': flag },
  });
  const first = Number(values.seed ?? values.from ?? 1);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  return {
    first,
    last: values.seed === undefined ? first + Number(values.seeds ?? 100) - 1 : first,
    options: {
      hours: Number(values.hours ?? 24),
      off: new Set((values.off ?? '').split(',').filter((name) => name !== '')),
      ...(values.jobs === undefined ? {} : { jobs: Number(values.jobs) }),
      ...(values.nodes === undefined ? {} : { nodes: Number(values.nodes) }),
      ...(values.trace ? { echo: print } : {}),
    },
    isShrunk: !values['no-shrink'] && !values.trace,
  };
}

async function main(): Promise<number> {
  const { first, last, options, isShrunk } = readArguments();
  const began = performance.now();
  const total = { hours: 0, launches: 0, commits: 0 };
  let shownAt = began;
  for (let seed = first; seed <= last; seed++) {
    const outcome = await runSeed({ ...options, seed: String(seed) });
    if (outcome.failure !== undefined) {
      await explain({ ...options, seed: String(seed) }, outcome.failure, { lines: outcome.simulation.trace.lines, isShrunk });
      return 1;
    }
    total.hours += outcome.result.hours;
    total.launches += outcome.result.launches;
    total.commits += outcome.result.commits;
    if (performance.now() - shownAt < 5_000 && seed !== last) continue;
    shownAt = performance.now();
    const rate = total.hours / ((shownAt - began) / 1_000);
    const cpuRate = total.hours / ((process.cpuUsage().user + process.cpuUsage().system) / 1e6);
    console.log(
      `${seed - first + 1} seeds, ${Math.round(total.hours)} hours, ${total.launches} launches, ${total.commits} commits: ` +
        `${rate.toFixed(1)} simulated hours a second (${cpuRate.toFixed(1)} a CPU second)`,
    );
    if (first === last) console.log(`trace ${outcome.result.digest}, ${outcome.result.lines} lines`);
  }
  return 0;
}

async function explain(
  options: SimulationOptions,
  failure: Error,
  { lines, isShrunk }: { lines: readonly string[]; isShrunk: boolean },
): Promise<void> {
  console.log(`\nseed ${options.seed} fails: ${String(failure)}\n`);
  const smaller = isShrunk ? await shrink(options, failure, (what) => console.log(what)) : undefined;
  console.log(story(smaller?.lines ?? lines, smaller?.failure ?? failure));
  console.log(`\n${(smaller?.failure ?? failure).stack ?? ''}`);
  console.log(`\nreplay: npm run simulate -- ${commandOf(options)} --trace`);
  if (smaller) console.log(`smaller: npm run simulate -- ${commandOf(smaller.options)} --trace`);
}

function commandOf({ seed, hours, off, jobs, nodes }: SimulationOptions): string {
  const parts = [`--seed ${seed}`, `--hours ${hours}`];
  if (off.size > 0) parts.push(`--off ${[...off].join(',')}`);
  if (jobs !== undefined) parts.push(`--jobs ${jobs}`);
  if (nodes !== undefined) parts.push(`--nodes ${nodes}`);
  return parts.join(' ');
}

process.exitCode = await main();
