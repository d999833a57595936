/** Gauges that are read at each scrape: what the leader has under way, and how the node's copy of the store stands. */

import type { Clock } from '../clock/clock.ts';
import type { Leadership } from '../leader/leadership.ts';
import type { Store } from '../store/port.ts';
import { JOBS } from '../engine/keys.ts';
import type { Replica } from '../store/replica.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export interface Sources {
  readonly leadership: Leadership;
  readonly store: Store;
  readonly replica: Replica;
  readonly clock: Clock;
}

const NO_RUNS = { queued: 0, pending: 0, backoff: 0, launching: 0, running: 0, killing: 0 };

export function provideReadings(metrics: Metrics, { leadership, store, replica, clock }: Sources): void {
  metrics.provide({
    jobs: () => replica.list(JOBS).length,
    jobsQuarantined: () => leadership.gauges()?.quarantined ?? 0,
    activeRuns: () => ({ ...NO_RUNS, ...leadership.gauges()?.runs }),
    queue: () => {
      const gauges = leadership.gauges();
      const since = gauges?.pendingSince;
      return { depth: gauges?.pending ?? 0, oldestSeconds: since === undefined ? 0 : Math.max(0, clock.now() - since) / 1000 };
    },
    storeUp: () => store.healthy(),
    replicaLagSeconds: () => replica.stalenessMs() / 1000,
  });
}
