/**
 * Makes decisions durable and then acts on them, one transaction after the other. Nothing is
 * performed or published before the transaction that holds it is durable, and never out of order.
 */

import type { Clock } from '../clock/clock.ts';
import type { Step } from '../engine/decision.ts';
import type { Executor } from '../executor/port.ts';
import { StoreError } from '../store/errors.ts';
import type { Store, Term } from '../store/port.ts';
import type { CommitOutcome, LeaderObserver } from './observer.ts';
import { type Batch, packSteps } from './packing.ts';

export interface CommitterOptions {
  readonly store: Store;
  readonly term: Term;
  readonly executor: Executor;
  readonly clock: Clock;
  readonly observer: LeaderObserver;
  /** A commit failed: what was decided after it is void, and the term has to end. */
  onFailure(error: unknown, batch: Batch): void;
}

export class Committer {
  readonly #options: CommitterOptions;
  readonly #queue: { readonly batch: Batch; readonly connection: number }[] = [];
  /** Counts the executor's connections. */
  #connection = 0;
  /** The connection on which everything alive was last asked about. */
  #askedOn: number | undefined;
  #hasFailed = false;
  #work: Promise<void> | undefined;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** Takes the steps of a decision, behind those it has. */
  add(steps: readonly Step[]): void {
    const connection = this.#connection;
    for (const batch of packSteps(steps, this.#options.store.commitLimits)) this.#queue.push({ batch, connection });
    if (this.#queue.length > 0) this.#work ??= this.#drain();
  }

  /**
   * The executor has connected anew: questions that were decided on before are void, as everything is asked about once more. Asked on
   * this connection, they would have it say `reconciled` before that, and the engine would launch too early.
   */
  reconnected(): void {
    this.#connection += 1;
  }

  /** Whether the executor was asked on the connection that it has now: if not, what it answers is no answer to that. */
  get hasAsked(): boolean {
    return this.#askedOn === this.#connection;
  }

  /** Resolves when all that was added is committed and acted on, or given up. */
  async idle(): Promise<void> {
    while (this.#work) await this.#work;
  }

  async #drain(): Promise<void> {
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      const { batch, connection } = next;
      try {
        await this.#commit(batch);
        this.#act(batch, connection);
      } catch (error) {
        // What follows was decided on the belief that this had landed.
        this.#hasFailed = true;
        this.#options.onFailure(error, batch);
      }
      if (this.#hasFailed) this.#queue.length = 0;
    }
    this.#work = undefined;
  }

  async #commit(batch: Batch): Promise<void> {
    if (!batch.isFenced) return;
    const { store, term, clock, observer } = this.#options;
    const startedAt = clock.monotonic();
    const report = (outcome: CommitOutcome): void =>
      observer.committed(outcome, (clock.monotonic() - startedAt) / 1000, batch.writes.length);
    try {
      await store.commit(term, batch.writes);
      report('landed');
    } catch (error) {
      report(commitOutcome(error));
      throw error;
    }
  }

  /**
   * Does what is now durable. Not when the term ran out meanwhile: the next leader finds the intents, asks the executor, and gives
   * the runs another attempt; statuses that were not acknowledged come again.
   */
  #act(batch: Batch, connection: number): void {
    const { executor, observer, term } = this.#options;
    if (term.signal.aborted) return;
    for (const step of batch.steps) {
      for (const command of step.commands) {
        if (command.type === 'reconcile') {
          if (connection !== this.#connection) continue;
          this.#askedOn = connection;
        }
        executor.perform(command);
        observer.performed(command);
      }
      for (const fact of step.facts) observer.fact(fact);
    }
  }
}

function commitOutcome(error: unknown): CommitOutcome {
  if (!(error instanceof StoreError)) return 'failed';
  return error.code === 'term-lost' || error.code === 'unknown' ? error.code : 'failed';
}
