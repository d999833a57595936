/**
 * Flows: a run that is over hands its token to the job's children, and a child is decided exactly once per flow, when every
 * parent that takes part in the flow has spoken.
 *
 * Tokens are counted in the child's state in the step that settles the parent. A fan-out too large for one step goes on in
 * further steps; the parent's `handover` moves with them, so a new leader goes on where the last step left off.
 */

import type { Edge, Job } from '../job/job.ts';
import { countTokens, relevantParents, satisfies, type Speakers, speakersIn, withToken } from './flow-tokens.ts';
import { BLOCKED_NAMES, CHILD_ROOM, OPEN_FLOWS } from './limits.ts';
import type { FlowId, FlowTokens, JobState, Outcome, Reason, RunRecord, Token } from './records.ts';
import { reopenRun } from './reopen.ts';
import { createRun, forgetDisowned } from './runs.ts';
import { isOver } from './run-state.ts';
import type { Slot, World } from './world.ts';

/**
 * Hands on the tokens of all runs settled so far, and of those that are settled by it; closes steps as they fill. What a predecessor
 * has left has nothing to do with each other: steps of their own.
 */
export function handOverTokens(world: World): void {
  for (let run = world.handovers.shift(); run; run = world.handovers.shift()) {
    handOver(world, run);
    if (world.isLoading) world.recorder.close();
  }
}

function handOver(world: World, run: RunRecord): void {
  const slot = world.slot(run.job);
  // Whoever deleted it took its children with it, or off it: what of that is heard first does not matter, nobody waits for its word. Those
  // of a job that was made under its name since are none of its own either.
  if (!slot.record || !world.keptRun(slot, run.number)) return;
  const names = childNames(world, run.job).filter((name) => isToHear(run, name));
  const ready = names.filter((name) => !isDeaf(world, name));
  // Those that come to life by it first: the others may have to wait for them.
  if (run.firstAttempt !== undefined) for (const name of ready) reviveChild(world, run, world.slot(name));
  let reached = '';
  for (const name of ready) {
    if (world.recorder.room < CHILD_ROOM) {
      keepHandover(world, slot, withMark(world, run, { names, reached }));
      world.recorder.close();
    }
    handToChild(world, run, world.slot(name));
    reached = name;
  }
  const { handover, owed: _heard, ...rest } = run;
  const owed = names.filter((name) => isDeaf(world, name));
  const isAsBefore = handover === undefined && owed.length === run.owed?.length;
  const heard: RunRecord = owed.length > 0 ? { ...rest, owed } : rest;
  if (!isAsBefore) keepHandover(world, slot, heard);
  forgetDisowned(world, slot, heard);
}

/** As far as it got: those in quarantine have not heard, nor those who come later. */
function withMark(world: World, run: RunRecord, { names, reached }: { names: readonly string[]; reached: string }): RunRecord {
  const { handover, owed: before, ...rest } = run;
  const owed = names.filter((name) => isDeaf(world, name) || (name > reached && before?.includes(name)));
  const mark = handover === undefined || handover > reached ? handover : reached;
  return { ...rest, ...(mark === undefined ? {} : { handover: mark }), ...(owed.length > 0 ? { owed } : {}) };
}

/** The runs of a job that was deleted meanwhile are forgotten, and stay so. */
function keepHandover(world: World, slot: Slot, run: RunRecord): void {
  if (world.keptRun(slot, run.number)) world.putRun(slot, run);
}

/** Whether a child is still to get the token of a run that is over. */
export function isToHear({ handover, owed }: RunRecord, child: string): boolean {
  return (handover !== undefined && child > handover) || owed?.includes(child) === true;
}

/** Those whose definitions can't be read may be among them. */
function childNames(world: World, job: string): string[] {
  return [...new Set([...world.graph.children(job).keys(), ...world.unreadable])].sort();
}

/** Whether nothing can be told to a job now: it is owed the token. */
function isDeaf(world: World, name: string): boolean {
  return world.quarantined.has(name) || world.unreadable.has(name);
}

function edgeTo(child: Slot, parent: string): Edge | undefined {
  return child.job?.after.find(({ job }) => job === parent);
}

function handToChild(world: World, run: RunRecord, child: Slot): void {
  world.subject = child.name;
  const edge = edgeTo(child, run.job);
  if (!edge || !child.state || !isOver(run.state)) return;
  countByNewGraph(world, child, run);
  if (child.job?.join === 'latest') return run.jobDeleted ? undefined : handToLatest(world, child, { edge, run });
  if (world.runInFlow(child, run.flow)) return;
  addToken(world, child, { run, edge, outcome: run.state });
  decideInFlow(world, child, run.flow);
  giveUpOldestFlow(world, child);
}

/**
 * What the child holds was counted before the graph changed: counted anew, or the token would be added to others that mean nothing any
 * more. Flows that lack nothing now are decided when all of them are counted.
 */
