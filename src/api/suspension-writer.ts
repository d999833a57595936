/** Suspends and resumes the whole cluster, on any node, with or without a leader, by compare-and-set on the one key that says so. */

import { SUSPENSION_KEY } from '../engine/keys.ts';
import type { ClusterSuspension } from '../engine/records.ts';
import { resume, suspend } from '../job/suspension.ts';
import type { ApiDeps } from './deps.ts';
import { type Applied, GuardedWriter } from './guarded-writer.ts';
import { maybeRecord } from './records.ts';

export class SuspensionWriter {
  readonly #deps: Pick<ApiDeps, 'replica' | 'clock' | 'ids'>;
  readonly #writer: GuardedWriter;

  constructor(deps: Pick<ApiDeps, 'store' | 'replica' | 'clock' | 'ids' | 'logger'>) {
    this.#deps = deps;
    this.#writer = new GuardedWriter(deps);
  }

  /** What is so already stays as it is. undefined: it never was suspended. Throws ApiError. */
  set(isSuspended: boolean, by: string): Promise<Applied<ClusterSuspension | undefined>> {
    const { replica, clock, ids } = this.#deps;
    return this.#writer.apply([SUSPENSION_KEY], () => {
      const current = maybeRecord<ClusterSuspension>(replica.get(SUSPENSION_KEY));
      const next = isSuspended ? suspend(current, { at: clock.now(), by }) : resume(current, clock.now());
      if (next === current) return { result: current };
      const write = { key: SUSPENSION_KEY, value: JSON.stringify({ ...next, writeId: ids() }) };
      return { result: next, transaction: this.#writer.guarded([write]), isLast: true };
    });
  }
}
