/**
 * The clock and the mailbox of one simulated operating-system process.
 *
 * `freeze` is SIGSTOP: timers that fall due and messages that arrive wait, in order, until `thaw`.
 * `kill` is SIGKILL: both are lost, and nothing given later is ever run.
 */

import type { CancelTimer, Clock } from '../../src/clock/clock.ts';

export class ProcessClock implements Clock {
  readonly #base: Clock;
  readonly #pending = new Set<CancelTimer>();
  #mail: (() => void)[] = [];
  #draining = false;
  #waiting: (() => void)[] = [];
  #frozen = false;
  #dead = false;

  constructor(base: Clock) {
    this.#base = base;
  }

  get isFrozen(): boolean {
    return this.#frozen;
  }

  get isDead(): boolean {
    return this.#dead;
  }

  now(): number {
    return this.#base.now();
  }

  monotonic(): number {
    return this.#base.monotonic();
  }

  random(): number {
    return this.#base.random();
  }

  timer(delayMs: number, fn: () => void): CancelTimer {
    if (this.#dead) return () => undefined;
    let cancelled = false;
    const cancelBase = this.#base.timer(delayMs, () => {
      this.#pending.delete(cancelBase);
      this.#run(() => {
        if (!cancelled) fn();
      });
    });
    this.#pending.add(cancelBase);
    return () => {
      cancelled = true;
      this.#pending.delete(cancelBase);
      cancelBase();
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const cancel = this.timer(delayMs, resolve);
      signal?.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });
  }

  /** Runs `fn` soon, after everything posted before. The way messages between processes travel. */
  post(fn: () => void): void {
    if (this.#dead) return;
    this.#mail.push(fn);
    if (this.#draining) return;
    this.#draining = true;
    this.timer(0, () => this.#drain());
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const fn of waiting) this.#run(fn);
  }

  kill(): void {
    this.#dead = true;
    for (const cancel of this.#pending) cancel();
    this.#pending.clear();
    this.#mail = [];
    this.#waiting = [];
  }

  /** Runs `fn` now, or when thawed, or never. */
  #run(fn: () => void): void {
    if (this.#dead) return;
    if (this.#frozen) this.#waiting.push(fn);
    else fn();
  }

  #drain(): void {
    this.#draining = false;
    const mail = this.#mail;
    this.#mail = [];
    for (const fn of mail) this.#run(fn);
  }
}
