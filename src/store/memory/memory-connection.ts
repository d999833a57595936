/**
 * One node's Store over a memory cluster, and the faults its owner can bring upon it: `faults` (every single request, watch lag),
 * partition, pause, crash, cut watches. All take effect at once and in program order; see also MemoryCluster.compact and loseLease.
 */

import type { Clock } from '../../clock/clock.ts';
import { StoreError } from '../errors.ts';
import {
  type Candidate,
  type ChangeBatch,
  DEFAULT_COMMIT_LIMITS,
  type Entry,
  type LeaderRecord,
  type Revision,
  type Snapshot,
  type Store,
  type Term,
  type Transaction,
  type TransactionResult,
  type Write,
} from '../port.ts';
import { decodeLeader, LEADER_KEY } from '../reserved-keys.ts';
import { TransactionWriter, type TransactionReply } from '../transaction-writer.ts';
import type { MemoryFaults, RequestKind } from './memory-faults.ts';
import { MemoryLeadership } from './memory-leadership.ts';
import type { MemoryLease } from './memory-lease.ts';
import { MemoryLink } from './memory-link.ts';
import type { MemoryCluster } from './memory-store.ts';
import { MemoryWatch } from './memory-watch.ts';

/** A snapshot whose revision was compacted away between two pages is begun again this often. */
const SNAPSHOT_ATTEMPTS = 3;

export interface MemoryConnectionOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly faults: MemoryFaults;
  readonly requestTimeoutMs: number;
  readonly resolveLimitMs: number;
  readonly retryDelayMs: number;
  readonly commitLimitMs: number;
  readonly silenceLimitMs: number;
}

export class MemoryConnection implements Store {
  readonly kind = 'memory';
  readonly commitLimits = DEFAULT_COMMIT_LIMITS;
  readonly name: string;
  /** May be changed at any time. */
  readonly faults: MemoryFaults;
  readonly #cluster: MemoryCluster;
  readonly #options: MemoryConnectionOptions;
  readonly #link: MemoryLink;
  readonly #leadership: MemoryLeadership;
  readonly #writer: TransactionWriter;
  readonly #watches = new Set<MemoryWatch>();
  readonly #announced = new Map<string, string>();
  #announcements: MemoryLease | undefined;
  #seen: Revision;
  #closing: Promise<void> | undefined;

