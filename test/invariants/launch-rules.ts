/** The rule content (words: invariants.ts). */

import { isDeepStrictEqual } from 'node:util';
import type { Attempt, RunRecord } from '../../src/engine/records.ts';
import { isAlive } from '../../src/engine/run-state.ts';
import type { TaskLaunch } from '../../src/executor/port.ts';
import type { Constraint } from '../../src/job/job.ts';
import type { History } from './history.ts';
import { InvariantViolation } from './violation.ts';

/** Where a task was launched, as the agent says of itself. */
export type Attributes = Readonly<Record<string, string>>;

/** To be asked while the run is as it was at the launch: not once its attempt is over. */
export function checkContent(history: History, task: TaskLaunch, attributes: Attributes): void {
  const run = history.run(task.job, task.run);
  if (!run?.spec || !isAlive(run.state) || run.attempts.at(-1)?.taskId !== task.taskId) return;
  const job = history.resolve(run.spec);
  const offend = (message: string): never => {
    throw new InvariantViolation('content', `${task.taskId} ${message}`, [task.job]);
  };
  checkDefined(history, run, task);
  const others = [...history.job(task.job).runs.values()].filter((other) => isAlive(other.state));
  for (const constraint of job.constraints) {
    if (!isMet(constraint, attributes, others)) offend(`is on ${JSON.stringify(attributes)}, against ${JSON.stringify(constraint)}`);
  }
}

/** What is launched is what the run was created with. */
export function checkDefined(history: History, run: RunRecord, task: TaskLaunch): void {
  if (!run.spec) return;
  const job = history.resolve(run.spec);
  const told = { task: task.task, killGraceMs: task.killGraceMs, timeoutMs: task.timeoutMs, labels: task.labels };
  const wanted = { task: job.task, killGraceMs: job.killGraceMs, timeoutMs: job.timeoutMs, labels: job.labels };
  const message = `${task.taskId} is launched as ${JSON.stringify(told)} instead of ${JSON.stringify(wanted)}`;
  if (!isDeepStrictEqual(told, wanted)) throw new InvariantViolation('content', message, [task.job]);
}

/** Whether a run that waits may be launched on an agent with these attributes, as far as its constraints go. */
export function mayBeOn(history: History, run: RunRecord, attributes: Attributes): boolean {
  const alive = [...history.job(run.job).runs.values()].filter((other) => isAlive(other.state));
  const one = { ...run, attempts: [{ placed: attributes } as unknown as Attempt] };
  return (
    run.spec !== undefined && history.resolve(run.spec).constraints.every((constraint) => isMet(constraint, attributes, [...alive, one]))
  );
}

/** By means of its own, for the operators that simulated jobs have. */
function isMet({ attribute, operator, value = '' }: Constraint, attributes: Attributes, alive: readonly RunRecord[]): boolean {
  const own = attributes[attribute];
  switch (operator) {
    case 'LIKE':
      return own !== undefined && new RegExp(`^(?:${value})$`).test(own);
    case 'UNLIKE':
      return own === undefined || !new RegExp(`^(?:${value})$`).test(own);
    case 'MAX_PER':
      return alive.filter((run) => run.attempts.at(-1)?.placed?.[attribute] === own).length <= Number(value);
    default:
      return true;
  }
}
