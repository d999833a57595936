/**
 * Where a job's tasks are, for constraints that count them: found once in a cycle of placement and kept as runs are put on agents, so that
 * a cycle costs no more than it has runs.
 */

import { countsOwn, type PlacedValues } from './constraints.ts';
import type { RunRecord } from './records.ts';
import { isAlive } from './run-state.ts';
import type { World } from './world.ts';

type Placed = Readonly<Record<string, string>>;
type Tally = Map<string, Map<string, number>>;

export const NO_VALUES: PlacedValues = new Map();

export class PlacedTasks {
  readonly #world: World;
  readonly #byJob = new Map<string, Tally>();

  constructor(world: World) {
    this.#world = world;
  }

  /** What the constraints of the run have to count. */
  besides(run: RunRecord): PlacedValues {
    return countsOwn(this.#world.jobOf(run)) ? this.#tally(run.job) : NO_VALUES;
  }

  /** A run of the job was put somewhere, which no record says yet. */
  add(job: string, placed: Placed): void {
    count(this.#tally(job), placed);
  }

  #tally(job: string): Tally {
    const known = this.#byJob.get(job);
    if (known) return known;
    const tally: Tally = new Map();
    this.#byJob.set(job, tally);
    for (const { state, attempts } of this.#world.openRuns(this.#world.slot(job)).values()) {
      const placed = isAlive(state) ? attempts.at(-1)?.placed : undefined;
      if (placed) count(tally, placed);
    }
    return tally;
  }
}

function count(tally: Tally, placed: Placed): void {
  for (const [attribute, value] of Object.entries(placed)) {
    let values = tally.get(attribute);
    if (!values) tally.set(attribute, (values = new Map()));
    values.set(value, (values.get(value) ?? 0) + 1);
  }
}