function countByNewGraph(world: World, child: Slot, { job, flow: own }: RunRecord): void {
  if (!world.graphChanged || world.recounted.has(child.name)) return;
  world.recounted.add(child.name);
  for (const flow of Object.keys(child.state?.tokens ?? {})) {
    const about = speakersIn(world, flow);
    putCounted(world, child, { flow, about: flow === own ? about.add(job) : about });
  }
  dropLatest(world, child);
}

/** Where a parent hangs, flow after flow waits for it: beyond the limit the child's part in the oldest is recorded as skipped. */
function giveUpOldestFlow(world: World, child: Slot): void {
  const flows = Object.keys(child.state?.tokens ?? {});
  const [oldest] = flows;
  if (oldest === undefined || flows.length <= OPEN_FLOWS) return;
  putTokens(world, child, { flow: oldest, held: undefined });
  const text = `more than ${OPEN_FLOWS} flows wait for parents of this job, and this one has waited longest`;
  const skip: Reason = { code: 'too-many-flows', text, data: { limit: OPEN_FLOWS } };
  createRun(world, child, { trigger: { type: 'parents', parents: parentRuns(world, child, oldest) }, flow: oldest, skip });
}

function addToken(world: World, child: Slot, { run, edge, outcome }: { run: RunRecord; edge: Edge; outcome: Outcome }): void {
  const { flow } = run;
  const held = child.state?.tokens?.[flow];
  // A run that came to life again may have spoken before: then counting on would count it twice.
  const isCounted = held !== undefined && run.firstAttempt === undefined;
  const before = isCounted ? held : countTokens(world, child, { flow, about: speakersIn(world, flow).add(run.job) });
  putTokens(world, child, { flow, held: withToken(before, { edge, outcome }) });
}

function putTokens(world: World, child: Slot, { flow, held }: { flow: FlowId; held: FlowTokens | undefined }): void {
  const { tokens, ...state } = child.state as JobState;
  const { [flow]: _old, ...others } = tokens ?? {};
  // In its old place, where it had one: the first flow is the one that has waited longest.
  const all = held ? { ...tokens, [flow]: held } : others;
  world.putState(child, Object.keys(all).length > 0 ? { ...state, tokens: all } : state);
}

/** Decides a child's part in a flow if all have spoken: a run, or a run recorded as skipped. */
function decideInFlow(world: World, child: Slot, flow: FlowId): void {
  const held = child.state?.tokens?.[flow];
  if (!held || held.spoken < held.of) return;
  putTokens(world, child, { flow, held: undefined });
  const trigger = { type: 'parents', parents: parentRuns(world, child, flow) } as const;
  const blocked = held.blocked;
  createRun(world, child, { trigger, flow, ...(blocked ? { skip: upstreamReason(blocked) } : {}) });
}

/**
 * A parent that had failed was run again: a child skipped for it takes its part in the flow after all, once all is as it must be.
 * May be done twice: what is open again is not skipped any more.
 */
function reviveChild(world: World, run: RunRecord, child: Slot): void {
  world.subject = child.name;
  const { flow } = run;
  const record = world.runInFlow(child, flow)?.record;
  if (record?.state !== 'skipped' || record.reason?.code !== 'upstream') return;
  if (!child.job || child.job.suspended || child.job.join === 'latest') return;
  const held = countTokens(world, child, { flow, about: speakersIn(world, flow) });
  if (held.spoken < held.of || held.blocked || isBlockerForgotten(world, child, record)) return;
  withdrawTokens(world, child, flow);
  if (world.recorder.room < CHILD_ROOM) world.recorder.close();
  reopenRun(world, child, { ...record, trigger: { type: 'parents', parents: parentRuns(world, child, flow) } });
}

/**
 * Whether the word of a parent that blocked the run can't be read any more: then it stands. Where there may have been more than are
 * named, every parent may be one.
 */
function isBlockerForgotten(world: World, child: Slot, { flow, reason }: RunRecord): boolean {
  const named = (reason?.data?.['jobs'] ?? []) as readonly string[];
  const isAll = named.length < BLOCKED_NAMES;
  const edges = isAll ? (child.job as Job).after.filter(({ job }) => named.includes(job)) : relevantParents(world, child, flow);
  return edges.some(({ job }) => !world.runInFlow(world.slot(job), flow));
}

/**
 * A run is about to be open again: children that wait in its flow and have heard it wait for it once more. Closes steps as they fill:
 * if the process dies between them, the next leader counts all tokens from the runs.
 */
export function withdrawTokens(world: World, slot: Slot, flow: FlowId): void {
  for (const name of childNames(world, slot.name)) {
    const child = world.slot(name);
    // In quarantine it can't be asked to forget: when it hears the parent again, what it holds is counted anew.
    if (!child.job || !child.state?.tokens?.[flow] || world.quarantined.has(name)) continue;
    putTokens(world, child, { flow, held: heardSoFar(world, child, { flow, about: speakersIn(world, flow).add(slot.name) }) });
    if (world.recorder.room < CHILD_ROOM) world.recorder.close();
  }
}

/**
 * Whether a child may have run for a run that is over, and its run is not kept any more: were the parent to speak again, the child would
 * run twice in the flow.
 */
