/**
 * Definitions as they change under a leader: created, replaced, deleted. A changed schedule takes effect from the moment it was
 * set; what was due before is decided by the old definition first. A run keeps the definition it was created with.
 */

import type { JobRecord } from '../job/job.ts';
import { resolveJob } from '../job/resolve-job.ts';
import type { JobSpec } from '../job/spec.ts';
import { newSpansFrom } from '../job/suspension.ts';
import type { Instant } from '../schedule/schedule.ts';
import { beginningOf, scheduleBefore, scheduleInState } from './earlier-schedule.ts';
import { killAttempt } from './kills.ts';
import { TIMES_AT_ONCE } from './limits.ts';
import { decideNominalTimes, endSchedule } from './nominal-times.ts';
import type { JobState, Reason, RunRecord } from './records.ts';
import { releaseQueue, settleRun } from './runs.ts';
import { isoTime, recordVerdict } from './verdicts.ts';
import { isAlive } from './run-state.ts';
import type { Slot, World } from './world.ts';

const NO_TOTALS = { succeeded: 0, failed: 0, killed: 0, skipped: 0, missed: 0 } as const;

/** Takes a new or replaced definition. */
export function putDefinition(world: World, record: JobRecord<JobSpec>): void {
  const slot = world.slot(record.spec.name);
  const isSame = slot.record?.uid === record.uid;
  if (isSame && (slot.record?.version ?? 0) >= record.version) return;
  if (isSame) finishOldSchedule(world, slot, record);
  else if (slot.record) replaceJob(world, slot);
  setDefinition(world, slot, record);
  if (slot.job) alignState(world, slot, record);
  world.recorder.close();
  releaseQueue(world, slot);
  world.recorder.close();
  decideNominalTimes(world, slot);
}

/** It was deleted, and another one has its name: who waits for its word waits no more, though the graph may look the same. */
function replaceJob(world: World, slot: Slot): void {
  forgetJob(world, slot);
  world.noteGraphChange();
}

/** Files a definition in memory; one that can't be used is left alone and told. */
export function setDefinition(world: World, slot: Slot, record: JobRecord<JobSpec>): void {
  const before = slot.job;
  slot.record = record;
  try {
    slot.job = resolveJob(record);
    world.unreadable.delete(slot.name);
  } catch (error) {
    slot.job = undefined;
    world.unreadable.add(slot.name);
    world.recorder.fact({ type: 'unusable-record', key: `jobs/${slot.name}`, problem: String(error) });
  }
  const job = slot.job;
  if (!job) return;
  for (const id of Object.keys(slot.state?.backfills ?? {})) world.backfilling.push({ slot, id });
  const node = world.graph.node(slot.name);
  world.graph.set(slot.name, { scheduled: job.schedule !== undefined, join: job.join, after: job.after });
  if (!before || world.graph.node(slot.name) !== node) world.noteGraphChange();
}

/** Up to the moment of the change, the old definition counts. */
function finishOldSchedule(world: World, slot: Slot, next: JobRecord<JobSpec>): void {
  const bounds = [world.now];
  if (next.scheduledSince !== slot.record?.scheduledSince) bounds.push(next.scheduledSince - 1);
  const suspendedAt = newSpansFrom(slot.record?.suspension, next.suspension);
  if (suspendedAt !== undefined) bounds.push(suspendedAt - 1);
  // It can't go on in the next decision: it has a share of its own, whatever the others of this one have used up.
  const { timesLeft } = world;
  world.timesLeft = TIMES_AT_ONCE;
  decideNominalTimes(world, slot, Math.min(...bounds));
  world.timesLeft = timesLeft;
  if (next.scheduledSince === slot.record?.scheduledSince) return;
  const text = `the schedule was replaced at ${isoTime(next.scheduledSince)}, before this could be decided`;
  endSchedule(world, slot, { end: next.scheduledSince, text });
}

