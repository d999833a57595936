/** Telling a task to end: durable first (state `killing`), then the command, repeated until the task is over. */

import type { ExecutorCommand } from '../executor/port.ts';
import type { Attempt, Reason, RunRecord } from './records.ts';
import { setRunTimer } from './run-timer.ts';
import type { World } from './world.ts';

/** A time-out ends an attempt; whatever else does ends the run. */
const ATTEMPT_ONLY: ReadonlySet<Reason['code']> = new Set<Reason['code']>(['timeout', 'launch-timeout']);

/**
 * The first reason stays, but for a time-out, after which the run may be tried again: whatever else ends it is final, and takes its
 * place. The task was told to end already then, and is told again at its time.
 */
export function killAttempt(world: World, run: RunRecord, reason: Reason): void {
  if (isEndedForGood(run) || (run.kill && ATTEMPT_ONLY.has(reason.code))) return;
  const killing: RunRecord = { ...run, state: 'killing', kill: { at: run.kill?.at ?? world.now, reason } };
  world.putRun(world.slot(run.job), killing);
  if (!run.kill) sendKill(world, killing);
}

/** Whether it was told to end for a reason that no attempt follows. */
export function isEndedForGood({ kill }: RunRecord): boolean {
  return kill !== undefined && !ATTEMPT_ONLY.has(kill.reason.code);
}

export function sendKill(world: World, run: RunRecord): void {
  const { taskId, agentId, address } = run.attempts.at(-1) as Attempt;
  const command: ExecutorCommand = { type: 'kill', task: { taskId, agentId, address }, graceMs: world.jobOf(run).killGraceMs };
  world.recorder.command(command);
  world.setAsked(run);
  setRunTimer(world, run);
}
