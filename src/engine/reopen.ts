/** A run that is over comes to life again: the same run in the same flow, so that what waits for it finds it where it was. */

import type { JobState, RunRecord } from './records.ts';
import { storeOpen } from './runs.ts';
import { addTo } from './verdicts.ts';
import { isOver } from './run-state.ts';
import type { Slot, World } from './world.ts';

/** Makes the run wait for an offer again, or for its turn where another run of the job is open. */
export function reopenRun(world: World, slot: Slot, record: RunRecord): void {
  const isFree = world.openRuns(slot).size === 0 || slot.job?.overlap === 'allow';
  const again = { ...retake(world, slot, record), ...definitionOf(slot, record) };
  storeOpen(world, isFree ? { ...again, state: 'pending', pendingSince: world.now } : { ...again, state: 'queued' });
  world.recorder.fact({ type: 'run-created', job: slot.name, run: record.number, flow: record.flow, trigger: record.trigger.type });
}

/** One that has never run kept none: it runs as the job is now. */
function definitionOf({ record: live }: Slot, { spec }: RunRecord): Partial<Pick<RunRecord, 'spec' | 'jobVersion'>> {
  return spec || !live ? {} : { spec: live.spec, jobVersion: live.version };
}

/** Takes a run that is over out of the books; the caller stores what it becomes. */
export function retake(world: World, slot: Slot, record: RunRecord): RunRecord {
  const { endedAt: _ended, reason: _reason, kill: _kill, handover: _handover, owed: _owed, ...rest } = record;
  const state = slot.state as JobState;
  if (isOver(record.state)) world.putState(slot, { ...state, totals: addTo(state.totals, record.state, -1) });
  world.unfileRun(slot, record.number);
  return { ...rest, ...failureOf(record), state: 'pending', lost: 0, firstAttempt: record.attempts.length };
}

/** The life that is over failed, or one before it: whom that is still owed to has not heard of any. */
function failureOf({ state, owed = [], failedBefore }: RunRecord): Pick<RunRecord, 'failedBefore'> {
  if (state !== 'failed' && state !== 'killed') return {};
  return { failedBefore: owed.filter((child) => failedBefore?.includes(child) ?? true) };
}
