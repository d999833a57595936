/**
 * The six fields of a cron expression and the reading of one item of a field's comma-separated list.
 * Items of the common syntax (numbers, names, ranges, steps, `L`, `5L`) are read by cron-parser, one at a time and used as a
 * parser only; what it takes too generously (a step wider than the field, `?` anywhere) is refused here.
 */

import { CronExpressionParser } from 'cron-parser';

export interface CronField {
  readonly name: string;
  readonly key: 'second' | 'minute' | 'hour' | 'dayOfMonth' | 'month' | 'dayOfWeek';
  /** Its place in an expression of six fields. */
  readonly index: number;
  readonly min: number;
  readonly max: number;
  /** The greatest value that `H` may take: a day of month that every month has, a weekday counted once. */
  readonly hashMax: number;
  /** What may be written, for messages. */
  readonly allowed: string;
}

const LISTS = 'lists (1,2), ranges (1-5), steps (*/5, 1-9/2), H, H(1-5), H/5';

export const SECOND: CronField = { name: 'second', key: 'second', index: 0, min: 0, max: 59, hashMax: 59, allowed: `0-59, *, ${LISTS}` };
export const MINUTE: CronField = { name: 'minute', key: 'minute', index: 1, min: 0, max: 59, hashMax: 59, allowed: `0-59, *, ${LISTS}` };
export const HOUR: CronField = { name: 'hour', key: 'hour', index: 2, min: 0, max: 23, hashMax: 23, allowed: `0-23, *, ${LISTS}` };
export const DAY_OF_MONTH: CronField = {
  name: 'day-of-month',
  key: 'dayOfMonth',
  index: 3,
  min: 1,
  max: 31,
  hashMax: 28,
  allowed: `1-31, *, ?, ${LISTS}, L (last day), 15W (weekday nearest to the 15th), LW (last weekday)`,
};
export const MONTH: CronField = {
  name: 'month',
  key: 'month',
  index: 4,
  min: 1,
  max: 12,
  hashMax: 12,
  allowed: `1-12, JAN-DEC, *, ${LISTS}`,
};
export const DAY_OF_WEEK: CronField = {
  name: 'day-of-week',
  key: 'dayOfWeek',
  index: 5,
  min: 0,
  max: 7,
  hashMax: 6,
  allowed: `0-7 (0 and 7 are Sunday), SUN-SAT, *, ?, ${LISTS}, 5L (last Friday), MON#1 (first Monday)`,
};

export const CRON_FIELDS: readonly CronField[] = [SECOND, MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK];

/** An item that can't be read; the caller knows the expression and adds it. */
export class CronItemError extends Error {
  readonly field: CronField;
  readonly item: string;

  constructor(field: CronField, item: string, options: { readonly reason: string; readonly cause?: unknown }) {
    super(options.reason, { cause: options.cause });
    this.name = 'CronItemError';
    this.field = field;
    this.item = item;
  }
}

/** The values of one item: numbers, `L`, or a weekday with L such as `5L`. Throws a CronItemError. */
export function valuesOfItem(field: CronField, item: string): readonly (number | string)[] {
  const reason = reasonAgainst(field, item);
  if (reason !== undefined) throw new CronItemError(field, item, { reason });
  const atoms = CRON_FIELDS.map((other) => (other === field ? item : '*'));
  try {
    // The date is of no interest, but without one the parser would read the clock.
    return CronExpressionParser.parse(atoms.join(' '), { currentDate: new Date(0), tz: 'UTC' }).fields[field.key].values;
  } catch (cause) {
    throw new CronItemError(field, item, { reason: `${JSON.stringify(item)} can't be read`, cause });
  }
}

/** A plain weekday, `5` or `FRI`, as 0 (Sunday) to 6; undefined for anything else. */
export function weekdayOf(text: string): number | undefined {
  const value = numberOf(DAY_OF_WEEK, text);
  return value === undefined || value > DAY_OF_WEEK.max ? undefined : value % 7;
}

const NAMES: { readonly [Key in CronField['key']]?: readonly string[] } = {
  month: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  dayOfWeek: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'],
};
const RANGE = /^([^-]+)-([^-]+)$/;

/** A plain number or name of the field; undefined for anything else. */
function numberOf(field: CronField, text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const index = NAMES[field.key]?.indexOf(text) ?? -1;
  return index < 0 ? undefined : field.min + index;
}

/** Says more than the parser would about the likely mistakes, and refuses what it would let pass. */
function reasonAgainst(field: CronField, item: string): string | undefined {
  const { min, max } = field;
  if (item === '') return 'there is nothing between two commas, or before or after one';
  if (item.includes('?')) return '? stands alone in the day-of-month or the day-of-week field';
  const [base = '', step, ...rest] = item.split('/');
  if (rest.length > 0) return `${JSON.stringify(item)} has more than one step`;
  const value = numberOf(field, base);
  if (value !== undefined && (value < min || value > max)) return `${base} is outside ${min}-${max}`;
  const range = RANGE.exec(base);
  if (range !== null) {
    const [from, to] = [numberOf(field, range[1] ?? ''), numberOf(field, range[2] ?? '')];
    if (from === undefined || to === undefined) return undefined;
    if (from < min || to > max) return `${base} is outside ${min}-${max}`;
    if (from > to) return `the range ${base} runs backwards; write it as two, joined by a comma`;
  }
  if (step === undefined) return undefined;
  if (!/^\d+$/.test(step) || Number(step) === 0) return `the step ${JSON.stringify(step)} is not a whole number from 1 up`;
  if (Number(step) > max - min + 1) return `the step ${step} is wider than the field, ${min}-${max}`;
  return undefined;
}
