/** Telling a task to end: durable first (state `killing`), then the command, repeated until the task is over. */

import type { ExecutorCommand } from '../executor/port.ts';
import type { Attempt, Reason, RunRecord } from './records.ts';
import { setRunTimer } from './run-timer.ts';
import type { World } from './world.ts';

/** The first reason stays: a run told to end by a person is not turned into a time-out later. */
export function killAttempt(world: World, run: RunRecord, reason: Reason): void {
  if (run.kill) return;
  const killing: RunRecord = { ...run, state: 'killing', kill: { at: world.now, reason } };
  world.putRun(world.slot(run.job), killing);
  sendKill(world, killing);
}

export function sendKill(world: World, run: RunRecord): void {
  const { taskId, agentId, address } = run.attempts.at(-1) as Attempt;
  const command: ExecutorCommand = { type: 'kill', task: { taskId, agentId, address }, graceMs: world.jobOf(run).killGraceMs };
  world.recorder.command(command);
  world.setAsked(run);
  setRunTimer(world, run);
}
