/**
 * Writes definitions, on any node, with or without a leader.
 *
 * A plan is made from the node's own copy and written by compare-and-set: guarded by each definition it touches and, when it
 * changes the graph, by the graph's version, which every such write moves. So two nodes can't together close a cycle that neither
 * sees. When a guard does not hold, or the copy says no, the copy is brought up to date and the plan made anew: a refusal is
 * never due to a copy that lags. An edit too large for one transaction is done in several, each leaving the graph sound; if the
 * process dies between them, asking again finishes it.
 */

import { isDeepStrictEqual } from 'node:util';
import { GRAPH_KEY, jobKey } from '../engine/keys.ts';
import { changesGraph, checkEdit, type ChildrenMode, type EditIssue } from '../job/check-edit.ts';
import type { JobRecord } from '../job/job.ts';
import { nodeOfSpec } from '../job/resolve-job.ts';
import type { Issue } from '../job/schema-issues.ts';
import type { JobSpec } from '../job/spec.ts';
import { scheduleIssues } from '../job/validate-spec.ts';
import type { Write } from '../store/port.ts';
import type { ApiDeps } from './deps.ts';
import type { DefinitionIndex } from './definition-index.ts';
import { nextRecord, withoutParent } from './definition-records.ts';
import { type Applied, GuardedWriter, type Plan } from './guarded-writer.ts';
import { ApiError } from './errors.ts';
import { type Preconditions, unmet } from './preconditions.ts';
import { maybeRecord } from './records.ts';

export interface Author {
  readonly by: string;
  readonly preconditions: Preconditions;
}

export interface PutResult {
  readonly record: JobRecord<JobSpec>;
  readonly outcome: 'created' | 'replaced' | 'unchanged';
}

export interface DeleteResult {
  /** Children before parents. */
  readonly deleted: readonly string[];
  /** Jobs that lost this parent. */
  readonly detached: readonly string[];
}

/** Definitions in one transaction: each is a guard and a write, and the graph another two. */
const JOBS_AT_ONCE = 59;
/** Bytes in one transaction, well under the store's limit. */
const BYTES_AT_ONCE = 800_000;

export class DefinitionWriter {
  readonly #deps: Pick<ApiDeps, 'replica' | 'clock' | 'ids'>;
  readonly #index: DefinitionIndex;
  readonly #writer: GuardedWriter;

  constructor(deps: Pick<ApiDeps, 'store' | 'replica' | 'clock' | 'ids' | 'logger'>, index: DefinitionIndex) {
    this.#deps = deps;
    this.#index = index;
    this.#writer = new GuardedWriter(deps);
  }

