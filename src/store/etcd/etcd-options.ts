/** What the etcd store can be told. Durations are milliseconds. */

import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type CommitLimits, MAX_OPERATIONS, MAX_TRANSACTION_BYTES } from '../port.ts';

/** A leader that dies is replaced after this. etcd takes no less than 2 s. */
export const DEFAULT_LEASE_TTL_MS = 5_000;
/** A term ends on its own node this long before its lease could end at etcd: for clocks that differ in rate, and a busy event loop. */
export const DEFAULT_LEASE_MARGIN_MS = 500;
/** A call without an answer counts as lost after this, and another member is asked. */
export const DEFAULT_CALL_TIMEOUT_MS = 2_000;
/** How long the outcome of a transaction is looked for before it is `unknown`. */
export const DEFAULT_RESOLVE_LIMIT_MS = 5_000;
/** How long one commit is tried before the term is given up: an etcd out of space refuses writes and keeps leases alive. */
export const DEFAULT_COMMIT_LIMIT_MS = 10_000;
export const DEFAULT_RETRY_DELAY_MS = 100;
/** A waiting candidate watches the leader key; this often it looks itself. */
export const DEFAULT_VACANCY_CHECK_MS = 5_000;
/** How often a watch is held against the newest commit. One that stood still between two such looks has stalled. */
export const DEFAULT_WATCH_CHECK_MS = 5_000;
/** etcd 3.4 counts the rest of the range for every page: small pages make a snapshot quadratic. */
export const DEFAULT_SNAPSHOT_PAGE = 5_000;

/** etcd's own default for `--max-txn-ops`. */
export const DEFAULT_MAX_TXN_OPS = 128;
/** Operations of a transaction that this adapter keeps for itself. */
const OWN_OPERATIONS = DEFAULT_MAX_TXN_OPS - MAX_OPERATIONS;

export interface EtcdStoreOptions {
  /** `http://host:port` or, with TLS, `https://host:port`; one or more members of one cluster. */
  readonly hosts: readonly string[];
  /** Everything is kept under `<prefix>/v1/`. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly logger?: Logger;
  /** PEM texts. With `cert` and `key` etcd can know this node by its certificate. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Whole seconds; default 5 s. */
  readonly leaseTtlMs?: number;
  /** What every member was given as `--max-txn-ops`; never less than 128. A larger one makes bursts faster. */
  readonly maxTxnOps?: number;
  readonly leaseMarginMs?: number;
  readonly callTimeoutMs?: number;
  readonly resolveLimitMs?: number;
  readonly commitLimitMs?: number;
  readonly retryDelayMs?: number;
  readonly vacancyCheckMs?: number;
  readonly watchCheckMs?: number;
  readonly snapshotPage?: number;
}

export type EtcdSettings = Required<Omit<EtcdStoreOptions, 'tls' | 'logger'>> & Pick<EtcdStoreOptions, 'tls' | 'logger'>;

export function settingsOf(options: EtcdStoreOptions): EtcdSettings {
  return {
    leaseTtlMs: DEFAULT_LEASE_TTL_MS,
    maxTxnOps: DEFAULT_MAX_TXN_OPS,
    leaseMarginMs: DEFAULT_LEASE_MARGIN_MS,
    callTimeoutMs: DEFAULT_CALL_TIMEOUT_MS,
    resolveLimitMs: DEFAULT_RESOLVE_LIMIT_MS,
    commitLimitMs: DEFAULT_COMMIT_LIMIT_MS,
    retryDelayMs: DEFAULT_RETRY_DELAY_MS,
    vacancyCheckMs: DEFAULT_VACANCY_CHECK_MS,
    watchCheckMs: DEFAULT_WATCH_CHECK_MS,
    snapshotPage: DEFAULT_SNAPSHOT_PAGE,
    ...options,
  };
}

/** A commit may fill a transaction, less what the adapter adds to it; its bytes are bounded by etcd's request limit as before. */
export function commitLimitsOf({ maxTxnOps }: Pick<EtcdSettings, 'maxTxnOps'>): CommitLimits {
  return { operations: maxTxnOps - OWN_OPERATIONS, bytes: MAX_TRANSACTION_BYTES };
}
