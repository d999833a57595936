/**
 * Leadership: one key, created if absent, with a lease. Its create revision is the term's number and fences every commit.
 *
 *     campaign: key there? ──yes──> watch it until it goes (and look every few seconds) ──┐
 *                  ^  └──no──> grant a lease, create the key ──won──> term                │
 *                  └────────────────────┴─ another was faster ─<───────────────────────────┘
 *
 * A lost answer is settled by looking whose lease the key hangs on. If the process dies anywhere here, the lease ends what it began.
 */

import { Bell } from '../bell.ts';
import { CommitChain, type CommitReply, type CommitRequest } from '../commit-chain.ts';
import { StoreError } from '../errors.ts';
import { HeldTerm } from '../held-term.ts';
import type { Candidate, Revision, Term, Write } from '../port.ts';
import type { Reply } from '../reply.ts';
import { COMMIT_KEY, encodeCandidate, LEADER_KEY } from '../reserved-keys.ts';
import { EtcdLease } from './etcd-lease.ts';
import { commitLimitsOf } from './etcd-options.ts';
import { type EtcdContext, watchChanges } from './etcd-watch.ts';

/** What the leader key and the commit marker were at one revision. */
interface Sight {
  readonly revision: Revision;
  readonly leader: { readonly createRevision: Revision; readonly lease: string } | undefined;
  readonly marker: Revision;
}

export class EtcdElection {
  readonly #context: EtcdContext;
  readonly #bell = new Bell();
  #term: HeldTerm | undefined;
  #chain: CommitChain | undefined;
  #isCampaigning = false;