  /** Creates or replaces. `create`: only if there is none. Throws ApiError. */
  put(spec: JobSpec, author: Author & { readonly create?: true }): Promise<Applied<PutResult>> {
    return this.#writer.apply([GRAPH_KEY, jobKey(spec.name)], () => {
      const current = this.#current(spec.name);
      if (author.create && current !== undefined) throw new ApiError('job-exists', `there is a job ${spec.name} already`);
      demand(author.preconditions, current);
      return this.#planPut(spec, current, author.by);
    });
  }

  /** Suspends or resumes. What is so already stays as it is. Throws ApiError. */
  setSuspended(name: string, suspended: boolean, author: Author): Promise<Applied<PutResult>> {
    return this.#writer.apply([GRAPH_KEY, jobKey(name)], () => {
      const current = this.#mustHave(name);
      demand(author.preconditions, current);
      if ((current.spec.suspended ?? false) === suspended) return { result: { record: current, outcome: 'unchanged' } };
      return this.#planPut({ ...current.spec, suspended }, current, author.by);
    });
  }

  /** Deletes a job; what becomes of its children is up to `mode`. Throws ApiError. */
  delete(name: string, mode: ChildrenMode, author: Author): Promise<Applied<DeleteResult>> {
    const deleted: string[] = [];
    const detached: string[] = [];
    return this.#writer.apply([GRAPH_KEY, jobKey(name)], () => {
      demand(author.preconditions, this.#mustHave(name));
      const check = checkEdit(this.#index.graph, { type: 'delete', name, children: mode });
      if (!check.ok) throw refusal(check.issues, { children: [...this.#index.graph.children(name).keys()].sort() });
      const steps: DeletionStep[] = [
        ...check.detached.map((job): DeletionStep => ({ job, detachFrom: name })),
        ...check.deleted.map((job): DeletionStep => ({ job })),
      ];
      const { writes, taken } = this.#take(steps, author.by);
      return {
        result: { deleted, detached },
        transaction: this.#graphWrite(writes),
        isLast: taken.length === steps.length,
        onWritten: () => {
          for (const step of taken) (step.detachFrom === undefined ? deleted : detached).push(step.job);
        },
      };
    });
  }

  #planPut(spec: JobSpec, current: JobRecord<JobSpec> | undefined, by: string): Plan<PutResult> {
    if (current !== undefined && isDeepStrictEqual(current.spec, spec)) return { result: { record: current, outcome: 'unchanged' } };
    const { graph } = this.#index;
    const node = nodeOfSpec(spec);
    const isGraphEdit = changesGraph(graph, spec.name, node);
    const check = isGraphEdit ? checkEdit(graph, { type: 'put', name: spec.name, node }) : undefined;
    if (check?.ok === false) throw refusal(check.issues);
    const record = nextRecord(spec, current, this.#authorship(by));
    // One that is set already stays, though by now it might be past its end.
    const issues = record.scheduledSince === current?.scheduledSince ? [] : scheduleIssues(spec, record.scheduledSince);
    if (issues.length > 0) throw unusable(issues);
    const write = { key: jobKey(spec.name), value: JSON.stringify(record) };
    return {
      result: { record, outcome: current === undefined ? 'created' : 'replaced' },
      transaction: isGraphEdit ? this.#graphWrite([write]) : this.#writer.guarded([write]),
      isLast: true,
    };
  }

  /** As many of the steps as fit in one transaction. They are in an order in which every beginning of them leaves the graph sound. */
  #take(steps: readonly DeletionStep[], by: string): { writes: Write[]; taken: readonly DeletionStep[] } {
    const writes: Write[] = [];
    let bytes = 0;
    for (const { job, detachFrom } of steps.slice(0, JOBS_AT_ONCE)) {
      const value = detachFrom === undefined ? undefined : this.#detached(job, detachFrom, by);
      bytes += value === undefined ? 0 : Buffer.byteLength(value);
      if (bytes > BYTES_AT_ONCE) break;
      writes.push({ key: jobKey(job), value });
    }
    return { writes, taken: steps.slice(0, writes.length) };
  }

  #detached(name: string, parent: string, by: string): string {
    const current = this.#mustHave(name);
    return JSON.stringify(nextRecord(withoutParent(current.spec, parent), current, this.#authorship(by)));
  }

  /** The graph's key comes first: it always changes, and its value is unique, so that a lost answer can be resolved by it. */
  #graphWrite(writes: readonly Write[]): ReturnType<GuardedWriter['guarded']> {
    const present = maybeRecord<{ version: number }>(this.#deps.replica.get(GRAPH_KEY));
    const value = JSON.stringify({ version: (present?.version ?? 0) + 1, writeId: this.#deps.ids() });
    return this.#writer.guarded([{ key: GRAPH_KEY, value }, ...writes]);
  }

  #authorship(by: string): Parameters<typeof nextRecord>[2] {
    const { clock, ids } = this.#deps;
    return { now: clock.now(), by, writeId: ids(), uid: ids() };
  }

  #current(name: string): JobRecord<JobSpec> | undefined {
    return maybeRecord<JobRecord<JobSpec>>(this.#deps.replica.get(jobKey(name)));
  }

  #mustHave(name: string): JobRecord<JobSpec> {
    const current = this.#current(name);
    if (current === undefined) throw new ApiError('job-not-found', `there is no job ${name}`);
    return current;
  }
}

interface DeletionStep {
  readonly job: string;
  /** Present: the job only loses this parent. */
  readonly detachFrom?: string;
}

function demand(preconditions: Preconditions, current: JobRecord<JobSpec> | undefined): void {
  const problem = unmet(preconditions, current?.version);
  if (problem !== undefined) throw new ApiError('precondition-failed', problem);
}

/** The refusal of a definition for what is wrong with it alone. */
export function unusable(issues: readonly Issue[]): ApiError {
  const detail = issues.map(({ path, message }) => (path === '' ? `the definition ${message}` : `${path} ${message}`)).join('; ');
  return new ApiError('invalid-definition', detail, { issues });
}

function refusal(issues: readonly EditIssue[], data: Readonly<Record<string, unknown>> = {}): ApiError {
  const [first] = issues;
  const detail = issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
  if (first?.code === 'unknown-job') return new ApiError('job-not-found', first.message);
  if (first?.code === 'has-children') {
    return new ApiError('job-has-children', `${first.message}; ask for children=detach or children=delete`, { issues, data });
  }
  return new ApiError('invalid-graph', detail, { issues });
}
