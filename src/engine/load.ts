/**
 * Reads the stored facts at the start of a term. Taken from a snapshot made within the term: nothing older can land after it,
 * so what is read here is all there is. Entries that can't be read are left alone and told.
 */

import type { JobRecord } from '../job/job.ts';
import type { JobSpec } from '../job/spec.ts';
import type { Entry } from '../store/port.ts';
import { alignState, forgetJob, setDefinition } from './definitions.ts';
import { EXECUTOR_IDENTITY_KEY, JOBS, REQUESTS, RUNS, STATES, SUSPENSION_KEY, VERDICTS, WAITING_KEY } from './keys.ts';
import { sendKill } from './kills.ts';
import type { ClusterSuspension, ExecutorIdentity, JobState, Request, RunRecord, WaitingRecord } from './records.ts';
import { setRunTimer } from './run-timer.ts';
import { makeNextReady } from './runs.ts';
import { isOver, type Slot, type World } from './world.ts';

/** Files every entry in memory; returns the requests found, oldest first. */
export function loadEntries(world: World, entries: Iterable<Entry>): Request[] {
  const requests: Request[] = [];
  const runs: RunRecord[] = [];
  for (const entry of entries) {
    try {
      loadEntry(world, entry, { requests, runs });
    } catch (error) {
      world.recorder.fact({ type: 'unusable-record', key: entry.key, problem: String(error) });
    }
  }
  runs.sort((a, b) => a.number - b.number);
  for (const run of runs) world.fileRun(world.slot(run.job), run);
  for (const run of runs) if (run.handover !== undefined) world.handovers.push(run);
  for (const run of runs) if (run.replaces) world.replacing.push({ slot: world.slot(run.job), by: run.number });
  return requests.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function loadEntry(world: World, { key, value }: Entry, found: { requests: Request[]; runs: RunRecord[] }): void {
  if (key.startsWith(JOBS)) {
    const record = JSON.parse(value) as JobRecord<JobSpec>;
    setDefinition(world, world.slot(record.spec.name), record);
  } else if (key.startsWith(STATES)) {
    const slot = world.slot(key.slice(STATES.length));
    world.setState(slot, JSON.parse(value) as JobState);
  } else if (key.startsWith(RUNS)) {
    found.runs.push(JSON.parse(value) as RunRecord);
  } else if (key.startsWith(VERDICTS)) {
    loadVerdict(world, key.slice(VERDICTS.length));
  } else if (key.startsWith(REQUESTS)) {
    found.requests.push(JSON.parse(value) as Request);
  } else if (key === SUSPENSION_KEY) {
    world.suspension = JSON.parse(value) as ClusterSuspension;
  } else if (key === WAITING_KEY) {
    world.waiting = JSON.parse(value) as WaitingRecord;
  } else if (key === EXECUTOR_IDENTITY_KEY) {
    world.identity = JSON.parse(value) as ExecutorIdentity;
  }
}

function loadVerdict(world: World, path: string): void {
  const slash = path.lastIndexOf('/');
  const slot = world.slot(path.slice(0, slash));
  slot.verdicts ??= [];
  slot.verdicts.push(Number(path.slice(slash + 1)));
}

/** Brings memory and store to where the last leader would have: states of new definitions, remains of deleted ones, timers. */
export function resume(world: World): void {
  for (const slot of [...world.slots.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) resumeJob(world, slot);
}

function resumeJob(world: World, slot: Slot): void {
  slot.verdicts?.sort((a, b) => a - b);
  if (slot.record && slot.job) {
    const isReplaced = slot.state !== undefined && slot.state.uid !== '' && slot.state.uid !== slot.record.uid;
    if (isReplaced) forgetJob(world, slot);
    alignState(world, slot, slot.record);
  } else if (!slot.record && hasRemains(slot)) {
    forgetJob(world, slot);
  }
  for (const run of world.openRuns(slot).values()) resumeRun(world, run);
  for (const id of Object.keys(slot.state?.backfills ?? {})) world.backfilling.push({ slot, id });
  if (slot.job) makeNextReady(world, slot);
  world.recorder.close();
}

function hasRemains(slot: Slot): boolean {
  return (slot.state !== undefined && slot.state.uid !== '') || (slot.kept?.length ?? 0) > 0 || (slot.verdicts?.length ?? 0) > 0;
}

function resumeRun(world: World, run: RunRecord): void {
  if (isOver(run.state)) return;
  if (run.state === 'pending') world.pending.add(run, world.jobOf(run));
  setRunTimer(world, run);
  if (run.state === 'killing') sendKill(world, run);
}
