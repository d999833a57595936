/**
 * The life of a run outside its attempts: created (and there the overlap rule is applied, in the same step, so that there is
 * no race), queued, made ready, settled. Settling files the token for its children; flows.ts hands it on.
 */

import type { Job } from '../job/job.ts';
import type { JobSpec } from '../job/spec.ts';
import type { Instant } from '../schedule/schedule.ts';
import { CREATION_ROOM, OPEN_RUNS } from './limits.ts';
import type { FlowId, JobState, Outcome, Reason, RunRecord, RunState, Trigger } from './records.ts';
import { isEndedForGood, killAttempt } from './kills.ts';
import { setRunTimer } from './run-timer.ts';
import { runId } from './task-id.ts';
import { addTo } from './verdicts.ts';
import { isAlive, isOver } from './run-state.ts';
import type { Slot, World } from './world.ts';

export interface NewRun {
  readonly trigger: Trigger;
  /** Absent: the run starts a flow of its own. */
  readonly flow?: FlowId;
  /** In place of the job's definition: a request's own environment. */
  readonly spec?: JobSpec;
  /** Waits its turn even where overlap is forbidden or replaces: caught-up runs and backfills. */
  readonly waits?: true;
  /** The run is only recorded as skipped, for this reason. */
  readonly skip?: Reason;
}

/**
 * The run whose being open forbids another one now; undefined when nothing does. A backfill does not starve the schedule: what
 * comes due beside it waits its turn instead.
 */
function overlappingRun(world: World, slot: Slot): RunRecord | undefined {
  if ((slot.job as Job).overlap !== 'forbid') return undefined;
  for (const run of world.openRuns(slot).values()) if (!backfillOf(run)) return run;
  return undefined;
}

/** Whether a run waits its turn whatever the job's overlap rule: it is caught up with all others, or fills in. Such a run is not replaced. */
function isInLine(world: World, run: RunRecord): boolean {
  if (run.trigger.type !== 'schedule') return false;
  return run.trigger.backfill !== undefined || (run.trigger.caughtUp === true && world.jobOf(run).catchUp === 'all');
}

/** The id of the backfill that created the run. */
export function backfillOf(run: RunRecord): string | undefined {
  return run.trigger.type === 'schedule' ? run.trigger.backfill : undefined;
}

function overlapReason(blocker: RunRecord): Reason {
  const id = runId(blocker.job, blocker.number);
  return { code: 'overlap', text: `${id} was still ${blocker.state} and overlap is forbidden`, data: { run: blocker.number } };
}

/** Creates a run in the open step, as the job's overlap rule has it. */
export function createRun(world: World, slot: Slot, input: NewRun): RunRecord {
  const job = slot.job as Job;
  const state = slot.state as JobState;
  const number = state.lastRun + 1;
  const base = newRecord(world, slot, { ...input, number });
  world.putState(slot, { ...(slot.state as JobState), lastRun: number });
  world.recorder.fact({ type: 'run-created', job: slot.name, run: number, flow: base.flow, trigger: input.trigger.type });

  const skip = input.skip ?? skipReason(world, slot, input);
  if (skip) {
    return settleRun(world, { ...base, state: 'pending' }, { outcome: 'skipped', reason: skip });
  }
  const isFree = world.openRuns(slot).size === 0 || job.overlap === 'allow';
  const run: RunRecord = isFree ? { ...base, state: 'pending', pendingSince: world.now } : { ...base, state: 'queued' };
  storeOpen(world, run);
  const mustReplace = !isFree && job.overlap === 'replace' && !input.waits;
  if (mustReplace && !replaceOlder(world, slot, number)) {
    storeOpen(world, { ...(world.run(slot.name, number) ?? run), replaces: true });
    world.replacing.push({ slot, by: number });
  }
  if (!isFree) makeNextReady(world, slot);
  return world.run(slot.name, number) ?? run;
}

