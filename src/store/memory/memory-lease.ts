/**
 * Leases of a memory cluster. While its owner is in touch a lease simply lives: nothing is renewed, so no timer runs and
 * simulated hours cost nothing. From the moment the owner is cut off (`neglect`) it has the lease's length left, on the cluster's clock.
 */

import type { CancelTimer, Clock } from '../../clock/clock.ts';
import type { KeySpace } from './key-space.ts';

export class MemoryLease {
  readonly keys = new Set<string>();
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #space: KeySpace;
  readonly #onEnd: () => void;
  #cancel: CancelTimer | undefined;
  #isAlive = true;

  constructor(options: { readonly clock: Clock; readonly leaseMs: number; readonly space: KeySpace; readonly onEnd: () => void }) {
    this.#clock = options.clock;
    this.#leaseMs = options.leaseMs;
    this.#space = options.space;
    this.#onEnd = options.onEnd;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** No sign of the owner from now on: the lease ends in `leaseMs`, unless renewed. */
  neglect(): void {
    if (this.#isAlive) this.#cancel ??= this.#clock.timer(this.#leaseMs, () => this.end());
  }

  renew(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Deletes the lease's keys, in one write. */
  end(): void {
    if (!this.#isAlive) return;
    this.renew();
    this.#isAlive = false;
    if (this.keys.size > 0) this.#space.apply([...this.keys].map((key) => ({ key, value: undefined })));
    this.#onEnd();
  }
}
