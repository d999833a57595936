/**
 * The wall clock of a zone, read through Intl a quarter of an hour at a time and found again by looking: a second opinion that shares no
 * code with src/schedule. A wall time is the milliseconds that the same reading would be in UTC.
 */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
/** Offsets are remembered for each of these; the one in which a clock changes is read anew each time. */
const SLOT_MS = 15 * MINUTE_MS;
/** No clock repeats more than this. */
const LONGEST_REPEAT_MS = 3 * HOUR_MS;
const REMEMBERED = 200_000;

export class WallTime {
  readonly #read: ((instant: number) => number) | undefined;
  readonly #offsets = new Map<number, number>();

  constructor(timeZone: string) {
    this.#read = timeZone === 'UTC' ? undefined : reader(timeZone);
  }

  /** What the clock reads. */
  at(instant: number): number {
    return instant + this.offsetAt(instant);
  }

  /** Wall time minus instant. */
  offsetAt(instant: number): number {
    const read = this.#read;
    if (!read) return 0;
    const slot = Math.floor(instant / SLOT_MS);
    const offset = this.#offsetOf(slot);
    return offset === this.#offsetOf(slot + 1) ? offset : read(instant) - instant;
  }

  /** The first instant at which the clock reads this or later: in a gap its end, in a repeated hour the first pass. */
  firstAt(wall: number): number {
    const plain = wall - this.offsetAt(wall - this.offsetAt(wall));
    const around = [plain - LONGEST_REPEAT_MS, plain, plain + LONGEST_REPEAT_MS].map((instant) => this.offsetAt(instant));
    if (around.every((offset) => offset === around[0])) return plain;
    for (let minute = Math.floor((wall - Math.max(...around)) / MINUTE_MS - 1) * MINUTE_MS; ; minute += MINUTE_MS) {
      if (this.at(minute) >= wall) return minute;
      // By the clock as it is at the minute's beginning, or at its end.
      const next = minute + MINUTE_MS;
      const within = [minute, next].map((known) => wall - this.offsetAt(known));
      const found = within.find((instant) => instant < next && this.at(instant) === wall);
      if (found !== undefined) return found;
    }
  }

  /** The latest wall time that has been read up to this instant. */
  latestUpTo(instant: number): number {
    const change = this.changeIn(instant - LONGEST_REPEAT_MS, instant);
    return change === undefined ? this.at(instant) : Math.max(this.at(instant), change - 1 + this.offsetAt(change - 1));
  }

  /** The first instant in (from, to] from which on the clock has another offset than before. */
  changeIn(from: number, to: number): number | undefined {
    for (let before = from; before < to; ) {
      const after = Math.min(to, before + LONGEST_REPEAT_MS);
      if (this.offsetAt(after) !== this.offsetAt(before)) return this.#bisect(before, after);
      before = after;
    }
    return undefined;
  }

  #bisect(from: number, to: number): number {
    const offset = this.offsetAt(from);
    let [low, high] = [Math.floor(from / SECOND_MS), Math.ceil(to / SECOND_MS)];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetAt(middle * SECOND_MS) === offset) low = middle;
      else high = middle;
    }
    return high * SECOND_MS;
  }

  #offsetOf(slot: number): number {
    let offset = this.#offsets.get(slot);
    if (offset === undefined) {
      if (this.#offsets.size >= REMEMBERED) this.#offsets.clear();
      const instant = slot * SLOT_MS;
      offset = (this.#read?.(instant) ?? instant) - instant;
      this.#offsets.set(slot, offset);
    }
    return offset;
  }
}

function reader(timeZone: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
  return (instant) => {
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = format.format(instant).split(/\D+/).map(Number);
    const wall = Date.UTC(year, month - 1, day, hour, minute, second);
    return wall + instant - Math.floor(instant / SECOND_MS) * SECOND_MS;
  };
}

const clocks = new Map<string, WallTime>();

export function wallTimeOf(timeZone: string): WallTime {
  let clock = clocks.get(timeZone);
  if (!clock) clocks.set(timeZone, (clock = new WallTime(timeZone)));
  return clock;
}
