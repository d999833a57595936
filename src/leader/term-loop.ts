/**
 * One term: gather, decide, commit, act.
 *
 *     inbox ──> engine.decide ──> store.commit (guarded by the term) ──> executor.perform, facts published
 *       ^                                 │
 *       └── events gather meanwhile ──────┘
 *
 * What comes while a decision is being committed gathers, and is decided and committed together (group commit). A commit that fails ends the term: whatever the
 * engine believed after it is thrown away with the engine, and the next term reads what is true. If the process dies between
 * commit and act, the next leader finds the intent and asks the executor. An engine that throws ends the term too; the job it threw
 * on is put in quarantine first, so that the next engine does not.
 */

import type { Clock } from '../clock/clock.ts';
import type { Decision } from '../engine/decision.ts';
import { earliest, Engine, type EngineEvent, type EngineGauges } from '../engine/engine.ts';
import { jobOfKey, JOBS, QUARANTINE_KEY, REQUESTS, SUSPENSION_KEY } from '../engine/keys.ts';
import { EngineFailure, failureOf, type Quarantine, readQuarantine, withFailure } from '../engine/quarantine.ts';
import type { ClusterSuspension, Request } from '../engine/records.ts';
import type { Executor, ExecutorEvent } from '../executor/port.ts';
import type { JobRecord } from '../job/job.ts';
import type { JobSpec } from '../job/spec.ts';
import type { Instant } from '../schedule/schedule.ts';
import { StoreError } from '../store/errors.ts';
import type { Change, ChangeBatch, Revision, Store, Term } from '../store/port.ts';
import { Committer } from './committer.ts';
import { Inbox } from './inbox.ts';
import type { LeaderObserver } from './observer.ts';
import type { Batch } from './packing.ts';
import { SignOfLife } from './sign-of-life.ts';

/** The node's copy of the store, as far as the leader needs it. */
export interface ChangeFeed {
  /** Calls for every change from now on, in order; returns how to stop. */
  subscribe(listener: (batch: ChangeBatch) => void): () => void;
}

/** While due jobs wait to be decided, every so many decisions look at statuses, and then at no more than fill a commit or two. */
const STATUS_PACE = 4;

function statusLimit(behind: number, maxOperations: number): number {
  if (behind === 0) return Infinity;
  return behind % STATUS_PACE === 0 ? Math.ceil(maxOperations / 2) : 0;
}

/** One step that no transaction takes: whoever leads would decide the same. */
function blamed(error: unknown, { steps, writes }: Batch): unknown {
  if (!(error instanceof StoreError) || error.code !== 'too-large' || steps.length > 1) return error;
  const largest = writes.reduce((a, b) => ((b.value?.length ?? 0) > (a.value?.length ?? 0) ? b : a), { key: '', value: '' });
  return new EngineFailure(jobOfKey(largest.key), error);
}

export interface TermDependencies {
  readonly store: Store;
  readonly replica: ChangeFeed;
  readonly executor: Executor;
  readonly clock: Clock;
  readonly observer: LeaderObserver;
  /** How long the loop waits at most before it looks at the wall clock again, which may have stepped. Default: 1 s. */
  readonly longestWaitMs?: number;
  /** How long a task may take to begin. Default: the engine's. */
  readonly launchTimeoutMs?: number;
  /** Hears of the executor before the engine does. */
  readonly onExecutorEvent?: (event: ExecutorEvent) => void;
  /** Sees every decision before any of it is committed: for a checker. */
  readonly onDecision?: (engine: Engine, decision: Decision, freeAt: Instant) => void;
}

export class TermLoop {
  readonly #deps: TermDependencies;
  readonly #term: Term;
  readonly #inbox: Inbox;
  readonly #buffer: ChangeBatch[] = [];
  #engine: Engine | undefined;
  #quarantine: Quarantine | undefined;
  #snapshotRevision: Revision | undefined;
  #endReason: string | undefined;
  /** Why the engine is of no use any more. */
  #failure: EngineFailure | undefined;

  constructor(deps: TermDependencies, term: Term) {
    this.#deps = deps;
    this.#term = term;
    this.#inbox = new Inbox(deps.clock, deps.longestWaitMs);
  }

  gauges(): EngineGauges | undefined {
    return this.#engine?.gauges();
  }

  /** Ends the loop after the commit under way. */
  end(reason: string): void {
    this.#endReason ??= reason;
    this.#inbox.ring();
  }

