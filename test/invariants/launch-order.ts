/**
 * The rule launch-order (words: invariants.ts). Tasks of one decision are launched agent by agent, so an older run may follow in a later step
 * of the same decision: what was passed over is known when the next one of the same term begins.
 */

import { QUARANTINE_KEY } from '../../src/engine/keys.ts';
import { AGEING_STEP_MS } from './limits.ts';
import type { QuarantineRecord, RunRecord } from '../../src/engine/records.ts';
import type { Job } from '../../src/job/job.ts';
import type { Revision } from '../../src/store/port.ts';
import type { DecisionContext, History, Step, Transaction } from './history.ts';
import { InvariantViolation } from './violation.ts';

interface Overtaken {
  /** Ranks before the other. */
  readonly first: RunRecord;
  readonly other: RunRecord;
  readonly context: DecisionContext;
  readonly term: Revision;
}

const since = (run: RunRecord): number => run.pendingSince ?? run.createdAt;

export class LaunchOrder {
  #overtaken: Overtaken[] = [];

  /** Before a transaction is applied. */
  begin(history: History, { writer, context }: Transaction): void {
    if (writer.kind !== 'leader' || this.#overtaken.length === 0 || context === this.#overtaken[0]?.context) return;
    for (const { first, other, term } of this.#overtaken) {
      const run = history.run(first.job, first.number);
      if (term !== writer.term || run?.state !== 'pending' || since(run) !== since(first)) continue;
      const [name, firstName] = [other, first].map(({ job, number }) => `${job}#${number}`);
      throw new InvariantViolation('launch-order', `${name} was launched while ${firstName}, which asks for the same, ranks before it`, [
        other.job,
        first.job,
      ]);
    }
    this.#overtaken = [];
  }

  /** After each of its steps. */
  onStep(history: History, { jobs, context }: Step, term: Revision): void {
    if (!context) return;
    for (const { runs } of jobs.values()) {
      for (const { before, after } of runs.values()) {
        if (before?.state !== 'pending' || after?.state !== 'launching') continue;
        for (const first of waiting(history)) {
          if (isOvertaken(history, { first, other: before }) && (first.deadline ?? Infinity) > context.now)
            this.#overtaken.push({ first, other: before, context, term });
        }
      }
    }
  }
}

/** Runs that are ready, but for those of jobs that are, or were lately, in quarantine. */
function* waiting(history: History): Generator<RunRecord> {
  const quarantine = JSON.parse(history.value(QUARANTINE_KEY) ?? '{}') as QuarantineRecord;
  for (const { name, runs } of history.jobs.values()) {
    if (Object.hasOwn(quarantine, name)) continue;
    for (const run of runs.values()) if (run.state === 'pending') yield run;
  }
}

/** One that waited for its retry waits since its pause was over. */
function isOvertaken(history: History, { first, other }: Pick<Overtaken, 'first' | 'other'>): boolean {
  if (!first.spec || !other.spec) return false;
  const [a, b] = [history.resolve(first.spec), history.resolve(other.spec)];
  const ahead = rankOf(other, b) - rankOf(first, a);
  const isBefore = ahead > 0 || (ahead === 0 && first.job === other.job && first.number < other.number);
  return isBefore && wish(first, a) === wish(other, b);
}

/** A step of priority counts as much as some time of waiting. */
function rankOf(run: RunRecord, { priority }: Job): number {
  return since(run) - priority * AGEING_STEP_MS;
}

/** What a run asks of an agent. Constraints may look at the tasks of its own job. */
function wish({ job }: RunRecord, { task, constraints, placement, timeoutMs }: Job): string {
  const { cpus, mem, disk, gpus, ports } = task;
  return JSON.stringify([cpus, mem, disk, gpus, ports, constraints, placement, timeoutMs, constraints.length > 0 ? job : '']);
}
