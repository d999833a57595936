/**
 * From what a job says to a schedule that can be asked. Owns the choice between the two kinds by the text: a repeating
 * interval begins with R (no cron field does), everything else is cron. Equal cron schedules share one object.
 */

import { CronSchedule } from './cron-schedule.ts';
import { normalizeCron, parseCron } from './cron-expression.ts';
import { ScheduleError } from './errors.ts';
import { createMemo } from './memo.ts';
import { parseRepeatingInterval } from './repeating-interval.ts';
import type { Schedule, ScheduleInput } from './schedule.ts';
import { zoneNamed } from './zone.ts';

const DEFAULT_TIME_ZONE = 'UTC';
const MAX_SHARED = 10_000;

const cronSchedules = createMemo<CronSchedule>(MAX_SHARED);

/** Throws a ScheduleError whose message says what was read and what is allowed, and whose `field` says where. */
export function compileSchedule(input: ScheduleInput): Schedule {
  const zone = zoneNamed(input.timeZone ?? DEFAULT_TIME_ZONE);
  const text = input.text.trim();
  if (text.startsWith('R')) return parseRepeatingInterval(text, zone, input.anchor);
  if (/^r\d*\//.test(text)) {
    throw new ScheduleError('schedule', `Schedule ${JSON.stringify(text)}: a repeating interval begins with a capital R, as in R//PT1H`);
  }
  const normal = normalizeCron(text, input.seed);
  return cronSchedules(`${zone.name} ${normal}`, () => new CronSchedule(parseCron(normal, text), zone));
}
