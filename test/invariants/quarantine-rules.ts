/**
 * The rule quarantined (words: invariants.ts): who is in quarantine is read from what is stored, and not asked of the engine.
 */

import { JOBS, jobOfKey, QUARANTINE_KEY, RUNS } from '../../src/engine/keys.ts';
import type { QuarantinedJob, QuarantineRecord, RunRecord } from '../../src/engine/records.ts';
import type { JobRecord } from '../../src/job/job.ts';
import type { Entry, Revision, Write } from '../../src/store/port.ts';
import type { History } from './history.ts';
import { LONGEST_QUARANTINE_MS, QUARANTINE_MS, QUARANTINED_JOBS } from './limits.ts';
import { InvariantViolation } from './violation.ts';

/**
 * Those whom a leader leaves alone that read this when its term began, at `at` by its own clock: for at most the longest time, and while
 * their definition is the one on which the engine failed.
 */
export function heldIn(entries: readonly Entry[], at: number): ReadonlyMap<string, QuarantinedJob> {
  const valueOf = (wanted: string): string | undefined => entries.find(({ key }) => key === wanted)?.value;
  const all = Object.entries(recordIn(valueOf(QUARANTINE_KEY)));
  return new Map(
    all.filter(
      ([job, { until, definition }]) =>
        at < until && until - at <= LONGEST_QUARANTINE_MS && definition === markOf(valueOf(`${JOBS}${job}`)),
    ),
  );
}

function markOf(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const { uid, version } = JSON.parse(value) as JobRecord<unknown>;
  return `${uid}.${version}`;
}

function recordIn(value: string | undefined): QuarantineRecord {
  return JSON.parse(value ?? '{}') as QuarantineRecord;
}

function offend(job: string, message: string): never {
  throw new InvariantViolation('quarantined', `${job} ${message}`, [job]);
}

/** One job is put into quarantine at a time, for a minute, and twice as long each time that it fails again within an hour. */
export function checkQuarantineGrows(before: string | undefined, after: string | undefined): void {
  const [old, fresh] = [recordIn(before), recordIn(after)];
  const changed = Object.entries(fresh).filter(([job, entry]) => JSON.stringify(old[job]) !== JSON.stringify(entry));
  const [first, second] = changed;
  if (!first || second) throw new InvariantViolation('quarantined', `${changed.length} jobs are put into quarantine at once`);
  const [job, { at, until, failures, definition }] = first;
  const last = old[job];
  const isAgain = last !== undefined && last.definition === definition && last.until + LONGEST_QUARANTINE_MS > at;
  const expected = isAgain ? last.failures + 1 : 1;
  if (failures !== expected) offend(job, `has failed ${expected} times and is said to have failed ${failures} times`);
  const pause = Math.min(LONGEST_QUARANTINE_MS, QUARANTINE_MS * 2 ** (failures - 1));
  if (until - at !== pause) offend(job, `is left alone for ${until - at} ms after ${failures} failures, instead of ${pause}`);
  for (const [name, { until: end }] of Object.entries(old)) {
    if (!fresh[name] && end + LONGEST_QUARANTINE_MS > at)
      offend(name, `is let go ${end + LONGEST_QUARANTINE_MS - at} ms before its failures are forgotten`);
  }
  if (Object.keys(fresh).length > QUARANTINED_JOBS) offend(job, `is one of ${Object.keys(fresh).length} jobs in quarantine`);
}

/** Nothing is decided about them; what is over may hand on its token. */
export function checkLeftAlone(held: ReadonlyMap<string, unknown>, writes: readonly Write[]): void {
  if (held.size === 0) return;
  for (const { key, value } of writes) {
    const job = jobOfKey(key);
    if (job === undefined || !held.has(job)) continue;
    const isOver = key.startsWith(RUNS) && value !== undefined && (JSON.parse(value) as RunRecord).endedAt !== undefined;
    if (!isOver) offend(job, `is in quarantine, and ${key} is to be ${value ?? 'deleted'}`);
  }
}

/** Whether a leader that has decided already should have ended its term by now: someone's time is over, or has another definition. */
export function checkLetGo(
  history: History,
  held: ReadonlyMap<string, QuarantinedJob>,
  { decidedAt, seen, since }: { readonly decidedAt: number; readonly seen: Revision; readonly since: Revision },
): void {
  for (const [job, { until }] of held) {
    if (decidedAt >= until) offend(job, `is still left alone ${decidedAt - until} ms after its time is over`);
    const edit = history.job(job).versions.find(({ revision }) => revision > since && revision <= seen);
    if (edit) offend(job, `is still left alone, though its definition has changed`);
  }
}