export function hasForgottenChild(world: World, { job, flow, state }: RunRecord): boolean {
  return childNames(world, job).some((name) => {
    const child = world.slot(name);
    const edge = edgeTo(child, job);
    if (!edge || !isOver(state) || !satisfies(state, edge.on) || child.job?.join === 'latest') return false;
    const isKnown = child.state?.tokens?.[flow] !== undefined || world.runInFlow(child, flow) !== undefined;
    const kept = world.openRuns(child).size + (child.kept?.length ?? 0);
    return !isKnown && (child.state?.lastRun ?? 0) > kept;
  });
}

function parentRuns(world: World, child: Slot, flow: FlowId): Record<string, number> {
  const parents: Record<string, number> = {};
  for (const edge of relevantParents(world, child, flow)) {
    const run = world.runInFlow(world.slot(edge.job), flow);
    if (run) parents[edge.job] = run.number;
  }
  return parents;
}

function upstreamReason(blocked: readonly string[]): Reason {
  const names = blocked.join(', ');
  const more = blocked.length === BLOCKED_NAMES ? ' (and perhaps more)' : '';
  return { code: 'upstream', text: `what became of ${names}${more} does not satisfy the edge to this job`, data: { jobs: blocked } };
}

/** `join: latest`: runs when each parent has a satisfying token since the job's last run, and takes them all. */
function handToLatest(world: World, child: Slot, { edge, run }: { edge: Edge; run: RunRecord }): void {
  if (!isOver(run.state) || !satisfies(run.state, edge.on)) return;
  const state = child.state as JobState;
  // Its token was taken already; if not, it is there still, and says what became of the run in the end.
  if (hasHeardBefore(child, { edge, run }) && state.latest?.[run.job]?.run !== run.number) return;
  world.putState(child, { ...state, latest: { ...state.latest, [run.job]: { run: run.number, outcome: run.state } } });
  decideLatest(world, child);
}

/** Whether an earlier life of the run, which can only have failed if it took place, has satisfied the edge. */
function hasHeardBefore(child: Slot, { edge, run: { failedBefore } }: { edge: Edge; run: RunRecord }): boolean {
  return failedBefore !== undefined && satisfies('failed', edge.on) && !failedBefore.includes(child.name);
}

function decideLatest(world: World, child: Slot): void {
  const { latest, ...rest } = child.state as JobState;
  const edges = (child.job as Job).after;
  if (!latest || !edges.every((parent) => latest[parent.job])) return;
  world.putState(child, rest);
  const parents = Object.fromEntries(edges.map((parent) => [parent.job, (latest[parent.job] as Token).run]));
  createRun(world, child, { trigger: { type: 'parents', parents } });
}

/**
 * After an edit of the graph: counts the tokens of every undecided flow again from the parents' runs, and decides those that
 * now have all they wait for. A parent that spoke in a flow before the edge existed is heard too.
 */
export function recountFlows(world: World): void {
  for (const name of [...world.joining].sort()) {
    const child = world.slot(name);
    if (!child.job || world.quarantined.has(name)) continue;
    world.subject = name;
    for (const flow of Object.keys(child.state?.tokens ?? {})) {
      recount(world, child, flow);
      handOverTokens(world);
      world.recorder.close();
    }
    recountLatest(world, child);
    handOverTokens(world);
    world.recorder.close();
  }
}

/** Counted anew. A job that no parent has spoken to any more takes no part in the flow yet, and holds nothing. */
function heardSoFar(world: World, child: Slot, { flow, about }: { flow: FlowId; about: Speakers }): FlowTokens | undefined {
  const counted = child.job?.join === 'latest' ? undefined : countTokens(world, child, { flow, about });
  return counted && counted.spoken > 0 ? counted : undefined;
}

function recount(world: World, child: Slot, flow: FlowId): void {
  putCounted(world, child, { flow, about: speakersIn(world, flow) });
  decideInFlow(world, child, flow);
}

function putCounted(world: World, child: Slot, { flow, about }: { flow: FlowId; about: Speakers }): void {
  const held = heardSoFar(world, child, { flow, about });
  if (JSON.stringify(child.state?.tokens?.[flow]) !== JSON.stringify(held)) putTokens(world, child, { flow, held });
}

function recountLatest(world: World, child: Slot): void {
  dropLatest(world, child);
  decideLatest(world, child);
}

/** Tokens of jobs that are parents no more, or whose edge asks for another outcome now. What is left may be all that is needed. */
function dropLatest(world: World, child: Slot): void {
  const { latest, ...rest } = child.state as JobState;
  if (!latest) return;
  const { join, after } = child.job as Job;
  const counts = ([parent, { outcome }]: [string, Token]): boolean => after.some(({ job, on }) => job === parent && satisfies(outcome, on));
  const kept = join === 'latest' ? Object.entries(latest).filter(counts) : [];
  if (kept.length === Object.keys(latest).length) return;
  world.putState(child, kept.length > 0 ? { ...rest, latest: Object.fromEntries(kept) } : rest);
}
