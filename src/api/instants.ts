/** Times as clients write them: ISO 8601 with `Z` or an offset, or without either by the wall clock of a time zone. Pure. */

import { FIRST_INSTANT, LAST_INSTANT } from '../schedule/calendar.ts';
import type { Instant } from '../schedule/schedule.ts';
import { parseTimestamp, TIMESTAMP_ALLOWED } from '../schedule/timestamp.ts';
import { zoneNamed } from '../schedule/zone.ts';

export const MAX_TIMESTAMP_LENGTH = 64;

/** The instant, or why it is none; the reason completes the sentence that begins with where the text stood. */
export function readInstant(text: string, timeZone = 'UTC'): { readonly at: Instant } | { readonly reason: string } {
  const timestamp = parseTimestamp(text.trim());
  if ('reason' in timestamp) return { reason: `can not be read: ${timestamp.reason}; ${TIMESTAMP_ALLOWED}` };
  const { wall, offset } = timestamp;
  const at = offset === undefined ? zoneNamed(timeZone).firstInstant(wall) : wall - offset;
  return at < FIRST_INSTANT || at > LAST_INSTANT ? { reason: 'must be in the years 0001 to 9999' } : { at };
}
