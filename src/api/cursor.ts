/**
 * Cursors of lists: where the last page ended. Opaque to clients, so that what they hold may change with a version; bound to
 * the list they came from. A page begins after a place, not at a count, so nothing is shown twice or left out when the list changes.
 */

import { ApiError } from './errors.ts';

export function encodeCursor(list: string, place: string): string {
  return Buffer.from(JSON.stringify([list, place])).toString('base64url');
}

/** The place in `list`; throws ApiError `invalid-query` for what encodeCursor() did not make for it. */
export function decodeCursor(list: string, cursor: string): string {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(parsed) && parsed.length === 2 && parsed[0] === list && typeof parsed[1] === 'string') return parsed[1];
  } catch {
    // Told below: whatever is not a cursor is one kind of mistake.
  }
  throw new ApiError('invalid-query', 'the parameter cursor must be the `next` of an earlier page of the same list');
}

/** As decodeCursor(), for places that are numbers. */
export function decodeNumber(list: string, cursor: string): number {
  const place = Number(decodeCursor(list, cursor));
  if (Number.isSafeInteger(place)) return place;
  throw new ApiError('invalid-query', 'the parameter cursor must be the `next` of an earlier page of the same list');
}
