/** What a run's state says. */

import type { Outcome, RunState } from './records.ts';

const OVER: ReadonlySet<RunState> = new Set<RunState>(['succeeded', 'failed', 'killed', 'skipped', 'missed']);
const ALIVE: ReadonlySet<RunState> = new Set<RunState>(['launching', 'running', 'killing']);

export function isOver(state: RunState): state is Outcome {
  return OVER.has(state);
}

/** Whether an attempt may have a task at the executor. */
export function isAlive(state: RunState): boolean {
  return ALIVE.has(state);
}
