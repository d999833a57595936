/**
 * Which job runs after which. Holds names and edges only; knows nothing of runs.
 *
 * Cheap for 100,000 jobs: a change costs its own edges and what it makes stale, and what was made stale is worked out again
 * only when somebody asks. No recursion: a chain may be as long as the graph. An edge may name a parent that is not there (yet),
 * so jobs may be loaded in any order.
 *
 * Invariant others rely on: answers depend on the present nodes alone, never on the order in which they came.
 */

import type { Edge, EdgeCondition } from './job.ts';
import { type GraphNode, type NodeLookup, OriginIndex, isOrigin } from './origins.ts';

export type { GraphNode } from './origins.ts';

/** A job that runs once per flow, but in whose flow is not clear: more than one job starts flows that reach it. */
export interface Ambiguity {
  readonly job: string;
  /** The jobs whose flows reach it, sorted. Worked out when called, since a whole downstream may be ambiguous for one edit. */
  origins(): readonly string[];
}

/** Changes to think through: a node to set, or `undefined` for one to delete. */
export type GraphEdits = ReadonlyMap<string, GraphNode | undefined>;

const NO_CHILDREN: ReadonlyMap<string, EdgeCondition> = new Map();
const NO_PARENTS: readonly Edge[] = Object.freeze([]);
/** Names kept in the descendants' cache, over all roots. */
const CACHED_NAMES = 1_000_000;

