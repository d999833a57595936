/**
 * What an engine believes, in a form that can be compared: for a checker that holds a live engine against one freshly loaded from
 * the store. Left out is what a new leader is free to know less about: when the executor was last asked.
 */

import type { JobState, RunRecord } from './records.ts';
import type { KeptRun, Slot, World } from './world.ts';

export interface JobDump {
  readonly version: number | undefined;
  readonly state: JobState | undefined;
  readonly open: readonly RunRecord[];
  readonly kept: readonly KeptRun[];
  readonly verdicts: readonly number[];
  /** When its next nominal time comes due. */
  readonly dueAt: number | undefined;
}

export interface EngineDump {
  readonly term: bigint;
  readonly jobs: ReadonlyMap<string, JobDump>;
  /** Runs that wait for an offer, best rank first within each shape; shapes in order of their key. */
  readonly pending: readonly (readonly string[])[];
  readonly joining: readonly string[];
  /** Jobs with a task at the executor. */
  readonly busy: readonly string[];
  /** Tokens that are still to be handed on. */
  readonly handovers: number;
}

export function dumpWorld(world: World): EngineDump {
  const jobs = new Map<string, JobDump>();
  for (const slot of [...world.slots.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!isEmpty(slot)) jobs.set(slot.name, dumpSlot(world, slot));
  }
  const shapes = [...world.pending.shapes.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  return {
    term: world.term,
    jobs,
    pending: shapes.map((shape) => shape.runs.inOrder()),
    joining: [...world.joining].sort(),
    busy: [...world.busy].sort(),
    handovers: world.handovers.length,
  };
}

function isEmpty(slot: Slot): boolean {
  return !slot.record && !slot.state && !slot.open?.size && !slot.kept?.length && !slot.verdicts?.length;
}

function dumpSlot(world: World, slot: Slot): JobDump {
  return {
    version: slot.record?.version,
    state: slot.state,
    open: [...world.openRuns(slot).values()],
    kept: slot.kept ?? [],
    verdicts: slot.verdicts ?? [],
    dueAt: world.timers.at(slot.name),
  };
}
