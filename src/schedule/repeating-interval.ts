/**
 * Reads `R[n]/[start]/period` and `R[n]/[start]/end` (ISO 8601 repeating intervals, strict).
 * n counts nominal times: R is without end, R0 none, R1 the start alone. An empty start is the anchor.
 * A start without offset is local to the job's zone. With an end instead of a period, the period is the exact time from start to end.
 */

import { FIRST_INSTANT, LAST_INSTANT, SECOND_MS } from './calendar.ts';
import { parseDuration } from './duration.ts';
import { ScheduleError } from './errors.ts';
import { type RepeatingInterval, RepeatingSchedule } from './repeating-schedule.ts';
import type { Instant, Schedule } from './schedule.ts';
import { parseTimestamp, TIMESTAMP_ALLOWED } from './timestamp.ts';
import type { Zone } from './zone.ts';

type Moment = Pick<RepeatingInterval, 'start' | 'startWall'>;

const ALLOWED = 'allowed is R[n]/[start]/period or R[n]/[start]/end, as in R/2026-01-01T03:00:00Z/P1D, R5//PT1H';
const MAX_TIMES_DIGITS = 15;
const MIN_PERIOD_MS = SECOND_MS;

/** Throws a ScheduleError (field `schedule`) that says which part can't be read and what is allowed there. */
export function parseRepeatingInterval(text: string, zone: Zone, anchor: Instant): Schedule {
  const parts = text.split('/');
  const [repetitions, start, last] = parts;
  if (repetitions === undefined || start === undefined || last === undefined || parts.length !== 3) {
    throw refusal(text, `it has ${parts.length} parts between slashes, not 3; ${ALLOWED}`);
  }
  const times = timesOf(text, repetitions);
  if (start.startsWith('P')) throw refusal(text, `the period comes last; ${ALLOWED}`);
  const first: Moment = start === '' ? { start: anchor, startWall: anchor + zone.segmentAt(anchor).offset } : momentOf(text, start, zone);
  const period = last.startsWith('P') ? periodOf(text, last) : periodUntil(text, first, momentOf(text, last, zone));
  return new RepeatingSchedule({ ...first, zone, period, times });
}

function timesOf(text: string, repetitions: string): number {
  const digits = /^R(\d*)$/.exec(repetitions)?.[1];
  if (digits === undefined) {
    throw refusal(text, `${JSON.stringify(repetitions)} is not R and a number of times; allowed is R (without end), R0, R1, R2 and so on`);
  }
  if (digits.length > MAX_TIMES_DIGITS) {
    throw refusal(text, `the number of times has more than ${MAX_TIMES_DIGITS} digits; allowed is R (without end) or a smaller number`);
  }
  return digits === '' ? Number.POSITIVE_INFINITY : Number(digits);
}

function momentOf(text: string, part: string, zone: Zone): Moment {
  const timestamp = parseTimestamp(part);
  if ('reason' in timestamp) throw refusal(text, `${timestamp.reason}; ${TIMESTAMP_ALLOWED}`);
  const { wall, offset } = timestamp;
  const start = offset === undefined ? zone.firstInstant(wall) : wall - offset;
  if (start < FIRST_INSTANT || start > LAST_INSTANT) throw refusal(text, `${part} is outside the years 0001 to 9999`);
  return { start, startWall: offset === undefined ? wall : start + zone.segmentAt(start).offset };
}

function periodOf(text: string, part: string): RepeatingInterval['period'] {
  const period = readPeriod(text, part);
  if (period.months === 0 && period.days === 0 && period.milliseconds < MIN_PERIOD_MS) {
    throw refusal(text, `the period ${part} is shorter than a second; allowed are periods of PT1S and more`);
  }
  return { months: period.months, days: period.days, milliseconds: period.milliseconds };
}

function readPeriod(text: string, part: string): RepeatingInterval['period'] {
  try {
    return parseDuration(part);
  } catch (error) {
    if (error instanceof ScheduleError)
      throw new ScheduleError('schedule', `Schedule ${JSON.stringify(text)}: ${error.message}`, { cause: error });
    throw error;
  }
}

function periodUntil(text: string, first: Moment, end: Moment): RepeatingInterval['period'] {
  const milliseconds = end.start - first.start;
  if (milliseconds < MIN_PERIOD_MS) {
    const from = new Date(first.start).toISOString();
    throw refusal(
      text,
      `the end ${new Date(end.start).toISOString()} is not at least a second after the start ${from}; allowed is a later end, or a period such as P1D`,
    );
  }
  return { months: 0, days: 0, milliseconds };
}

function refusal(text: string, reason: string): ScheduleError {
  return new ScheduleError('schedule', `Schedule ${JSON.stringify(text)}: ${reason}`);
}
