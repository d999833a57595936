/** Waits until something is true, and says what was waited for when it does not become so in time. */

import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 5;

export interface UntilOptions {
  readonly limitMs: number;
  /** Completes "waited … ms for"; a function is asked when the limit is reached. */
  readonly what: string | (() => string);
}

export async function until(isTrue: () => boolean | Promise<boolean>, options: UntilOptions): Promise<void> {
  const deadline = performance.now() + options.limitMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) {
      throw new Error(`waited ${options.limitMs} ms for ${typeof options.what === 'string' ? options.what : options.what()}`);
    }
    await delay(POLL_MS);
  }
}
