/**
 * Reads a cron expression: 5 fields (minute hour day-of-month month day-of-week), 6 (second first), or a nickname.
 * The result has no zone and no state. What is read is remembered per text and per field, so that many jobs share few objects;
 * `H` is replaced before that, so a seed is never part of a key.
 */

import {
  CRON_FIELDS,
  type CronField,
  CronItemError,
  DAY_OF_MONTH,
  DAY_OF_WEEK,
  HOUR,
  MINUTE,
  MONTH,
  SECOND,
  valuesOfItem,
  weekdayOf,
} from './cron-field.ts';
import { isHashed, resolveHashed } from './cron-hash.ts';
import { type DayOfMonthRule, type DayOfWeekRule, type DayRule, dayOfWeekRule, meansAnyDay } from './day-rule.ts';
import { ScheduleError } from './errors.ts';
import { createMemo } from './memo.ts';
import { type ValueSet, valueSet } from './value-set.ts';

export interface CronExpression {
  readonly seconds: ValueSet;
  readonly minutes: ValueSet;
  readonly hours: ValueSet;
  readonly days: DayRule;
}

const MAX_LENGTH = 1000;
const NICKNAMES: ReadonlyMap<string, string> = new Map([
  ['@YEARLY', '0 0 0 1 1 *'],
  ['@ANNUALLY', '0 0 0 1 1 *'],
  ['@MONTHLY', '0 0 0 1 * *'],
  ['@WEEKLY', '0 0 0 * * 0'],
  ['@DAILY', '0 0 0 * * *'],
  ['@MIDNIGHT', '0 0 0 * * *'],
  ['@HOURLY', '0 0 * * * *'],
]);
const NICKNAMES_ALLOWED = [...NICKNAMES.keys()].join(', ').toLowerCase();

const expressions = createMemo<CronExpression>(10_000);
const fieldSets = createMemo<ValueSet>(10_000);
const dayRules = createMemo<DayRule>(10_000);

/**
 * The expression in its normal form: upper case, six fields, one space between them, no nickname and no `H`.
 * Texts of one normal form mean the same. Throws a ScheduleError where the number of fields or an `H` is wrong.
 */
export function normalizeCron(text: string, seed: string): string {
  if (text.length > MAX_LENGTH) throw refusal(`${text.slice(0, 60)}…`, `it has more than ${MAX_LENGTH} characters`);
  const upper = text.trim().toUpperCase();
  if (upper.startsWith('@')) return fieldsOfNickname(text, upper);
  const fields = upper.split(/\s+/);
  if (upper === '')
    throw refusal(text, 'it is empty; allowed are cron expressions such as "0 3 * * *" and repeating intervals such as R//PT1H');
  if (/^(?:CRON_)?TZ=/.test(upper)) throw refusal(text, "a zone is not part of the expression; it is the job's timeZone");
  if (fields.length < 5 || fields.length > 6) throw refusal(text, reasonAgainstCount(fields.length));
  if (fields.length === 5) fields.unshift('0');
  if (!upper.includes('H')) return fields.join(' ');
  return explaining(text, () => CRON_FIELDS.map((field, index) => resolveField(field, fields[index] ?? '', seed)).join(' '));
}

/** Reads a normal form; `text` is what the user wrote, for messages. Throws a ScheduleError. */
export function parseCron(normal: string, text: string): CronExpression {
  return expressions(normal, () => {
    const fields = normal.split(' ');
    const textOf = (field: CronField): string => fields[field.index] ?? '';
    const expression = explaining(text, () => ({
      seconds: setOf(SECOND, textOf(SECOND)),
      minutes: setOf(MINUTE, textOf(MINUTE)),
      hours: setOf(HOUR, textOf(HOUR)),
      days: dayRuleOf(textOf(DAY_OF_MONTH), textOf(MONTH), textOf(DAY_OF_WEEK)),
    }));
    if (!meansAnyDay(expression.days)) {
      const days = `day-of-month ${textOf(DAY_OF_MONTH)}, month ${textOf(MONTH)}, day-of-week ${textOf(DAY_OF_WEEK)}`;
      throw refusal(text, `it never comes due: no day is ${days}; allowed are expressions that some date satisfies`);
    }
    return expression;
  });
}

function fieldsOfNickname(text: string, upper: string): string {
  const fields = NICKNAMES.get(upper);
  if (fields !== undefined) return fields;
  if (upper === '@REBOOT') throw refusal(text, `@reboot names no time; allowed are ${NICKNAMES_ALLOWED}`);
  if (upper.startsWith('@EVERY'))
    throw refusal(text, '@every is not supported; write a repeating interval, such as R//PT5M for every 5 minutes');
  throw refusal(text, `it is no known nickname; allowed are ${NICKNAMES_ALLOWED}`);
}

