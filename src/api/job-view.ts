/** A job as the API shows it: the definition as it was given, and beside it what is known of the job. */

import { stateKey } from '../engine/keys.ts';
import type { JobState, JobTotals } from '../engine/records.ts';
import type { JobRecord } from '../job/job.ts';
import type { JobSpec } from '../job/spec.ts';
import type { Instant } from '../schedule/schedule.ts';
import type { ApiDeps } from './deps.ts';
import { cursorOf, scheduleOf } from './job-schedule.ts';
import { maybeRecord } from './records.ts';
import type { RunIndex } from './run-index.ts';
import { iso, maybeIso } from './times.ts';

/** Members beside the definition's own. They are not written: a body that holds them means the same without them. */
export const READ_ONLY_MEMBERS = ['version', 'createdAt', 'updatedAt', 'suspension', 'nextRun', 'state'] as const;

interface RunMark {
  readonly run: number;
  readonly at: string;
}

export type JobView = JobSpec & {
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** The latest span in which it was suspended. */
  readonly suspension?: { readonly from: string; readonly to?: string; readonly by: string };
  /** The next nominal time; absent when there is none, or while suspended. */
  readonly nextRun?: string;
  readonly state: {
    /** 0: there was none. */
    readonly lastRun: number;
    readonly totals: JobTotals;
    readonly lastSuccess?: RunMark;
    readonly lastFailure?: RunMark;
    /** Runs that are not over, the newest first. */
    readonly activeRuns: readonly number[];
    /** Backfills under way, the oldest first; absent when there are none. */
    readonly backfills?: readonly BackfillView[];
  };
};

/** A backfill that has runs to create, or runs that are not over. */
export interface BackfillView {
  /** The id of the request that asked for it. */
  readonly id: string;
  /** Its runs that are not over. */
  readonly activeRuns: readonly number[];
  /** Nominal times for which runs are still to be created, counted up to COUNTED_TIMES; 0 when all are. */
  readonly remaining: number;
  /** Absent once all runs are created: nominal times after this, up to `to`, are left. */
  readonly after?: string;
  readonly to?: string;
  /** Most of its runs that may be open at once. */
  readonly limit?: number;
}

const COUNTED_TIMES = 10_000;

const NO_TOTALS: JobTotals = { succeeded: 0, failed: 0, killed: 0, skipped: 0, missed: 0 };

export interface JobViewSources {
  readonly replica: ApiDeps['replica'];
  readonly clock: ApiDeps['clock'];
  readonly runs: RunIndex;
}

export function jobView(record: JobRecord<JobSpec>, { replica, clock, runs }: JobViewSources): JobView {
  const { spec, version, createdAt, updatedAt, suspension } = record;
  const state = stateOf(record, replica);
  const nextRun = maybeIso(nextNominalTime(record, state, clock.now()));
  const backfills = backfillViews(record, state, runs);
  return {
    ...spec,
    version,
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
    ...(suspension === undefined ? undefined : { suspension: suspensionView(suspension) }),
    ...(nextRun === undefined ? undefined : { nextRun }),
    state: {
      lastRun: state?.lastRun ?? 0,
      totals: state?.totals ?? NO_TOTALS,
      ...(state?.lastSuccess === undefined ? undefined : { lastSuccess: markView(state.lastSuccess) }),
      ...(state?.lastFailure === undefined ? undefined : { lastFailure: markView(state.lastFailure) }),
      activeRuns: runs.active(spec.name),
      ...(backfills.length === 0 ? undefined : { backfills }),
    },
  };
}

/** What was learned of the job. One that was deleted and made again has nothing of the one before. */
export function stateOf({ spec, uid }: JobRecord<JobSpec>, replica: ApiDeps['replica']): JobState | undefined {
  const stored = maybeRecord<JobState>(replica.get(stateKey(spec.name)));
  return stored?.uid === uid ? stored : undefined;
}

export function backfillViews(record: JobRecord<JobSpec>, state: JobState | undefined, runs: RunIndex): readonly BackfillView[] {
  const left = state?.backfills ?? {};
  const open = runs.activeBackfills(record.spec.name);
  // Ids grow with time.
  const ids = [...new Set([...Object.keys(left), ...open.keys()])].sort();
  return ids.map((id) => {
    const activeRuns = open.get(id) ?? [];
    const backfill = left[id];
    if (backfill === undefined) return { id, activeRuns, remaining: 0 };
    const { cursor, to, limit } = backfill;
    const remaining = scheduleOf(record)?.count(cursor, to, COUNTED_TIMES) ?? 0;
    return { id, activeRuns, remaining, after: iso(cursor), to: iso(to), limit };
  });
}

function markView({ run, at }: { readonly run: number; readonly at: Instant }): RunMark {
  return { run, at: iso(at) };
}

function suspensionView({ from, to, by }: NonNullable<JobRecord<JobSpec>['suspension']>): NonNullable<JobView['suspension']> {
  return { from: iso(from), ...(to === undefined ? undefined : { to: iso(to) }), by };
}

/** The first nominal time that is neither decided nor past. */
function nextNominalTime(record: JobRecord<JobSpec>, state: JobState | undefined, now: Instant): Instant | undefined {
  if (record.spec.suspended === true) return undefined;
  return scheduleOf(record)?.next(Math.max(cursorOf(record, state), now - 1));
}
