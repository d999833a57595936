/** The rule offers, as far as offers are not to go back while something waits that they have room for (words: invariants.ts). */

import type { RunRecord } from '../../src/engine/records.ts';
import type { Offer } from '../../src/executor/port.ts';
import type { Job } from '../../src/job/job.ts';
import type { History } from './history.ts';
import { type AttributesOf, isCounting, isMet } from './placement-rules.ts';
import { InvariantViolation } from './violation.ts';

const AMOUNTS = ['cpus', 'mem', 'disk', 'gpus'] as const;

/** `waiting`: runs that wait for an offer since the decision, or before. Judged is what needs no look at where other tasks are. */
export function checkReturned(
  history: History,
  offers: readonly Offer[],
  { waiting, attributesOf }: { readonly waiting: readonly RunRecord[]; readonly attributesOf: AttributesOf },
): void {
  if (offers.length === 0 || waiting.length === 0) return;
  const pools = new Map<string, Offer[]>();
  for (const offer of offers) pools.set(offer.pool, [...(pools.get(offer.pool) ?? []), offer]);
  for (const pool of pools.values()) {
    const run = waiting.find(({ spec }) => spec !== undefined && hasRoom(pool, history.resolve(spec), attributesOf));
    if (!run) continue;
    const name = `${run.job}#${run.number}`;
    throw new InvariantViolation('offers', `${name} waits, and ${pool[0]?.agentId}, which has room for it, is given back`, [run.job]);
  }
}

/** Together, as offers of one pool are. Of one that is far, short-lived or takes few tasks it is left open. */
function hasRoom(pool: readonly Offer[], { task, constraints }: Job, attributesOf: AttributesOf): boolean {
  if (pool.some(({ isRemote, lastsMs, launches }) => isRemote === true || lastsMs !== undefined || launches !== undefined)) return false;
  const at = attributesOf(pool[0]?.agentId ?? '');
  if (!at || constraints.some(isCounting) || !constraints.every((constraint) => isMet(constraint, at, []))) return false;
  const free = (of: (typeof AMOUNTS)[number]): number => pool.reduce((sum, { resources }) => sum + Math.round(resources[of] * 1_000), 0);
  return AMOUNTS.every((of) => free(of) >= Math.round(task[of] * 1_000)) && hasPorts(pool, task.ports);
}

/** Of fixed ones each that is asked for, of others as many as are left. One that is asked for twice is left open. */
function hasPorts(pool: readonly Offer[], wanted: Job['task']['ports']): boolean {
  const ranges = pool.flatMap(({ resources }) => resources.ports);
  const fixed = wanted.filter(({ hostPort }) => hostPort !== 0);
  if (new Set(fixed.map(({ hostPort }) => hostPort)).size < fixed.length) return false;
  const count = ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  return count >= wanted.length && fixed.every(({ hostPort }) => ranges.some(([first, last]) => first <= hostPort && hostPort <= last));
}
