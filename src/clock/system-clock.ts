/** The real clock: the only module that touches Node's timers and randomness. */

import type { CancelTimer, Clock } from './clock.ts';

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  timer,
  sleep,
};

function timer(delayMs: number, fn: () => void): CancelTimer {
  let handle: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    // Node fires a longer timeout at once, so a long wait is made of several.
    const stepMs = Math.min(Math.max(leftMs, 0), LONGEST_TIMEOUT_MS);
    handle = setTimeout(() => {
      if (leftMs > stepMs) arm(leftMs - stepMs);
      else fn();
    }, stepMs);
  };
  arm(delayMs);
  return () => clearTimeout(handle);
}

function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = timer(delayMs, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}
