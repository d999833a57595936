/** How long records are as JSON, in bytes, and whether a run's has room for another attempt. */

import { ATTEMPTS_UNMEASURED, RECORD_LENGTH } from './limits.ts';
import type { Attempt, JobState, RunRecord } from './records.ts';

/** No attempt may be added: see RECORD_LENGTH. Cheap for runs with few attempts. */
export function isFull(run: RunRecord): boolean {
  return run.attempts.length > ATTEMPTS_UNMEASURED && runLength(run) > RECORD_LENGTH;
}

const lengths = new WeakMap<object, number>();

/** Bytes of a value as JSON. */
function bytesOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** The same of what stays as it is from record to record: reckoned once. */
function lastingBytes(value: object): number {
  let length = lengths.get(value);
  if (length === undefined) lengths.set(value, (length = bytesOf(value)));
  return length;
}

const RECORD_AROUND = 1_000;
const FLOW_LENGTH = 300;
const NAME_LENGTH = 131;
const TIME_LENGTH = 15;
const BACKFILL_LENGTH = 200;
const INTENT_LENGTH = 1_000;
const PORT_LENGTH = 6;

/** How long a run's record is at most. */
export function runLength({ spec, trigger, attempts, reason, kill, owed }: RunRecord): number {
  let length = RECORD_AROUND + (spec ? lastingBytes(spec) : 0) + attemptsLength(attempts);
  if (trigger.type !== 'schedule') length += lastingBytes(trigger);
  for (const part of [reason, kill, owed]) if (part) length += bytesOf(part);
  return length;
}

/** Only the last one changes. */
function attemptsLength(attempts: readonly Attempt[]): number {
  let length = attempts.length;
  for (const attempt of attempts) length += attempt === attempts.at(-1) ? bytesOf(attempt) : lastingBytes(attempt);
  return length;
}

/** How long a run's record is at most once it is launched; `placed`: see Attempt. */
export function launchedLength(run: RunRecord, placed: Attempt['placed'] = {}): number {
  return runLength(run) + INTENT_LENGTH + bytesOf(placed) + PORT_LENGTH * (run.spec?.task?.ports?.length ?? 0);
}

/** How long a job's state is at most; most of it is the tokens that it holds. */
export function stateLength({ schedule, ahead, tokens, latest, backfills, verdict }: JobState): number {
  let length = RECORD_AROUND + (schedule ? lastingBytes(schedule) : 0) + TIME_LENGTH * (ahead?.length ?? 0);
  length += latest ? FLOW_LENGTH * Object.keys(latest).length : 0;
  for (const flow in tokens) length += FLOW_LENGTH + NAME_LENGTH * (tokens[flow]?.blocked?.length ?? 0);
  if (backfills) length += BACKFILL_LENGTH * Object.keys(backfills).length;
  return length + (verdict ? lastingBytes(verdict) : 0);
}
