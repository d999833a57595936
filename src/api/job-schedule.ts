/** A stored definition's schedule, as the leader reads it. */

import type { JobState } from '../engine/records.ts';
import type { JobRecord } from '../job/job.ts';
import type { JobSpec } from '../job/spec.ts';
import { compileSchedule } from '../schedule/compile-schedule.ts';
import { ScheduleError } from '../schedule/errors.ts';
import type { Instant, Schedule } from '../schedule/schedule.ts';

/** undefined: it has none; or one stored by a version that knew more, which must not keep the definition from being shown. */
export function scheduleOf({ spec, scheduledSince }: JobRecord<JobSpec>): Schedule | undefined {
  if (spec.schedule === undefined) return undefined;
  try {
    const zone = spec.timeZone === undefined ? {} : { timeZone: spec.timeZone };
    return compileSchedule({ text: spec.schedule, ...zone, seed: spec.name, anchor: scheduledSince });
  } catch (error) {
    if (error instanceof ScheduleError) return undefined;
    throw error;
  }
}

/** Every nominal time up to here is decided. A state of an earlier schedule says nothing of this one. */
export function cursorOf({ scheduledSince }: JobRecord<JobSpec>, state: JobState | undefined): Instant {
  return state?.scheduledSince === scheduledSince ? state.cursor : scheduledSince - 1;
}
