/**
 * What a job has heard in a flow from its parents, and how many it waits for. Counted once, with the flow's first token, and from
 * then on token by token; counted anew when an edit of the graph, or a run that came to life again, has changed what it waits for.
 *
 * Only those parents are waited for that have spoken in the flow or still can: one that was added after its own parents had spoken
 * never takes part in it. So every flow ends, whatever is edited meanwhile.
 */

import type { Edge, EdgeCondition, Job } from '../job/job.ts';
import { BLOCKED_NAMES } from './limits.ts';
import type { FlowId, FlowTokens, Outcome } from './records.ts';
import { parseRunId } from './task-id.ts';
import type { Slot, World } from './world.ts';

/** A parent's word. */
export interface Word {
  readonly edge: Edge;
  readonly outcome: Outcome;
}

/** Jobs that are about to speak in a flow: their runs in it are over, their tokens still to be handed on. */
export type Speakers = ReadonlySet<string>;

export function speakersIn(world: World, flow: FlowId): Set<string> {
  return new Set(world.handovers.filter((run) => run.flow === flow).map((run) => run.job));
}

/** Skipped and missed runs never took place: no condition is met by them. */
export function satisfies(outcome: Outcome, on: EdgeCondition): boolean {
  if (outcome === 'skipped' || outcome === 'missed') return false;
  return on === 'completion' || (on === 'success') === (outcome === 'succeeded');
}

/**
 * Whether a parent counts in a flow: it is the root, or the root reaches it, or a run that the flow had before an edit does. A root that
 * is gone counts as reaching all.
 */
function isRelevant(world: World, parent: string, flow: FlowId): boolean {
  const root = parseRunId(flow)?.job ?? '';
  return parent === root || !world.graph.has(root) || world.graph.descendants(root).has(parent) || isReached(world, parent, flow);
}

/**
 * Whether the job or one it hangs from has a run in the flow. Or perhaps: of one that can't be read nobody knows what it runs after, and
 * it is better to wait until somebody does.
 */
function isReached(world: World, job: string, flow: FlowId): boolean {
  const found = new Set([job]);
  for (const name of found) {
    const slot = world.slots.get(name);
    if (world.unreadable.has(name) || (slot && world.runInFlow(slot, flow))) return true;
    for (const edge of world.graph.parents(name)) found.add(edge.job);
  }
  return false;
}

export function relevantParents(world: World, child: Slot, flow: FlowId): readonly Edge[] {
  return (child.job as Job).after.filter((edge) => isRelevant(world, edge.job, flow));
}

/** All that the child has heard in the flow, from its parents' runs. The word of those about to speak is still to come. */
export function countTokens(world: World, child: Slot, { flow, about }: { flow: FlowId; about: Speakers }): FlowTokens {
  let held: FlowTokens = { spoken: 0, of: 0 };
  for (const edge of relevantParents(world, child, flow)) {
    const run = world.runInFlow(world.slot(edge.job), flow);
    const outcome = about.has(edge.job) ? undefined : run?.outcome;
    if (!outcome && !run && !maySpeak(world, edge.job, { flow, about })) continue;
    held = { ...held, of: held.of + 1 };
    if (outcome) held = withToken(held, { edge, outcome });
  }
  return held;
}

export function withToken(held: FlowTokens, { edge, outcome }: Word): FlowTokens {
  const spoken = held.spoken + 1;
  if (satisfies(outcome, edge.on)) return { ...held, spoken };
  // By name, so that it does not matter who spoke first: counted anew, it is the same.
  return { ...held, spoken, blocked: [...(held.blocked ?? []), edge.job].sort().slice(0, BLOCKED_NAMES) };
}

/** Whether a job that has no run in the flow yet will have one: it holds tokens, or someone upstream has still to speak. */
function maySpeak(world: World, job: string, { flow, about }: { flow: FlowId; about: Speakers }): boolean {
  if (about.has(job)) return true;
  const seen = new Set([job]);
  const open = [job];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const slot = world.slots.get(next);
    // What it has heard can't be told now: it is waited for, and counted again when it is let go.
    if (world.quarantined.has(next)) return true;
    if (!slot?.job || slot.job.join === 'latest') continue;
    if (slot.state?.tokens?.[flow]) return true;
    for (const { job: parent } of slot.job.after) {
      if (about.has(parent)) return true;
      const run = world.runInFlow(world.slot(parent), flow);
      if (run && run.outcome === undefined) return true;
      if (run || seen.has(parent)) continue;
      seen.add(parent);
      open.push(parent);
    }
  }
  return false;
}
