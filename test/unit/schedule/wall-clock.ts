/**
 * What the schedule tests compare with: a wall clock read through Intl minute by minute, and the DST rule applied to it by
 * looking at every minute. Slow and simple on purpose; shares no code with src/schedule.
 */

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A wall time as the milliseconds that the same reading would be in UTC. */
export type Wall = number;

/** Reads the wall clock of a zone through Intl. */
export function wallClock(timeZone: string): (instant: number) => Wall {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (instant) => {
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = format.format(instant).split(/\D+/).map(Number);
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
}

/** Every instant in [from, to) at which the clock stops running in step with UTC, found to the minute. */
export function transitionsOf(timeZone: string, from: number, to: number): number[] {
  const read = wallClock(timeZone);
  const offsetAt = (minute: number): number => read(minute * MINUTE) - minute * MINUTE;
  const step = (3 * DAY) / MINUTE;
  const found: number[] = [];
  const last = to / MINUTE;
  let before = from / MINUTE;
  let offset = offsetAt(before);
  while (before < last) {
    const after = Math.min(before + step, last);
    const next = offsetAt(after);
    if (next !== offset) {
      let [low, high] = [before, after];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (offsetAt(middle) === offset) low = middle;
        else high = middle;
      }
      found.push(high * MINUTE);
      offset = next;
    }
    before = after;
  }
  return found;
}

/** The readings of a clock at every minute of [from, to]. */
export function readingsOf(timeZone: string, from: number, to: number): readonly Wall[] {
  const read = wallClock(timeZone);
  const readings: Wall[] = [];
  for (let instant = from; instant <= to; instant += MINUTE) readings.push(read(instant));
  return readings;
}

export interface Observation {
  readonly from: number;
  /** What the clock reads at `from` and every minute after it. */
  readonly readings: readonly Wall[];
}

/** When a fixed schedule is due: as soon as the clock has reached or passed a wall time that it names, once for each. */
export function dueWhenReached({ from, readings }: Observation, names: (wall: Wall) => boolean): number[] {
  const due: number[] = [];
  let latest = readings[0] ?? 0;
  for (const [index, reading] of readings.entries()) {
    let reached = false;
    for (let wall = latest + MINUTE; wall <= reading; wall += MINUTE) reached ||= names(wall);
    if (reached) due.push(from + index * MINUTE);
    latest = Math.max(latest, reading);
  }
  return due;
}

/** When a schedule of every hour is due: whenever the clock reads a wall time that it names. */
export function dueWhenRead({ from, readings }: Observation, names: (wall: Wall) => boolean): number[] {
  return readings.flatMap((reading, index) => (index > 0 && names(reading) ? [from + index * MINUTE] : []));
}
