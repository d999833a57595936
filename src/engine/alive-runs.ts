/** The runs that may have a task at the executor now, in order of jobs and numbers, each with that task's attempt. */

import type { Attempt, RunRecord } from './records.ts';
import { isAlive } from './run-state.ts';
import type { World } from './world.ts';

export interface AliveRun {
  readonly run: RunRecord;
  readonly attempt: Attempt;
}

export function* aliveRuns(world: World): Generator<AliveRun> {
  for (const name of [...world.busy].sort()) {
    world.subject = name;
    for (const run of world.openRuns(world.slot(name)).values()) {
      const attempt = run.attempts.at(-1);
      if (attempt && isAlive(run.state)) yield { run, attempt };
    }
  }
}