function reasonAgainstCount(count: number): string {
  const form = 'allowed are 5 (minute hour day-of-month month day-of-week) or 6 (second first)';
  if (count === 1)
    return `it has 1 field; ${form}, a nickname such as @daily, or a repeating interval, which begins with R: R/2026-01-01T03:00:00Z/P1D`;
  return `it has ${count} fields; ${form}${count === 7 ? ', and no year' : ''}`;
}

function resolveField(field: CronField, text: string, seed: string): string {
  if (!text.includes('H')) return text;
  return text
    .split(',')
    .map((item) => (isHashed(item) ? resolveHashed(field, item, seed) : item))
    .join(',');
}

function setOf(field: CronField, text: string): ValueSet {
  return fieldSets(`${field.key} ${text}`, () => valueSet(text.split(',').flatMap((item) => numbersOf(field, item))));
}

function numbersOf(field: CronField, item: string): number[] {
  return valuesOfItem(field, item).filter((value) => typeof value === 'number');
}

function dayRuleOf(dayOfMonth: string, month: string, dayOfWeek: string): DayRule {
  return dayRules(`${dayOfMonth} ${month} ${dayOfWeek}`, () => ({
    months: setOf(MONTH, month),
    dayOfMonth: isUnrestricted(dayOfMonth) ? undefined : dayOfMonthRuleOf(dayOfMonth),
    dayOfWeek: isUnrestricted(dayOfWeek) ? undefined : dayOfWeekRuleOf(dayOfWeek),
  }));
}

function isUnrestricted(text: string): boolean {
  return text === '*' || text === '?';
}

function dayOfMonthRuleOf(text: string): DayOfMonthRule {
  let days = 0;
  let nearestWeekdays = 0;
  let lastDay = false;
  let lastWeekday = false;
  for (const item of text.split(',')) {
    const nearest = /^(\d{1,2})W$/.exec(item);
    if (item === 'LW') lastWeekday = true;
    else if (nearest !== null) nearestWeekdays |= 1 << (dayNearest(item, Number(nearest[1])) - 1);
    else {
      for (const value of valuesOfItem(DAY_OF_MONTH, item)) {
        if (typeof value === 'number') days |= 1 << (value - 1);
        else lastDay = true;
      }
    }
  }
  return { days, nearestWeekdays, lastDay, lastWeekday };
}

function dayNearest(item: string, day: number): number {
  if (day >= DAY_OF_MONTH.min && day <= DAY_OF_MONTH.max) return day;
  throw new CronItemError(DAY_OF_MONTH, item, { reason: `${day} is outside 1-31` });
}

function dayOfWeekRuleOf(text: string): DayOfWeekRule {
  let weekdays = 0;
  let lastWeekdays = 0;
  const nth = [0, 0, 0, 0, 0];
  for (const item of text.split(',')) {
    if (item.includes('#')) {
      const { weekday, index } = nthWeekday(item);
      nth[index] = (nth[index] ?? 0) | (1 << weekday);
    } else {
      for (const value of valuesOfItem(DAY_OF_WEEK, item)) {
        if (typeof value === 'number') weekdays |= 1 << (value % 7);
        else lastWeekdays |= 1 << (Number.parseInt(value, 10) % 7);
      }
    }
  }
  return dayOfWeekRule(weekdays, nth, lastWeekdays);
}

function nthWeekday(item: string): { readonly weekday: number; readonly index: number } {
  const [day = '', n = '', ...rest] = item.split('#');
  const weekday = weekdayOf(day);
  if (weekday === undefined || !/^[1-5]$/.test(n) || rest.length > 0) {
    throw new CronItemError(DAY_OF_WEEK, item, { reason: `${JSON.stringify(item)} is not a weekday, # and a number from 1 to 5` });
  }
  return { weekday, index: Number(n) - 1 };
}

/** Turns what is wrong with an item into what is wrong with the expression. */
function explaining<Result>(text: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CronItemError)) throw error;
    const { field, item } = error;
    throw refusal(text, `the ${field.name} field reads ${JSON.stringify(item)}: ${error.message}; allowed are ${field.allowed}`, error);
  }
}

function refusal(text: string, reason: string, cause?: unknown): ScheduleError {
  return new ScheduleError('schedule', `Schedule ${JSON.stringify(text)}: ${reason}`, cause === undefined ? undefined : { cause });
}
