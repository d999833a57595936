/**
 * ISO 8601 durations by a strict grammar of our own: `P[nY][nM][nW][nD][T[nH][nM][nS]]`, at least one part, parts in this order,
 * upper case, nothing around them. Whole numbers, but seconds may have up to three decimals. No sign.
 * Every combination of parts is allowed, weeks beside the others included (ISO 8601-2).
 *
 * A duration keeps apart what has no fixed length: months (12 to a year), days on the calendar (7 to a week), and exact time.
 */

import { DAY_MS, HOUR_MS, MEAN_MONTH_MS, MINUTE_MS, SECOND_MS } from './calendar.ts';
import { ScheduleError } from './errors.ts';

export interface Duration {
  /** As it was written. */
  readonly text: string;
  readonly months: number;
  readonly days: number;
  readonly milliseconds: number;
}

const MAX_YEARS = 9999;
const ALLOWED =
  'allowed is P[nY][nM][nW][nD][T[nH][nM][nS]] with at least one part, whole numbers of at most 9 digits (seconds with up to 3 decimals), as in PT30S, P1D or P1DT12H';
const GRAMMAR =
  /^P(?=\d|T\d)(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:[.,](\d{1,3}))?S)?)?$/;

/** Reads a duration; zero is one. Throws a ScheduleError (field `duration`) that says what was read and what is allowed. */
export function parseDuration(text: string): Duration {
  const match = GRAMMAR.exec(text);
  if (match === null) throw refusal(text, `${reasonAgainst(text)}; ${ALLOWED}`);
  const part = (index: number): number => Number(match[index] ?? 0);
  const months = part(1) * 12 + part(2);
  const days = part(3) * 7 + part(4);
  const fraction = Number((match[8] ?? '').padEnd(3, '0'));
  const milliseconds = part(5) * HOUR_MS + part(6) * MINUTE_MS + part(7) * SECOND_MS + fraction;
  if (months * MEAN_MONTH_MS + days * DAY_MS + milliseconds > MAX_YEARS * 12 * MEAN_MONTH_MS) {
    throw refusal(text, `it is too long; allowed are durations of at most ${MAX_YEARS} years`);
  }
  return { text, months, days, milliseconds };
}

/**
 * A duration in milliseconds, a day being 24 hours and a week 7 days: for delays and time-outs, which no calendar governs.
 * Throws a ScheduleError (field `duration`) where there are years or months, which have no fixed length.
 */
export function durationToMs(duration: Duration): number {
  if (duration.months !== 0) {
    throw refusal(
      duration.text,
      'years and months have no fixed length; allowed here are weeks, days, hours, minutes and seconds, as in P30D',
    );
  }
  return duration.days * DAY_MS + duration.milliseconds;
}

/**
 * Milliseconds as a duration, to be shown or read back with durationToMs: 90,000 is `PT1M30S`, a day `P1D`, zero `PT0S`.
 * Fractions of a millisecond are rounded. Throws a ScheduleError (field `duration`) for a negative or endless number.
 */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) throw refusal(String(ms), 'allowed are zero and positive numbers of milliseconds');
  const total = Math.round(ms);
  const days = Math.floor(total / DAY_MS);
  const hours = Math.floor((total % DAY_MS) / HOUR_MS);
  const minutes = Math.floor((total % HOUR_MS) / MINUTE_MS);
  const seconds = (total % MINUTE_MS) / SECOND_MS;
  const time = `${hours > 0 ? `${hours}H` : ''}${minutes > 0 ? `${minutes}M` : ''}${seconds > 0 ? `${seconds}S` : ''}`;
  const date = days > 0 ? `${days}D` : '';
  if (date === '' && time === '') return 'PT0S';
  return `P${date}${time === '' ? '' : `T${time}`}`;
}

function refusal(text: string, reason: string): ScheduleError {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return new ScheduleError('duration', `Duration ${JSON.stringify(shown)}: ${reason}`);
}

function reasonAgainst(text: string): string {
  if (text === '') return 'it is empty';
  if (text.trim() !== text) return 'it has white space around it';
  if (/^[+-]|^P.*[+-]/.test(text)) return 'a sign is not allowed';
  if (!text.startsWith('P')) return 'it does not begin with P';
  if (text === 'P' || text.endsWith('T')) return 'it has no part after P or T';
  if (/\d[.,]\d*[YMWDH]/.test(text)) return 'only seconds may have decimals';
  if (/\d[.,]\d{4,}S/.test(text)) return 'seconds have more than 3 decimals';
  if (/\d{10,}/.test(text)) return 'a number has more than 9 digits';
  if (/^P[^T]*[HS]/.test(text)) return 'hours, minutes and seconds come after a T';
  if (/\d$/.test(text)) return 'its last number has no unit';
  return 'it is not an ISO 8601 duration';
}