  /** Leads until the term is over; returns why. Never throws. Leaves the executor stopped and the term given up. */
  async run(): Promise<string> {
    const { replica, executor, observer } = this.#deps;
    const onAbort = (): void => this.end('the term is over');
    this.#term.signal.addEventListener('abort', onAbort, { once: true });
    if (this.#term.signal.aborted) onAbort();
    const unsubscribe = replica.subscribe((batch) => this.#receive(batch));
    await this.#lead().catch((error: unknown) => this.#fail(error));
    if (this.#failure) await this.#isolate(this.#failure);
    this.#term.signal.removeEventListener('abort', onAbort);
    unsubscribe();
    await executor.stop().catch((error: unknown) => observer.trouble('executor', error));
    await this.#term.resign();
    return this.#endReason ?? 'ended';
  }

  #fail(error: unknown): void {
    if (error instanceof EngineFailure) this.#failure = error;
    this.end(error instanceof Error ? error.message : String(error));
    this.#deps.observer.trouble('term', error);
  }

  async #lead(): Promise<void> {
    const { store, executor, clock, observer } = this.#deps;
    const committer = new Committer({ ...this.#deps, term: this.#term, onFailure: (error, batch) => this.#fail(blamed(error, batch)) });
    const maxOperations = store.commitLimits.operations;
    const engine = await this.#openEngine();
    const until = this.#quarantine?.until;
    const sign = new SignOfLife();
    for (const batch of this.#buffer.splice(0)) this.#receive(batch);
    executor.start({ identity: engine.identity, emit: (event) => this.#hear(event, committer) });
    for (let [behind, freeAt] = [0, clock.now()]; this.#endReason === undefined; ) {
      const startedAt = clock.monotonic();
      const now = clock.now();
      const decision = engine.decide(this.#inbox.take(statusLimit(behind, maxOperations)), now, freeAt);
      behind = decision.isBehind ? behind + 1 : 0;
      observer.decided((clock.monotonic() - startedAt) / 1000);
      const steps = decision.isBehind ? decision.steps : sign.addTo(decision.steps, now);
      this.#deps.onDecision?.(engine, { ...decision, steps }, freeAt);
      committer.add(steps);
      await committer.idle();
      freeAt = clock.now();
      if (until !== undefined && freeAt >= until) this.end('a job in quarantine is tried again');
      await this.#inbox.wait(earliest(earliest(decision.wakeAt, sign.dueAt), until));
    }
    await committer.idle();
  }

  /**
   * The engine threw, or decided more than the store can take at once. Nothing is under way any more, so the last thing this term writes
   * is which job that was about. If the process dies before that, the next leader finds it out as this one did.
   */
  async #isolate(failure: EngineFailure): Promise<void> {
    const { store, clock, observer } = this.#deps;
    const { job } = failure;
    const record = this.#quarantine?.record ?? {};
    const next = withFailure(record, failure, {
      now: clock.now(),
      definition: job === undefined ? undefined : this.#engine?.definitionOf(job),
    });
    const entry = job === undefined ? undefined : failureOf(next, job);
    if (job === undefined || entry === undefined || next === record || this.#term.signal.aborted) return;
    try {
      await store.commit(this.#term, [{ key: QUARANTINE_KEY, value: JSON.stringify(next) }]);
      observer.fact({ type: 'job-quarantined', job, until: entry.until, failures: entry.failures, problem: entry.problem });
    } catch (error) {
      observer.trouble('quarantine', error);
    }
  }

  /** Apart from the loop, so that the snapshot, as large as all that is stored, is not held for the whole term. */
  async #openEngine(): Promise<Engine> {
    const { store, executor, clock, launchTimeoutMs } = this.#deps;
    const maxOperations = store.commitLimits.operations;
    // Read within the term: no commit of an older term can land after this.
    const { revision, entries } = await store.snapshot();
    const now = clock.now();
    const quarantine = readQuarantine(entries, now);
    const given = { maxOperations, quarantine, ...(launchTimeoutMs === undefined ? {} : { launchTimeoutMs }) };
    const engine = new Engine({ term: this.#term.number, executor: executor.kind, entries, now, ...given });
    this.#quarantine = quarantine;
    this.#engine = engine;
    this.#snapshotRevision = revision;
    return engine;
  }

  #hear(event: ExecutorEvent, committer: Committer): void {
    if (event.type === 'connected') committer.reconnected();
    // Whatever an adapter mixes up: nothing is launched before everything alive was asked about on this connection.
    if (event.type === 'reconciled' && !committer.hasAsked) return;
    this.#deps.observer.executorEvent(event);
    this.#deps.onExecutorEvent?.(event);
    this.#inbox.push({ type: 'executor', event });
  }

  /** What API nodes wrote after the snapshot; the leader's own writes come back here too and are passed over. */
  #receive(batch: ChangeBatch): void {
    const since = this.#snapshotRevision;
    if (since === undefined) {
      this.#buffer.push(batch);
      return;
    }
    for (const change of batch.changes) {
      const event = change.revision > since ? this.#toEvent(change) : undefined;
      if (event) this.#inbox.push(event);
      // It is read anew by the next engine, which may do better.
      if (event?.type === 'job' && this.#engine?.quarantined.has(event.name)) this.end('the definition of a job in quarantine was changed');
    }
  }

  #toEvent({ key, value }: Change): EngineEvent | undefined {
    try {
      if (key.startsWith(JOBS)) {
        const record = value === undefined ? undefined : (JSON.parse(value) as JobRecord<JobSpec>);
        return { type: 'job', name: key.slice(JOBS.length), record };
      }
      if (key === SUSPENSION_KEY && value !== undefined) {
        return { type: 'suspension', suspension: JSON.parse(value) as ClusterSuspension };
      }
      if (!key.startsWith(REQUESTS)) return undefined;
      if (value === undefined) return { type: 'request-gone', id: key.slice(REQUESTS.length) };
      return { type: 'request', request: JSON.parse(value) as Request };
    } catch (error) {
      this.#deps.observer.fact({ type: 'unusable-record', key, problem: String(error) });
      return undefined;
    }
  }
}
