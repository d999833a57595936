/**
 * Which days a cron expression means. A month's days are one 31-bit word, bit d - 1 for day d.
 *
 * When both day fields are restricted a day needs to satisfy only one of them (as in Vixie cron); a field that is `*` or `?`
 * doesn't restrict. A day that a month lacks (31 April, and 31W with it) never matches in that month.
 */

import { dateOfDay, dayOfDate, daysInMonth, weekdayOfDay } from './calendar.ts';
import { bitCount, hasValue, highestBit, lowestBit, type ValueSet } from './value-set.ts';

export interface DayOfMonthRule {
  /** Bit d - 1 for day d. */
  readonly days: number;
  /** Bit d - 1 for the weekday nearest to day d (`15W`). */
  readonly nearestWeekdays: number;
  /** `L`. */
  readonly lastDay: boolean;
  /** `LW`. */
  readonly lastWeekday: boolean;
}

export interface DayOfWeekRule {
  /** For a month that begins on weekday f (0 is Sunday): the days meant by plain weekdays and by the nth ones (`MON#1`). */
  readonly daysByFirstWeekday: readonly number[];
  /** Bit w for the last weekday w of the month (`5L`). */
  readonly lastWeekdays: number;
}

export interface DayRule {
  readonly months: ValueSet;
  /** Undefined where the field doesn't restrict. */
  readonly dayOfMonth: DayOfMonthRule | undefined;
  readonly dayOfWeek: DayOfWeekRule | undefined;
}

const FIRST_YEAR = 0;
const LAST_YEAR = 10_000;
const SATURDAY = 6;
const SUNDAY = 0;

/** The weekday part of a rule: `weekdays` bit w for weekday w, `nth[n - 1]` bit w for the nth weekday w of the month. */
export function dayOfWeekRule(weekdays: number, nth: readonly number[], lastWeekdays: number): DayOfWeekRule {
  const daysByFirstWeekday = [0, 1, 2, 3, 4, 5, 6].map((first) => {
    let days = 0;
    for (let index = 0; index < 31; index += 1) {
      const weekday = (first + index) % 7;
      const meant = weekdays | (nth[Math.floor(index / 7)] ?? 0);
      if (((meant >>> weekday) & 1) === 1) days |= 1 << index;
    }
    return days;
  });
  return { daysByFirstWeekday, lastWeekdays };
}

/** The first day number from `from` on that the rule means; undefined when there is none up to year 10000. */
export function firstDayFrom(rule: DayRule, from: number): number | undefined {
  const date = dateOfDay(from);
  let { year, month } = date;
  let later = -1 << (date.day - 1);
  while (year <= LAST_YEAR) {
    const days = daysMeant(rule, year, month) & later;
    if (days !== 0) return dayOfDate(year, month, lowestBit(days) + 1);
    later = -1;
    month += 1;
    if (month > 12) {
      month = 1;
      year += 1;
    }
  }
  return undefined;
}

/** The last day number up to `to` that the rule means; undefined when there is none back to year 0. */
export function lastDayTo(rule: DayRule, to: number): number | undefined {
  const date = dateOfDay(to);
  let { year, month } = date;
  let earlier = date.day >= 31 ? -1 : (1 << date.day) - 1;
  while (year >= FIRST_YEAR) {
    const days = daysMeant(rule, year, month) & earlier;
    if (days !== 0) return dayOfDate(year, month, highestBit(days) + 1);
    earlier = -1;
    month -= 1;
    if (month < 1) {
      month = 12;
      year -= 1;
    }
  }
  return undefined;
}

/** How many days from `from` to `to`, both included, the rule means. */
export function countDays(rule: DayRule, from: number, to: number): number {
  if (to < from) return 0;
  const first = dateOfDay(from);
  const last = dateOfDay(to);
  let count = 0;
  let { year, month } = first;
  while (year < last.year || (year === last.year && month <= last.month)) {
    let days = daysMeant(rule, year, month);
    if (year === first.year && month === first.month) days &= -1 << (first.day - 1);
    if (year === last.year && month === last.month && last.day < 31) days &= (1 << last.day) - 1;
    count += bitCount(days);
    month += 1;
    if (month > 12) {
      month = 1;
      year += 1;
    }
  }
  return count;
}

/** Whether there is any such day; the calendar repeats every 400 years, so those that are searched tell. */
export function meansAnyDay(rule: DayRule): boolean {
  return firstDayFrom(rule, dayOfDate(2000, 1, 1)) !== undefined;
}

function daysMeant(rule: DayRule, year: number, month: number): number {
  if (!hasValue(rule.months, month)) return 0;
  const length = daysInMonth(year, month);
  const whole = length === 31 ? 0x7fffffff : (1 << length) - 1;
  const { dayOfMonth, dayOfWeek } = rule;
  if (dayOfMonth === undefined && dayOfWeek === undefined) return whole;
  const firstWeekday = weekdayOfDay(dayOfDate(year, month, 1));
  let days = 0;
  if (dayOfMonth !== undefined) days |= daysOfMonth(dayOfMonth, firstWeekday, length);
  if (dayOfWeek !== undefined) days |= daysOfWeek(dayOfWeek, firstWeekday, length);
  return days & whole;
}

function daysOfMonth(rule: DayOfMonthRule, firstWeekday: number, length: number): number {
  let days = rule.days;
  if (rule.lastDay) days |= 1 << (length - 1);
  if (rule.lastWeekday) days |= 1 << (nearestWeekday(length, firstWeekday, length) - 1);
  for (let left = rule.nearestWeekdays; left !== 0; left &= left - 1) {
    const day = lowestBit(left) + 1;
    if (day <= length) days |= 1 << (nearestWeekday(day, firstWeekday, length) - 1);
  }
  return days;
}

/** Monday to Friday, the nearest to `day` without leaving the month: Saturday the 1st gives Monday the 3rd. */
function nearestWeekday(day: number, firstWeekday: number, length: number): number {
  const weekday = (firstWeekday + day - 1) % 7;
  if (weekday === SATURDAY) return day === 1 ? 3 : day - 1;
  if (weekday === SUNDAY) return day === length ? day - 2 : day + 1;
  return day;
}

function daysOfWeek(rule: DayOfWeekRule, firstWeekday: number, length: number): number {
  let days = rule.daysByFirstWeekday[firstWeekday] ?? 0;
  const lastWeekday = (firstWeekday + length - 1) % 7;
  for (let left = rule.lastWeekdays; left !== 0; left &= left - 1) {
    days |= 1 << (length - 1 - ((lastWeekday - lowestBit(left) + 7) % 7));
  }
  return days;
}
