/** What becomes of a run when its timer is due. */

import type { Instant } from '../schedule/schedule.ts';
import { endAttempt } from './attempts.ts';
import { handOverTokens } from './flows.ts';
import { killAttempt, sendKill } from './kills.ts';
import type { Attempt, Reason, RunRecord } from './records.ts';
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
  const hold = holdAt(world, deadline);
  const missing = hold?.text ?? describeShortage(shortage);
  const queued = `waiting for an earlier run${hold ? `; and ${hold.text}` : ''}`;
  const waited = run.state === 'queued' ? queued : `waiting for an offer: ${missing}`;
  const nearest = shortage ? { nearest: shortage.nearest } : {};
  const data = { deadline, state: run.state, ...nearest, ...(hold ? { heldBy: hold.data } : {}) };
  const text = `the starting deadline, ${isoTime(deadline)}, passed while ${waited}`;
  settleRun(world, run, { outcome: 'missed', reason: { code: 'deadline', text, data } });
}

/** What kept everything from being launched when the deadline passed; undefined: nothing did. */
function holdAt(world: World, deadline: Instant): { readonly text: string; readonly data: Reason['data'] } | undefined {
  const { decidableSince, suspension, isSuspended, executor } = world;
  if (deadline < decidableSince) {
    const text = `nobody could launch anything until ${isoTime(decidableSince)}, as there was no leader`;
    return { text, data: { code: 'no-leader', until: decidableSince } };
  }
  if (suspension && isSuspended && suspension.from <= deadline) {
    const { by, from } = suspension;
    const text = `the whole cluster was suspended${by ? ` by ${by}` : ''} at ${isoTime(from)}`;
    return { text, data: { code: 'suspended', by, from } };
  }
  if (executor === 'ready') return undefined;
  if (executor === 'disconnected') return { text: 'the leader had no connection to the executor', data: { code: 'no-executor' } };
  return { text: 'the leader had to hear from the executor what was alive first', data: { code: 'reconciling' } };
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
