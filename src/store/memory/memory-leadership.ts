/**
 * One node's part in the election of a memory cluster: its candidacy, its term, and what it believes about its lease.
 *
 *   in touch ──cutOff──> trust runs for leaseMs - marginMs on the node's clock ──> the term ends; the lease ends a little later
 *      ^──backInTouch──────────────┘ (before that: the term goes on, if the lease still lives)
 */

import type { CancelTimer, Clock } from '../../clock/clock.ts';
import { Bell } from '../bell.ts';
import { CommitChain, type CommitReply, type CommitRequest } from '../commit-chain.ts';
import { StoreError } from '../errors.ts';
import { HeldTerm } from '../held-term.ts';
import type { Candidate, Revision, Term, Write } from '../port.ts';
import { COMMIT_KEY } from '../reserved-keys.ts';
import type { MemoryLease } from './memory-lease.ts';
import type { MemoryLink } from './memory-link.ts';
import type { MemoryCluster } from './memory-store.ts';

/** How often giving up a term is tried before it is left to the lease. */
const RELEASE_ATTEMPTS = 3;

interface Won {
  readonly number: Revision;
  readonly lease: MemoryLease;
  /** Revision of the commit marker when the term began. */
  readonly previous: Revision;
}

export interface LeadershipOptions {
  readonly cluster: MemoryCluster;
  readonly link: MemoryLink;
  readonly clock: Clock;
  readonly retryDelayMs: number;
  readonly commitLimitMs: number;
}

