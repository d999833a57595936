/**
 * ISO 8601 dates and times in the extended format: `2026-01-01`, `2026-01-01T03:00`, `…:00`, `…:00.250`, then nothing (local),
 * `Z` or an offset (`+02:00`, `+0200`, `+02`). A bare date is its midnight, and local.
 * No week dates, no ordinal dates, no hour 24, no leap second.
 */

import { DAY_MS, dayOfDate, daysInMonth, HOUR_MS, MINUTE_MS, SECOND_MS } from './calendar.ts';

export interface Timestamp {
  /** What the clock on the wall reads, in the given offset or else locally. */
  readonly wall: number;
  /** Wall time minus instant in milliseconds; undefined when the text is local. */
  readonly offset: number | undefined;
}

const GRAMMAR = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,3}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/;

/** What parseTimestamp accepts, for messages. */
export const TIMESTAMP_ALLOWED =
  'allowed is a date and time such as 2026-01-01T03:00:00Z, 2026-01-01T03:00:00+02:00 or, in the time zone of the job, 2026-01-01T03:00:00 or 2026-01-01';

/** Reads a date and time. A text that isn't one comes back as the reason, to be put into a message by the caller, who knows where it stood. */
export function parseTimestamp(text: string): Timestamp | { readonly reason: string } {
  const match = GRAMMAR.exec(text);
  if (match === null) return { reason: `${JSON.stringify(text)} is not an ISO 8601 date and time` };
  const part = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)] as const;
  if (year < 1) return { reason: `year ${match[1]} is outside 0001-9999` };
  if (month < 1 || month > 12) return { reason: `month ${match[2]} is outside 01-12` };
  const lastDay = daysInMonth(year, month);
  if (day < 1 || day > lastDay) return { reason: `day ${match[3]} is outside 01-${lastDay} of ${match[1]}-${match[2]}` };
  if (hour > 23) return { reason: `hour ${match[4]} is outside 00-23` };
  if (minute > 59) return { reason: `minute ${match[5]} is outside 00-59` };
  if (second > 59) return { reason: `second ${match[6]} is outside 00-59` };
  const fraction = Number((match[7] ?? '').padEnd(3, '0'));
  const wall = dayOfDate(year, month, day) * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + fraction;
  return withOffset(wall, match[8]);
}

function withOffset(wall: number, text: string | undefined): Timestamp | { readonly reason: string } {
  if (text === undefined) return { wall, offset: undefined };
  if (text === 'Z') return { wall, offset: 0 };
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(3).replace(':', ''));
  if (hours > 15 || minutes > 59) return { reason: `offset ${text} is outside -15:59 to +15:59` };
  const size = hours * HOUR_MS + minutes * MINUTE_MS;
  return { wall, offset: text.startsWith('-') ? -size : size };
}
