/** Waits until something is true, and says what was waited for when it does not become so in time. */

import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 5;

const DEFAULT_LIMIT_MS = 10_000;

export interface UntilOptions {
  /** Default: 10 s. */
  readonly limitMs?: number;
  /** Completes "waited … ms for"; a function is asked when the limit is reached. Default: the condition's own text. */
  readonly what?: string | (() => string);
}

export async function until(isTrue: () => boolean | Promise<boolean>, options: UntilOptions = {}): Promise<void> {
  const { limitMs = DEFAULT_LIMIT_MS, what = isTrue.toString() } = options;
  const deadline = performance.now() + limitMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) {
      throw new Error(`waited ${limitMs} ms for ${typeof what === 'string' ? what : what()}`);
    }
    await delay(POLL_MS);
  }
}
