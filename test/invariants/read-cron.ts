/** A cron expression as lists of what it names, read by means of its own (see read-schedule.ts). */

/** A date, as far as an expression may ask. */
export interface CronDay {
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** Of its month. */
  readonly length: number;
}

export interface ReadCron {
  /** Seconds of the day, ascending. */
  readonly times: readonly number[];
  readonly isEveryHour: boolean;
  isNamed(day: CronDay): boolean;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** The greatest that H may be: every month has it, and no weekday counts twice. */
  readonly hashMax: number;
  readonly names?: readonly string[];
}

const FIELDS: readonly Field[] = [
  { name: 'second', min: 0, max: 59, hashMax: 59 },
  { name: 'minute', min: 0, max: 59, hashMax: 59 },
  { name: 'hour', min: 0, max: 23, hashMax: 23 },
  { name: 'day-of-month', min: 1, max: 31, hashMax: 28 },
  {
    ...{ name: 'month', min: 1, max: 12, hashMax: 12 },
    names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  },
  { name: 'day-of-week', min: 0, max: 7, hashMax: 6, names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] },
];

const NICKNAMES: Readonly<Record<string, string>> = {
  '@YEARLY': '0 0 1 1 *',
  '@ANNUALLY': '0 0 1 1 *',
  '@MONTHLY': '0 0 1 * *',
  '@WEEKLY': '0 0 * * 0',
  '@DAILY': '0 0 * * *',
  '@MIDNIGHT': '0 0 * * *',
  '@HOURLY': '0 * * * *',
};

type DayTest = (day: CronDay) => boolean;

export function readCron(text: string, seed: string): ReadCron {
  const upper = text.toUpperCase();
  const words = (NICKNAMES[upper] ?? upper).split(/\s+/);
  if (words.length === 5) words.unshift('0');
  if (words.length !== 6) throw new Error(`${JSON.stringify(text)} is no cron expression`);
  const valuesOf = (index: number): readonly number[] => {
    const field = FIELDS[index] as Field;
    return (words[index] as string).split(',').flatMap((item) => readItem(field, item, seed));
  };
  const [seconds, minutes, hours, months] = [0, 1, 2, 4].map((index) => [...new Set(valuesOf(index))].sort((a, b) => a - b)) as [
    ...[number[], number[], number[], number[]],
  ];
  const days = [3, 5].flatMap((index) => {
    const word = words[index] as string;
    return word === '*' || word === '?' ? [] : [word.split(',').map((item) => dayTest(FIELDS[index] as Field, item, seed))];
  });
  return {
    times: hours.flatMap((hour) => minutes.flatMap((minute) => seconds.map((second) => hour * 3_600 + minute * 60 + second))),
    isEveryHour: hours.length === 24,
    // Where both are restricted one of them is enough.
    isNamed: (day) => months.includes(day.month) && (days.length === 0 || days.some((tests) => tests.some((test) => test(day)))),
  };
}

/** One item of either day field. */
function dayTest(field: Field, item: string, seed: string): DayTest {
  if (field.name === 'day-of-month') {
    if (item === 'L') return ({ day, length }) => day === length;
    if (item === 'LW') return (date) => date.day === nearestWeekday(date, date.length);
    if (/^\d+W$/.test(item)) return (date) => date.day === nearestWeekday(date, Number.parseInt(item, 10));
    const values = readItem(field, item, seed);
    return ({ day }) => values.includes(day);
  }
  const [base = '', nth] = item.split('#');
  if (nth !== undefined) return ({ weekday, day }) => weekday === valueOf(field, base) % 7 && Math.ceil(day / 7) === Number(nth);
  if (/^.+L$/.test(item)) return ({ weekday, day, length }) => weekday === valueOf(field, item.slice(0, -1)) % 7 && day > length - 7;
  const weekdays = (item === 'L' ? [6] : readItem(field, item, seed)).map((value) => value % 7);
  return ({ weekday }) => weekdays.includes(weekday);
}

/** Of the month of a date; undefined where that has no such day. A weekend gives the nearest weekday of the same month. */
function nearestWeekday({ day, weekday, length }: CronDay, wanted: number): number | undefined {
  if (wanted > length) return undefined;
  const weekdayOf = (other: number): number => (((weekday + other - day) % 7) + 7) % 7;
  return [0, -1, 1, -2, 2]
    .map((step) => wanted + step)
    .find((other) => other >= 1 && other <= length && weekdayOf(other) !== 0 && weekdayOf(other) !== 6);
}

/** The numbers that one item of a list names. */
function readItem(field: Field, item: string, seed: string): readonly number[] {
  const [range = '', step] = item.split('/');
  if (range.startsWith('H') && !field.names?.includes(range)) return hashed(field, { range, step, seed });
  const [low = '', high] = range.split('-');
  const isAny = range === '*' || range === '?';
  const from = isAny ? field.min : valueOf(field, low);
  const to = isAny || (high === undefined && step !== undefined) ? field.max : valueOf(field, high ?? low);
  const found: number[] = [];
  for (let value = from; value <= to; value += Number(step ?? 1)) found.push(value);
  return found;
}

function valueOf({ name, min, max, names }: Field, text: string): number {
  const index = names?.indexOf(text) ?? -1;
  const value = index >= 0 ? index + min : Number(text);
  if (text === '' || !Number.isInteger(value) || value < min || value > max) throw new Error(`${JSON.stringify(text)} is no ${name}`);
  return value;
}

/** H is one value, `H/s` every s from one of the first s on. Which one may never change: schedules of old are to stay where they are. */
function hashed(
  { name, min, hashMax }: Field,
  { range, step, seed }: { readonly range: string; readonly step: string | undefined; readonly seed: string },
): readonly number[] {
  const bounds = /^H\((\d+)-(\d+)\)$/.exec(range);
  const [from, to] = bounds ? [Number(bounds[1]), Number(bounds[2])] : [min, hashMax];
  const width = step === undefined ? to - from + 1 : Number(step);
  const found: number[] = [];
  for (let value = from + Number(hashOf(`${name}\n${seed}`) % BigInt(width)); value <= to; value += width) found.push(value);
  return found;
}

/** FNV-1a over both bytes of each UTF-16 unit, then the finalizer of MurmurHash3, in whole numbers. */
function hashOf(text: string): bigint {
  const word = (value: bigint): bigint => BigInt.asUintN(32, value);
  let hash = 2_166_136_261n;
  for (const byte of Buffer.from(text, 'utf16le')) hash = word((hash ^ BigInt(byte)) * 16_777_619n);
  hash = word((hash ^ (hash >> 16n)) * 2_246_822_507n);
  hash = word((hash ^ (hash >> 13n)) * 3_266_489_909n);
  return hash ^ (hash >> 16n);
}
