/** The rules flows and latest, as far as they say that nothing is left out: judged in the step in which a flow ends (words: invariants.ts). */

import type { RunRecord } from '../../src/engine/records.ts';
import type { FlowHistory, History, JobStep, Step } from './history.ts';
import { InvariantViolation } from './violation.ts';

/** Follows what keeps each flow going, and judges those that nothing keeps going any more; returns them. */
export function checkFlowEnds(history: History, step: Step): readonly FlowHistory[] {
  const touched = new Set<FlowHistory>();
  for (const job of step.jobs.values()) {
    for (const { before, after } of job.runs.values()) followRun(history, touched, { before, after });
    followTokens(history, touched, job);
    if (step.context) checkLatestComplete(history, step, job);
  }
  const ended = [...touched].filter(({ goesOnIn }) => goesOnIn.size === 0);
  if (step.context) for (const flow of ended) checkEnded(history, flow);
  return ended;
}

/** It is open, or its token is not handed on yet: its flow goes on. */
export const keepsGoing = (run: RunRecord): boolean => run.endedAt === undefined || run.handover !== undefined || run.owed !== undefined;

function followRun(
  history: History,
  touched: Set<FlowHistory>,
  run: { before: RunRecord | undefined; after: RunRecord | undefined },
): void {
  const { before, after } = run;
  const one = after ?? before;
  const flow = one && history.flows.get(one.flow);
  if (!flow) return;
  const key = `${one.job}#${one.number}`;
  if (after && keepsGoing(after)) flow.goesOnIn.add(key);
  // Also one that ended in the step that made it: a flow may consist of nothing else.
  else if (flow.goesOnIn.delete(key) || !before) touched.add(flow);
}

function followTokens(history: History, touched: Set<FlowHistory>, { name, state: { before, after } }: JobStep): void {
  const [had, has] = [before?.tokens ?? {}, after?.tokens ?? {}];
  for (const id of Object.keys(has)) if (!had[id]) history.flows.get(id)?.goesOnIn.add(name);
  for (const id of Object.keys(had)) {
    const flow = has[id] ? undefined : history.flows.get(id);
    if (flow?.goesOnIn.delete(name)) touched.add(flow);
  }
}

/**
 * Every job that the flow's root reaches has its outcome. By edges that are as they were when it began: what an edit has put elsewhere, or
 * off, while it went on may have come too early or too late for it.
 */
function checkEnded(history: History, flow: FlowHistory): void {
  const { root, graphEdits, id } = flow;
  if (!history.graph.has(root) || history.isEditedSince(root, graphEdits)) return;
  const names = new Set([root]);
  for (const name of names) {
    for (const child of history.graph.children(name).keys()) {
      if (history.graph.node(child)?.join === 'latest' || history.isEditedSince(child, graphEdits)) continue;
      names.add(child);
      // What was made and forgotten in one step has had some outcome.
      if (flow.outcomes.has(child) || history.job(child).hasVanished) continue;
      throw new InvariantViolation('flows', `${id} has ended without ${child}, which comes after ${name}`, [child, name, root]);
    }
  }
  flow.judged = names.size;
}

/** A job that joins the latest runs in the step in which it gets the last word that it waits for. */
function checkLatestComplete(history: History, { context }: Step, { name, state: { after } }: JobStep): void {
  const node = history.graph.node(name);
  if (node?.join !== 'latest' || node.after.length === 0 || !after?.latest) return;
  // Where the graph changed within the decision, what it went by can't be told from outside.
  if (!context || history.graphEditedAt > context.seenBefore || !node.after.every(({ job }) => after.latest?.[job])) return;
  throw new InvariantViolation('latest', `${name} has every token and does not run`, [name]);
}
