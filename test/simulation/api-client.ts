/**
 * The model of a node's API: writes definitions and requests through the store, exactly as the keys and records need it, and remembers
 * what was acknowledged. Sees the graph as its node's copy of the store has it.
 */

import { GRAPH_KEY, JOBS, jobKey, requestKey, runsPrefix } from '../../src/engine/keys.ts';
import type { Request, RequestBody, RunRecord } from '../../src/engine/records.ts';
import { changesGraph, checkEdit, type ChildrenMode } from '../../src/job/check-edit.ts';
import { JobGraph } from '../../src/job/graph.ts';
import type { JobRecord } from '../../src/job/job.ts';
import { nodeOfSpec } from '../../src/job/resolve-job.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import { StoreError } from '../../src/store/errors.ts';
import type { Entry, Guard, Store, Transaction, Write } from '../../src/store/port.ts';

export type Definition = JobRecord<JobSpec>;

/** What a person was told of a write. */
export type Answer = 'done' | 'conflict' | 'refused' | 'unknown';

export interface CopyOfStore {
  get(key: string): Entry | undefined;
  list(prefix: string): readonly Entry[];
}

export interface ApiOptions {
  readonly store: Store;
  readonly copy: CopyOfStore;
  readonly now: () => number;
  /** Unique words, in order. */
  readonly word: () => string;
  readonly onAnswer: (transaction: Transaction, answer: Answer) => void;
}

export class ApiClient {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  definitions(): Definition[] {
    return this.#options.copy.list(JOBS).map((entry) => JSON.parse(entry.value) as Definition);
  }

  /** Numbers of the runs of a job that are not over. */
  runsOf(name: string): number[] {
    const runs = this.#options.copy.list(runsPrefix(name)).map((entry) => JSON.parse(entry.value) as RunRecord);
    return runs.filter((run) => run.endedAt === undefined).map((run) => run.number);
  }

  graph(): JobGraph {
    const graph = new JobGraph();
    for (const { spec } of this.definitions()) graph.set(spec.name, nodeOfSpec(spec));
    return graph;
  }

  /** Creates or replaces; refused when the graph would not be sound. */
  async put(spec: JobSpec, by: string): Promise<Answer> {
    const graph = this.graph();
    const node = nodeOfSpec(spec);
    const doesChange = changesGraph(graph, spec.name, node);
    if (doesChange && !checkEdit(graph, { type: 'put', name: spec.name, node }).ok) return 'refused';
    return this.#write([spec], [], { by, doesChange });
  }

  async delete(name: string, children: ChildrenMode): Promise<Answer> {
    const graph = this.graph();
    const check = checkEdit(graph, { type: 'delete', name, children });
    if (!check.ok) return 'refused';
    const detached = check.detached.map((child) => withoutParent(this.#record(child)?.spec as JobSpec, name));
    return this.#write(detached, check.deleted, { by: 'api', doesChange: true });
  }

  async request(body: RequestBody): Promise<Answer> {
    const { word, now } = this.#options;
    const request: Request = { id: word(), at: now(), by: 'someone', ...body };
    const key = requestKey(request.id);
    return this.#transact({ guards: [{ key, modRevision: 0n }], writes: [{ key, value: JSON.stringify(request) }] });
  }

  async #write(
    specs: readonly JobSpec[],
    deleted: readonly string[],
    { by, doesChange }: { by: string; doesChange: boolean },
  ): Promise<Answer> {
    const guards: Guard[] = [];
    const writes: Write[] = [];
    for (const name of deleted) {
      guards.push({ key: jobKey(name), modRevision: this.#options.copy.get(jobKey(name))?.modRevision ?? 0n });
      writes.push({ key: jobKey(name), value: undefined });
    }
    for (const spec of specs) {
      const key = jobKey(spec.name);
      guards.push({ key, modRevision: this.#options.copy.get(key)?.modRevision ?? 0n });
      writes.push({ key, value: JSON.stringify(this.#next(spec, by)) });
    }
    if (doesChange) {
      guards.push({ key: GRAPH_KEY, modRevision: this.#options.copy.get(GRAPH_KEY)?.modRevision ?? 0n });
      // First, so that it tells whether the write landed.
      writes.unshift({ key: GRAPH_KEY, value: JSON.stringify({ writeId: this.#options.word() }) });
    }
    if (guards.some(({ key, modRevision }) => modRevision === 0n && deleted.some((name) => key === jobKey(name)))) return 'conflict';
    return this.#transact({ guards, writes });
  }

  #record(name: string): Definition | undefined {
    const entry = this.#options.copy.get(jobKey(name));
    return entry && (JSON.parse(entry.value) as Definition);
  }

  /** The record that follows the present one. */
  #next(spec: JobSpec, by: string): Definition {
    const at = this.#options.now();
    const before = this.#record(spec.name);
    const writeId = this.#options.word();
    const isSuspended = spec.suspended ?? false;
    if (!before) {
      const suspension = isSuspended ? { suspension: { from: at, by } } : {};
      return { spec, version: 1, uid: writeId, createdAt: at, updatedAt: at, scheduledSince: at, ...suspension, writeId };
    }
    const isSameSchedule = before.spec.schedule === spec.schedule && before.spec.timeZone === spec.timeZone;
    const wasSuspended = before.spec.suspended ?? false;
    const old = before.suspension;
    let suspension = old;
    if (isSuspended && !wasSuspended) suspension = { from: at, by };
    if (!isSuspended && wasSuspended && old) suspension = { ...old, to: Math.max(at, old.from) };
    return {
      ...{ spec, version: before.version + 1, uid: before.uid, createdAt: before.createdAt, updatedAt: at },
      scheduledSince: isSameSchedule ? before.scheduledSince : at,
      ...(suspension ? { suspension } : {}),
      writeId,
    };
  }

  async #transact(transaction: Transaction): Promise<Answer> {
    const answer = await this.#send(transaction);
    this.#options.onAnswer(transaction, answer);
    return answer;
  }

  async #send(transaction: Transaction): Promise<Answer> {
    try {
      const result = await this.#options.store.transact(transaction);
      return result.ok ? 'done' : 'conflict';
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return error.code === 'unavailable' || error.code === 'closed' ? 'refused' : 'unknown';
    }
  }
}

function withoutParent(spec: JobSpec, parent: string): JobSpec {
  const after = (spec.after ?? []).filter((edge) => (typeof edge === 'string' ? edge : edge.job) !== parent);
  if (after.length > 0) return { ...spec, after };
  const { after: _none, join: _alone, ...rest } = spec;
  return rest;
}
