/**
 * What is asked of all definitions at once, kept in step with the node's copy of the store: the graph, and what lists are
 * filtered by. Made at the first question after the copy is ready, then changed with each definition that changes.
 *
 * Invariant: what it answers is always that of the copy's present revision, since both change in the same turn of the event loop.
 */

import type { Clock } from '../clock/clock.ts';
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

/** Definitions read between two chances for others: some milliseconds' work. */
const SLICE = 500;

export class DefinitionIndex {
  readonly #replica: ReplicaView;
  readonly #logger: Logger;
  readonly #graph = new JobGraph();
  readonly #traits = new Map<string, JobTraits>();
  #unsubscribe: (() => void) | undefined;
  /** Keys of definitions that are not read yet. */
  #unread: string[] = [];

  constructor(replica: ReplicaView, logger: Logger) {
    this.#replica = replica;
    this.#logger = logger;
  }

  /** For reading only. */
  get graph(): JobGraph {
    this.#complete();
    return this.#graph;
  }

  traits(name: string): JobTraits | undefined {
    this.#complete();
    return this.#traits.get(name);
  }

  /** Reads what is not read yet in slices, so that a hundred thousand definitions hold nobody else up. To be awaited before the first question. */
  async prepare(clock: Pick<Clock, 'sleep'>): Promise<void> {
    this.#open();
    // Several may do this at once: each slice is taken by one of them.
    while (this.#unread.length > 0) {
      this.#readSome(SLICE);
      await clock.sleep(0);
    }
  }

  close(): void {
    this.#unsubscribe?.();
  }

  /** Whoever did not wait gets all the same a whole answer. */
  #complete(): void {
    this.#open();
    this.#readSome(this.#unread.length);
  }

  #open(): void {
    if (this.#unsubscribe !== undefined || !this.#replica.ready) return;
    this.#unsubscribe = this.#replica.subscribe((batch) => {
      for (const { key, value } of batch.changes) if (key.startsWith(JOBS)) this.#take(key.slice(JOBS.length), value);
    });
    this.#unread = this.#replica.list(JOBS).map(({ key }) => key);
  }

  /** What changed meanwhile is heard of as a change and here as it is now: the order does not matter. */
  #readSome(count: number): void {
    if (count === 0) return;
    const keys = this.#unread.splice(-count);
    for (const key of keys) this.#take(key.slice(JOBS.length), this.#replica.get(key)?.value);
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