function newRecord(world: World, slot: Slot, input: NewRun & { readonly number: number }): Omit<RunRecord, 'state'> {
  const job = slot.job as Job;
  const deadline = deadlineOf(world, job, input.trigger);
  const record = slot.record as NonNullable<Slot['record']>;
  return {
    job: slot.name,
    number: input.number,
    flow: input.flow ?? runId(slot.name, input.number),
    trigger: input.trigger,
    createdAt: world.now,
    spec: input.spec ?? record.spec,
    jobVersion: record.version,
    attempts: [],
    lost: 0,
    ...(deadline === undefined ? {} : { deadline }),
  };
}

/** Counted from the nominal time, where there is one. A backfill is late on purpose and waits on purpose: it has none. */
function deadlineOf(world: World, job: Job, trigger: Trigger): Instant | undefined {
  if (job.startingDeadlineMs === undefined) return undefined;
  if (trigger.type !== 'schedule') return world.now + job.startingDeadlineMs;
  return trigger.backfill === undefined ? trigger.scheduledFor + job.startingDeadlineMs : undefined;
}

function skipReason(world: World, slot: Slot, input: NewRun): Reason | undefined {
  const record = slot.record as NonNullable<Slot['record']>;
  if ((slot.job as Job).suspended) {
    const by = record.suspension?.by ?? '';
    return { code: 'suspended', text: `the job is suspended${by ? ` by ${by}` : ''}`, data: { by } };
  }
  const isBackfill = input.trigger.type === 'schedule' && input.trigger.backfill !== undefined;
  return isBackfill ? undefined : crowdReason(world, slot, input);
}

/**
 * Why a job can't have another run now: one is open and overlap is forbidden, unless the new one waits its turn; or so many are open
 * that they must not become more. Backfills have a bound of their own.
 */
export function crowdReason(world: World, slot: Slot, { waits }: Pick<NewRun, 'waits'>): Reason | undefined {
  const blocker = waits ? undefined : overlappingRun(world, slot);
  if (blocker) return overlapReason(blocker);
  if (world.openRuns(slot).size < OPEN_RUNS) return undefined;
  return { code: 'too-many-runs', text: `${OPEN_RUNS} runs of the job were not over yet`, data: { limit: OPEN_RUNS } };
}

/** Stores a run that is not over, and brings the queue and its timer in line with its state. */
export function storeOpen(world: World, run: RunRecord): void {
  const slot = world.slot(run.job);
  world.putRun(slot, run);
  if (run.state === 'pending') world.pending.add(run, world.jobOf(run));
  else world.pending.delete(run);
  setRunTimer(world, run);
}

/**
 * Overlap `replace`: of the older runs, what waits is given up, what runs is killed; the newcomer follows when the last of them is
 * over. Not those that everyone waits behind: what is caught up or filled in was asked for, however old. As many as the open step has
 * room for; returns whether that was all.
 */
export function replaceOlder(world: World, slot: Slot, by: number): boolean {
  const reason: Reason = { code: 'replaced', text: `replaced by ${runId(slot.name, by)}`, data: { run: by } };
  // The newest first: what is left, should the process die before the next step, can't be made ready in its place.
  for (const run of [...world.openRuns(slot).values()].reverse()) {
    if (run.number >= by || isEndedForGood(run) || isInLine(world, run)) continue;
    if (world.recorder.room < CREATION_ROOM) return false;
    if (isAlive(run.state)) killAttempt(world, run, reason);
    else settleRun(world, run, { outcome: run.attempts.length > 0 ? 'killed' : 'skipped', reason });
  }
  return true;
}

/** Makes the next queued run ready once no other one is in its way: the oldest, backfills last. */
export function makeNextReady(world: World, slot: Slot): void {
  const open = world.openRuns(slot);
  if (open.queued < open.size) return;
  const next = firstInLine(open.values());
  if (next) makeReady(world, next);
}

