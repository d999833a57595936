/**
 * `npm run simulate -- --seeds 1000 --hours 168`: whole clusters under virtual time, one per seed, until one breaks an invariant.
 *
 *   --from N    first seed (1)            --seed N      this one only
 *   --hours H   of cluster time (24)      --trace       print every line of what happens
 *   --until H     end after so many of them; up to then all happens as it would
 *   --off A,B   without these faults (`all`: none at all; `api`: people do nothing); docs/simulation.md lists them
 *   --jobs N, --nodes N   at most so many          --no-shrink   tell the first story as it is
 *   --workers N     processes that share the seeds; default: one a core
 *   --counts        how often what happened, over all seeds; with one worker
 */

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { addCounts } from './happenings.ts';
import { runSeed } from './run-seed.ts';
import { describeTally, NOTHING, runShares, type ShareMessage, type Tally } from './shares.ts';
import { shrink } from './shrink.ts';
import type { SimulationOptions } from './simulation.ts';
import { story } from './story.ts';
import { Watchdog } from './watchdog.ts';

const SHOWN_EVERY_MS = 5_000;

interface Arguments {
  readonly seeds: readonly number[];
  readonly options: Omit<SimulationOptions, 'seed'>;
  readonly isShrunk: boolean;
  readonly workers: number;
  /** This process has its share of the seeds from another, and tells it how far it is. */
  readonly isShare: boolean;
  readonly isCounted: boolean;
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const OPTIONS = {
  ...{ seeds: text, from: text, seed: text, hours: text, off: text, jobs: text, nodes: text, until: text, workers: text, share: text },
  ...{ trace: flag, 'no-shrink': flag, counts: flag },
};

function readArguments(): Arguments {
  const { values } = parseArgs({ options: OPTIONS });
  const first = Number(values.seed ?? values.from ?? 1);
  const count = values.seed === undefined ? Number(values.seeds ?? 100) : 1;
  const [index, shares] = (values.share ?? '0/1').split('/').map(Number) as [number, number];
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  return {
    seeds: Array.from({ length: count }, (_, i) => first + i).filter((_, i) => i % shares === index),
    options: {
      hours: Number(values.hours ?? 24),
      off: new Set((values.off ?? '').split(',').filter((name) => name !== '')),
      ...(values.jobs === undefined ? {} : { jobs: Number(values.jobs) }),
      ...(values.until === undefined ? {} : { until: Number(values.until) }),
      ...(values.nodes === undefined ? {} : { nodes: Number(values.nodes) }),
      ...(values.trace ? { echo: print } : {}),
    },
    isShrunk: !values['no-shrink'] && !values.trace,
    workers: values.share === undefined && !values.trace ? Math.min(count, Number(values.workers ?? availableParallelism())) : 1,
    isShare: values.share !== undefined,
    isCounted: values.counts ?? false,
  };
}

async function main(): Promise<number> {
  const { seeds, options, isShrunk, workers, isShare, isCounted } = readArguments();
  const show = progress(isShare);
  if (workers > 1) {
    let latest = NOTHING;
    const isGood = await runShares(workers, process.argv.slice(2), (tally) => show((latest = tally), false));
    if (isGood) show(latest, true);
    return isGood ? 0 : 1;
  }
  let tally = NOTHING;
  const counts = new Map<string, number>();
  const watchdog = new Watchdog();
  for (const seed of seeds) {
    watchdog.begin(seed);
    const outcome = await runSeed({ ...options, seed: String(seed) });
    if (outcome.failure !== undefined) {
      tell({ type: 'failed' });
      await explain({ ...options, seed: String(seed) }, outcome.failure, { lines: outcome.simulation.trace.lines, isShrunk });
      return 1;
    }
    tally = grown(tally, outcome.result);
    addCounts(counts, outcome.result.counts);
    show(tally, seed === seeds.at(-1));
    if (seeds.length === 1 && !isShare) console.log(`trace ${outcome.result.digest}, ${outcome.result.lines} lines`);
  }
  if (isCounted) for (const what of [...counts.keys()].sort()) console.log(`${String(counts.get(what)).padStart(8)} ${what}`);
  return 0;
}

/** To the process that shared the seeds out, if there is one. */
function tell(message: ShareMessage): void {
  process.send?.(message);
}

function grown(tally: Tally, result: { readonly hours: number; readonly launches: number; readonly commits: number }): Tally {
  const { user, system } = process.cpuUsage();
  return {
    seeds: tally.seeds + 1,
    hours: tally.hours + result.hours,
    launches: tally.launches + result.launches,
    commits: tally.commits + result.commits,
    cpuMs: (user + system) / 1_000,
  };
}

/** Tells people now and then, or the process that shared the seeds out each time. */
function progress(isShare: boolean): (tally: Tally, isLast: boolean) => void {
  const began = performance.now();
  let shownAt = began;
  return (tally, isLast) => {
    if (isShare) return tell({ type: 'tally', tally });
    const now = performance.now();
    if (!isLast && now - shownAt < SHOWN_EVERY_MS) return;
    shownAt = now;
    console.log(describeTally(tally, now - began));
  };
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

function commandOf({ seed, hours, until, off, jobs, nodes }: SimulationOptions): string {
  const parts = [`--seed ${seed}`, `--hours ${hours}`];
  if (until !== undefined) parts.push(`--until ${until}`);
  if (off.size > 0) parts.push(`--off ${[...off].join(',')}`);
  if (jobs !== undefined) parts.push(`--jobs ${jobs}`);
  if (nodes !== undefined) parts.push(`--nodes ${nodes}`);
  return parts.join(' ');
}

process.exitCode = await main();
