/**
 * Backfills: a range of nominal times run on request, oldest first, at most `limit` of them open at once. What is left is kept in
 * the job's state and moves in the step that creates each run, so a new leader goes on where the last left off.
 */

import type { Instant } from '../schedule/schedule.ts';
import { handOverTokens } from './flows.ts';
import { OPEN_BACKFILLS } from './limits.ts';
import type { Backfill, JobState, Request } from './records.ts';
import { backfillOf, createRun } from './runs.ts';
import type { Slot, World } from './world.ts';

export function startBackfill(world: World, request: Extract<Request, { type: 'backfill' }>): string {
  const slot = world.slots.get(request.job);
  if (!slot?.job || !slot.state) return 'no such job';
  if (!slot.job.schedule) return 'no schedule';
  if (Object.keys(slot.state.backfills ?? {}).length >= OPEN_BACKFILLS) return 'too many backfills';
  const backfill: Backfill = { cursor: request.from - 1, to: request.to, limit: request.limit };
  putBackfill(world, slot, { id: request.id, backfill });
  world.backfilling.push({ slot, id: request.id });
  return 'started';
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
