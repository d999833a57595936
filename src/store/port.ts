/**
 * The store as the rest of Kairos sees it: an ordered key-value space with revisions,
 * guarded writes, a watch, and terms of leadership. It knows nothing of jobs.
 *
 * Keys are paths relative to the store's prefix (`jobs/etl.load`); values are strings (JSON, made above).
 * Two keys are the store's own, `leader` and `commit`: reserved-keys.ts.
 * Adapters: etcd/ (production), embedded/ (one node, one directory), memory/ (tests, simulation).
 * One conformance suite, test/contract/store.ts, holds all three to this page.
 *
 * Invariants others rely on:
 *  - revisions only grow, and every change of a key carries the revision that made it;
 *  - a watch delivers every change after its revision, in order, none twice, a transaction never split; or it ends with an error;
 *  - after a term's number is taken, no commit of an older term can land;
 *  - a resolved write is durable: it survives kill -9 and, where the medium honours flushes, loss of power.
 */

/** A point in the store's history. Grows by at least one with every write. */
export type Revision = bigint;

export interface Entry {
  readonly key: string;
  readonly value: string;
  /** The revision of the write that gave the key this value. */
  readonly modRevision: Revision;
}

/** Everything the store held at one revision. */
export interface Snapshot {
  readonly revision: Revision;
  readonly entries: readonly Entry[];
}

/** One key's change: a new value, or `undefined` when it was deleted. */
export interface Change {
  readonly key: string;
  readonly value: string | undefined;
  readonly revision: Revision;
}

/** Changes of one or more whole transactions, in order. `revision` is the newest among them. */
export interface ChangeBatch {
  readonly revision: Revision;
  readonly changes: readonly Change[];
}

/** Puts `value`, or deletes the key when `value` is undefined. A key may stand only once in a transaction. */
export interface Write {
  readonly key: string;
  readonly value: string | undefined;
}

/** Holds while the key's modRevision is exactly this; `0n` means the key must not exist. */
export interface Guard {
  readonly key: string;
  readonly modRevision: Revision;
}

/** Guards and writes together may be at most this many (etcd's limit is 128 operations; some are kept for the adapter). */
export const MAX_OPERATIONS = 120;

/** Largest value in bytes. etcd refuses requests over 1.5 MiB; a transaction's values together must stay under this too. */
export const MAX_TRANSACTION_BYTES = 1_000_000;

/** How much one commit of a leader may hold. */
export interface CommitLimits {
  /** Writes. */
  readonly operations: number;
  /** UTF-8 bytes of their values together. */
  readonly bytes: number;
}

/** What every store can take at least, and what etcd can at most. */
export const DEFAULT_COMMIT_LIMITS: CommitLimits = { operations: MAX_OPERATIONS, bytes: MAX_TRANSACTION_BYTES };

/**
 * A write by an API node, all or nothing.
 * The first write must be guarded and its value must be unique to this attempt (or be a delete):
 * that is how an adapter tells, after a lost answer, whether its own write landed.
 */
export interface Transaction {
  readonly guards: readonly Guard[];
  readonly writes: readonly Write[];
}

export type TransactionResult =
  | { readonly ok: true; readonly revision: Revision }
  /** A guard did not hold; nothing was written. */
  | { readonly ok: false };

/** What a candidate says of itself in the leader key; followers read it from there. */
export interface Candidate {
  /** The node's id. */
  readonly node: string;
  /** `host:port` of its API, used to notice a crash at once. Empty: none. */
  readonly address: string;
  /** Present when the address holds good on one machine only: which one that is. */
  readonly loopbackOf?: string;
}

/** One unbroken leadership. */
export interface Term {
  /** Grows with every term; the fencing token. In etcd: the leader key's create revision. */
  readonly number: Revision;
  /** Aborts before the lease can have expired elsewhere, when the term was revoked, or after resign(). */
  readonly signal: AbortSignal;
  /** Gives the term up so that another candidate wins at once. Resolves when given up or already over. Never rejects. */
  resign(): Promise<void>;
}

export interface LeaderRecord extends Candidate {
  readonly term: Revision;
}

export interface Store {
  /** For logs: `etcd`, `embedded`, `memory`. */
  readonly kind: string;

  /** How much a commit may hold here; never less than DEFAULT_COMMIT_LIMITS. Transactions have those everywhere. */
  readonly commitLimits: CommitLimits;

  /** A linearizable, consistent copy of every key. */
  snapshot(): Promise<Snapshot>;

  /** Linearizable read of one key. */
  get(key: string): Promise<Entry | undefined>;

  /**
   * Every change after `from`, until `signal` aborts (then the iteration ends normally).
   * A batch may be without changes (an empty commit): its revision alone is news. Throws StoreError `closed` when the store is closed.
   * Throws StoreError `compacted` when history after `from` is gone: take a snapshot and watch from there.
   * Throws StoreError `unavailable` when the connection is lost or has gone silent: watch again from the newest revision delivered.
   */
  watch(from: Revision, signal: AbortSignal): AsyncIterable<ChangeBatch>;

  /**
   * Writes if every guard holds. A lost answer is resolved by reading before this returns.
   * Throws StoreError: `unavailable` (nothing was written), `unknown` (could not be resolved within the deadline), `too-large`.
   */
  transact(transaction: Transaction): Promise<TransactionResult>;

  /**
   * Waits until this node leads and returns its term. Rejects only when `signal` aborts (AbortError) or the store is closed;
   * connection trouble is retried inside. One campaign at a time.
   */
  campaign(candidate: Candidate, signal: AbortSignal): Promise<Term>;

  /** Who leads now, by a linearizable read. */
  leader(): Promise<LeaderRecord | undefined>;

  /**
   * Ends the term `number` if it is still the current one: for a follower that knows the leader's process is dead.
   * Safe in any case, since commits are fenced. Returns whether it ended one.
   */
  evict(number: Revision): Promise<boolean>;

  /**
   * The leader's write path: writes land only while `term` is the current one and, of one term, strictly in the order of calls
   * (call one at a time). A lost answer is resolved by reading and, if needed, by sending the same commit again behind a guard that
   * lets it land only once.
   * Throws StoreError `term-lost` (nothing landed, the term is over) or `unknown` (not resolvable: give the term up).
   * At most as much as commitLimits say.
   */
  commit(term: Term, writes: readonly Write[]): Promise<Revision>;

  /** Keeps `key` = `value` present while this store is open and reachable; it vanishes within seconds of the process's death. */
  announce(key: string, value: string): Promise<void>;

  /** Whether the last exchange with the medium succeeded; for readiness and metrics. */
  healthy(): boolean;

  /** Ends watches, resigns, withdraws announcements, frees everything. Pending calls reject with `closed`. Idempotent. */
  close(): Promise<void>;
}