/**
 * Of a job whose definition may have changed: what waits goes on as the rule is now. Where overlap is allowed nobody waits, else it may
 * be that nobody was made ready while the definition could not be used. Closes steps as they fill: a new leader does the rest.
 */
export function releaseQueue(world: World, slot: Slot): void {
  if (!slot.job) return;
  if (slot.job.overlap !== 'allow') return makeNextReady(world, slot);
  const open = world.openRuns(slot);
  if (open.queued === 0) return;
  for (const run of [...open.values()]) {
    if (run.state !== 'queued') continue;
    if (world.recorder.room < CREATION_ROOM) world.recorder.close();
    makeReady(world, run);
  }
}

function makeReady(world: World, run: RunRecord): void {
  storeOpen(world, { ...run, state: 'pending', pendingSince: world.now });
}

function firstInLine(queued: Iterable<RunRecord>): RunRecord | undefined {
  let backfill: RunRecord | undefined;
  for (const run of queued) {
    if (backfillOf(run) === undefined) return run;
    backfill ??= run;
  }
  return backfill;
}

export interface Settlement {
  readonly outcome: Outcome;
  readonly reason: Reason | undefined;
}

const AGAIN: ReadonlySet<RunState> = new Set<RunState>(['failed', 'killed']);

/**
 * Ends a run, in the open step. If the process dies after the commit of this step and before the children have the token, the
 * record's `handover` tells the next leader where to go on.
 */
export function settleRun(world: World, run: RunRecord, { outcome, reason }: Settlement): RunRecord {
  const slot = world.slot(run.job);
  const { spec, notBefore: _n, pendingSince: _p, deadline: _d, handover: _h, owed: _o, replaces: _r, ...rest } = run;
  const ended: RunRecord = {
    ...rest,
    ...(spec && AGAIN.has(outcome) ? { spec } : {}),
    state: outcome,
    endedAt: world.now,
    ...(reason ? { reason } : {}),
    ...(world.graph.children(run.job).size + world.unreadable.size > 0 ? { handover: '' } : {}),
  };
  world.pending.delete(run);
  world.forgetVolatile(run);
  world.putRun(slot, ended);
  if (run.jobDeleted) forgetDisowned(world, slot, ended);
  else countOutcome(world, slot, ended);
  prune(world, slot);
  world.recorder.fact({ type: 'run-ended', job: run.job, run: run.number, flow: run.flow, outcome, reason });
  if (ended.handover !== undefined) world.handovers.push(ended);
  if (slot.job) makeNextReady(world, slot);
  const backfill = backfillOf(run);
  if (backfill !== undefined) world.backfilling.push({ slot, id: backfill });
  return ended;
}

/** A run that its job did not outlive is forgotten once its children have its token: it is part of no other job's history. */
export function forgetDisowned(world: World, slot: Slot, { number, jobDeleted, handover, owed }: RunRecord): void {
  if (jobDeleted && handover === undefined && !owed) world.dropRun(slot, number);
}

function countOutcome(world: World, slot: Slot, run: RunRecord): void {
  const state = slot.state as JobState;
  const outcome = run.state;
  if (!isOver(outcome)) return;
  const mark = { run: run.number, at: world.now };
  world.putState(slot, {
    ...state,
    totals: addTo(state.totals, outcome),
    ...(outcome === 'succeeded' ? { lastSuccess: mark } : {}),
    ...(outcome === 'failed' || outcome === 'killed' ? { lastFailure: mark } : {}),
  });
}

/** Keeps `keepRuns` runs that are over, besides those of flows that go on; and none of a job that was deleted. */
function prune(world: World, slot: Slot): void {
  const keep = slot.record ? (slot.job?.keepRuns ?? Infinity) : 0;
  for (let left = 2; left > 0 && (slot.kept?.length ?? 0) > keep; left--) world.dropOldestRun(slot, keep);
}
