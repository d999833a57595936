/**
 * A cron expression on the wall clock, where every day has 24 hours: which readings it names, in seconds of wall time.
 * No zone and no DST; those are the business of cron-schedule.
 */

import type { CronExpression } from './cron-expression.ts';
import { countDays, firstDayFrom, lastDayTo } from './day-rule.ts';
import { countBelow, greatestTo, hasValue, leastFrom } from './value-set.ts';

const DAY = 86_400;
const HOUR = 3600;
const MINUTE = 60;

/** The first named wall time that is `from` or later; undefined when there is none up to year 10000. */
export function firstWallFrom(expression: CronExpression, from: number): number | undefined {
  const { days } = expression;
  const today = Math.floor(from / DAY);
  const day = firstDayFrom(days, today);
  if (day === undefined) return undefined;
  const time = firstTimeFrom(expression, day === today ? from - today * DAY : 0);
  if (time >= 0) return day * DAY + time;
  const later = firstDayFrom(days, day + 1);
  return later === undefined ? undefined : later * DAY + firstTimeFrom(expression, 0);
}

/** The last named wall time that is `to` or earlier; undefined when there is none back to year 0. */
export function lastWallTo(expression: CronExpression, to: number): number | undefined {
  const { days } = expression;
  const today = Math.floor(to / DAY);
  const day = lastDayTo(days, today);
  if (day === undefined) return undefined;
  const time = lastTimeTo(expression, day === today ? to - today * DAY : DAY - 1);
  if (time >= 0) return day * DAY + time;
  const earlier = lastDayTo(days, day - 1);
  return earlier === undefined ? undefined : earlier * DAY + lastTimeTo(expression, DAY - 1);
}

/** How many named wall times lie in (after, until]. */
export function countWalls(expression: CronExpression, after: number, until: number): number {
  if (until <= after) return 0;
  const { days, hours, minutes, seconds } = expression;
  const firstDay = Math.floor((after + 1) / DAY);
  const lastDay = Math.floor((until + 1) / DAY);
  let count = countDays(days, firstDay, lastDay - 1) * hours.size * minutes.size * seconds.size;
  if (countDays(days, firstDay, firstDay) === 1) count -= countTimesBelow(expression, after + 1 - firstDay * DAY);
  if (countDays(days, lastDay, lastDay) === 1) count += countTimesBelow(expression, until + 1 - lastDay * DAY);
  return count;
}

/** The first named time of day that is `from` (in seconds) or later; -1 when there is none. */
function firstTimeFrom({ hours, minutes, seconds }: CronExpression, from: number): number {
  let hour = Math.floor(from / HOUR);
  if (hasValue(hours, hour)) {
    let minute = Math.floor((from % HOUR) / MINUTE);
    if (hasValue(minutes, minute)) {
      const second = leastFrom(seconds, from % MINUTE);
      if (second >= 0) return hour * HOUR + minute * MINUTE + second;
    }
    minute = leastFrom(minutes, minute + 1);
    if (minute >= 0) return hour * HOUR + minute * MINUTE + leastFrom(seconds, 0);
  }
  hour = leastFrom(hours, hour + 1);
  return hour < 0 ? -1 : hour * HOUR + leastFrom(minutes, 0) * MINUTE + leastFrom(seconds, 0);
}

/** The last named time of day that is `to` (in seconds) or earlier; -1 when there is none. */
function lastTimeTo({ hours, minutes, seconds }: CronExpression, to: number): number {
  let hour = Math.floor(to / HOUR);
  if (hasValue(hours, hour)) {
    let minute = Math.floor((to % HOUR) / MINUTE);
    if (hasValue(minutes, minute)) {
      const second = greatestTo(seconds, to % MINUTE);
      if (second >= 0) return hour * HOUR + minute * MINUTE + second;
    }
    minute = greatestTo(minutes, minute - 1);
    if (minute >= 0) return hour * HOUR + minute * MINUTE + greatestTo(seconds, 59);
  }
  hour = greatestTo(hours, hour - 1);
  return hour < 0 ? -1 : hour * HOUR + greatestTo(minutes, 59) * MINUTE + greatestTo(seconds, 59);
}

function countTimesBelow({ hours, minutes, seconds }: CronExpression, time: number): number {
  const hour = Math.floor(time / HOUR);
  const minute = Math.floor((time % HOUR) / MINUTE);
  let count = countBelow(hours, hour) * minutes.size * seconds.size;
  if (hasValue(hours, hour)) {
    count += countBelow(minutes, minute) * seconds.size;
    if (hasValue(minutes, minute)) count += countBelow(seconds, time % MINUTE);
  }
  return count;
}