export class MemoryLeadership {
  readonly #options: LeadershipOptions;
  readonly #vacancy = new Bell();
  /** The lease of a won campaign whose answer may not have arrived yet. */
  #lease: MemoryLease | undefined;
  #term: HeldTerm | undefined;
  #chain: CommitChain | undefined;
  #trustUntil = Number.POSITIVE_INFINITY;
  #cancelTrust: CancelTimer | undefined;
  /** Of the moment when the node learns that its lease was revoked. */
  #cancelNews: CancelTimer | undefined;
  #isCampaigning = false;
  /** Candidacies so far: one that arrives after it was given up is worth nothing, as its lease was given back. */
  #candidacies = 0;

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  async campaign(candidate: Candidate, signal: AbortSignal): Promise<Term> {
    if (this.#isCampaigning) throw new TypeError('a campaign is under way');
    this.#isCampaigning = true;
    signal.addEventListener('abort', this.#vacancy.ring);
    try {
      await this.#endOwnTerm(signal);
      for (;;) {
        const term = await this.#attempt(candidate, signal);
        if (term !== undefined) return term;
      }
    } catch (error) {
      this.#candidacies += 1;
      // It may have won without having heard of it.
      if (this.#lease !== undefined) await this.#release(this.#lease);
      throw error;
    } finally {
      signal.removeEventListener('abort', this.#vacancy.ring);
      this.#isCampaigning = false;
    }
  }

  async commit(term: Term, writes: readonly Write[]): Promise<Revision> {
    if (this.#chain === undefined || this.#term !== term) throw new StoreError('term-lost', `term ${term.number} is not this node's`);
    return this.#chain.commit(writes);
  }

  /** Gives up what this node holds. Never rejects. */
  async resign(): Promise<void> {
    await this.#term?.resign();
  }

  /** The leader key may be free. */
  onVacancy(): void {
    if (!this.#options.link.isPartitioned) this.#vacancy.ring();
  }

  /** No more signs of life reach the medium. */
  cutOff(): void {
    this.#lease?.neglect();
    const { cluster, clock, link } = this.#options;
    if (link.isDead || this.#term === undefined || this.#cancelTrust !== undefined) return;
    const trustMs = cluster.leaseMs - cluster.marginMs;
    this.#trustUntil = clock.monotonic() + trustMs;
    this.#cancelTrust = clock.timer(trustMs, () => this.checkTrust());
  }

  /** A paused node does this only when it goes on. */
  checkTrust(): void {
    const { link, clock } = this.#options;
    if (!link.isPaused && clock.monotonic() >= this.#trustUntil)
      this.#term?.end('no contact with the store for as long as the lease is sure');
  }

  backInTouch(): void {
    this.checkTrust();
    this.#cancelTrust?.();
    this.#cancelTrust = undefined;
    this.#trustUntil = Number.POSITIVE_INFINITY;
    this.#vacancy.ring();
    if (this.#lease === undefined) return;
    if (this.#term?.signal.aborted) this.#lease.end();
    else if (this.#lease.isAlive) this.#lease.renew();
    else this.#term?.end('the lease expired');
  }

  /** Lets a waiting campaign see that the link is closed. */
  close(): void {
    this.#cancelTrust?.();
    this.#cancelNews?.();
    this.#lease?.neglect();
    this.#vacancy.ring();
  }

  /** A new term needs a new lease: the old one, while this node holds it, is waited for, and once over it is given back. */
  async #endOwnTerm(signal: AbortSignal): Promise<void> {
    const term = this.#term;
    if (term === undefined) return;
    term.signal.addEventListener('abort', this.#vacancy.ring);
    while (!term.signal.aborted) {
      throwIfCalledOff(signal);
      await this.#vacancy.wait();
      await this.#options.link.present();
    }
    term.signal.removeEventListener('abort', this.#vacancy.ring);
    await term.resign();
  }

  async #attempt(candidate: Candidate, signal: AbortSignal): Promise<Term | undefined> {
    const { cluster, link, clock, retryDelayMs } = this.#options;
    throwIfCalledOff(signal);
    const sentAt = clock.monotonic();
    const candidacy = (this.#candidacies += 1);
    const reply = await link.exchange('campaign', () => (candidacy === this.#candidacies ? this.#lead(candidate) : undefined));
    if (reply.status !== 'answered') {
      await clock.sleep(retryDelayMs, signal);
      return undefined;
    }
    if (reply.value === undefined) {
      await this.#vacancy.wait();
      // close() rings too.
      await link.present();
      return undefined;
    }
    // The lease counts from when it was asked for: an answer that took longer is worth nothing.
    const isTooLate = clock.monotonic() - sentAt >= cluster.leaseMs - cluster.marginMs;
    if (!isTooLate && !signal.aborted) return this.#begin(reply.value);
    await this.#release(reply.value.lease);
    return undefined;
  }

  /** At the medium. Finds also that an earlier attempt, whose answer was lost, won. */
  #lead(candidate: Candidate): Won | undefined {
    const { cluster, link } = this.#options;
    if (this.#lease === undefined || !this.#lease.isAlive) {
      if (cluster.term !== undefined) return undefined;
      const granted = cluster.grant(() => this.#onLeaseEnd(granted));
      // A cut-off node's request may land after it was cut off.
      if (link.isIsolated) granted.neglect();
      this.#lease = granted;
    }
    const lease = this.#lease;
    const number = cluster.lead(lease, candidate);
    if (number === undefined) return undefined;
    return { number, lease, previous: cluster.space.get(COMMIT_KEY)?.modRevision ?? 0n };
  }

  #begin({ number, lease, previous }: Won): Term {
    const { clock, retryDelayMs, commitLimitMs: limitMs, link } = this.#options;
    const term = new HeldTerm(number, () => this.#release(lease));
    this.#term = term;
    this.#chain = new CommitChain({
      ...{ clock, term, previous, retryDelayMs, limitMs },
      send: (request) => link.exchange('commit', () => this.#land(request)),
    });
    if (!lease.isAlive) this.#onLeaseEnd(lease);
    return term;
  }

  #land(request: CommitRequest): CommitReply {
    const { cluster } = this.#options;
    const marker = cluster.space.get(COMMIT_KEY);
    const isNext = (marker?.modRevision ?? 0n) === request.previous;
    if (cluster.term !== request.term || !isNext) return { ok: false, term: cluster.term, marker };
    return { ok: true, revision: cluster.space.apply([...request.writes, { key: COMMIT_KEY, value: request.marker }]) };
  }

  /** While in touch: the node learns of it with its next sign of life. Cut off: with backInTouch. */
  #onLeaseEnd(lease: MemoryLease): void {
    const { clock, cluster, link } = this.#options;
    const term = this.#term;
    if (this.#lease !== lease || term === undefined || term.signal.aborted || link.isIsolated) return;
    this.#cancelNews = clock.timer(cluster.leaseMs / 3, () => {
      if (!link.isPaused) term.end('the lease was revoked');
    });
  }

  async #release(lease: MemoryLease): Promise<void> {
    const { link, clock, retryDelayMs } = this.#options;
    if (this.#lease === lease) this.#lease = undefined;
    // Not kept up any more: should no release arrive, it runs out.
    lease.neglect();
    try {
      for (let attempt = 1; attempt <= RELEASE_ATTEMPTS && lease.isAlive; attempt += 1) {
        const reply = await link.exchange('release', () => lease.end());
        if (reply.status === 'answered') return;
        await clock.sleep(retryDelayMs, link.closed);
      }
    } catch (error) {
      // Closed meanwhile: the lease runs out by itself.
      if (!(error instanceof StoreError && error.code === 'closed')) throw error;
    }
  }
}

function throwIfCalledOff(signal: AbortSignal): void {
  if (signal.aborted) throw new DOMException('the campaign was called off', 'AbortError');
}
