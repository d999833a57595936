/**
 * A store in memory that many nodes share: for tests and for simulation.
 *
 * The cluster is the medium; `connect` gives each node its own Store, with faults to inject (memory-connection.ts).
 * Time comes from the given Clocks only, and while nothing is wrong no timer runs at all. Chance comes from the caller only.
 */

import type { Clock } from '../../clock/clock.ts';
import type { Candidate, Entry, Revision } from '../port.ts';
import { encodeCandidate, LEADER_KEY } from '../reserved-keys.ts';
import { KeySpace } from './key-space.ts';
import { MemoryConnection } from './memory-connection.ts';
import type { MemoryFaults, RequestKind } from './memory-faults.ts';
import { MemoryLease } from './memory-lease.ts';

const DEFAULT_LEASE_MS = 5_000;
const DEFAULT_MARGIN_MS = 500;
const DEFAULT_HISTORY_LIMIT = 10_000;
const DEFAULT_REQUEST_TIMEOUT_MS = 2_000;
const DEFAULT_RESOLVE_LIMIT_MS = 5_000;
const DEFAULT_COMMIT_LIMIT_MS = 10_000;
const DEFAULT_RETRY_DELAY_MS = 100;
const DEFAULT_SILENCE_LIMIT_MS = 13_000;

export interface MemoryClusterOptions {
  readonly clock: Clock;
  /** How long a term or an announcement outlives contact with its node. Default: 5 s. */
  readonly leaseMs?: number;
  /** How long before the lease can end a cut-off leader's own clock ends its term. Default: 500 ms. */
  readonly marginMs?: number;
  /** How many writes a watch can look back. Default: 10,000. */
  readonly historyLimit?: number;
}

export interface ConnectOptions {
  /** For the faults' caller. Default: `c1`, `c2`, … */
  readonly name?: string;
  /** The node's own clock. Default: the cluster's. */
  readonly clock?: Clock;
  /** Kept and read at every request: it may be changed in place. */
  readonly faults?: MemoryFaults;
  /** When a request counts as lost. Default: 2 s. */
  readonly requestTimeoutMs?: number;
  /** How long the outcome of a lost write is looked for. Default: 5 s. */
  readonly resolveLimitMs?: number;
  /** How long one commit is tried before the term is given up. Default: 10 s. */
  readonly commitLimitMs?: number;
  /** Default: 100 ms. */
  readonly retryDelayMs?: number;
  /** How long a watch stays silent in a partition before it ends. Default: 13 s. */
  readonly silenceLimitMs?: number;
}

export class MemoryCluster {
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly marginMs: number;
  readonly space: KeySpace;
  readonly #connections: MemoryConnection[] = [];
  /**
   * No space is left, as with etcd's alarm NOSPACE: whatever would add something is refused; reads, watches, leases that there are
   * and giving them back go on.
   */
  isFull = false;
  #leaderLease: MemoryLease | undefined;
  #connected = 0;

  constructor(options: MemoryClusterOptions) {
    this.clock = options.clock;
    this.leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
    this.marginMs = options.marginMs ?? DEFAULT_MARGIN_MS;
    this.space = new KeySpace(options.historyLimit ?? DEFAULT_HISTORY_LIMIT);
  }

  /** One node's connection. */
  connect(options: ConnectOptions = {}): MemoryConnection {
    this.#connected += 1;
    const connection = new MemoryConnection(this, {
      name: options.name ?? `c${this.#connected}`,
      clock: options.clock ?? this.clock,
      faults: options.faults ?? {},
      requestTimeoutMs: options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
      resolveLimitMs: options.resolveLimitMs ?? DEFAULT_RESOLVE_LIMIT_MS,
      commitLimitMs: options.commitLimitMs ?? DEFAULT_COMMIT_LIMIT_MS,
      retryDelayMs: options.retryDelayMs ?? DEFAULT_RETRY_DELAY_MS,
      silenceLimitMs: options.silenceLimitMs ?? DEFAULT_SILENCE_LIMIT_MS,
    });
    this.#connections.push(connection);
    return connection;
  }

  /** Forgets history up to `revision`; watches that still needed it end with `compacted`. Default: all of it. */
  compact(revision: Revision = this.space.revision): void {
    this.space.history.compact(revision);
    for (const connection of this.#connections) connection.onCompacted();
  }

  /** Everything stored now, seen from outside: for an invariant checker. Costs nothing while nothing changes. */
  entries(): readonly Entry[] {
    return this.space.entries();
  }

  /** The current term's number. */
  get term(): Revision | undefined {
    return this.space.get(LEADER_KEY)?.modRevision;
  }

  /** Ends the current term at the medium, as a lease that was revoked by mistake. Its holder learns of it late. */
  loseLease(): void {
    this.#leaderLease?.end();
  }

  /** For connections only: a campaign asks first who leads, and adds something only where nobody does. */
  refuses(kind: RequestKind): boolean {
    if (!this.isFull) return false;
    return kind === 'commit' || kind === 'transact' || kind === 'announce' || (kind === 'campaign' && this.term === undefined);
  }

  /** For connections only: takes the leader key for `lease`, or finds that the lease has it. Undefined: another has it. */
  lead(lease: MemoryLease, candidate: Candidate): Revision | undefined {
    if (this.term !== undefined) return this.#leaderLease === lease ? this.term : undefined;
    lease.keys.add(LEADER_KEY);
    this.#leaderLease = lease;
    return this.space.apply([{ key: LEADER_KEY, value: encodeCandidate(candidate) }]);
  }

  /** For connections only. */
  grant(onEnd: () => void): MemoryLease {
    return new MemoryLease({
      clock: this.clock,
      leaseMs: this.leaseMs,
      space: this.space,
      onEnd: () => {
        onEnd();
        for (const connection of [...this.#connections]) connection.onVacancy();
      },
    });
  }

  /** For connections only: a closed or dead node is forgotten. */
  forget(connection: MemoryConnection): void {
    const index = this.#connections.indexOf(connection);
    if (index >= 0) this.#connections.splice(index, 1);
  }
}
