/**
 * How fast an agent starts executors. A real one manages a few each second, whatever is asked of it; without a limit
 * each launch starts at once.
 */

import type { Clock } from '../../../src/clock/clock.ts';

export class LaunchQueue {
  readonly #gapMs: number;
  #freeAt = 0;

  constructor(launchesPerSecond: number | undefined) {
    this.#gapMs = launchesPerSecond === undefined ? 0 : 1000 / launchesPerSecond;
  }

  /** Calls `launch` when its turn comes, on the clock of the agent's process. */
  add(clock: Clock, launch: () => void): void {
    if (this.#gapMs === 0) return launch();
    const now = clock.monotonic();
    const at = Math.max(now, this.#freeAt);
    this.#freeAt = at + this.#gapMs;
    clock.timer(at - now, launch);
  }
}
