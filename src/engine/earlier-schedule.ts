/**
 * What is still known of the schedule that a job had before. Nodes' clocks differ and an edit takes a while to be seen: a leader may have
 * decided times of the old schedule that come after the moment the new one was set. The new one's times begin at that moment all
 * the same, so those of them that the old one named are remembered as decided.
 */

import type { JobSpec } from '../job/spec.ts';
import { compileSchedule } from '../schedule/compile-schedule.ts';
import type { Instant, Schedule } from '../schedule/schedule.ts';
import { AHEAD_TIMES } from './limits.ts';
import type { JobState } from './records.ts';
import type { Slot } from './world.ts';

/** A definition's schedule as the job's state keeps it. */
export function scheduleInState({ schedule, timeZone }: JobSpec): Pick<JobState, 'schedule'> {
  if (schedule === undefined) return {};
  return { schedule: { text: schedule, ...(timeZone === undefined ? {} : { timeZone }) } };
}

/** The schedule that the job's state belongs to; undefined: it had none. */
export function scheduleBefore({ name, state }: Slot): Schedule | undefined {
  return state?.schedule && compileSchedule({ ...state.schedule, seed: name, anchor: state.scheduledSince });
}

/** The job's schedule without the times that have their verdict already. */
export function ownSchedule({ job, state }: Slot): Schedule | undefined {
  return job?.schedule && state?.ahead ? without(job.schedule, state.ahead) : job?.schedule;
}

/** Where a schedule that was set at `since` begins: its cursor, and the times after that which were decided already. */
export function beginningOf(slot: Slot, since: Instant): Pick<JobState, 'cursor' | 'ahead'> {
  const { cursor, ahead = [] } = slot.state as JobState;
  const schedule = scheduleBefore(slot);
  const times = new Set(ahead.filter((at) => at >= since));
  let at = schedule?.previous(cursor + 1);
  for (let left = AHEAD_TIMES; at !== undefined && at >= since && left >= 0; left--) {
    times.add(at);
    at = schedule?.previous(at);
  }
  const decided = [...times].sort((a, b) => a - b);
  const kept = decided.slice(-AHEAD_TIMES);
  // Of a schedule that is not known, and of more times than are kept, nobody can tell any more which were decided.
  const first = schedule ? since - 1 : Math.max(since - 1, cursor);
  return { cursor: decided.at(-AHEAD_TIMES - 1) ?? first, ...(kept.length > 0 ? { ahead: kept } : {}) };
}

function without(schedule: Schedule, times: readonly Instant[]): Schedule {
  const excluded = new Set(times);
  const pass = (first: Instant | undefined, step: (at: Instant) => Instant | undefined): Instant | undefined => {
    let at = first;
    while (at !== undefined && excluded.has(at)) at = step(at);
    return at;
  };
  return {
    kind: schedule.kind,
    next: (after) => pass(schedule.next(after), (at) => schedule.next(at)),
    previous: (before) => pass(schedule.previous(before), (at) => schedule.previous(at)),
    count: (after, until, limit) => {
      const less = times.filter((at) => at > after && at <= until && schedule.next(at - 1) === at).length;
      return Math.min(limit, schedule.count(after, until, limit + less) - less);
    },
  };
}
