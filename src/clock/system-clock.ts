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
  const due = performance.now() + delayMs;
  let handle: NodeJS.Timeout;
  const arm = (): void => {
    // Node fires a longer timeout at once, so a long wait is made of several.
    const stepMs = Math.min(Math.max(due - performance.now(), 0), LONGEST_TIMEOUT_MS);
    handle = setTimeout(() => {
      // A timeout may come up to a millisecond early; who then looks at the clock would find that it is not time yet.
      if (performance.now() < due) arm();
      else fn();
    }, stepMs);
  };
  arm();
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