  constructor(cluster: MemoryCluster, options: MemoryConnectionOptions) {
    const { name, clock, faults, requestTimeoutMs, resolveLimitMs, retryDelayMs, commitLimitMs } = options;
    this.name = name;
    this.faults = faults;
    this.#cluster = cluster;
    this.#options = options;
    this.#seen = cluster.space.revision;
    const isRefused = (kind: RequestKind): boolean => cluster.refuses(kind);
    this.#link = new MemoryLink({ name, clusterClock: cluster.clock, nodeClock: clock, requestTimeoutMs, faults, isRefused });
    this.#leadership = new MemoryLeadership({ cluster, link: this.#link, clock, retryDelayMs, commitLimitMs });
    this.#writer = new TransactionWriter({
      ...{ clock, resolveLimitMs, retryDelayMs },
      medium: {
        seenRevision: () => this.#seen,
        send: (transaction) => this.#link.exchange('transact', () => this.#apply(transaction)),
        read: (key) => this.#link.exchange('get', () => this.#see(cluster.space.get(key))),
        changes: (key, after, until) => this.#link.exchange('changes', () => cluster.space.changes(key, after, until)),
      },
    });
  }

  async snapshot(): Promise<Snapshot> {
    const { space } = this.#cluster;
    for (let attempt = 1; ; attempt += 1) {
      const taken = await this.#read('snapshot', () => this.#see({ revision: space.revision, entries: space.entries() }));
      if (await this.#readPages(taken.revision)) return taken;
      if (attempt === SNAPSHOT_ATTEMPTS) throw new StoreError('unavailable', 'the history is compacted faster than a snapshot is read');
    }
  }

  get(key: string): Promise<Entry | undefined> {
    return this.#read('get', () => this.#see(this.#cluster.space.get(key)));
  }

  async leader(): Promise<LeaderRecord | undefined> {
    const entry = await this.#read('leader', () => this.#cluster.space.get(LEADER_KEY));
    return entry && decodeLeader(entry);
  }

  async *watch(from: Revision, signal: AbortSignal): AsyncGenerator<ChangeBatch, void, void> {
    const { clock: nodeClock, silenceLimitMs } = this.#options;
    const { space, clock: clusterClock } = this.#cluster;
    const watch = new MemoryWatch({ link: this.#link, space, clusterClock, nodeClock, silenceLimitMs, faults: this.faults });
    this.#watches.add(watch);
    try {
      yield* watch.run(from, signal);
    } finally {
      this.#watches.delete(watch);
    }
  }

  transact(transaction: Transaction): Promise<TransactionResult> {
    return this.#writer.write(transaction);
  }

  campaign(candidate: Candidate, signal: AbortSignal): Promise<Term> {
    return this.#leadership.campaign(candidate, signal);
  }

  async evict(number: Revision): Promise<boolean> {
    return this.#read('evict', () => {
      if (this.#cluster.term !== number) return false;
      this.#cluster.loseLease();
      return true;
    });
  }

  async commit(term: Term, writes: readonly Write[]): Promise<Revision> {
    await this.#link.present();
    return this.#leadership.commit(term, writes);
  }

  async announce(key: string, value: string): Promise<void> {
    this.#announced.set(key, value);
    for (;;) {
      const reply = await this.#link.exchange('announce', () => this.#putAnnouncements());
      if (reply.status === 'answered') return;
      await this.#options.clock.sleep(this.#options.retryDelayMs, this.#link.closed);
    }
  }

  healthy(): boolean {
    return this.#link.isHealthy && !this.#link.closed.aborted;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Nothing reaches the medium and nothing comes back, until heal(). Leases run out; watches fall silent, and end after a while. */
  partition(): void {
    this.#link.partition(true);
    this.#cutOff();
  }

  heal(): void {
    this.#link.partition(false);
    this.#backInTouch();
  }

  /**
   * The process stands still, until resume(): it gets no answer, no change and no time; what it had sent lands.
   * Its own timers are the owner's business: give it a clock that stands still as well.
   */
  pause(): void {
    this.#link.pause();
    this.#cutOff();
  }

  /**
   * The held answers arrive first; only then does the node learn whether its term is over. `newsAfterMs`: a node whose own clock has
   * stood still too trusts its lease until the next sign of life that it is to give.
   */
  resume(newsAfterMs = 0): void {
    this.#link.resume();
    for (const watch of this.#watches) watch.wake();
    this.#options.clock.timer(newsAfterMs, () => {
      this.#leadership.checkTrust();
      this.#backInTouch();
    });
  }

  /** The process is dead, as with kill -9: no call of it ever settles. What it had sent lands; its leases run out. */
  crash(): void {
    this.#link.die();
    this.#cutOff();
    this.#cluster.forget(this);
  }

  /** Ends every watch with `unavailable`. */
  cutWatches(): void {
    for (const watch of this.#watches) watch.cut();
  }

  /** For the cluster only. */
  onVacancy(): void {
    this.#leadership.onVacancy();
  }

  /** For the cluster only. */
  onCompacted(): void {
    for (const watch of this.#watches) watch.wake();
  }

  #cutOff(): void {
    this.#leadership.cutOff();
    this.#announcements?.neglect();
    for (const watch of this.#watches) watch.wake();
  }

  #backInTouch(): void {
    if (this.#link.isIsolated || this.#link.closed.aborted) return;
    this.#leadership.backInTouch();
    for (const watch of this.#watches) watch.wake();
    if (this.#announcements?.isAlive === false) this.#putAnnouncements();
    this.#announcements?.renew();
  }

  async #read<T>(kind: RequestKind, operate: () => T): Promise<T> {
    const reply = await this.#link.exchange(kind, operate);
    if (reply.status === 'answered') return reply.value;
    throw new StoreError('unavailable', `no answer to '${kind}'`, { cause: reply.cause });
  }

  /** The pages of a snapshot after the first; false: its revision has been compacted away meanwhile. */
  async #readPages(revision: Revision): Promise<boolean> {
    const { history } = this.#cluster.space;
    for (let left = this.faults.laterPages ?? 0; left > 0; left -= 1)
      if (!(await this.#read('snapshot', () => history.floor <= revision))) return false;
    return true;
  }

  #see<T>(value: T): T {
    this.#seen = this.#cluster.space.revision;
    return value;
  }

  #apply({ guards, writes }: Transaction): TransactionReply {
    const { space } = this.#cluster;
    if (space.holds(guards)) return this.#see({ ok: true, revision: space.apply(writes) });
    return this.#see({ ok: false, witness: space.get(writes[0]?.key ?? '') });
  }

  /** Puts those that are missing or differ. */
  #putAnnouncements(): void {
    const { space } = this.#cluster;
    if (this.#announcements?.isAlive !== true) this.#announcements = this.#cluster.grant(() => undefined);
    // A cut-off node's request may land after it was cut off.
    if (this.#link.isIsolated) this.#announcements.neglect();
    const missing = [...this.#announced].filter(([key, value]) => space.get(key)?.value !== value);
    for (const [key] of this.#announced) this.#announcements.keys.add(key);
    if (missing.length > 0) space.apply(missing.map(([key, value]) => ({ key, value })));
  }

  async #close(): Promise<void> {
    if (!this.#link.isDead) {
      await this.#leadership.resign();
      this.#announcements?.neglect();
      const announcements = this.#announcements;
      if (announcements?.isAlive === true) await this.#link.exchange('release', () => announcements.end());
    }
    this.#link.close();
    this.#leadership.close();
    for (const watch of this.#watches) watch.wake();
    this.#cluster.forget(this);
  }
}
