/**
 * The rule graph (words: invariants.ts): the whole graph, as it is stored after each transaction of the API, is looked at anew, by means
 * that share nothing with src/job.
 */

import { JOBS } from '../../src/engine/keys.ts';
import type { Write } from '../../src/store/port.ts';
import type { Definition } from './history.ts';
import { placeOf } from './read-spec.ts';
import { InvariantViolation } from './violation.ts';

type Place = ReturnType<typeof placeOf>;

export class GraphRules {
  readonly #places = new Map<string, Place>();

  /** Takes what an API node wrote in one transaction: a deletion that takes its children along, or lets them go, is right only as a whole. */
  onWrites(writes: readonly Write[]): void {
    let isEdited = false;
    for (const { key, value } of writes.filter((write) => write.key.startsWith(JOBS))) {
      const name = key.slice(JOBS.length);
      const before = this.#places.get(name);
      const after = value === undefined ? undefined : placeOf((JSON.parse(value) as Definition).spec);
      if (after) this.#places.set(name, after);
      else this.#places.delete(name);
      isEdited ||= JSON.stringify(before) !== JSON.stringify(after);
    }
    if (isEdited) checkGraph(this.#places, writes);
  }
}

function checkGraph(places: ReadonlyMap<string, Place>, writes: readonly Write[]): void {
  const fail = (message: string, jobs: readonly string[]): never => {
    const written = writes.map(({ key, value }) => `${key} = ${value ?? 'deleted'}`).join(', ');
    throw new InvariantViolation('graph', `${message}, after ${written}`, jobs);
  };
  for (const [name, { after, scheduled }] of places) {
    if (scheduled && after.length > 0) fail(`${name} has a schedule and parents`, [name]);
    for (const { job } of after) if (!places.has(job)) fail(`${name} runs after ${job}, which is not there`, [name, job]);
  }
  const over = new Set<string>();
  for (const name of places.keys()) {
    const cycle = cycleFrom(places, { name, path: [], over });
    if (cycle) fail(`${cycle.join(' -> ')} is a cycle`, cycle);
  }
  for (const [name, place] of places) {
    const roots = startsFlows(place) ? [] : [...rootsOf(places, name)];
    if (roots.length > 1) fail(`flows of ${roots.join(', ')} reach ${name}, which does not join the latest`, [name, ...roots]);
  }
}

/** Depth first, from a job to its parents. `over`: seen whole before, and no cycle found. */
function cycleFrom(
  places: ReadonlyMap<string, Place>,
  { name, path, over }: { readonly name: string; readonly path: readonly string[]; readonly over: Set<string> },
): string[] | undefined {
  if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
  if (over.has(name)) return undefined;
  for (const { job } of places.get(name)?.after ?? []) {
    const cycle = cycleFrom(places, { name: job, path: [...path, name], over });
    if (cycle) return cycle;
  }
  over.add(name);
  return undefined;
}

/** By a schedule, or as it joins the latest of its parents. */
function startsFlows({ scheduled, join, after }: Place): boolean {
  return scheduled || (join === 'latest' && after.length > 0);
}

/** The jobs that start the flows which reach this one. */
function rootsOf(places: ReadonlyMap<string, Place>, name: string): ReadonlySet<string> {
  const roots = new Set<string>();
  for (const { job } of places.get(name)?.after ?? []) {
    const parent = places.get(job);
    if (parent && startsFlows(parent)) roots.add(job);
    else for (const root of rootsOf(places, job)) roots.add(root);
  }
  return roots;
}
