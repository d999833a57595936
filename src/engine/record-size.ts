/** How long records are, and whether a run's has room for another attempt. */

import { ATTEMPTS_UNMEASURED, RECORD_LENGTH } from './limits.ts';
import type { JobSpec } from '../job/spec.ts';
import type { JobState, RunRecord } from './records.ts';

/** No attempt may be added: see RECORD_LENGTH. Cheap for runs with few attempts. */
export function isFull(run: RunRecord): boolean {
  return run.attempts.length > ATTEMPTS_UNMEASURED && JSON.stringify(run).length > RECORD_LENGTH;
}

const lengths = new WeakMap<object, number>();

/** UTF-16 units of a definition as JSON. */
function specLength(spec: JobSpec): number {
  let length = lengths.get(spec);
  if (length === undefined) lengths.set(spec, (length = JSON.stringify(spec).length));
  return length;
}

const RECORD_AROUND = 500;
const ATTEMPT_LENGTH = 1_000;
const FLOW_LENGTH = 300;
const NAME_LENGTH = 131;
const TIME_LENGTH = 15;

/** About how long a run's record is as JSON: never much less than it is. */
export function runLength({ spec, attempts }: RunRecord): number {
  return RECORD_AROUND + ATTEMPT_LENGTH * attempts.length + (spec ? specLength(spec) : 0);
}

/** The same of a job's state, most of which is the tokens that it holds. */
export function stateLength({ schedule, ahead, tokens, latest }: JobState): number {
  let length = RECORD_AROUND + (schedule?.text.length ?? 0) + TIME_LENGTH * (ahead?.length ?? 0);
  length += latest ? FLOW_LENGTH * Object.keys(latest).length : 0;
  for (const flow in tokens) length += FLOW_LENGTH + NAME_LENGTH * (tokens[flow]?.blocked?.length ?? 0);
  return length;
}
