/**
 * One process's Clock over the virtual time. Its wall clock has an offset and may step; its monotonic clock does neither. A paused
 * process's timers fire when it goes on; a dead one's never.
 */

import type { CancelTimer, Clock } from '../../src/clock/clock.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

export class NodeClock implements Clock {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #bootedAt: number;
  #offsetMs: number;
  #isPaused = false;
  #isDead = false;
  #held: (() => void)[] = [];

  constructor(time: VirtualTime, random: Random, offsetMs: number) {
    this.#time = time;
    this.#random = random;
    this.#offsetMs = Math.round(offsetMs);
    this.#bootedAt = time.now - random.int(1_000, 1_000_000);
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
    return this.#time.now + this.#offsetMs;
  }

  monotonic(): number {
    return this.#time.now - this.#bootedAt;
  }

  random(): number {
    return this.#random.next();
  }

  timer(delayMs: number, fn: () => void): CancelTimer {
    if (this.#isDead) return () => undefined;
    let isOff = false;
    const fire = (): void => {
      if (isOff || this.#isDead) return;
      if (this.#isPaused) this.#held.push(fire);
      else fn();
    };
    const cancel = this.#time.after(delayMs, fire);
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
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const held = this.#held;
    this.#held = [];
    for (const fire of held) this.#time.after(0, fire);
  }

  kill(): void {
    this.#isDead = true;
    this.#held = [];
  }
}
