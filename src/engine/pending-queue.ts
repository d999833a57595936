/**
 * Runs that wait for an offer, grouped by what they ask for: when one of a shape fits nowhere, none of that shape does, so one
 * look per shape is enough and an unplaceable run never holds up the others.
 *
 * Within and across shapes the order is priority with ageing: since every run ages at the same pace, the order of two runs never
 * changes, and each needs its place computed only once.
 */

import { countsOwn } from './constraints.ts';
import type { Job } from '../job/job.ts';
import type { Instant } from '../schedule/schedule.ts';
import { AGEING_STEP_MS } from './limits.ts';
import type { RunRecord } from './records.ts';
import { runId } from './task-id.ts';
import { TimerHeap } from './timer-heap.ts';

export interface Shape {
  readonly key: string;
  /** A job of this shape: what it asks of an offer stands for all. */
  readonly job: Job;
  /** Run ids in order of rank. */
  readonly runs: TimerHeap;
  /** Since when the one of them waits that ranks first. */
  readonly oldestSince: Instant | undefined;
  /** Whether it counts a job's own tasks: then what it fits changes with them too. */
  readonly isCounting: boolean;
  readonly looks: Looks;
}

/** When it was looked in vain, by the offer book's count of additions (-1: never): what did not fit then is not looked at again. */
export interface Looks {
  /** For a pool that has room. */
  room: number;
  /** For one that would have, were our tasks there over. */
  whole: number;
  /** For the nearest, by the book's count of changes. */
  nearest: number;
}

export class PendingQueue {
  readonly shapes = new Map<string, Shape>();
  readonly #shapeOf = new Map<string, Shape>();
  readonly #since = new TimerHeap();
  readonly #keys = new WeakMap<Job, string>();

  /** Counts up whenever a run joins the queue. */
  additions = 0;

  get size(): number {
    return this.#shapeOf.size;
  }

  /** Since when the one that waits longest does. */
  get oldestSince(): Instant | undefined {
    return this.#since.earliest;
  }

  add(run: RunRecord, job: Job): void {
    const id = runId(run.job, run.number);
    const key = this.#keyOf(job);
    if (!this.#shapeOf.has(id)) this.additions += 1;
    let shape = this.shapes.get(key);
    if (!shape) this.shapes.set(key, (shape = this.#newShape(key, job)));
    const since = run.pendingSince ?? run.createdAt;
    shape.runs.set(id, since - job.priority * AGEING_STEP_MS);
    this.#shapeOf.set(id, shape);
    this.#since.set(id, since);
  }

  delete(run: RunRecord): void {
    const id = runId(run.job, run.number);
    const shape = this.#shapeOf.get(id);
    if (!shape) return;
    this.#shapeOf.delete(id);
    this.#since.delete(id);
    shape.runs.delete(id);
    if (shape.runs.size === 0) this.shapes.delete(shape.key);
  }

  /** Takes a run out of its shape's order for a while; it still waits. Put back by add(). */
  setAside(run: RunRecord): void {
    const id = runId(run.job, run.number);
    this.#shapeOf.get(id)?.runs.delete(id);
  }

  /** The shape a waiting run belongs to. */
  keyOf(run: RunRecord): string | undefined {
    return this.#shapeOf.get(runId(run.job, run.number))?.key;
  }

  #newShape(key: string, job: Job): Shape {
    const runs = new TimerHeap();
    const since = this.#since;
    return {
      key,
      job,
      runs,
      isCounting: countsOwn(job),
      looks: { room: -1, whole: -1, nearest: -1 },
      get oldestSince() {
        return runs.first === undefined ? undefined : since.at(runs.first);
      },
    };
  }

  #keyOf(job: Job): string {
    let key = this.#keys.get(job);
    if (key === undefined) this.#keys.set(job, (key = shapeKey(job)));
    return key;
  }
}

/** What a run asks of an offer; runs with the same key fit the same offers. */
export function shapeKey(job: Job): string {
  const { cpus, mem, disk, gpus, ports } = job.task;
  // Constraints that count a job's own tasks make the shape the job's own.
  const own = countsOwn(job) ? job.name : '';
  const hostPorts = ports.map(({ hostPort, protocol }) => (hostPort === 0 ? 0 : `${hostPort}/${protocol}`));
  return JSON.stringify([cpus, mem, disk, gpus, hostPorts, job.constraints, job.placement, job.timeoutMs, own]);
}
