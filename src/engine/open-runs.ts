/**
 * A job's runs that are not over, in order of their numbers. Counts and an index, so that a queue of thousands costs an event no more
 * than a queue of two.
 */

import type { FlowId, RunRecord } from './records.ts';
import { isAlive } from './run-state.ts';

/** So many are looked through; the index is made beyond, so that most jobs do without. */
const FEW = 16;

export class OpenRuns {
  #runs = new Map<number, RunRecord>();
  #byFlow: Map<FlowId, number> | undefined;
  #alive = 0;
  #queued = 0;

  get size(): number {
    return this.#runs.size;
  }

  /** How many may have a task at the executor. */
  get alive(): number {
    return this.#alive;
  }

  /** How many wait for others of the job. */
  get queued(): number {
    return this.#queued;
  }

  get(number: number): RunRecord | undefined {
    return this.#runs.get(number);
  }

  values(): IterableIterator<RunRecord> {
    return this.#runs.values();
  }

  /** The job's part in a flow: it has one at most. */
  inFlow(flow: FlowId): RunRecord | undefined {
    if (this.#runs.size > FEW) {
      const number = this.#index().get(flow);
      return number === undefined ? undefined : this.#runs.get(number);
    }
    for (const run of this.#runs.values()) if (run.flow === flow) return run;
    return undefined;
  }

  set(run: RunRecord): void {
    const before = this.#runs.get(run.number);
    this.#count(before, -1);
    this.#count(run, 1);
    this.#byFlow?.set(run.flow, run.number);
    this.#runs.set(run.number, run);
    // Back among the living, it stands where it stood: a new leader files by number too.
    if (!before && run.firstAttempt !== undefined) this.#runs = new Map([...this.#runs].sort(([a], [b]) => a - b));
  }

  delete(number: number): void {
    const run = this.#runs.get(number);
    if (!run) return;
    this.#count(run, -1);
    this.#runs.delete(number);
    this.#byFlow?.delete(run.flow);
    if (this.#runs.size <= FEW) this.#byFlow = undefined;
  }

  #index(): Map<FlowId, number> {
    this.#byFlow ??= new Map([...this.#runs.values()].map(({ flow, number }) => [flow, number]));
    return this.#byFlow;
  }

  #count(run: RunRecord | undefined, by: 1 | -1): void {
    if (!run) return;
    if (isAlive(run.state)) this.#alive += by;
    if (run.state === 'queued') this.#queued += by;
  }
}
