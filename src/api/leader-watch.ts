/** Since when no node leads, as far as this node has seen the last leader go. */

import type { Clock } from '../clock/clock.ts';
import type { Instant } from '../schedule/schedule.ts';
import { LEADER_KEY } from '../store/reserved-keys.ts';
import type { ReplicaView } from './deps.ts';

export class LeaderWatch {
  readonly #replica: ReplicaView;
  readonly #clock: Pick<Clock, 'now'>;
  #unsubscribe: (() => void) | undefined;
  #leaderlessSince: Instant | undefined;

  constructor(replica: ReplicaView, clock: Pick<Clock, 'now'>) {
    this.#replica = replica;
    this.#clock = clock;
  }

  /** undefined: some node leads, or none has since this node started. */
  get leaderlessSince(): Instant | undefined {
    return this.#leaderlessSince;
  }

  open(): void {
    this.#unsubscribe ??= this.#replica.subscribe((batch) => {
      const change = batch.changes.findLast(({ key }) => key === LEADER_KEY);
      if (change !== undefined) this.#leaderlessSince = change.value === undefined ? this.#clock.now() : undefined;
    });
  }

  close(): void {
    this.#unsubscribe?.();
  }
}