/** Brings the state in line with a definition that may be of another job (deleted and made again) or another schedule. */
export function alignState(world: World, slot: Slot, record: JobRecord<JobSpec>): void {
  const state = slot.state;
  const { uid, scheduledSince, spec } = record;
  if (!state || state.uid !== uid) {
    const lastRun = state?.lastRun ?? 0;
    world.putState(slot, { uid, cursor: scheduledSince - 1, scheduledSince, ...scheduleInState(spec), lastRun, totals: NO_TOTALS });
  } else if (state.scheduledSince !== scheduledSince) {
    if (world.isLoading) endUnseen(world, slot, scheduledSince);
    beginSchedule(world, slot, record);
  }
}

/** Nobody led when the schedule was replaced: what the old one named until then was not decided, and can't run as it said any more. */
function endUnseen(world: World, slot: Slot, end: Instant): void {
  const { job } = slot;
  const schedule = scheduleBefore(slot);
  if (!job || !schedule) return;
  slot.job = { ...job, schedule };
  endSchedule(world, slot, { end, text: `the schedule was replaced at ${isoTime(end)} while there was no leader` });
  slot.job = job;
}

/** A new schedule begins when it was set, whatever the old one had decided by then; no time of both is decided twice. */
function beginSchedule(world: World, slot: Slot, { scheduledSince, spec }: JobRecord<JobSpec>): void {
  const beginning = beginningOf(slot, scheduledSince);
  const { verdict: _verdict, schedule: _schedule, ahead: _ahead, ...rest } = slot.state as JobState;
  world.putState(slot, { ...rest, ...beginning, scheduledSince, ...scheduleInState(spec) });
  const { cursor } = beginning;
  const from = slot.job?.schedule?.next(scheduledSince - 1);
  if (from === undefined || from > cursor) return;
  const text = `the schedule was set at ${isoTime(scheduledSince)}, and the one before had decided so many times by then that nobody can tell which`;
  const reason: Reason = { code: 'edited', text, data: { to: cursor } };
  recordVerdict(world, slot, { from, to: cursor, count: undefined, verdict: 'missed', reason });
}

/** Takes a deletion: what has not started is given up, what runs is killed; the run counter stays. */
export function removeDefinition(world: World, name: string): void {
  const slot = world.slots.get(name);
  if (!slot?.record) return;
  forgetJob(world, slot);
  slot.record = undefined;
  slot.job = undefined;
  world.graph.delete(name);
  world.unreadable.delete(name);
  world.noteGraphChange();
  world.recorder.close();
}

/** Ends what is open of a job that is gone, and forgets the rest: nobody hears of it but who waits for a task that still runs. */
export function forgetJob(world: World, slot: Slot): void {
  const reason: Reason = { code: 'job-deleted', text: 'the job was deleted' };
  for (const run of [...world.openRuns(slot).values()]) {
    if (isAlive(run.state)) disown(world, slot, { run, reason });
    else settleRun(world, run, { outcome: 'killed', reason });
    world.recorder.close();
  }
  clearRemains(world, slot);
}

/** Its task may outlive the job, and even another job of this name. */
function disown(world: World, slot: Slot, { run, reason }: { run: RunRecord; reason: Reason }): void {
  const own: RunRecord = { ...run, jobDeleted: true };
  if (!run.jobDeleted) world.putRun(slot, own);
  killAttempt(world, own, reason);
}

/** Deletes kept runs and verdicts in steps that may be repeated; the counter stays, so that no task id comes twice. */
function clearRemains(world: World, slot: Slot): void {
  while (slot.kept && slot.kept.length > 0) {
    world.dropOldestRun(slot, 0);
    if (world.recorder.room < 2) world.recorder.close();
  }
  while (slot.verdicts && slot.verdicts.length > 0) {
    world.dropOldestVerdict(slot);
    if (world.recorder.room < 2) world.recorder.close();
  }
  world.recorder.close();
  world.timers.delete(slot.name);
  const state = slot.state;
  if (!state) return;
  world.putState(slot, { uid: '', cursor: 0, scheduledSince: 0, lastRun: state.lastRun, totals: NO_TOTALS });
  world.recorder.close();
}
