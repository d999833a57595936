/**
 * The nominal times of a cron expression in a zone. Stateless: every answer is computed from the instant that is asked about.
 *
 * A fixed schedule names wall times, and each one's nominal time is the first instant at which the clock reads it or later:
 * a time in a gap comes due at the gap's end (several there become one), a time in a repeated hour in its first pass.
 * A schedule of every hour follows elapsed time: it is due whenever the clock reads a time it names, in both passes of
 * a repeated hour, and not at all for readings that a gap leaves out.
 */

import { FIRST_INSTANT, LAST_INSTANT, SECOND_MS } from './calendar.ts';
import type { CronExpression } from './cron-expression.ts';
import { countWalls, firstWallFrom, lastWallTo } from './cron-wall.ts';
import type { Instant, Schedule } from './schedule.ts';
import type { Segment, Zone } from './zone.ts';

const HOURS_A_DAY = 24;

export class CronSchedule implements Schedule {
  readonly kind = 'cron';
  readonly #expression: CronExpression;
  readonly #zone: Zone;

  constructor(expression: CronExpression, zone: Zone) {
    this.#expression = expression;
    this.#zone = zone;
  }

  next(after: Instant): Instant | undefined {
    const from = Math.max(Math.floor(after), FIRST_INSTANT - 1);
    if (!(from < LAST_INSTANT)) return undefined;
    const instant = this.#followsElapsedTime() ? this.#nextElapsed(from) : this.#nextFixed(from);
    return instant === undefined || instant > LAST_INSTANT ? undefined : instant;
  }

  previous(before: Instant): Instant | undefined {
    const to = Math.min(Math.ceil(before) - 1, LAST_INSTANT);
    if (!(to >= FIRST_INSTANT)) return undefined;
    const instant = this.#followsElapsedTime() ? this.#previousElapsed(to) : this.#previousFixed(to);
    return instant === undefined || instant < FIRST_INSTANT ? undefined : instant;
  }

  count(after: Instant, until: Instant, limit: number): number {
    const to = Math.min(Math.floor(until), LAST_INSTANT);
    let from = Math.max(Math.floor(after), FIRST_INSTANT - 1);
    let count = 0;
    while (from < to && count < limit) {
      const segment = this.#zone.segmentAt(from + 1);
      const last = Math.min(to, segment.end - 1);
      count += this.#followsElapsedTime() ? this.#countElapsed(segment, from, last) : this.#countFixed(segment, from, last);
      from = last;
    }
    return Math.max(0, Math.min(count, limit));
  }

  #followsElapsedTime(): boolean {
    return this.#expression.hours.size === HOURS_A_DAY;
  }

  #nextFixed(after: Instant): Instant | undefined {
    const wall = firstWallFrom(this.#expression, wallSecond(this.#zone.latestWall(after)) + 1);
    return wall === undefined ? undefined : this.#zone.firstInstant(wall * SECOND_MS);
  }

  #previousFixed(to: Instant): Instant | undefined {
    const wall = lastWallTo(this.#expression, wallSecond(this.#zone.latestWall(to)));
    return wall === undefined ? undefined : this.#zone.firstInstant(wall * SECOND_MS);
  }

  #nextElapsed(after: Instant): Instant | undefined {
    for (let from = after; from < LAST_INSTANT; ) {
      const { offset, end } = this.#zone.segmentAt(from + 1);
      const wall = firstWallFrom(this.#expression, wallSecond(from + offset) + 1);
      // None up to year 10000 by this wall clock; another offset can't bring one back within the years that count.
      if (wall === undefined) return undefined;
      const instant = wall * SECOND_MS - offset;
      if (instant < end) return instant;
      from = end - 1;
    }
    return undefined;
  }

  #previousElapsed(to: Instant): Instant | undefined {
    for (let last = to; last >= FIRST_INSTANT; ) {
      const { offset, start } = this.#zone.segmentAt(last);
      const wall = lastWallTo(this.#expression, wallSecond(last + offset));
      if (wall === undefined) return undefined;
      const instant = wall * SECOND_MS - offset;
      if (instant >= start) return instant;
      last = start - 1;
    }
    return undefined;
  }

  /** In (after, until], which lies within the segment. */
  #countElapsed({ offset }: Segment, after: Instant, until: Instant): number {
    return countWalls(this.#expression, wallSecond(after + offset), wallSecond(until + offset));
  }

  #countFixed({ start, offset, wallBefore }: Segment, after: Instant, until: Instant): number {
    const lastWall = Math.max(until + offset, wallBefore);
    // Every wall time that the segment's first instant makes past is due in that instant, once.
    const startWall = start + offset;
    if (after < start && startWall > wallBefore) {
      const atStart = countWalls(this.#expression, wallSecond(wallBefore), wallSecond(startWall)) > 0 ? 1 : 0;
      return atStart + countWalls(this.#expression, wallSecond(startWall), wallSecond(lastWall));
    }
    const firstWall = Math.max(after + offset, wallBefore);
    return countWalls(this.#expression, wallSecond(firstWall), wallSecond(lastWall));
  }
}

function wallSecond(wall: number): number {
  return Math.floor(wall / SECOND_MS);
}
