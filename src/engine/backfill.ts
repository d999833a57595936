/**
 * Backfills: a range of nominal times run on request, oldest first, at most `limit` of them open at once. What is left is kept in
 * the job's state and moves in the step that creates each run, so a new leader goes on where the last left off.
 */

import type { Instant } from '../schedule/schedule.ts';
import { handOverTokens } from './flows.ts';
import { killAttempt } from './kills.ts';
import { CREATION_ROOM, OPEN_BACKFILLS } from './limits.ts';
import type { Backfill, JobState, Reason, Request } from './records.ts';
import type { Effect } from './request-results.ts';
import { backfillOf, createRun, settleRun } from './runs.ts';
import { isAlive } from './run-state.ts';
import type { Slot, World } from './world.ts';

export function startBackfill(world: World, request: Extract<Request, { type: 'backfill' }>): Effect {
  const slot = world.slots.get(request.job);
  if (!slot?.job || !slot.state) return { refused: 'no such job' };
  if (!slot.job.schedule) return { refused: 'no schedule' };
  if (Object.keys(slot.state.backfills ?? {}).length >= OPEN_BACKFILLS) return { refused: 'too many backfills' };
  const backfill: Backfill = { cursor: request.from - 1, to: request.to, limit: request.limit };
  putBackfill(world, slot, { id: request.id, backfill });
  world.backfilling.push({ slot, id: request.id });
  return { done: 'started' };
}

/**
 * Ends a backfill before its end: its runs that have not begun are given up, and no more are created. Closes steps as they fill: if the
 * process dies between them, the request is still there, and the next leader takes it before it goes on with the backfill.
 */
export function cancelBackfill(world: World, request: Extract<Request, { type: 'cancel-backfill' }>): Effect {
  const { job, backfill: id, by } = request;
  const slot = world.slots.get(job);
  if (!slot?.state) return { refused: 'no such job' };
  // The newest first: what waits behind another can't be made ready in its place.
  const runs = [...world.openRuns(slot).values()].filter((run) => backfillOf(run) === id).reverse();
  if (runs.length === 0 && !slot.state.backfills?.[id]) return { refused: 'not active' };
  const text = `the backfill ${id} was cancelled by ${by || 'request'}`;
  const reason: Reason = { code: 'backfill-cancelled', text, data: { by, backfill: id } };
  for (const run of runs) {
    if (run.attempts.length > 0 && !request.kill) continue;
    if (world.recorder.room < CREATION_ROOM) world.recorder.close();
    if (isAlive(run.state)) killAttempt(world, run, reason);
    else settleRun(world, run, { outcome: run.attempts.length > 0 ? 'killed' : 'skipped', reason });
  }
  if (slot.state.backfills?.[id]) putBackfill(world, slot, { id, backfill: undefined });
  return { done: 'cancelled' };
}

/** Creates the runs that there is room for now, each in a step of its own. */
export function continueBackfills(world: World): void {
  for (let next = world.backfilling.shift(); next; next = world.backfilling.shift()) {
    const { slot, id } = next;
    world.subject = slot.name;
    while (createNext(world, slot, id)) {
      handOverTokens(world);
      world.recorder.close();
    }
    world.recorder.close();
  }
}

/** Whether a run was created, and there may be another. */
function createNext(world: World, slot: Slot, id: string): boolean {
  const backfill = slot.state?.backfills?.[id];
  if (!backfill || !slot.job) return false;
  const at = slot.job.schedule?.next(backfill.cursor);
  if (at === undefined || at > backfill.to) {
    putBackfill(world, slot, { id, backfill: undefined });
    return false;
  }
  if (slot.job.suspended || countOpen(world, slot, id) >= backfill.limit) return false;
  putBackfill(world, slot, { id, backfill: { ...backfill, cursor: at } });
  createBackfillRun(world, slot, { at, id });
  return true;
}

function createBackfillRun(world: World, slot: Slot, { at, id }: { at: Instant; id: string }): void {
  createRun(world, slot, { trigger: { type: 'schedule', scheduledFor: at, backfill: id }, waits: true });
}

function countOpen(world: World, slot: Slot, id: string): number {
  let count = 0;
  for (const run of world.openRuns(slot).values()) if (backfillOf(run) === id) count += 1;
  return count;
}

function putBackfill(world: World, slot: Slot, { id, backfill }: { id: string; backfill: Backfill | undefined }): void {
  const { backfills, ...state } = slot.state as JobState;
  const { [id]: _old, ...others } = backfills ?? {};
  const left = backfill ? { ...others, [id]: backfill } : others;
  world.putState(slot, Object.keys(left).length > 0 ? { ...state, backfills: left } : state);
}
