/**
 * The proleptic Gregorian calendar as integer arithmetic, with no zone in it. A day is counted from 1 January 1970 (day 0).
 *
 * A wall time is what a clock on the wall reads, written as the milliseconds that the same reading would be in UTC.
 */

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The nominal times of every schedule lie in the years 1 to 9999, which four digits can write. */
export const FIRST_INSTANT = -62_135_596_800_000;
export const LAST_INSTANT = 253_402_300_799_999;

/** 400 years: after so many days the calendar, weekdays included, repeats exactly. */
const DAYS_PER_CYCLE = 146_097;
/** The mean length of a month over one such cycle of 4,800 months. */
export const MEAN_MONTH_MS = (DAYS_PER_CYCLE / 4800) * DAY_MS;

export interface CivilDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
}

// Years are counted from March, so that the leap day is the last of its year and the months before it follow one linear rule.
const DAYS_TO_MARCH_OF_YEAR_0 = 719_468;

/** The day number of a date. `month` and `day` must be in range. */
export function dayOfDate(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const cycle = Math.floor(marchYear / 400);
  const yearOfCycle = marchYear - cycle * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfCycle = yearOfCycle * 365 + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100) + dayOfYear;
  return cycle * DAYS_PER_CYCLE + dayOfCycle - DAYS_TO_MARCH_OF_YEAR_0;
}

/** The date of a day number. */
export function dateOfDay(dayNumber: number): CivilDate {
  const shifted = dayNumber + DAYS_TO_MARCH_OF_YEAR_0;
  const cycle = Math.floor(shifted / DAYS_PER_CYCLE);
  const dayOfCycle = shifted - cycle * DAYS_PER_CYCLE;
  const leapDays = Math.floor(dayOfCycle / 1460) - Math.floor(dayOfCycle / 36_524) + Math.floor(dayOfCycle / 146_096);
  const yearOfCycle = Math.floor((dayOfCycle - leapDays) / 365);
  const dayOfYear = dayOfCycle - (365 * yearOfCycle + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return {
    year: yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
  };
}

/** 28 to 31. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** 0 is Sunday, 6 is Saturday. */
export function weekdayOfDay(dayNumber: number): number {
  return (((dayNumber + 4) % 7) + 7) % 7;
}

/** A wall time moved by whole months; a day the target month lacks becomes its last (31 January + 1 month = 28 February). */
export function plusMonths(wall: number, months: number): number {
  if (months === 0) return wall;
  const dayNumber = Math.floor(wall / DAY_MS);
  const { year, month, day } = dateOfDay(dayNumber);
  const monthIndex = year * 12 + month - 1 + months;
  const targetYear = Math.floor(monthIndex / 12);
  const targetMonth = monthIndex - targetYear * 12 + 1;
  const targetDay = Math.min(day, daysInMonth(targetYear, targetMonth));
  return wall + (dayOfDate(targetYear, targetMonth, targetDay) - dayNumber) * DAY_MS;
}
