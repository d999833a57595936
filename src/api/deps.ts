/** What the API is given. It reads from the node's warm copy, writes definitions and requests, and knows no adapter. */

import type { Clock } from '../clock/clock.ts';
import type { Executor } from '../executor/port.ts';
import type { ChangeBatch, Entry, Revision, Store } from '../store/port.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** The part of the node's copy of the store that is needed here; see store/replica.ts. */
export interface ReplicaView {
  readonly ready: boolean;
  readonly revision: Revision;
  get(key: string): Entry | undefined;
  list(prefix: string): readonly Entry[];
  waitFor(revision: Revision, timeoutMs: number): Promise<boolean>;
  subscribe(listener: (batch: ChangeBatch) => void): () => void;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why it is not, in words. */
  readonly reasons: readonly string[];
}

export interface ApiDeps {
  readonly store: Pick<Store, 'get' | 'transact'>;
  readonly replica: ReplicaView;
  readonly executor: Pick<Executor, 'readLog'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'expose' | 'httpAnswered'>;
  readonly readiness: () => Readiness;
  readonly nodeId: string;
  /** Makes ids that are unique and grow with time (ULIDs). */
  readonly ids: () => string;
  /** Every request but those of the probes must carry it as `Authorization: Bearer …`. Absent: loopback only, no credentials. */
  readonly token?: string | undefined;
}
