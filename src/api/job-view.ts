/** A job as the API shows it: the definition as it was given, and beside it what is known of the job. */

import { stateKey } from '../engine/keys.ts';
import type { JobState, JobTotals } from '../engine/records.ts';
import type { JobRecord } from '../job/job.ts';
import type { JobSpec } from '../job/spec.ts';
import { compileSchedule } from '../schedule/compile-schedule.ts';
import { ScheduleError } from '../schedule/errors.ts';
import type { Instant } from '../schedule/schedule.ts';
import type { ApiDeps } from './deps.ts';
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
  };
};

const NO_TOTALS: JobTotals = { succeeded: 0, failed: 0, killed: 0, skipped: 0, missed: 0 };

export interface JobViewSources {
  readonly replica: ApiDeps['replica'];
  readonly clock: ApiDeps['clock'];
  readonly runs: RunIndex;
}

export function jobView(record: JobRecord<JobSpec>, { replica, clock, runs }: JobViewSources): JobView {
  const { spec, version, createdAt, updatedAt, suspension } = record;
  const stored = maybeRecord<JobState>(replica.get(stateKey(spec.name)));
  // A job deleted and made again has nothing of the one before.
  const state = stored?.uid === record.uid ? stored : undefined;
  const nextRun = maybeIso(nextNominalTime(record, state, clock.now()));
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
    },
  };
}

function markView({ run, at }: { readonly run: number; readonly at: Instant }): RunMark {
  return { run, at: iso(at) };
}

function suspensionView({ from, to, by }: NonNullable<JobRecord<JobSpec>['suspension']>): NonNullable<JobView['suspension']> {
  return { from: iso(from), ...(to === undefined ? undefined : { to: iso(to) }), by };
}

/** The first nominal time that is neither decided nor past. */
function nextNominalTime(record: JobRecord<JobSpec>, state: JobState | undefined, now: Instant): Instant | undefined {
  const { spec, scheduledSince } = record;
  if (spec.schedule === undefined || spec.suspended === true) return undefined;
  const decided = state?.scheduledSince === scheduledSince ? state.cursor : scheduledSince - 1;
  try {
    const zone = spec.timeZone === undefined ? {} : { timeZone: spec.timeZone };
    return compileSchedule({ text: spec.schedule, ...zone, seed: spec.name, anchor: scheduledSince }).next(Math.max(decided, now - 1));
  } catch (error) {
    // Stored by a version that knew more: the definition is still shown.
    if (error instanceof ScheduleError) return undefined;
    throw error;
  }
}
