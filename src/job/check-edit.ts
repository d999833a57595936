/**
 * Decides whether an edit leaves the graph sound: every parent there, no cycle, every job's flow clear, no child left behind.
 * Pure: looks at the graph, changes nothing. The caller makes sure that the graph it shows is the one that is written to.
 */

import { type Ambiguity, type GraphEdits, type GraphNode, type JobGraph, sameEdges } from './graph.ts';
import { didYouMean } from './nearest-name.ts';
import type { Issue } from './schema-issues.ts';

/** What becomes of the jobs that run after one that is deleted. */
export type ChildrenMode =
  /** They keep it from being deleted. */
  | 'refuse'
  /** They lose this parent; without any left they are only run by hand. */
  | 'detach'
  /** They are deleted too, and theirs, down to the last. */
  | 'delete';

export type Edit =
  | { readonly type: 'put'; readonly name: string; readonly node: GraphNode }
  | { readonly type: 'delete'; readonly name: string; readonly children: ChildrenMode };

export type EditProblem = 'unknown-parent' | 'self-parent' | 'cycle' | 'ambiguous' | 'unknown-job' | 'has-children';

export interface EditIssue extends Issue {
  readonly code: EditProblem;
}

export type EditCheck =
  | {
      readonly ok: true;
      /** Children that lose this parent. */
      readonly detached: readonly string[];
      /** Everything that goes, children before parents, the job itself last. */
      readonly deleted: readonly string[];
    }
  | { readonly ok: false; readonly issues: readonly EditIssue[] };

/** Of jobs or origins, as many are named in one message. */
const NAMED = 10;
/** Looking for the nearest of 100,000 names takes milliseconds: done for this many unknown parents. */
const HINTS = 3;

export function checkEdit(graph: JobGraph, edit: Edit): EditCheck {
  return edit.type === 'put' ? checkPut(graph, edit.name, edit.node) : checkDelete(graph, edit.name, edit.children);
}

/** Whether putting this node changes the graph at all, and so needs checking. */
export function changesGraph(graph: JobGraph, name: string, node: GraphNode): boolean {
  const present = graph.node(name);
  return (
    present === undefined || present.scheduled !== node.scheduled || present.join !== node.join || !sameEdges(present.after, node.after)
  );
}

function checkPut(graph: JobGraph, name: string, node: GraphNode): EditCheck {
  const issues = parentIssues(graph, name, node);
  if (issues.length === 0) issues.push(...cycleIssues(graph, name, node));
  if (issues.length === 0) issues.push(...ambiguityIssues(graph, name, node));
  return issues.length === 0 ? { ok: true, detached: [], deleted: [] } : { ok: false, issues };
}

function parentIssues(graph: JobGraph, name: string, node: GraphNode): EditIssue[] {
  const issues: EditIssue[] = [];
  for (const [index, { job }] of node.after.entries()) {
    const path = `after[${index}]`;
    if (job === name) issues.push({ code: 'self-parent', path, message: `${name} can't run after itself` });
    else if (!graph.has(job)) {
      const hint = issues.length < HINTS ? didYouMean(job, graph.names()) : '';
      issues.push({ code: 'unknown-parent', path, message: `there is no job ${job}${hint}` });
    }
  }
  return issues;
}

function cycleIssues(graph: JobGraph, name: string, node: GraphNode): EditIssue[] {
  const cycle = graph.cycleIfSet(name, node.after);
  return cycle === undefined ? [] : [{ code: 'cycle', path: 'after', message: `would close a cycle: ${cycle.join(' -> ')}` }];
}

function ambiguityIssues(graph: JobGraph, name: string, node: GraphNode): EditIssue[] {
  const edits: GraphEdits = new Map([[name, node]]);
  const found = graph.ambiguitiesIf(edits);
  const here = found.filter((ambiguity) => ambiguity.job === name);
  const elsewhere = found.filter((ambiguity) => ambiguity.job !== name);
  // What is wrong here is the cause of what is wrong further down.
  if (here.length > 0) return here.map(ambiguousHere);
  const path = node.scheduled ? 'schedule' : 'after';
  return elsewhere.slice(0, NAMED).map((ambiguity) => ({ code: 'ambiguous', path, message: elsewhereMessage(ambiguity) }));
}

function ambiguousHere({ job, origins }: Ambiguity): EditIssue {
  const message = `must be "latest": flows from more than one job reach ${job}: ${someOf(origins())}`;
  return { code: 'ambiguous', path: 'join', message };
}

function elsewhereMessage({ job, origins }: Ambiguity): string {
  return `would let flows from more than one job reach ${job} (${someOf(origins())}), which must then say "join": "latest"`;
}

function checkDelete(graph: JobGraph, name: string, mode: ChildrenMode): EditCheck {
  if (!graph.has(name)) return { ok: false, issues: [{ code: 'unknown-job', path: 'name', message: `there is no job ${name}` }] };
  const children = [...graph.children(name).keys()].sort();
  if (children.length === 0) return { ok: true, detached: [], deleted: [name] };
  switch (mode) {
    case 'refuse':
      return { ok: false, issues: [{ code: 'has-children', path: 'name', message: `${someOf(children)} run after ${name}` }] };
    case 'detach':
      return { ok: true, detached: children, deleted: [name] };
    case 'delete':
      return { ok: true, detached: [], deleted: [...graph.downstream(name)].reverse().concat(name) };
  }
}

function someOf(names: readonly string[]): string {
  const shown = names.slice(0, NAMED).join(', ');
  return names.length <= NAMED ? shown : `${shown} and ${names.length - NAMED} more`;
}
