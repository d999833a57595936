/**
 * How often a leader says the same thing again: kills, and questions about launches that nobody has heard of. Part of the rules killed and
 * reconciled-first (words: invariants.ts).
 */

import type { RunRecord } from '../../src/engine/records.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import { parseTaskId } from '../../src/engine/task-id.ts';
import type { ExecutorCommand } from '../../src/executor/port.ts';
import { aliveIn, of } from './command-rules.ts';
import type { DecisionContext, History } from './history.ts';
import { ASK_MS, KILL_MS } from './limits.ts';
import { InvariantViolation } from './violation.ts';

export class Pace {
  readonly #history: History;
  /** By task, as the leader's clock had it: the last order to kill it, and the last question or order, or word that it is staging. */
  readonly #killedAt = new Map<string, number>();
  readonly #toldAt = new Map<string, number>();
  /** Said to be staging since the leader last took all that it had heard. */
  readonly #confirmed = new Set<string>();

  constructor(history: History) {
    this.#history = history;
  }

  /** Its task is said not to have begun: which is an answer, and puts the next question off. */
  confirm(taskId: string): void {
    this.#confirmed.add(taskId);
  }

  /** killed: not more often than that. `takesAll`: nothing that was heard is left for the next decision. */
  decide(commands: readonly ExecutorCommand[], now: number, takesAll: boolean): void {
    // A clock that steps back makes a moment to come of the last time: it counts as now.
    for (const [taskId, at] of this.#killedAt) if (at > now) this.#killedAt.delete(taskId);
    for (const [taskId, at] of this.#toldAt) if (at > now) this.#toldAt.set(taskId, now);
    for (const taskId of this.#confirmed) this.#toldAt.set(taskId, now);
    if (takesAll) this.#confirmed.clear();
    for (const { tasks } of of(commands, 'reconcile')) for (const { taskId } of tasks) this.#toldAt.set(taskId, now);
    for (const { task, graceMs } of of(commands, 'kill')) {
      const at = this.#killedAt.get(task.taskId);
      // One that is given up and goes on is told so each time that it is heard of.
      if (at !== undefined && graceMs > 0 && now - at < Math.max(KILL_MS, graceMs))
        fail('killed', `${task.taskId} is told to end again after ${now - at} ms`, task.taskId);
      this.#killedAt.set(task.taskId, now);
      this.#toldAt.set(task.taskId, now);
    }
  }

  /** Each was told, or asked about, no longer ago than that when a decision that left nothing due was made. */
  settle({ context, isBehind, quarantined }: { context: DecisionContext; isBehind: boolean; quarantined: ReadonlySet<string> }): void {
    if (isBehind) return;
    for (const { run, attempt } of aliveIn(this.#history)) {
      if (run.state === 'running' || quarantined.has(run.job)) continue;
      const { taskId, createdAt } = attempt;
      const first = run.state === 'launching' ? Math.min(createdAt, context.now) : -Infinity;
      if (!this.#toldAt.has(taskId) && run.state === 'launching') this.#toldAt.set(taskId, first);
      const pastMs = context.now - (this.#toldAt.get(taskId) ?? first);
      if (pastMs < this.#paceOf(run)) continue;
      if (run.state === 'launching') fail('reconciled-first', `nobody has heard of ${taskId}, and it was not asked about`, taskId);
      fail('killed', `${taskId} is to be killed, and was not told so for ${pastMs} ms`, taskId);
    }
  }

  #paceOf({ state, spec }: RunRecord): number {
    return state === 'launching' ? ASK_MS : Math.max(KILL_MS, this.#history.resolve(spec as JobSpec).killGraceMs);
  }
}

function fail(invariant: string, message: string, taskId: string): never {
  throw new InvariantViolation(invariant, message, [parseTaskId(taskId)?.job ?? '']);
}
