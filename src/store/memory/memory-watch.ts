/** A watch over a memory link: reads the history with a cursor of its own, and suffers the link's lag, cuts and partitions. */

import type { Clock } from '../../clock/clock.ts';
import { Bell } from '../bell.ts';
import { StoreError } from '../errors.ts';
import type { ChangeBatch, Revision } from '../port.ts';
import type { KeySpace } from './key-space.ts';
import type { MemoryFaults } from './memory-faults.ts';
import type { MemoryLink } from './memory-link.ts';

export interface MemoryWatchOptions {
  readonly link: MemoryLink;
  readonly space: KeySpace;
  readonly clusterClock: Clock;
  readonly nodeClock: Clock;
  readonly faults: MemoryFaults;
  readonly silenceLimitMs: number;
}

export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  readonly #bell = new Bell();
  #isCut = false;
  #silentSince: number | undefined;
  /** Changes up to here have travelled long enough to be seen. */
  #horizon: Revision = 0n;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
  }

  /** The link changed: look again. */
  wake(): void {
    this.#bell.ring();
  }

  /** Ends the watch with `unavailable`. */
  cut(): void {
    this.#isCut = true;
    this.#bell.ring();
  }

  async *run(from: Revision, signal: AbortSignal): AsyncGenerator<ChangeBatch, void, void> {
    const { link, space } = this.#options;
    const stop = space.history.onAppend(this.#bell.ring);
    signal.addEventListener('abort', this.#bell.ring);
    let cursor = from;
    try {
      for (;;) {
        await link.present();
        if (signal.aborted) return;
        if (this.#isCut) throw new StoreError('unavailable', 'the watch was cut');
        if (link.isPartitioned) {
          await this.#keepSilent();
          continue;
        }
        this.#silentSince = undefined;
        const batch = space.history.after(cursor);
        if (batch === undefined) await this.#bell.wait();
        else if (batch.revision > this.#horizon) await this.#travel(signal);
        else {
          cursor = batch.revision;
          yield batch;
        }
      }
    } finally {
      stop();
      signal.removeEventListener('abort', this.#bell.ring);
    }
  }

  /** Changes made so far become visible after the lag. */
  async #travel(signal: AbortSignal): Promise<void> {
    const { space, clusterClock, faults } = this.#options;
    const made = space.revision;
    const lagMs = faults.watchLagMs ?? 0;
    if (lagMs > 0) await clusterClock.sleep(lagMs, signal);
    this.#horizon = made;
  }

  async #keepSilent(): Promise<void> {
    const { nodeClock, silenceLimitMs } = this.#options;
    this.#silentSince ??= nodeClock.monotonic();
    const leftMs = this.#silentSince + silenceLimitMs - nodeClock.monotonic();
    if (leftMs <= 0) throw new StoreError('unavailable', `the watch was silent for ${silenceLimitMs} ms`);
    const cancel = nodeClock.timer(leftMs, this.#bell.ring);
    await this.#bell.wait();
    cancel();
  }
}
