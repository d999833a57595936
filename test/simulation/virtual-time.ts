/**
 * The one time of a simulation, in milliseconds. Events happen in order of their instant, ties in order of their making. Between two
 * events every promise that can go on goes on: nothing but these events exists, so a macrotask's turn is enough to know that all is quiet
 * (each callback of setImmediate is one: Node runs what promises have to do between any two of them).
 */

import type { CancelTimer } from '../../src/clock/clock.ts';
import { InvariantViolation } from '../invariants/violation.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  fn: (() => void) | undefined;
}

/** So many events at one instant mean that time stands still. */
const STANDSTILL = 200_000;
/** Events to a turn of Node's loop: a turn polls the operating system, which costs more than most events do. */
const BURST = 256;

export class VirtualTime {
  #now: number;
  #order = 0;
  readonly #heap: Event[] = [];
  /** What went wrong inside an event, to be thrown by run(). */
  #failure: unknown;
  #hasFailed = false;
  #atThisInstant = 0;
  /** Events so far. */
  count = 0;

  constructor(start: number) {
    this.#now = start;
  }

  get now(): number {
    return this.#now;
  }

  /** Calls `fn` after `delayMs`, rounded up to whole milliseconds. */
  after(delayMs: number, fn: () => void): CancelTimer {
    const event: Event = { at: this.#now + Math.max(0, Math.ceil(delayMs)), order: this.#order++, fn };
    this.#push(event);
    return () => {
      event.fn = undefined;
    };
  }

  /** Ends run() with this error. The first one counts. */
  fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#failure = error;
  }

  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Lives through everything up to `until`. */
  async run(until: number): Promise<void> {
    await turn();
    await new Promise<void>((resolve) => {
      let isOver = false;
      const step = (): void => {
        if (isOver) return;
        isOver = !this.#step(until);
        if (isOver) resolve();
      };
      const burst = (): void => {
        for (let count = 0; count < BURST; count++) setImmediate(step);
        setImmediate(() => isOver || burst());
      };
      burst();
    });
    if (this.#hasFailed) throw this.#failure;
    this.#now = Math.max(this.#now, until);
  }

  /** The next event, if there is one up to `until` and nothing has failed. */
  #step(until: number): boolean {
    const event = this.#hasFailed ? undefined : this.#pop(until);
    if (!event) return false;
    this.#atThisInstant = event.at === this.#now ? this.#atThisInstant + 1 : 0;
    if (this.#atThisInstant > STANDSTILL)
      this.fail(new InvariantViolation('liveness', 'time stands still: events without end at one instant'));
    this.#now = event.at;
    this.count += 1;
    try {
      event.fn?.();
    } catch (error) {
      this.fail(error);
    }
    return true;
  }

  #pop(until: number): Event | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (!first || first.at > until) return undefined;
      const last = this.#heap.pop() as Event;
      if (last !== first) {
        this.#heap[0] = last;
        this.#sink();
      }
      if (first.fn) return first;
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, heap[parent] as Event)) break;
      heap[place] = heap[parent] as Event;
      place = parent;
    }
    heap[place] = event;
  }

  #sink(): void {
    const heap = this.#heap;
    const event = heap[0] as Event;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child += 1;
      if (!isBefore(heap[child] as Event, event)) break;
      heap[place] = heap[child] as Event;
      place = child;
    }
    heap[place] = event;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
