/**
 * Where events gather while a commit is under way, so that the next decision takes them all at once. One waiter, any number of
 * senders; no event is ever dropped.
 */

import type { CancelTimer, Clock } from '../clock/clock.ts';
import type { EngineEvent } from '../engine/engine.ts';
import type { Instant } from '../schedule/schedule.ts';

const DEFAULT_LONGEST_WAIT_MS = 1_000;

export class Inbox {
  readonly #clock: Clock;
  readonly #longestWaitMs: number;
  #events: EngineEvent[] = [];
  /** Statuses apart: the only kind that comes in floods. Among themselves they stay in order. */
  #statuses: EngineEvent[] = [];
  #wake: (() => void) | undefined;
  #isRung = false;

  /** A step of the wall clock is noticed within `longestWaitMs`. */
  constructor(clock: Clock, longestWaitMs: number = DEFAULT_LONGEST_WAIT_MS) {
    this.#clock = clock;
    this.#longestWaitMs = longestWaitMs;
  }

  push(event: EngineEvent): void {
    const isStatus = event.type === 'executor' && event.event.type === 'status';
    (isStatus ? this.#statuses : this.#events).push(event);
    this.#wake?.();
  }

  /** Wakes the waiter although there is no event: the term ends. */
  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /**
   * Takes what has gathered, but at most so many statuses: while jobs that are due still wait to be launched, what became of the
   * launched ones can wait a moment.
   */
  take(statusLimit = Infinity): readonly EngineEvent[] {
    const events = this.#events;
    this.#events = [];
    if (this.#statuses.length <= statusLimit) {
      // One by one: a call takes some hundred thousand arguments at most.
      for (const status of this.#statuses) events.push(status);
      this.#statuses = [];
    } else {
      events.push(...this.#statuses.splice(0, statusLimit));
    }
    return events;
  }

  /** Resolves when there is an event, when `at` (wall-clock) has come, or when rung. */
  wait(at: Instant | undefined): Promise<void> {
    if (this.#events.length > 0 || this.#statuses.length > 0 || this.#isRung) return Promise.resolve();
    return new Promise((resolve) => {
      let cancel: CancelTimer | undefined;
      this.#wake = () => {
        this.#wake = undefined;
        cancel?.();
        resolve();
      };
      const wake = this.#wake;
      if (at !== undefined) cancel = this.#armTimer(at, () => wake());
    });
  }

  /** Wall clocks may step while a timer runs, so a long wait looks at the clock again at times. */
  #armTimer(at: Instant, wake: () => void): CancelTimer {
    return this.#clock.timer(Math.min(at - this.#clock.now(), this.#longestWaitMs), wake);
  }
}
