/** What becomes of a run when its timer is due. */

import { endAttempt } from './attempts.ts';
import { handOverTokens } from './flows.ts';
import { killAttempt, sendKill } from './kills.ts';
import type { Attempt, RunRecord } from './records.ts';
import { confirmAt, killAgainAt, setRunTimer, startingDeadline, timeoutAt, unreachableUntil } from './run-timer.ts';
import { settleRun, storeOpen } from './runs.ts';
import { describeShortage } from './shortage.ts';
import { isoTime } from './verdicts.ts';
import { isAlive } from './run-state.ts';
import type { World } from './world.ts';

export function decideDueRun(world: World, run: RunRecord): void {
  world.subject = run.job;
  if (isAlive(run.state)) decideAlive(world, run);
  else if (run.state === 'backoff') retryWhenDue(world, run);
  else missWhenLate(world, run);
  handOverTokens(world);
  world.recorder.close();
}

function retryWhenDue(world: World, run: RunRecord): void {
  if ((run.notBefore ?? 0) > world.now) return setRunTimer(world, run);
  const { notBefore: _due, ...rest } = run;
  storeOpen(world, { ...rest, state: 'pending', pendingSince: world.now });
}

function missWhenLate(world: World, run: RunRecord): void {
  const deadline = startingDeadline(run);
  if (deadline === undefined || deadline > world.now) return setRunTimer(world, run);
  const shape = world.pending.keyOf(run);
  const shortage = shape === undefined ? undefined : world.shortages.get(shape);
  const waited = run.state === 'queued' ? 'waiting for an earlier run' : `waiting for an offer: ${describeShortage(shortage)}`;
  const data = { deadline, state: run.state, ...(shortage ? { nearest: shortage.nearest } : {}) };
  const text = `the starting deadline, ${isoTime(deadline)}, passed while ${waited}`;
  settleRun(world, run, { outcome: 'missed', reason: { code: 'deadline', text, data } });
}

function decideAlive(world: World, run: RunRecord): void {
  if (isPast(world, unreachableUntil(world, run))) return giveUp(world, run);
  if (run.state === 'killing') {
    if (isPast(world, killAgainAt(world, run))) sendKill(world, run);
    return setRunTimer(world, run);
  }
  if (isPast(world, timeoutAt(world, run))) return timeOut(world, run);
  if (run.state === 'launching' && isPast(world, confirmAt(world, run))) askAbout(world, run);
  setRunTimer(world, run);
}

function isPast(world: World, at: number | undefined): boolean {
  return at !== undefined && at <= world.now;
}

function giveUp(world: World, run: RunRecord): void {
  const since = run.attempts.at(-1)?.unreachableSince ?? world.now;
  const text = `its agent has been unreachable since ${isoTime(since)}`;
  endAttempt(world, run, { outcome: 'failed', fault: 'infrastructure', reason: { code: 'infrastructure', text, data: { since } } });
}

function timeOut(world: World, run: RunRecord): void {
  const timeoutMs = world.jobOf(run).timeoutMs;
  killAttempt(world, run, { code: 'timeout', text: `ran longer than its timeout of ${timeoutMs} ms`, data: { timeoutMs } });
}

function askAbout(world: World, run: RunRecord): void {
  const { taskId, agentId, address } = run.attempts.at(-1) as Attempt;
  world.recorder.command({ type: 'reconcile', tasks: [{ taskId, agentId, address }] });
  world.setAsked(run);
}
