/** Makes a failing seed's story smaller: faults off one by one, fewer nodes and jobs, less time, as long as the same invariant breaks. */

import { InvariantViolation } from '../invariants/violation.ts';
import { runSeed } from './run-seed.ts';
import type { SimulationOptions } from './simulation.ts';
import { drawSwarm } from './swarm.ts';

export interface Shrunk {
  readonly options: SimulationOptions;
  readonly failure: Error;
  readonly lines: readonly string[];
}

const ROUNDS = 3;
/** Part of an hour that is not worth looking for. */
const FINEST_HOURS = 0.05;

export async function shrink(options: SimulationOptions, failure: Error, line: (what: string) => void): Promise<Shrunk | undefined> {
  let best: Shrunk | undefined;
  let current = options;
  const tryWith = async (change: Partial<SimulationOptions>): Promise<boolean> => {
    const candidate = { ...current, ...change };
    const outcome = await runSeed(candidate);
    if (outcome.failure === undefined || nameOf(outcome.failure) !== nameOf(failure)) return false;
    if (best && outcome.simulation.trace.count > 2 * best.lines.length && best.lines.length > 100) return false;
    current = candidate;
    best = { options: candidate, failure: outcome.failure, lines: outcome.simulation.trace.lines };
    line(
      `still fails with ${JSON.stringify({ ...change, ...(change.off ? { off: [...change.off] } : {}) })}: ${outcome.simulation.trace.count} lines`,
    );
    return true;
  };
  for (let round = 0; round < ROUNDS; round++) {
    const before = current;
    // First, as it makes all that follows quicker.
    await shorten(() => current.until ?? current.hours, tryWith);
    for (const fault of drawSwarm(options.seed, current).faults.keys()) await tryWith({ off: new Set([...current.off, fault]) });
    if (!current.off.has('api')) await tryWith({ off: new Set([...current.off, 'api']) });
    for (const nodes of [1, 2]) if (nodes < (current.nodes ?? 3)) await tryWith({ nodes });
    for (const jobs of [1, 2, 3, 5, 8]) if (jobs < (current.jobs ?? 14)) await tryWith({ jobs });
    if (current === before) break;
  }
  return best;
}

/** To the shortest time in which it still breaks, as far as halving finds it. Until then all happens as it did. */
async function shorten(until: () => number, tryWith: (change: Partial<SimulationOptions>) => Promise<boolean>): Promise<void> {
  let tooShort = 0;
  while (until() - tooShort > Math.max(FINEST_HOURS, until() / 20)) {
    const middle = Number(((tooShort + until()) / 2).toFixed(3));
    if (!(await tryWith({ until: middle }))) tooShort = middle;
  }
}

function nameOf(failure: Error): string {
  return failure instanceof InvariantViolation ? failure.invariant : String(failure).slice(0, 60);
}
