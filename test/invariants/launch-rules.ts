/** The rule content (words: invariants.ts). */

import { isDeepStrictEqual } from 'node:util';
import type { RunRecord } from '../../src/engine/records.ts';
import { isAlive } from '../../src/engine/run-state.ts';
import type { TaskLaunch } from '../../src/executor/port.ts';
import type { History } from './history.ts';
import { type Attributes, isCounting, isMet } from './placement-rules.ts';
import { InvariantViolation } from './violation.ts';

/** To be asked while the run is as it was at the launch: not once its attempt is over. `attributes`: of the agent it was launched on. */
export function checkContent(history: History, task: TaskLaunch, attributes: Attributes): void {
  const run = history.run(task.job, task.run);
  if (!run?.spec || !isAlive(run.state) || run.attempts.at(-1)?.taskId !== task.taskId) return;
  const job = history.resolve(run.spec);
  const offend = (message: string): never => {
    throw new InvariantViolation('content', `${task.taskId} ${message}`, [task.job]);
  };
  checkDefined(history, run, task);
  for (const constraint of job.constraints) {
    if (!isCounting(constraint) && !isMet(constraint, attributes, []))
      offend(`is on ${JSON.stringify(attributes)}, against ${JSON.stringify(constraint)}`);
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
