/**
 * A time zone as a sequence of segments in which its offset from UTC is constant. Owns every conversion between instants and wall times.
 *
 * Two functions carry the whole DST rule:
 *   latestWall(t)       the latest wall time that has been read at or before instant t;
 *   firstInstant(wall)  the first instant at which the wall clock reads `wall` or later.
 * A wall time in a gap is therefore the gap's end, and one in a repeated hour its first pass. Both never decrease, and
 * firstInstant(wall) > t exactly when wall > latestWall(t).
 *
 * What is remembered here is a memo of the zone database and never changes an answer.
 */

import { DAY_MS, HOUR_MS, SECOND_MS } from './calendar.ts';
import { ScheduleError } from './errors.ts';
import { createMemo } from './memo.ts';
import type { Instant } from './schedule.ts';

export interface Segment {
  readonly start: Instant;
  /** Exclusive; a segment may be followed by one of the same offset. */
  readonly end: Instant;
  /** Wall time minus instant, in milliseconds. */
  readonly offset: number;
  /** The latest wall time read before `start`: less than `start + offset - 1` after a gap, more in a repeated hour. */
  readonly wallBefore: number;
}

type OffsetAt = (instant: Instant) => number;

/** Segments are found and kept in blocks of about 13 months. */
const BLOCK_MS = 2 ** 35;
/** The zone database is probed this often (6.2 days); no zone has had two changes closer together since 1970. */
const PROBE_MS = 2 ** 29;
const MAX_BLOCKS = 512;
/** No zone has been further from UTC than this. */
const MAX_OFFSET_MS = 16 * HOUR_MS;
/** Changes this long before a block are looked at too, because the hour they repeat may reach into it. */
const LOOK_BACK_MS = 3 * DAY_MS;
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/;

export class Zone {
  readonly name: string;
  readonly #offsetAt: OffsetAt;
  readonly #blocks = new Map<number, readonly Segment[]>();
  #latest: Segment | undefined;

  constructor(name: string, offsetAt: OffsetAt) {
    this.name = name;
    this.#offsetAt = offsetAt;
  }

  /** The segment that contains an instant. */
  segmentAt(instant: Instant): Segment {
    const latest = this.#latest;
    if (latest !== undefined && instant >= latest.start && instant < latest.end) return latest;
    const segments = this.#block(Math.floor(instant / BLOCK_MS));
    let found = segments[0] as Segment;
    for (const segment of segments) if (segment.start <= instant) found = segment;
    this.#latest = found;
    return found;
  }

  latestWall(instant: Instant): number {
    const segment = this.segmentAt(instant);
    return Math.max(instant + segment.offset, segment.wallBefore);
  }

  firstInstant(wall: number): Instant {
    // No earlier instant can read `wall`, so the first segment from here on that reaches it is the one.
    let segment = this.segmentAt(wall - MAX_OFFSET_MS);
    while (wall >= segment.end + segment.offset) segment = this.segmentAt(segment.end);
    return Math.max(segment.start, wall - segment.offset);
  }

  #block(index: number): readonly Segment[] {
    const known = this.#blocks.get(index);
    if (known !== undefined) return known;
    if (this.#blocks.size >= MAX_BLOCKS) this.#blocks.clear();
    const segments = findSegments(this.#offsetAt, index * BLOCK_MS, (index + 1) * BLOCK_MS);
    this.#blocks.set(index, segments);
    return segments;
  }
}

const zones = createMemo<Zone>(1000);

/** The zone of an IANA name. Throws a ScheduleError (field `timeZone`) for any other text, offsets such as `+02:00` included. */
export function zoneNamed(name: string): Zone {
  return zones(name, () => new Zone(name, offsetsOf(name)));
}

function offsetsOf(name: string): OffsetAt {
  const format = ZONE_NAME.test(name) ? formatOf(name) : undefined;
  if (format === undefined) {
    const shown = JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
    throw new ScheduleError('timeZone', `Time zone ${shown} is not known; allowed are IANA names such as "Europe/Berlin" or "UTC"`);
  }
  if (format.resolvedOptions().timeZone === 'UTC') return () => 0;
  return (instant) => offsetIn(format.format(instant));
}

function formatOf(name: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Reads `12/31/1969, GMT-00:44:30`; a bare `GMT` is zero. */
function offsetIn(formatted: string): number {
  const at = formatted.indexOf('GMT') + 3;
  if (at === formatted.length) return 0;
  const seconds = formatted.length > at + 6 ? Number(formatted.slice(at + 7, at + 9)) : 0;
  const size = Number(formatted.slice(at + 1, at + 3)) * 3600 + Number(formatted.slice(at + 4, at + 6)) * 60 + seconds;
  return (formatted.charAt(at) === '+' ? size : -size) * SECOND_MS;
}

function findSegments(offsetAt: OffsetAt, from: Instant, to: Instant): readonly Segment[] {
  const segments: Segment[] = [];
  let start = from - LOOK_BACK_MS;
  let offset = offsetAt(start);
  let wallBefore = start - 1 + offset;
  const close = (end: Instant): void => {
    if (end > from) {
      const clipped = Math.max(start, from);
      segments.push({
        start: clipped,
        end,
        offset,
        wallBefore: Math.max(wallBefore, clipped === start ? -Infinity : clipped - 1 + offset),
      });
    }
    wallBefore = Math.max(wallBefore, end - 1 + offset);
    start = end;
  };
  for (let probe = start; probe < to; ) {
    const next = Math.min(probe + PROBE_MS, to);
    const nextOffset = offsetAt(next);
    if (nextOffset !== offset) {
      const change = findChange(offsetAt, probe, next);
      // A change at `to` itself belongs to the block that begins there.
      if (change < to) {
        close(change);
        offset = offsetAt(change);
        probe = change;
        continue;
      }
    }
    probe = next;
  }
  close(to);
  return segments;
}

/** The first whole second after `before` whose offset differs from the one at `before`; there is one by `after`. */
function findChange(offsetAt: OffsetAt, before: Instant, after: Instant): Instant {
  const offset = offsetAt(before);
  let low = Math.floor(before / SECOND_MS);
  let high = Math.ceil(after / SECOND_MS);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle * SECOND_MS) === offset) low = middle;
    else high = middle;
  }
  return high * SECOND_MS;
}
