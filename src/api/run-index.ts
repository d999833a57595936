/**
 * The runs of a job, newest first, and which of them are not over. What was found is kept until one of the job's runs changes,
 * so that a list of jobs does not read all their runs each time.
 */

import { RUNS, runsPrefix } from '../engine/keys.ts';
import type { RunRecord } from '../engine/records.ts';
import { backfillOf } from '../engine/runs.ts';
import { isOver } from '../engine/run-state.ts';
import type { Entry } from '../store/port.ts';
import type { ReplicaView } from './deps.ts';
import { readRecord } from './records.ts';

interface Active {
  readonly numbers: readonly number[];
  /** Those that a backfill created, by its id. */
  readonly backfills: ReadonlyMap<string, readonly number[]>;
}

const NONE: Active = Object.freeze({ numbers: Object.freeze([]), backfills: new Map() });

export class RunIndex {
  readonly #replica: ReplicaView;
  readonly #active = new Map<string, Active>();
  #unsubscribe: (() => void) | undefined;

  constructor(replica: ReplicaView) {
    this.#replica = replica;
  }

  open(): void {
    this.#unsubscribe ??= this.#replica.subscribe((batch) => {
      for (const { key } of batch.changes) if (key.startsWith(RUNS)) this.#active.delete(key.slice(RUNS.length, key.lastIndexOf('/')));
    });
  }

  close(): void {
    this.#unsubscribe?.();
  }

  /** Numbers of the runs that are not over, the newest first. */
  active(job: string): readonly number[] {
    return this.#activeOf(job).numbers;
  }

  /** Of them, those of each backfill. */
  activeBackfills(job: string): ReadonlyMap<string, readonly number[]> {
    return this.#activeOf(job).backfills;
  }

  /** Entries of all runs that are kept, the newest first. Keys sort as text, numbers do not. */
  list(job: string): readonly Entry[] {
    return [...this.#replica.list(runsPrefix(job))].sort((a, b) => lastNumber(b.key) - lastNumber(a.key));
  }

  #activeOf(job: string): Active {
    const known = this.#active.get(job);
    if (known !== undefined) return known;
    const runs = this.list(job)
      .map((entry) => readRecord<RunRecord>(entry))
      .filter((run) => !isOver(run.state));
    const active = runs.length === 0 ? NONE : { numbers: runs.map((run) => run.number), backfills: byBackfill(runs) };
    this.#active.set(job, active);
    return active;
  }
}

function byBackfill(runs: readonly RunRecord[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const run of runs) {
    const id = backfillOf(run);
    if (id !== undefined) found.set(id, [...(found.get(id) ?? []), run.number]);
  }
  return found;
}

/** The number a key of a run or a verdict ends with. */
export function lastNumber(key: string): number {
  return Number(key.slice(key.lastIndexOf('/') + 1));
}
