/**
 * The nominal times of a repeating interval: time k is `start + k × period`, always from the start, never from time k - 1.
 *
 * The period's months and days move the wall clock of the job's zone (months clamp to the last day; a day keeps its wall time
 * across DST; a wall time in a gap is the gap's end, in a repeated hour its first pass); its hours and less are then added exactly.
 * Time k never decreases with k, so the index of an instant is estimated from the mean period and corrected by a step or two.
 */

import { DAY_MS, FIRST_INSTANT, LAST_INSTANT, MEAN_MONTH_MS, plusMonths } from './calendar.ts';
import type { Duration } from './duration.ts';
import type { Instant, Schedule } from './schedule.ts';
import type { Zone } from './zone.ts';

export interface RepeatingInterval {
  readonly start: Instant;
  /** What the wall clock of `zone` read, or was said to read, at the start. */
  readonly startWall: number;
  readonly zone: Zone;
  readonly period: Pick<Duration, 'months' | 'days' | 'milliseconds'>;
  /** How many nominal times there are; Infinity when the interval repeats for ever. */
  readonly times: number;
}

export class RepeatingSchedule implements Schedule {
  readonly kind = 'repeating';
  readonly #interval: RepeatingInterval;

  constructor(interval: RepeatingInterval) {
    this.#interval = interval;
  }

  next(after: Instant): Instant | undefined {
    const index = this.#indexAt(after) + 1;
    if (index >= this.#interval.times) return undefined;
    const instant = this.#timeOf(index);
    return instant > LAST_INSTANT ? undefined : instant;
  }

  previous(before: Instant): Instant | undefined {
    const index = Math.min(this.#indexAt(Math.ceil(before) - 1), this.#interval.times - 1);
    return index < 0 ? undefined : this.#timeOf(index);
  }

  count(after: Instant, until: Instant, limit: number): number {
    const first = this.#indexAt(after) + 1;
    const last = Math.min(this.#indexAt(until), this.#interval.times - 1);
    const indices = last - first + 1;
    if (indices <= 0 || limit <= 0) return 0;
    const { months, days, milliseconds } = this.#interval.period;
    const mayCoincide = milliseconds === 0 && (months > 0 || days > 0);
    // An index is repeated only where a zone left out a day, so a few more than `limit` are enough to look at.
    const coinciding = mayCoincide ? this.#coincidingIndices(first, Math.min(last, first + limit + 8)) : 0;
    return Math.min(limit, indices - coinciding);
  }

  #timeOf(index: number): Instant {
    const { start, startWall, zone, period } = this.#interval;
    if (index === 0) return start;
    if (period.months === 0 && period.days === 0) return start + index * period.milliseconds;
    const wall = plusMonths(startWall, index * period.months) + index * period.days * DAY_MS;
    return zone.firstInstant(wall) + index * period.milliseconds;
  }

  /** The last index whose time is not after `instant`, whatever the number of times; -1 before the start. */
  #indexAt(instant: Instant): number {
    const { start, period } = this.#interval;
    if (!(instant >= start)) return -1;
    const at = Math.min(instant, LAST_INSTANT);
    const mean = period.months * MEAN_MONTH_MS + period.days * DAY_MS + period.milliseconds;
    let index = Math.max(0, Math.floor((at - start) / mean));
    while (index > 0 && this.#timeOf(index) > at) index -= 1;
    while (this.#timeOf(index + 1) <= at) index += 1;
    return index;
  }

  /** How many of the indices name the same instant as the one before: the day that Samoa left out in 2011 ends when the next begins. */
  #coincidingIndices(first: number, last: number): number {
    const { zone } = this.#interval;
    const until = Math.max(FIRST_INSTANT, this.#timeOf(last));
    let coinciding = 0;
    let segment = zone.segmentAt(this.#timeOf(first) - 1);
    while (segment.end <= until) {
      segment = zone.segmentAt(segment.end);
      if (segment.start + segment.offset - segment.wallBefore <= DAY_MS) continue;
      const before = Math.max(first - 1, this.#indexAt(segment.start - 1));
      const at = Math.min(last, this.#indexAt(segment.start));
      if (at > before + 1) coinciding += at - before - 1;
    }
    return coinciding;
  }
}
