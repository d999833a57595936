/**
 * Which jobs start the flows that a job takes part in. Kept for every job that was asked about, two names at most: enough to
 * tell one origin from many, whatever the size of the graph. The full list is worked out for those who must be told.
 *
 * Invariant: when a job's answer is kept, so are those of all parents it was made from.
 */

import type { Edge, Join } from './job.ts';

export interface GraphNode {
  /** Has a schedule of its own. */
  readonly scheduled: boolean;
  readonly join: Join;
  readonly after: readonly Edge[];
}

export type NodeLookup = (name: string) => GraphNode | undefined;

/** Whether a job starts the flows it takes part in, by a schedule or by waiting for the latest of each parent. */
export function isOrigin(node: GraphNode): boolean {
  return node.scheduled || (node.join === 'latest' && node.after.length > 0);
}

/** Names enough to tell none, one and many apart. */
const ENOUGH = 2;
const NOBODY: readonly string[] = Object.freeze([]);

export class OriginIndex {
  readonly #known = new Map<string, readonly string[]>();
  readonly #lookup: NodeLookup;
  readonly #elsewhere: (name: string) => readonly string[] | undefined;

  /** `elsewhere` answers for jobs that need not be worked out here. */
  constructor(lookup: NodeLookup, elsewhere: (name: string) => readonly string[] | undefined = () => undefined) {
    this.#lookup = lookup;
    this.#elsewhere = elsewhere;
  }

  /** Whether there was an answer to forget. */
  forget(name: string): boolean {
    return this.#known.delete(name);
  }

  /** Up to two of the job's origins. */
  some(name: string): readonly string[] {
    const node = this.#lookup(name);
    if (node === undefined) return NOBODY;
    if (node.scheduled) return [name];
    this.#resolve(name);
    return this.#known.get(name) ?? NOBODY;
  }

  /** All of the job's origins. */
  all(name: string): ReadonlySet<string> {
    const node = this.#lookup(name);
    if (node?.scheduled === true) return new Set([name]);
    const origins = new Set<string>();
    const seen = new Set<string>([name]);
    const open = [name];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const { job } of this.#lookup(next)?.after ?? []) {
        if (seen.has(job)) continue;
        seen.add(job);
        const parent = this.#lookup(job);
        if (parent === undefined) continue;
        if (isOrigin(parent)) origins.add(job);
        else open.push(job);
      }
    }
    return origins;
  }

  /** Depth first, parents before children, on a stack of our own. */
  #resolve(name: string): void {
    const open = [name];
    const begun = new Set<string>();
    for (let next = open.at(-1); next !== undefined; next = open.at(-1)) {
      const node = this.#lookup(next);
      if (node === undefined || this.#known.has(next)) {
        open.pop();
      } else if (begun.has(next)) {
        this.#known.set(next, this.#gather(node));
        open.pop();
      } else {
        begun.add(next);
        for (const { job } of node.after) if (this.#mustResolve(job) && !begun.has(job)) open.push(job);
      }
    }
  }

  #mustResolve(name: string): boolean {
    const node = this.#lookup(name);
    return node !== undefined && !isOrigin(node) && !this.#known.has(name) && this.#elsewhere(name) === undefined;
  }

  #gather(node: GraphNode): readonly string[] {
    const found: string[] = [];
    for (const { job } of node.after) {
      const parent = this.#lookup(job);
      if (parent === undefined) continue;
      const origins = isOrigin(parent) ? [job] : (this.#known.get(job) ?? this.#elsewhere(job) ?? NOBODY);
      for (const origin of origins) if (!found.includes(origin)) found.push(origin);
      if (found.length >= ENOUGH) break;
    }
    return found.slice(0, ENOUGH);
  }
}