export class JobGraph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #children = new Map<string, Map<string, EdgeCondition>>();
  readonly #origins = new OriginIndex((name) => this.#nodes.get(name));
  readonly #flows = new Map<string, ReadonlySet<string>>();
  #flowNames = 0;

  get size(): number {
    return this.#nodes.size;
  }

  has(name: string): boolean {
    return this.#nodes.has(name);
  }

  node(name: string): GraphNode | undefined {
    return this.#nodes.get(name);
  }

  names(): IterableIterator<string> {
    return this.#nodes.keys();
  }

  /** The jobs that run after this one, with their conditions, whether or not it is there itself. */
  children(name: string): ReadonlyMap<string, EdgeCondition> {
    return this.#children.get(name) ?? NO_CHILDREN;
  }

  parents(name: string): readonly Edge[] {
    return this.#nodes.get(name)?.after ?? NO_PARENTS;
  }

  /** Adds a job or replaces its place in the graph. Checks nothing: see check-edit.ts. */
  set(name: string, node: GraphNode): void {
    const before = this.#nodes.get(name);
    if (before !== undefined && sameNode(before, node)) return;
    this.#replace(name, before, { scheduled: node.scheduled, join: node.join, after: node.after });
  }

  delete(name: string): void {
    const before = this.#nodes.get(name);
    if (before !== undefined) this.#replace(name, before, undefined);
  }

  #replace(name: string, before: GraphNode | undefined, after: GraphNode | undefined): void {
    for (const { job } of before?.after ?? NO_PARENTS) this.#dropFlowsThrough(job);
    for (const { job } of after?.after ?? NO_PARENTS) this.#dropFlowsThrough(job);
    for (const { job } of before?.after ?? NO_PARENTS) this.#unlink(job, name);
    if (after === undefined) this.#nodes.delete(name);
    else this.#nodes.set(name, after);
    for (const { job, on } of after?.after ?? NO_PARENTS) this.#link(job, name, on);
    this.#forgetOrigins(name);
  }

  #link(parent: string, child: string, on: EdgeCondition): void {
    const children = this.#children.get(parent);
    if (children === undefined) this.#children.set(parent, new Map([[child, on]]));
    else children.set(child, on);
  }

  #unlink(parent: string, child: string): void {
    const children = this.#children.get(parent);
    children?.delete(child);
    if (children?.size === 0) this.#children.delete(parent);
  }

  /** What is not known is not asked again further down, so many changes in a row cost no more than one. */
  #forgetOrigins(name: string): void {
    this.#origins.forget(name);
    const stale = [name];
    for (let next = stale.pop(); next !== undefined; next = stale.pop()) {
      for (const child of this.children(next).keys()) if (this.#origins.forget(child)) stale.push(child);
    }
  }

  #dropFlowsThrough(parent: string): void {
    for (const [root, flow] of this.#flows) {
      if (root !== parent && !flow.has(parent)) continue;
      this.#flows.delete(root);
      this.#flowNames -= flow.size;
    }
  }

  /**
   * The jobs that a flow started by `root` can reach, without `root` itself. It does not go into a job with `join: latest`:
   * that one starts a flow of its own. The answer is kept until the graph changes there; do not hold on to it.
   */
  descendants(root: string): ReadonlySet<string> {
    const known = this.#flows.get(root);
    if (known !== undefined) return known;
    const flow = this.#walk(root, (child) => this.#nodes.get(child)?.join !== 'latest');
    if (this.#flowNames + flow.size > CACHED_NAMES) {
      this.#flows.clear();
      this.#flowNames = 0;
    }
    this.#flows.set(root, flow);
    this.#flowNames += flow.size;
    return flow;
  }

  /** Every job downstream of `name`, whatever its join, parents before their children; without `name` itself. */
  downstream(name: string): readonly string[] {
    const all = this.#walk(name, () => true);
    const waiting = new Map<string, number>();
    for (const job of all) waiting.set(job, this.parents(job).filter((edge) => all.has(edge.job)).length);
    const ordered = [...all].filter((job) => waiting.get(job) === 0);
    for (const job of ordered) {
      for (const child of this.children(job).keys()) {
        const left = (waiting.get(child) ?? 0) - 1;
        waiting.set(child, left);
        if (left === 0) ordered.push(child);
      }
    }
    return ordered;
  }

  #walk(start: string, enter: (child: string) => boolean): ReadonlySet<string> {
    const seen = new Set<string>();
    const open = [start];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const child of this.children(next).keys()) {
        if (child === start || seen.has(child) || !enter(child)) continue;
        seen.add(child);
        open.push(child);
      }
    }
    return seen;
  }

  /**
   * The cycle that giving `name` these parents would close, as the whole path, parents first, the last name the same as the first;
   * undefined when there is none. Supposes that there is no cycle yet.
   */
  cycleIfSet(name: string, after: readonly Edge[]): string[] | undefined {
    const present = new Set(this.parents(name).map((edge) => edge.job));
    const added = new Set(after.map((edge) => edge.job).filter((job) => !present.has(job)));
    if (added.has(name)) return [name, name];
    if (added.size === 0) return undefined;
    const cameFrom = new Map<string, string>();
    // Breadth first, so that the cycle shown is a shortest one.
    let front = [name];
    while (front.length > 0) {
      const next: string[] = [];
      for (const job of front) {
        for (const child of this.children(job).keys()) {
          if (child === name || cameFrom.has(child)) continue;
          cameFrom.set(child, job);
          if (added.has(child)) return [...pathTo(child, cameFrom), name];
          next.push(child);
        }
      }
      front = next;
    }
    return undefined;
  }

  /**
   * The jobs that start the flows `name` takes part in: scheduled roots, and jobs with `join: latest`, which are not looked past.
   * A scheduled job has itself. A job under roots that are only run by hand has none.
   */
  origins(name: string): ReadonlySet<string> {
    return this.#origins.all(name);
  }

  /** Which of these jobs would have to say `join: latest`. */
  ambiguities(names: Iterable<string>): Ambiguity[] {
    return ambiguous(names, (name) => this.#nodes.get(name), this.#origins);
  }

  /** Which jobs, anywhere, would have to say `join: latest` after these edits. Changes nothing. */
  ambiguitiesIf(edits: GraphEdits): Ambiguity[] {
    const lookup: NodeLookup = (name) => (edits.has(name) ? edits.get(name) : this.#nodes.get(name));
    const affected = this.#affectedBy(edits, lookup);
    const origins = new OriginIndex(lookup, (name) => (affected.has(name) ? undefined : this.#origins.some(name)));
    return ambiguous(affected, lookup, origins);
  }

  /** The edited jobs and all jobs whose origins may differ for it. A child that is new is edited itself, so present edges suffice. */
  #affectedBy(edits: GraphEdits, lookup: NodeLookup): ReadonlySet<string> {
    const affected = new Set(edits.keys());
    const open = [...affected];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const child of this.children(next).keys()) {
        if (affected.has(child)) continue;
        affected.add(child);
        const node = lookup(child);
        if (node !== undefined && !isOrigin(node)) open.push(child);
      }
    }
    return affected;
  }
}

function ambiguous(names: Iterable<string>, lookup: NodeLookup, origins: OriginIndex): Ambiguity[] {
  const found: Ambiguity[] = [];
  for (const job of names) {
    const node = lookup(job);
    if (node === undefined || isOrigin(node) || origins.some(job).length < 2) continue;
    found.push({ job, origins: () => [...origins.all(job)].sort() });
  }
  return found;
}

function pathTo(last: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const path: string[] = [];
  for (let job: string | undefined = last; job !== undefined; job = cameFrom.get(job)) path.push(job);
  return path.reverse();
}

function sameNode(a: GraphNode, b: GraphNode): boolean {
  if (a.scheduled !== b.scheduled || a.join !== b.join) return false;
  return sameEdges(a.after, b.after);
}

/** Whether two lists name the same parents on the same conditions, in any order. */
export function sameEdges(a: readonly Edge[], b: readonly Edge[]): boolean {
  if (a.length !== b.length) return false;
  const conditions = new Map(a.map((edge) => [edge.job, edge.on]));
  return b.every((edge) => conditions.get(edge.job) === edge.on);
}
