/**
 * Ends the process when its event loop has not turned for long: promises that wake each other without end let no timer of the process itself
 * tell of it. Says which seed it was.
 */

import { Worker } from 'node:worker_threads';

const BEAT_MS = 1_000;
const STUCK_AFTER_MS = 600_000;

/** Runs in a thread of its own, and so goes on. */
const WATCH = `
  const { workerData: { shared, limitMs } } = require('node:worker_threads');
  const { writeSync } = require('node:fs');
  let seen = -1;
  let since = performance.now();
  setInterval(() => {
    const beat = Atomics.load(shared, 0);
    if (beat !== seen) since = performance.now();
    seen = beat;
    if (performance.now() - since < limitMs) return;
    writeSync(1, '\\nseed ' + Atomics.load(shared, 1) + ' fails: stuck, without a turn of the event loop for ' + limitMs / 1000 + ' s\\n');
    process.kill(process.pid, 'SIGKILL');
  }, ${BEAT_MS} / 4);
`;

export class Watchdog {
  readonly #shared = new Int32Array(new SharedArrayBuffer(8));

  constructor(limitMs = STUCK_AFTER_MS) {
    const shared = this.#shared;
    setInterval(() => Atomics.add(shared, 0, 1), BEAT_MS).unref();
    new Worker(WATCH, { eval: true, execArgv: [], workerData: { shared, limitMs } }).unref();
  }

  begin(seed: number): void {
    Atomics.store(this.#shared, 1, seed);
    Atomics.add(this.#shared, 0, 1);
  }
}
