/** Suspends and resumes the whole cluster, on any node, with or without a leader, by compare-and-set on the one key that says so. */

import { SUSPENSION_KEY } from '../engine/keys.ts';
import type { ClusterSuspension } from '../engine/records.ts';
import type { Instant } from '../schedule/schedule.ts';
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
      const next = isSuspended ? suspended(current, { now: clock.now(), by }) : resumed(current, clock.now());
      if (next === undefined) return { result: current };
      const write = { key: SUSPENSION_KEY, value: JSON.stringify({ ...next, writeId: ids() }) };
      return { result: next, transaction: this.#writer.guarded([write]), isLast: true };
    });
  }
}

/** undefined: nothing is to change. Nodes' clocks differ: spans never overlap, and none ends before it began. */
function suspended(current: ClusterSuspension | undefined, { now, by }: { now: Instant; by: string }): ClusterSuspension | undefined {
  if (current !== undefined && current.to === undefined) return undefined;
  return { from: Math.max(now, current?.to ?? now), by };
}

function resumed(current: ClusterSuspension | undefined, now: Instant): ClusterSuspension | undefined {
  if (current === undefined || current.to !== undefined) return undefined;
  return { from: current.from, to: Math.max(now, current.from), by: current.by };
}
