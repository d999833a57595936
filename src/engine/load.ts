/**
 * Reads the stored facts at the start of a term. Taken from a snapshot made within the term: nothing older can land after it,
 * so what is read here is all there is. Entries that can't be read are left alone, with the job they belong to, and told.
 */

import type { JobRecord } from '../job/job.ts';
import type { JobSpec } from '../job/spec.ts';
import type { Entry } from '../store/port.ts';
import { alignState, forgetJob, setDefinition } from './definitions.ts';
import {
  DECIDED_KEY,
  EXECUTOR_IDENTITY_KEY,
  jobOfKey,
  JOBS,
  QUARANTINE_KEY,
  REQUESTS,
  RESULTS,
  runKey,
  RUNS,
  stateKey,
  STATES,
  SUSPENSION_KEY,
  VERDICTS,
  WAITING_KEY,
} from './keys.ts';
import { sendKill } from './kills.ts';
import type { ClusterSuspension, DecidedRecord, ExecutorIdentity, JobState, Request, RunRecord, WaitingRecord } from './records.ts';
import { setRunTimer } from './run-timer.ts';
import { releaseQueue } from './runs.ts';
import { isOver } from './run-state.ts';
import type { Slot, World } from './world.ts';

/** Files every entry in memory; returns the requests found, oldest first. */
export function loadEntries(world: World, entries: Iterable<Entry>): Request[] {
  const requests: Request[] = [];
  const runs: RunRecord[] = [];
  for (const entry of entries) {
    try {
      loadEntry(world, entry, { requests, runs });
    } catch (error) {
      setAside(world, entry.key, error);
    }
  }
  runs.sort((a, b) => a.number - b.number);
  for (const run of runs) loadRun(world, run);
  for (const slot of world.slots.values()) {
    if (!slot.state && (slot.open || slot.kept))
      setAside(world, stateKey(slot.name), new Error('the state of a job that has runs is gone'));
  }
  for (const run of runs) if (run.handover !== undefined || run.owed) world.handovers.push(run);
  world.results.sort();
  return requests.sort(inOrder);
}

/** By their ids, which nodes with different clocks may have given: what cancels another comes after it. */
function inOrder(a: Request, b: Request): number {
  const isCancelling = [a, b].map(({ type }) => type === 'cancel-backfill');
  if (isCancelling[0] !== isCancelling[1]) return isCancelling[0] ? 1 : -1;
  return a.id < b.id ? -1 : 1;
}

/**
 * What can't be read is left alone, and so is its job: without its definition it would pass for deleted, without its state its runs
 * would be numbered anew, without its runs they would be launched again.
 */
function setAside(world: World, key: string, error: unknown): void {
  world.recorder.fact({ type: 'unusable-record', key, problem: String(error) });
  const job = jobOfKey(key);
  if (job !== undefined) world.quarantined.add(job);
  if (job !== undefined && key.startsWith(JOBS)) world.unreadable.add(job);
}

function loadRun(world: World, run: RunRecord): void {
  try {
    world.fileRun(world.slot(run.job), run);
  } catch (error) {
    setAside(world, runKey(run.job, run.number), error);
  }
}

function loadEntry(world: World, { key, value }: Entry, found: { requests: Request[]; runs: RunRecord[] }): void {
  if (key.startsWith(JOBS)) {
    const record = JSON.parse(value) as JobRecord<JobSpec>;
    setDefinition(world, world.slot(record.spec.name), record);
  } else if (key.startsWith(STATES)) {
    const slot = world.slot(key.slice(STATES.length));
    const state = JSON.parse(value) as JobState;
    if (!Number.isInteger(state.lastRun)) throw new Error('it does not say how many runs there were');
    world.setState(slot, state);
  } else if (key.startsWith(RUNS)) {
    const run = JSON.parse(value) as RunRecord;
    if (runKey(run.job, run.number) !== key) throw new Error(`it is the record of ${run.job}#${run.number}`);
    if (!Array.isArray(run.attempts)) throw new Error('it does not say which attempts there were');
    found.runs.push(run);
  } else if (key.startsWith(VERDICTS)) {
    loadVerdict(world, key.slice(VERDICTS.length));
  } else if (key.startsWith(REQUESTS)) {
    found.requests.push(JSON.parse(value) as Request);
  } else if (key.startsWith(RESULTS)) {
    world.results.push(key.slice(RESULTS.length));
  } else if (key === SUSPENSION_KEY) {
    world.suspension = JSON.parse(value) as ClusterSuspension;
  } else if (key === QUARANTINE_KEY) {
    // Read by quarantine.ts before; here it is told of if it is damaged.
    JSON.parse(value);
  } else if (key === DECIDED_KEY) {
    world.decidedBefore = (JSON.parse(value) as DecidedRecord).at;
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
  for (const slot of [...world.slots.values()].sort((a, b) => (a.name < b.name ? -1 : 1)))
    if (!world.quarantined.has(slot.name)) resumeJob(world, slot);
}

function resumeJob(world: World, slot: Slot): void {
  world.subject = slot.name;
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
  releaseQueue(world, slot);
  world.recorder.close();
}

function hasRemains(slot: Slot): boolean {
  return (slot.state !== undefined && slot.state.uid !== '') || (slot.kept?.length ?? 0) > 0 || (slot.verdicts?.length ?? 0) > 0;
}

function resumeRun(world: World, run: RunRecord): void {
  if (isOver(run.state)) return;
  // One whose job was deleted while nobody led is killed only now, and has just been told so.
  const isTold = world.askedAt(run) !== undefined;
  if (run.state === 'pending') world.pending.add(run, world.jobOf(run));
  if (run.replaces) world.replacing.push({ slot: world.slot(run.job), by: run.number });
  setRunTimer(world, run);
  if (run.state === 'killing' && !isTold) sendKill(world, run);
}
