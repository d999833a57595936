/**
 * What is asked of all definitions at once, kept in step with the node's copy of the store: the graph, and what lists are
 * filtered by. Made at the first question after the copy is ready, then changed with each definition that changes.
 *
 * Invariant: it is always that of the copy's present revision, since both change in the same turn of the event loop.
 */

import { JOBS } from '../engine/keys.ts';
import { JobGraph } from '../job/graph.ts';
import type { JobRecord } from '../job/job.ts';
import { nodeOfSpec } from '../job/resolve-job.ts';
import type { JobSpec } from '../job/spec.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ReplicaView } from './deps.ts';

/** What lists are filtered by. */
export interface JobTraits {
  readonly owner: string | undefined;
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly suspended: boolean;
}

export class DefinitionIndex {
  readonly #replica: ReplicaView;
  readonly #logger: Logger;
  readonly #graph = new JobGraph();
  readonly #traits = new Map<string, JobTraits>();
  #unsubscribe: (() => void) | undefined;

  constructor(replica: ReplicaView, logger: Logger) {
    this.#replica = replica;
    this.#logger = logger;
  }

  /** For reading only. */
  get graph(): JobGraph {
    this.#open();
    return this.#graph;
  }

  traits(name: string): JobTraits | undefined {
    this.#open();
    return this.#traits.get(name);
  }

  close(): void {
    this.#unsubscribe?.();
  }

  #open(): void {
    if (this.#unsubscribe !== undefined || !this.#replica.ready) return;
    this.#unsubscribe = this.#replica.subscribe((batch) => {
      for (const { key, value } of batch.changes) if (key.startsWith(JOBS)) this.#take(key.slice(JOBS.length), value);
    });
    for (const { key, value } of this.#replica.list(JOBS)) this.#take(key.slice(JOBS.length), value);
  }

  #take(name: string, value: string | undefined): void {
    const spec = value === undefined ? undefined : this.#read(name, value);
    if (spec === undefined) {
      this.#graph.delete(name);
      this.#traits.delete(name);
      return;
    }
    this.#graph.set(name, nodeOfSpec(spec));
    this.#traits.set(name, { owner: spec.owner, labels: spec.labels, suspended: spec.suspended ?? false });
  }

  /** A definition that can't be read takes no part in the graph; nothing else is kept from working by it. */
  #read(name: string, value: string): JobSpec | undefined {
    try {
      return (JSON.parse(value) as JobRecord<JobSpec>).spec;
    } catch (error) {
      this.#logger.error({ job: name, error }, 'a stored definition can not be read');
      return undefined;
    }
  }
}
