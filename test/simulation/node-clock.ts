/**
 * One process's Clock over the virtual time. Its wall clock has an offset and may step; its monotonic clock does neither. Both may be a
 * little fast or slow. A paused process's timers fire when it goes on; a dead one's never. While the machine sleeps its monotonic clock
 * stands still, and timers with it, as CLOCK_MONOTONIC does in a virtual machine that is suspended; its wall clock has gone on.
 */

import type { CancelTimer, Clock } from '../../src/clock/clock.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

export class NodeClock implements Clock {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #bootedAt: number;
  /** Seconds gained in a second. */
  readonly #drift: number;
  #offsetMs: number;
  /** Since when the wall clock has been drifting from its offset. */
  #setAt: number;
  #isPaused = false;
  #isDead = false;
  #asleepSince: number | undefined;
  #sleptMs = 0;
  #held: (() => void)[] = [];

  constructor(time: VirtualTime, random: Random, { offsetMs, driftPpm }: { readonly offsetMs: number; readonly driftPpm: number }) {
    this.#time = time;
    this.#random = random;
    this.#offsetMs = Math.round(offsetMs);
    this.#drift = driftPpm / 1e6;
    this.#bootedAt = time.now - random.int(1_000, 1_000_000);
    this.#setAt = time.now;
  }

  get offsetMs(): number {
    return this.#offsetMs;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  now(): number {
    return this.#time.now + this.#offsetMs + Math.floor((this.#time.now - this.#setAt) * this.#drift);
  }

  monotonic(): number {
    const awakeMs = (this.#asleepSince ?? this.#time.now) - this.#bootedAt - this.#sleptMs;
    return awakeMs + Math.floor(awakeMs * this.#drift);
  }

  random(): number {
    return this.#random.next();
  }

  timer(delayMs: number, fn: () => void): CancelTimer {
    if (this.#isDead) return () => undefined;
    const due = this.monotonic() + Math.max(0, delayMs);
    let isOff = false;
    let cancel: CancelTimer;
    const fire = (): void => {
      if (isOff || this.#isDead) return;
      if (this.#isPaused) this.#held.push(fire);
      else if (this.monotonic() < due) arm();
      else fn();
    };
    const arm = (): void => {
      cancel = this.#time.after((due - this.monotonic()) / (1 + this.#drift), fire);
    };
    arm();
    return () => {
      isOff = true;
      cancel();
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.timer(delayMs, done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  setOffset(offsetMs: number): void {
    this.#offsetMs = Math.round(offsetMs);
    this.#setAt = this.#time.now;
  }

  pause(): void {
    this.#isPaused = true;
  }

  /** The process stands still, and its monotonic clock as well, until resume(). */
  suspend(): void {
    this.pause();
    this.#asleepSince ??= this.#time.now;
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#asleepSince !== undefined) this.#sleptMs += this.#time.now - this.#asleepSince;
    this.#asleepSince = undefined;
    const held = this.#held;
    this.#held = [];
    for (const fire of held) this.#time.after(0, fire);
  }

  kill(): void {
    this.#isDead = true;
    this.#held = [];
  }
}
