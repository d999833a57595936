/**
 * The leader's write path over a medium that may lose answers. Every commit of a term also writes the key `commit`, with
 * `<term>.<sequence>`, guarded by the revision the commit before it gave that key; and by the leader key's revision. So
 *  - commits of a term form a chain: each lands after the one before it, and once only, however often it is sent;
 *  - after the term's end none lands;
 *  - a commit whose answer was lost is found by its marker.
 * A chain that could not tell an outcome is broken: it takes no more commits, since the next could land before the lost one.
 */

import type { Clock } from '../clock/clock.ts';
import { StoreError } from './errors.ts';
import type { HeldTerm } from './held-term.ts';
import type { CommitLimits, Entry, Revision, Write } from './port.ts';
import type { Reply } from './reply.ts';
import { checkCommit } from './write-rules.ts';

export interface CommitRequest {
  readonly term: Revision;
  /** The new value of the key `commit`. */
  readonly marker: string;
  /** The revision the key `commit` must have; `0n`: it must not exist. */
  readonly previous: Revision;
  readonly writes: readonly Write[];
}

export type CommitReply =
  | { readonly ok: true; readonly revision: Revision }
  /** The term, if any, and the marker, as the refused commit found them. */
  | { readonly ok: false; readonly term: Revision | undefined; readonly marker: Entry | undefined };

export interface CommitChainOptions {
  readonly clock: Clock;
  readonly term: HeldTerm;
  /** The revision of the key `commit` when the term began: after that only this chain writes it. */
  readonly previous: Revision;
  readonly send: (request: CommitRequest) => Promise<Reply<CommitReply>>;
  readonly retryDelayMs: number;
  /** How much one commit may hold. Default: what every store can take. */
  readonly limits?: CommitLimits;
  /** How long one commit is tried before the term is given up: a medium that refuses writes may well keep a lease alive. */
  readonly limitMs: number;
}

export class CommitChain {
  readonly #options: CommitChainOptions;
  #previous: Revision;
  #sequence = 0;
  #busy = false;
  #broken = false;

  constructor(options: CommitChainOptions) {
    this.#options = options;
    this.#previous = options.previous;
  }

  /** See Store.commit. */
  async commit(writes: readonly Write[]): Promise<Revision> {
    checkCommit(writes, this.#options.limits);
    if (this.#busy) throw new TypeError('commits of a term are made one at a time');
    this.#busy = true;
    try {
      this.#previous = await this.#land(writes);
      return this.#previous;
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'too-large')) this.#broken = true;
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  async #land(writes: readonly Write[]): Promise<Revision> {
    const { clock, term, send, retryDelayMs, limitMs } = this.#options;
    if (this.#broken) throw new StoreError('term-lost', `term ${term.number}: an earlier commit failed`);
    this.#sequence += 1;
    const request = { term: term.number, marker: `${term.number}.${this.#sequence}`, previous: this.#previous, writes };
    const deadline = clock.monotonic() + limitMs;
    let lost: unknown;
    while (!term.signal.aborted && clock.monotonic() < deadline) {
      const reply = await send(request);
      if (reply.status === 'answered') {
        return reply.value.ok ? reply.value.revision : this.#judge(request, reply.value, lost);
      }
      if (reply.status === 'lost') lost = reply.cause;
      else if (reply.cause instanceof StoreError && reply.cause.code === 'too-large') throw reply.cause;
      await clock.sleep(retryDelayMs, term.signal);
    }
    term.end(`a commit could not be made within ${limitMs} ms`);
    if (lost === undefined) throw new StoreError('term-lost', `term ${term.number} is over`, { cause: term.signal.reason });
    throw new StoreError('unknown', `whether commit ${request.marker} landed could not be found out`, { cause: lost });
  }

  /** A guard failed. That is also how an earlier copy of the same commit, whose answer was lost, shows. */
  #judge(request: CommitRequest, found: CommitReply & { ok: false }, lost: unknown): Revision {
    if (found.marker?.value === request.marker) return found.marker.modRevision;
    const untouched = (found.marker?.modRevision ?? 0n) === request.previous;
    if (found.term === request.term) {
      throw new StoreError('unknown', `the key 'commit' was written by something else: ${found.marker?.value ?? 'deleted'}`);
    }
    this.#options.term.end('another term began');
    // With the term gone no copy can land any more; a newer term's marker, though, may lie over ours.
    if (lost === undefined || untouched) throw new StoreError('term-lost', `term ${request.term} is over`);
    throw new StoreError('unknown', `a newer term hides whether commit ${request.marker} landed`, { cause: lost });
  }
}