  constructor(context: EtcdContext) {
    this.#context = context;
    context.client.closed.addEventListener('abort', this.#bell.ring);
  }

  async campaign(candidate: Candidate, signal: AbortSignal): Promise<Term> {
    if (this.#isCampaigning) throw new TypeError('a campaign is under way');
    this.#isCampaigning = true;
    signal.addEventListener('abort', this.#bell.ring);
    try {
      await this.#endOwnTerm(signal);
      for (;;) {
        this.#throwIfOver(signal);
        const sight = await this.#look();
        if (sight === undefined) await this.#pause(signal);
        else if (sight.leader !== undefined) await this.#awaitVacancy(sight.revision, signal);
        else {
          const term = await this.#stand(candidate, signal);
          if (term !== undefined) return term;
        }
      }
    } finally {
      signal.removeEventListener('abort', this.#bell.ring);
      this.#isCampaigning = false;
    }
  }

  async commit(term: Term, writes: readonly Write[]): Promise<Revision> {
    this.#context.client.ensureOpen();
    if (this.#chain === undefined || this.#term !== term) throw new StoreError('term-lost', `term ${term.number} is not this node's`);
    return this.#chain.commit(writes);
  }

  /** Ends `number` if it is the current term. Throws StoreError `unavailable`. */
  async evict(number: Revision): Promise<boolean> {
    const { client, keys } = this.#context;
    const { kvs } = await client.read((etcd) => etcd.kv.range(keys.read(LEADER_KEY)));
    const [leader] = kvs;
    if (leader === undefined || BigInt(leader.create_revision) !== number) return false;
    const { succeeded } = await client.read((etcd) =>
      etcd.kv.txn({ compare: [keys.isCreatedAt(LEADER_KEY, number)], success: [keys.write({ key: LEADER_KEY, value: undefined })] }),
    );
    // The key is what counts; without its lease the deposed node also notices sooner.
    await client.ask((etcd) => etcd.leaseClient.leaseRevoke({ ID: leader.lease }));
    return succeeded;
  }

  /** Gives up the term held, if any. Never rejects. */
  async resign(): Promise<void> {
    await this.#term?.resign();
  }

  /** A new term needs a new lease: the old term is waited for, and once over given back. */
  async #endOwnTerm(signal: AbortSignal): Promise<void> {
    const term = this.#term;
    if (term === undefined) return;
    term.signal.addEventListener('abort', this.#bell.ring);
    while (!term.signal.aborted) {
      this.#throwIfOver(signal);
      await this.#bell.wait();
    }
    term.signal.removeEventListener('abort', this.#bell.ring);
    await term.resign();
  }

  async #look(): Promise<Sight | undefined> {
    const { client, keys } = this.#context;
    const reply = await client.ask((etcd) =>
      etcd.kv.txn({ success: [{ request_range: keys.read(LEADER_KEY) }, { request_range: keys.read(COMMIT_KEY) }] }),
    );
    if (reply.status !== 'answered') return undefined;
    const [leader, marker] = reply.value.responses.map((response) => response.response_range.kvs[0]);
    return {
      revision: BigInt(reply.value.header.revision),
      leader: leader && { createRevision: BigInt(leader.create_revision), lease: leader.lease },
      marker: BigInt(marker?.mod_revision ?? '0'),
    };
  }

  /** Tries to create the key. Undefined: not won, or too late to be of use. */
  async #stand(candidate: Candidate, signal: AbortSignal): Promise<Term | undefined> {
    const granted = await EtcdLease.grant(this.#context);
    if (granted.status !== 'answered') {
      await this.#pause(signal);
      return undefined;
    }
    const lease = granted.value;
    try {
      const won = await this.#create(candidate, lease, signal);
      if (won?.leader !== undefined && lease.isTrusted && !signal.aborted) return this.#begin(won.leader.createRevision, won.marker, lease);
    } catch (error) {
      await lease.revoke();
      throw error;
    }
    await lease.revoke();
    return undefined;
  }

  /** Sends until it is clear who leads, for as long as the lease is sure. Undefined: another. */
  async #create(candidate: Candidate, lease: EtcdLease, signal: AbortSignal): Promise<Sight | undefined> {
    const { client, keys } = this.#context;
    while (lease.isTrusted && !signal.aborted) {
      // Sent again after a lost answer it does nothing: the key is there.
      await client.ask((etcd) =>
        etcd.kv.txn({
          compare: [keys.isCreatedAt(LEADER_KEY, 0n)],
          success: [keys.write({ key: LEADER_KEY, value: encodeCandidate(candidate) }, lease.id)],
        }),
      );
      const sight = await this.#look();
      if (sight?.leader !== undefined) return sight.leader.lease === lease.id ? sight : undefined;
      await this.#pause(signal);
    }
    return undefined;
  }

  #begin(number: Revision, previous: Revision, lease: EtcdLease): Term {
    const { clock, retryDelayMs, commitLimitMs: limitMs } = this.#context.settings;
    const term = new HeldTerm(number, () => lease.revoke());
    lease.keep({ verify: () => this.#isCurrent(number), onLost: (why) => term.end(why) });
    this.#term = term;
    const limits = commitLimitsOf(this.#context.settings);
    this.#chain = new CommitChain({ clock, term, previous, retryDelayMs, limitMs, limits, send: (request) => this.#send(request) });
    return term;
  }

  async #isCurrent(number: Revision): Promise<boolean | undefined> {
    const sight = await this.#look();
    return sight && sight.leader?.createRevision === number;
  }

  async #send(request: CommitRequest): Promise<Reply<CommitReply>> {
    const { client, keys } = this.#context;
    const reply = await client.ask((etcd) =>
      etcd.kv.txn({
        compare: [keys.isCreatedAt(LEADER_KEY, request.term), keys.isOfRevision({ key: COMMIT_KEY, modRevision: request.previous })],
        success: [...request.writes, { key: COMMIT_KEY, value: request.marker }].map((write) => keys.write(write)),
        failure: [{ request_range: keys.read(LEADER_KEY) }, { request_range: keys.read(COMMIT_KEY) }],
      }),
    );
    if (reply.status !== 'answered') return reply;
    const { succeeded, header, responses } = reply.value;
    if (succeeded) return { status: 'answered', value: { ok: true, revision: BigInt(header.revision) } };
    const [leader, marker] = responses.map((response) => response.response_range.kvs[0]);
    return {
      status: 'answered',
      value: { ok: false, term: leader && BigInt(leader.create_revision), marker: marker && keys.entry(marker) },
    };
  }

  /** Returns when the leader key may be gone: seen by a watch, or after a while. */
  async #awaitVacancy(since: Revision, signal: AbortSignal): Promise<void> {
    const { clock, vacancyCheckMs } = this.#context.settings;
    const stop = new AbortController();
    const watching = this.#ringWhenGone(since, stop.signal);
    const cancel = clock.timer(vacancyCheckMs, this.#bell.ring);
    if (!signal.aborted) await this.#bell.wait();
    cancel();
    stop.abort();
    await watching;
  }

  async #ringWhenGone(since: Revision, signal: AbortSignal): Promise<void> {
    try {
      for await (const { changes } of watchChanges(this.#context, { from: since, key: LEADER_KEY }, signal)) {
        if (changes.some(({ value }) => value === undefined)) this.#bell.ring();
      }
    } catch (error) {
      // Without a watch the timer still looks.
      if (!(error instanceof StoreError)) throw error;
    }
  }

  #pause(signal: AbortSignal): Promise<void> {
    const { clock, retryDelayMs } = this.#context.settings;
    return clock.sleep(retryDelayMs, signal);
  }

  #throwIfOver(signal: AbortSignal): void {
    this.#context.client.ensureOpen();
    if (signal.aborted) throw new DOMException('the campaign was called off', 'AbortError');
  }
}
