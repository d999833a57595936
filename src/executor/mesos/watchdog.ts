/** Notices silence: calls `onSilence` once when nothing was heard for `limitMs` on the monotonic clock. */

import type { CancelTimer, Clock } from '../../clock/clock.ts';

export class Watchdog {
  readonly #clock: Clock;
  readonly #onSilence: (silentMs: number) => void;
  #limitMs: number;
  #heardAt = 0;
  #cancel: CancelTimer | undefined;

  constructor(clock: Clock, limitMs: number, onSilence: (silentMs: number) => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onSilence = onSilence;
  }

  start(): void {
    this.#heardAt = this.#clock.monotonic();
    this.#arm(this.#limitMs);
  }

  /** Something was heard. Cheap: the timer looks at it only when it fires. */
  hear(): void {
    this.#heardAt = this.#clock.monotonic();
  }

  setLimit(limitMs: number): void {
    this.#limitMs = limitMs;
    if (this.#cancel !== undefined) this.#arm(limitMs);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(delayMs: number): void {
    this.stop();
    this.#cancel = this.#clock.timer(delayMs, () => this.#check());
  }

  #check(): void {
    const silentMs = this.#clock.monotonic() - this.#heardAt;
    if (silentMs < this.#limitMs) {
      this.#arm(this.#limitMs - silentMs);
      return;
    }
    this.#cancel = undefined;
    this.#onSilence(silentMs);
  }
}
