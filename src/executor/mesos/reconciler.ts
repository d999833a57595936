/**
 * Asks the master what became of tasks, until each has been answered. A master that changed is silent about tasks whose agents
 * are not back yet, for up to ten minutes, and there is no end marker.
 *
 * The calls of one round, in an order that their answers keep:
 *   1. implicit (the first time, and now and then): every task the master holds for us, also those nobody asked for;
 *   2. explicit: each task asked for, with its agent (without it, `unknown` would mean nothing);
 *   3. the barrier: a task that does not exist, on an agent that does not exist. Its answer comes after all the others.
 * When the barrier is answered, what is not answered is silent. The silent ones are asked again with backoff, for as long as
 * it takes, but `reconciled` does not wait for them longer than the bound.
 */

import type { CancelTimer, Clock } from '../../clock/clock.ts';
import type { TaskRef } from '../port.ts';
import { backoffMs, type BackoffLimits } from './backoff.ts';
import type { CallBody, RawStatus, ReconcileTask } from './protocol.ts';
import { isAnswer } from './statuses.ts';

/** Tasks in one RECONCILE call. */
export const RECONCILE_BATCH = 500;
/** How long `reconciled` waits for tasks that nobody speaks for. */
export const RECONCILE_BOUND_MS = 10_000;
export const RECONCILE_BACKOFF: BackoffLimits = { firstMs: 2_000, maxMs: 60_000 };
/** Tasks that nobody asked for are looked for this often at most. */
export const IMPLICIT_INTERVAL_MS = 300_000;
/** ':' can't be in the name of a job, so no task of ours has such an id. */
const BARRIER_PREFIX = 'kairos:barrier:';
const NO_AGENT = 'kairos:no-agent';

export interface ReconcilerOptions {
  readonly clock: Clock;
  readonly boundMs: number;
  readonly send: (call: CallBody) => void;
  /** `silent`: how many tasks nobody has spoken for yet. */
  readonly onReconciled: (silent: number) => void;
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  /** Asked and not answered. */
  readonly #silent = new Map<string, TaskRef>();
  #barrier = '';
  #isBarrierAnswered = true;
  #isBoundPassed = false;
  #isReported = true;
  #asks = 0;
  #rounds = 0;
  #implicitAt = Number.NEGATIVE_INFINITY;
  #cancelRound: CancelTimer = () => {};
  #cancelBound: CancelTimer = () => {};

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Adds these tasks to what is being asked; one `reconciled` may answer several asks. */
  ask(tasks: readonly TaskRef[]): void {
    const { clock, send, boundMs } = this.#options;
    for (const task of tasks) this.#silent.set(task.taskId, task);
    if (clock.monotonic() - this.#implicitAt >= IMPLICIT_INTERVAL_MS) {
      this.#implicitAt = clock.monotonic();
      send({ type: 'RECONCILE', reconcile: { tasks: [] } });
    }
    this.#asks += 1;
    this.#barrier = `${BARRIER_PREFIX}${this.#asks}`;
    this.#isBarrierAnswered = false;
    this.#rounds = 0;
    this.#round(tasks);
    if (!this.#isReported) return;
    this.#isReported = false;
    this.#isBoundPassed = false;
    this.#cancelBound = clock.timer(boundMs, () => {
      this.#isBoundPassed = true;
      this.#settle();
    });
  }

  /** Whether a status is only the answer to a barrier, and is not to be told on. */
  isBarrier(status: RawStatus): boolean {
    return status.task_id.value.startsWith(BARRIER_PREFIX);
  }

  /** Is to hear of every status, after it was told on: what is answered must be known when `reconciled` is said. */
  hear(status: RawStatus): void {
    const id = status.task_id.value;
    if (id === this.#barrier) this.#isBarrierAnswered = true;
    else if (!isAnswer(status) || !this.#silent.delete(id)) return;
    this.#settle();
  }

  /** An agent is gone or back: its silent tasks may be answered now. The master says nothing of them by itself. */
  hurry(agentId: string): void {
    const tasks = [...this.#silent.values()].filter((task) => task.agentId === agentId);
    this.#sendExplicit(tasks);
  }

  /** No more is asked: the connection is gone. */
  stop(): void {
    this.#cancelRound();
    this.#cancelBound();
    this.#silent.clear();
    this.#isBarrierAnswered = true;
    this.#isReported = true;
    this.#implicitAt = Number.NEGATIVE_INFINITY;
  }

  #round(tasks: readonly TaskRef[]): void {
    const { clock, send } = this.#options;
    this.#cancelRound();
    this.#rounds += 1;
    this.#sendExplicit(tasks);
    if (!this.#isBarrierAnswered) send(barrierCall(this.#barrier));
    this.#cancelRound = clock.timer(backoffMs(this.#rounds, RECONCILE_BACKOFF, clock), () => {
      if (this.#silent.size > 0 || !this.#isBarrierAnswered) this.#round([...this.#silent.values()]);
    });
  }

  #sendExplicit(tasks: readonly TaskRef[]): void {
    for (let at = 0; at < tasks.length; at += RECONCILE_BATCH) {
      const batch = tasks.slice(at, at + RECONCILE_BATCH).map(toReconcileTask);
      this.#options.send({ type: 'RECONCILE', reconcile: { tasks: batch } });
    }
  }

  /** Says so once: everything is answered, or the barrier tells that the rest is silent and the bound has passed. */
  #settle(): void {
    if (this.#isReported || !this.#isBarrierAnswered) return;
    if (this.#silent.size > 0 && !this.#isBoundPassed) return;
    this.#isReported = true;
    this.#cancelBound();
    this.#options.onReconciled(this.#silent.size);
  }
}

function toReconcileTask(task: TaskRef): ReconcileTask {
  return { task_id: { value: task.taskId }, ...(task.agentId === '' ? {} : { agent_id: { value: task.agentId } }) };
}

function barrierCall(id: string): CallBody {
  return { type: 'RECONCILE', reconcile: { tasks: [{ task_id: { value: id }, agent_id: { value: NO_AGENT } }] } };
}
