/** The rule offers, as far as runs that wait have to do with it (words: invariants.ts). */

import type { RunRecord } from '../../src/engine/records.ts';
import type { Offer } from '../../src/executor/port.ts';
import type { DecisionContext, History } from './history.ts';
import { LONGEST_KEPT_MS, WAITED_MS } from './limits.ts';
import { InvariantViolation } from './violation.ts';

/** The agent whose offers are kept, since when, and for which runs that may be. */
export interface Kept {
  readonly pool: string;
  readonly since: number;
  readonly runs: readonly string[];
  /** Since then it had no offers at hand for a while: what ranks before may have used them, or it is another reservation by now. */
  readonly hasGap: boolean;
}

/** Judges the offers that a decision has left at hand. A reservation may be for any of the runs that have waited long. */
export function checkKept(
  history: History,
  offers: readonly Offer[],
  { now, before }: { readonly now: number; readonly before: Kept | undefined },
): Kept | undefined {
  const [first] = offers;
  if (!first) return before && { ...before, hasGap: true };
  const fail = (message: string): never => {
    throw new InvariantViolation('offers', `${first.id} of ${first.agentId} ${message}`);
  };
  const other = offers.find(({ pool }) => pool !== first.pool);
  if (other) fail(`is kept, and ${other.id} of ${other.agentId} too`);
  const waiting = waitingIn(history);
  const runs = waiting.filter((run) => (run.pendingSince ?? run.createdAt) + WAITED_MS <= now).map(nameOf);
  const left = before?.runs.filter((name) => waiting.some((run) => nameOf(run) === name)) ?? [];
  // It is for a shape of run: once it stands, one that has come later may take the place of the one that has waited.
  const isSame = before?.pool === first.pool && waiting.length > 0 && (!before.hasGap || runs.length === 0);
  if (!isSame && runs.length === 0) fail('is neither used nor declined, and nothing has waited for long');
  // It may be another reservation once a run waits no more. A clock that steps back makes a moment to come of its beginning.
  const since = isSame && left.length === before.runs.length ? Math.min(before.since, now) : now;
  const kept = { pool: first.pool, since, runs: isSame ? left : runs, hasGap: false };
  if (now - kept.since > LONGEST_KEPT_MS) fail(`is kept for ${now - kept.since} ms`);
  return kept;
}

/** A run that waits for an offer and may be launched, as far as that can be told. */
export function isSomethingWaiting(
  history: History,
  context: DecisionContext,
  how: 'perhaps' | 'surely',
  quarantined: ReadonlySet<string> = new Set(),
): string | undefined {
  const suspensions = history.visibleMaintenance(context).map((suspension) => suspension !== undefined && suspension.to === undefined);
  const isSuspended = how === 'perhaps' ? suspensions.every(Boolean) : suspensions.some(Boolean);
  const run = isSuspended ? undefined : waitingIn(history).find(({ job }) => !quarantined.has(job));
  return run && nameOf(run);
}

/** Runs that wait for an offer. */
export function waitingIn(history: History): RunRecord[] {
  return [...history.open.values()].filter(({ state }) => state === 'pending');
}

function nameOf({ job, number }: RunRecord): string {
  return `${job}#${number}`;
}
