/**
 * A node's warm copy of the store. It follows the store's watch from a snapshot, and knows how fresh it is.
 *
 *   start ──> rebuild (snapshot, diff) ──> follow (watch) ──unavailable──> follow, from where it was
 *                ^                            │
 *                └── compacted, stalled, discrepancies, other errors ──┘
 *
 * Invariants: entries are those of one revision, never of half a transaction; listeners hear every change in order, also those that
 * only a rebuild found. It trusts no watch for ever: a probe asks how far it should be, and a reconciliation compares everything
 * (etcd 3.4 can lose watch events). It must never write.
 */

import type { Clock } from '../clock/clock.ts';
import { StoreError } from './errors.ts';
import { KeyIndex } from './key-index.ts';
import type { Change, ChangeBatch, Entry, Revision, Snapshot, Store } from './port.ts';
import { COMMIT_KEY } from './reserved-keys.ts';
import { countDiscrepancies, diffSnapshot } from './snapshot-diff.ts';

export const DEFAULT_RECONCILE_EVERY_MS = 5 * 60_000;
export const DEFAULT_PROBE_EVERY_MS = 5_000;
export const DEFAULT_STALL_LIMIT_MS = 10_000;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 5_000;
/** How long a reconciliation lets the watch catch up with its snapshot. */
const RECONCILE_GRACE_MS = 2_000;
/** After so many failures in a row even a snapshot from before our time is believed: the store was restored from a backup. */
const OLDER_SNAPSHOT_AFTER = 5;

export type RebuildReason = 'start' | 'compacted' | 'stalled' | 'discrepancies' | 'error';

export interface ReplicaOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** How often everything is compared with a snapshot. Default: 5 min. 0: never. */
  readonly reconcileEveryMs?: number;
  /** How often a small read asks how far the watch should be. Default: 5 s. 0: never. */
  readonly probeEveryMs?: number;
  /** How far the watch may stay behind such a read before the copy is rebuilt. Default: 10 s. */
  readonly stallLimitMs?: number;
  /** Trouble that was met and will be retried; or a listener that threw. */
  readonly onError: (error: unknown) => void;
  /** The copy was made anew; so many changes had been missed. */
  readonly onRebuild?: (reason: RebuildReason, changes: number) => void;
  /** A reconciliation found so many keys that the watch should have brought. A rebuild follows. */
  readonly onDiscrepancies?: (count: number) => void;
}

