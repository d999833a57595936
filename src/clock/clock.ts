/**
 * Time and chance, as a port.
 *
 * Everything above this folder gets the time, timers and randomness from a
 * Clock that it was given, so that a test or a simulation can own all three.
 * `Date.now`, `setTimeout` and `Math.random` are used in system-clock.ts only.
 */

/** Stops a timer. Harmless when the timer has fired or was stopped before. */
export type CancelTimer = () => void;

export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. For schedules; it may step. */
  now(): number;

  /** Milliseconds on a clock that never steps. For leases, time-outs and durations. */
  monotonic(): number;

  /**
   * Calls `fn` once, `delayMs` from now or later; 0 or less means as soon as the current
   * work is done. Delays beyond 2^31-1 ms are allowed. The timer keeps the process alive.
   */
  timer(delayMs: number, fn: () => void): CancelTimer;

  /** Resolves after `delayMs`; resolves early, without an error, when `signal` aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;

  /** A number in [0, 1). For jitter only: nothing that a decision depends on. */
  random(): number;
}
