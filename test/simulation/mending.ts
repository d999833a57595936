/** What is broken and mends itself after a while: or at once, when faults end. */

import type { VirtualTime } from './virtual-time.ts';

export class Mending {
  readonly #time: VirtualTime;
  readonly #pending = new Set<() => void>();
  #isHurried = false;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** Once: after so long, or when all is mended. */
  after(delayMs: number, mend: () => void): void {
    const act = (): void => {
      if (this.#pending.delete(act)) mend();
    };
    this.#pending.add(act);
    this.#time.after(this.#isHurried ? 0 : delayMs, act);
  }

  /** All that waits, now; and what comes from now on, at once. */
  hurry(): void {
    this.#isHurried = true;
    for (const act of [...this.#pending]) act();
  }
}