export class Replica {
  readonly #options: ReplicaOptions;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<(batch: ChangeBatch) => void>();
  readonly #waiters = new Set<{ readonly revision: Revision; readonly settle: (isReached: boolean) => void }>();
  #index = new KeyIndex();
  #revision: Revision = 0n;
  #isReady = false;
  #provenAt = Number.NEGATIVE_INFINITY;
  #watch = new AbortController();
  #rebuildReason: RebuildReason | undefined = 'start';
  #rebuilds = 0;
  #failures = 0;
  #touched: Map<string, Revision> | undefined;
  #loops: Promise<unknown> | undefined;

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  /** Begins to follow. Resolves when the copy is ready or stopped; never rejects. */
  start(): Promise<void> {
    const { signal } = this.#stop;
    const { probeEveryMs = DEFAULT_PROBE_EVERY_MS, reconcileEveryMs = DEFAULT_RECONCILE_EVERY_MS } = this.#options;
    this.#loops ??= Promise.all([
      this.#run(signal),
      this.#repeat(probeEveryMs, () => this.#probe()),
      this.#repeat(reconcileEveryMs, () => this.#reconcile()),
    ]);
    return new Promise((resolve) => {
      const waiter = {
        revision: 0n,
        settle: () => {
          this.#waiters.delete(waiter);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      this.#settleWaiters();
    });
  }

  /** Ends following; the copy stays readable as it is. Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#watch.abort();
    this.#settleWaiters();
    await this.#loops;
  }

  /** Whether a whole copy is there. Stays true from then on; see stalenessMs(). */
  get ready(): boolean {
    return this.#isReady;
  }

  /** The copy holds every change up to here. */
  get revision(): Revision {
    return this.#revision;
  }

  get size(): number {
    return this.#index.size;
  }

  get(key: string): Entry | undefined {
    return this.#index.get(key);
  }

  /** The entries whose keys start with `prefix`, in key order. Touches only the directories concerned. */
  list(prefix: string): readonly Entry[] {
    return this.#index.list(prefix);
  }

  /** Every key, in no order to rely on. */
  keys(): IterableIterator<string> {
    return this.#index.keys();
  }

  /** Milliseconds since the copy was last known to be up to date; Infinity before it is ready. */
  stalenessMs(): number {
    return this.#options.clock.monotonic() - this.#provenAt;
  }

  /** Resolves with true when the copy holds `revision`, with false after `timeoutMs` or when stopped. */
  waitFor(revision: Revision, timeoutMs: number): Promise<boolean> {
    if (this.#isReady && this.#revision >= revision) return Promise.resolve(true);
    if (this.#stop.signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (isReached: boolean): void => {
        cancel();
        this.#waiters.delete(waiter);
        resolve(isReached);
      };
      const waiter = { revision, settle };
      const cancel = this.#options.clock.timer(timeoutMs, () => settle(false));
      this.#waiters.add(waiter);
    });
  }

  /** `listener` hears every later change, after the copy has it. Returns what ends this. */
  subscribe(listener: (batch: ChangeBatch) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#rebuildReason !== undefined) await this.#rebuild(this.#rebuildReason);
        this.#watch = new AbortController();
        // stop() may have come between.
        if (signal.aborted) return;
        const watch = this.#watch.signal;
        for await (const batch of this.#options.store.watch(this.#revision, watch)) this.#apply(batch);
        if (!watch.aborted) throw new StoreError('unavailable', 'the watch ended by itself');
      } catch (error) {
        if (signal.aborted) return;
        this.#options.onError(error);
        const code = error instanceof StoreError ? error.code : 'unknown';
        if (code === 'closed') return;
        // After a lost connection the watch goes on where it was: nothing is missed by that.
        if (code !== 'unavailable') this.#rebuildReason ??= code === 'compacted' ? 'compacted' : 'error';
        await this.#backOff(signal);
      }
    }
  }

  async #rebuild(reason: RebuildReason): Promise<void> {
    const { store, clock, onRebuild } = this.#options;
    const askedAt = clock.monotonic();
    const snapshot = await store.snapshot();
    if (snapshot.revision < this.#revision && this.#failures < OLDER_SNAPSHOT_AFTER) {
      throw new StoreError('unavailable', `the store answered with revision ${snapshot.revision}; ${this.#revision} was seen before`);
    }
    const changes = this.#isReady ? diffSnapshot(this.#index.list(''), snapshot) : [];
    this.#index = indexOf(snapshot);
    this.#isReady = true;
    this.#rebuildReason = undefined;
    this.#rebuilds += 1;
    this.#revision = snapshot.revision;
    onRebuild?.(reason, changes.length);
    if (changes.length > 0) this.#notify({ revision: snapshot.revision, changes });
    this.#isProven(askedAt);
    this.#settleWaiters();
  }

  #apply(batch: ChangeBatch): void {
    for (const change of batch.changes) this.#applyChange(change);
    this.#revision = batch.revision;
    this.#isProven(this.#options.clock.monotonic());
    this.#notify(batch);
    this.#settleWaiters();
  }

  #applyChange({ key, value, revision }: Change): void {
    if (value === undefined) this.#index.delete(key);
    else this.#index.set({ key, value, modRevision: revision });
    this.#touched?.set(key, revision);
  }

  #notify(batch: ChangeBatch): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(batch);
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }

  #isProven(at: number): void {
    this.#provenAt = Math.max(this.#provenAt, at);
    this.#failures = 0;
  }

  #settleWaiters(): void {
    if (this.#stop.signal.aborted) for (const waiter of [...this.#waiters]) waiter.settle(false);
    if (!this.#isReady) return;
    for (const waiter of [...this.#waiters]) if (waiter.revision <= this.#revision) waiter.settle(true);
  }

  async #backOff(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const limitMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#failures);
    this.#failures += 1;
    // At least half of it, so that many nodes come back spread out but none hurries.
    await clock.sleep(limitMs * (0.5 + clock.random() / 2), signal);
  }

  async #repeat(everyMs: number, work: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (everyMs > 0 && !signal.aborted) {
      await this.#options.clock.sleep(everyMs, signal);
      if (signal.aborted) return;
      try {
        if (this.#isReady) await work();
      } catch (error) {
        if (!signal.aborted) this.#options.onError(error);
      }
    }
  }

  /** The newest commit's revision, read past the watch: that far the watch must come. */
  async #probe(): Promise<void> {
    const { store, clock, stallLimitMs = DEFAULT_STALL_LIMIT_MS } = this.#options;
    const askedAt = clock.monotonic();
    const rebuilds = this.#rebuilds;
    const marker = await store.get(COMMIT_KEY);
    const isReached = await this.waitFor(marker?.modRevision ?? 0n, stallLimitMs);
    if (isReached) this.#isProvenBy(askedAt);
    else this.#demandRebuild('stalled', rebuilds);
  }

  async #reconcile(): Promise<void> {
    const { store, clock, onDiscrepancies } = this.#options;
    const askedAt = clock.monotonic();
    const rebuilds = this.#rebuilds;
    const touched = new Map<string, Revision>();
    this.#touched = touched;
    try {
      const snapshot = await store.snapshot();
      await this.waitFor(snapshot.revision, RECONCILE_GRACE_MS);
      const count = countDiscrepancies(this.#index.list(''), snapshot, touched);
      if (count === 0) this.#isProvenBy(askedAt);
      if (count === 0 || rebuilds !== this.#rebuilds || this.#stop.signal.aborted) return;
      onDiscrepancies?.(count);
      this.#demandRebuild('discrepancies', rebuilds);
    } finally {
      this.#touched = undefined;
    }
  }

  #isProvenBy(readAt: number): void {
    this.#provenAt = Math.max(this.#provenAt, readAt);
  }

  /** Unless the copy was rebuilt since the count was taken. */
  #demandRebuild(reason: RebuildReason, rebuilds: number): void {
    if (this.#stop.signal.aborted || rebuilds !== this.#rebuilds) return;
    this.#rebuildReason = reason;
    this.#watch.abort();
  }
}

function indexOf(snapshot: Snapshot): KeyIndex {
  const index = new KeyIndex();
  for (const entry of snapshot.entries) index.set(entry);
  return index;
}
