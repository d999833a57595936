/**
 * Flows: a run that is over hands its token to the job's children, and a child is decided exactly once per flow, when every
 * parent that the flow's root can reach has spoken.
 *
 * Tokens are counted in the child's state in the step that settles the parent. A fan-out too large for one step goes on in
 * further steps; the parent's `handover` moves with them, so a new leader goes on where the last step left off.
 */

import type { Edge, EdgeCondition, Job } from '../job/job.ts';
import { BLOCKED_NAMES, CHILD_ROOM } from './limits.ts';
import type { FlowId, FlowTokens, JobState, Outcome, Reason, RunRecord, Token } from './records.ts';
import { reopenRun } from './reopen.ts';
import { createRun } from './runs.ts';
import { parseRunId } from './task-id.ts';
import { isOver, type Slot, type World } from './world.ts';

/** Hands on the tokens of all runs settled so far, and of those that are settled by it; closes steps as they fill. */
export function handOverTokens(world: World): void {
  for (let run = world.handovers.shift(); run; run = world.handovers.shift()) handOver(world, run);
}

function handOver(world: World, run: RunRecord): void {
  const slot = world.slot(run.job);
  const from = run.handover ?? '';
  const names = childNames(world, run.job).filter((name) => name > from);
  let reached = from;
  for (const name of names) {
    if (world.recorder.room < CHILD_ROOM) {
      world.putRun(slot, { ...run, handover: reached });
      world.recorder.close();
    }
    handToChild(world, run, world.slot(name));
    reached = name;
  }
  const { handover: _done, ...rest } = run;
  world.putRun(slot, rest);
}

function childNames(world: World, job: string): string[] {
  return [...world.graph.children(job).keys()].sort();
}

function handToChild(world: World, run: RunRecord, child: Slot): void {
  const edge = child.job?.after.find((candidate) => candidate.job === run.job);
  if (!edge || !child.state || !isOver(run.state)) return;
  if (child.job?.join === 'latest') return handToLatest(world, child, { edge, run });
  const earlier = world.runInFlow(child, run.flow);
  if (earlier) return reconsider(world, child, { flow: run.flow, record: earlier.record });
  if (!isRelevant(world, run.job, run.flow)) return;
  addToken(world, child, { flow: run.flow, edge, outcome: run.state });
  decideInFlow(world, child, run.flow);
}

interface Word {
  readonly flow: FlowId;
  readonly edge: Edge;
  readonly outcome: Outcome;
}

function addToken(world: World, child: Slot, word: Word): void {
  const state = child.state as JobState;
  const flow = word.flow;
  const held = state.tokens?.[flow] ?? heardBefore(world, child, word);
  world.putState(child, { ...state, tokens: { ...state.tokens, [flow]: withToken(held, word) } });
}

/** Parents may have spoken in this flow before the child had its edge to them: they count too. Those about to speak do so themselves. */
function heardBefore(world: World, child: Slot, { flow, edge: speaking }: Word): FlowTokens {
  let held: FlowTokens = { spoken: 0 };
  const edges = relevantParents(world, child, flow);
  if (edges.length < 2) return held;
  const about = new Set([speaking.job, ...world.handovers.filter((run) => run.flow === flow).map((run) => run.job)]);
  for (const edge of edges) {
    const outcome = about.has(edge.job) ? undefined : world.runInFlow(world.slot(edge.job), flow)?.outcome;
    if (outcome) held = withToken(held, { edge, outcome });
  }
  return held;
}

function withToken(held: FlowTokens, { edge, outcome }: Omit<Word, 'flow'>): FlowTokens {
  if (satisfies(outcome, edge.on)) return { ...held, spoken: held.spoken + 1 };
  const blocked = held.blocked ?? [];
  return { spoken: held.spoken + 1, blocked: blocked.length < BLOCKED_NAMES ? [...blocked, edge.job] : blocked };
}

/** Skipped and missed runs never took place: no condition is met by them. */
export function satisfies(outcome: Outcome, on: EdgeCondition): boolean {
  if (outcome === 'skipped' || outcome === 'missed') return false;
  return on === 'completion' || (on === 'success') === (outcome === 'succeeded');
}

/** Whether a parent counts in a flow: it is the root, or the root reaches it. A root that is gone counts as reaching all. */
function isRelevant(world: World, parent: string, flow: FlowId): boolean {
  const root = parseRunId(flow)?.job ?? '';
  return parent === root || !world.graph.has(root) || world.graph.descendants(root).has(parent);
}

function relevantParents(world: World, child: Slot, flow: FlowId): readonly Edge[] {
  const root = parseRunId(flow)?.job ?? '';
  const edges = (child.job as Job).after;
  if (!world.graph.has(root)) return edges.filter((edge) => world.runInFlow(world.slot(edge.job), flow));
  const reachable = world.graph.descendants(root);
  return edges.filter((edge) => edge.job === root || reachable.has(edge.job));
}

/** Decides a child's part in a flow if all have spoken: a run, or a run recorded as skipped. */
function decideInFlow(world: World, child: Slot, flow: FlowId): void {
  const state = child.state as JobState;
  const held = state.tokens?.[flow];
  if (!held || held.spoken < world.relevantCount(child, flow, () => relevantParents(world, child, flow).length)) return;
  const { [flow]: _spent, ...others } = state.tokens ?? {};
  const { tokens: _tokens, ...rest } = state;
  world.putState(child, Object.keys(others).length > 0 ? { ...rest, tokens: others } : rest);
  const trigger = { type: 'parents', parents: parentRuns(world, child, flow) } as const;
  const blocked = held.blocked;
  createRun(world, child, { trigger, flow, ...(blocked ? { skip: upstreamReason(blocked) } : {}) });
}

/** A parent that had failed was run again: a child skipped for it takes its part in the flow after all, once all is as it must be. */
function reconsider(world: World, child: Slot, { flow, record }: { flow: FlowId; record: RunRecord | undefined }): void {
  if (record?.state !== 'skipped' || record.reason?.code !== 'upstream') return;
  for (const edge of relevantParents(world, child, flow)) {
    const parent = world.runInFlow(world.slot(edge.job), flow);
    if (!parent?.outcome || !satisfies(parent.outcome, edge.on)) return;
  }
  reopenRun(world, child, { ...record, trigger: { type: 'parents', parents: parentRuns(world, child, flow) } });
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
  const latest: Record<string, Token> = { ...state.latest, [run.job]: { run: run.number, outcome: run.state } };
  const edges = (child.job as Job).after;
  if (!edges.every((parent) => latest[parent.job])) return world.putState(child, { ...state, latest });
  const { latest: _taken, ...rest } = state;
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
    for (const flow of Object.keys(child.state?.tokens ?? {})) {
      if (child.job) recount(world, child, flow);
      handOverTokens(world);
      world.recorder.close();
    }
  }
}

function recount(world: World, child: Slot, flow: FlowId): void {
  let held: FlowTokens = { spoken: 0 };
  for (const edge of relevantParents(world, child, flow)) {
    const run = world.runInFlow(world.slot(edge.job), flow);
    if (run?.outcome) held = withToken(held, { edge, outcome: run.outcome });
  }
  const state = child.state as JobState;
  if (JSON.stringify(state.tokens?.[flow]) !== JSON.stringify(held)) {
    world.putState(child, { ...state, tokens: { ...state.tokens, [flow]: held } });
  }
  decideInFlow(world, child, flow);
}
