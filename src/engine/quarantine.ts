/**
 * Jobs on which the engine failed: a record of another version or damaged, or a mistake of ours. An engine that threw is thrown away with
 * its term; without this every leader after it would fail on the same job, and nothing would run any more.
 *
 * A quarantined job stands still: nothing is decided about it and nothing of it is written, so nothing is lost. Its requests stay
 * stored, its statuses stay unacknowledged, its parents owe it their tokens, and its nominal times are caught up when it is let go, as after
 * an outage. It is let go when its definition changes and, longer each time, after a while.
 */

import type { JobRecord } from '../job/job.ts';
import type { Instant } from '../schedule/schedule.ts';
import type { Entry } from '../store/port.ts';
import { boundedText } from './bounded-text.ts';
import { jobKey, QUARANTINE_KEY } from './keys.ts';
import { LONGEST_QUARANTINE_MS, QUARANTINE_MS, QUARANTINED_JOBS } from './limits.ts';
import type { QuarantinedJob, QuarantineRecord } from './records.ts';

/** Something in the engine threw. The engine is not to be used any more: what it believes may be half of a decision. */
export class EngineFailure extends Error {
  readonly code = 'engine-failure';
  /** The job it was about; undefined: that can't be told. */
  readonly job: string | undefined;

  constructor(job: string | undefined, cause: unknown) {
    super(`the engine failed${job === undefined ? '' : ` on the job ${job}`}: ${String(cause)}`, { cause });
    this.name = 'EngineFailure';
    this.job = job;
  }
}

/** What a new leader has to know: the record as stored, and of it what holds now. */
export interface Quarantine {
  readonly record: QuarantineRecord;
  readonly held: ReadonlySet<string>;
  /** When the first of them is to be let go. */
  readonly until: Instant | undefined;
}

export const NO_QUARANTINE: Quarantine = { record: {}, held: new Set(), until: undefined };

export function readQuarantine(entries: readonly Entry[], now: Instant): Quarantine {
  const record = parseRecord(entries.find(({ key }) => key === QUARANTINE_KEY)?.value);
  const marks = marksOf(entries, Object.keys(record));
  const held = Object.entries(record).filter(([job, entry]) => isHeld(entry, marks.get(job), now));
  const until = held.length === 0 ? undefined : Math.min(...held.map(([, entry]) => entry.until));
  return { record, held: new Set(held.map(([job]) => job)), until };
}

/** The record after a failure; the same one when there is nothing to be done about it: no job is to blame, or too many are already. */
export function withFailure(
  record: QuarantineRecord,
  failure: EngineFailure,
  { now, definition }: { now: Instant; definition: string | undefined },
): QuarantineRecord {
  const { job } = failure;
  if (job === undefined) return record;
  const fresh = Object.entries(record).filter(([name, { until }]) => name !== job && until + LONGEST_QUARANTINE_MS > now);
  if (fresh.length >= QUARANTINED_JOBS) return record;
  const before = failureOf(record, job);
  const failures =
    before !== undefined && before.definition === definition && before.until + LONGEST_QUARANTINE_MS > now ? before.failures + 1 : 1;
  const pauseMs = Math.min(QUARANTINE_MS * 2 ** Math.min(failures - 1, 30), LONGEST_QUARANTINE_MS);
  const entry = {
    problem: boundedText(failure.message),
    at: now,
    failures,
    until: now + pauseMs,
    ...(definition === undefined ? {} : { definition }),
  };
  return { ...Object.fromEntries(fresh), [job]: entry };
}

/** A clock may have stepped back since: nobody is held for longer than the longest quarantine. */
function isHeld({ until, definition }: QuarantinedJob, present: string | undefined, now: Instant): boolean {
  return now < until && until - now <= LONGEST_QUARANTINE_MS && definition === present;
}

function parseRecord(value: string | undefined): QuarantineRecord {
  try {
    return JSON.parse(value ?? '{}') as QuarantineRecord;
  } catch {
    // Damaged: then nobody is in quarantine, and who has to be is found out again.
    return {};
  }
}

/** Where the engine failed on a job. A job may have the name of something that every object has. */
export function failureOf(record: QuarantineRecord, job: string): QuarantinedJob | undefined {
  return Object.hasOwn(record, job) ? record[job] : undefined;
}

/** Tells one definition of a name from any other. */
export function definitionMark({ uid, version }: JobRecord<unknown>): string {
  return `${uid}.${version}`;
}

/** The marks of the definitions stored for these jobs. */
function marksOf(entries: readonly Entry[], jobs: readonly string[]): ReadonlyMap<string, string> {
  const marks = new Map<string, string>();
  if (jobs.length === 0) return marks;
  const keys = new Map(jobs.map((job) => [jobKey(job), job]));
  for (const { key, value } of entries) {
    const job = keys.get(key);
    if (job !== undefined) marks.set(job, markIn(value));
  }
  return marks;
}

function markIn(value: string): string {
  try {
    return definitionMark(JSON.parse(value) as JobRecord<unknown>);
  } catch {
    return '';
  }
}
