/** What an attempt tells: its end is what the executor said, and what it was made with stays (words: invariants.ts). */

import { isDeepStrictEqual } from 'node:util';
import type { Attempt, RunRecord } from '../../src/engine/records.ts';
import { InvariantViolation } from './violation.ts';

type Fault = Attempt['fault'];

const FAULTS: ReadonlyMap<string | undefined, Fault> = new Map<string | undefined, Fault>([
  ['finished', undefined],
  ['failed', 'task'],
  ['rejected', 'task'],
  ['killed', 'infrastructure'],
  ['not-launched', 'infrastructure'],
  ['lost', 'infrastructure'],
  ['unknown', 'infrastructure'],
  ['unreachable', 'infrastructure'],
]);

/** What a run that is not over, and its attempts, were made with stays. */
export function checkSame(before: RunRecord, after: RunRecord): void {
  const fail = (what: string): never => {
    throw new InvariantViolation('run-life', `${after.job}#${after.number}: ${what} changed`, [after.job]);
  };
  for (const key of ['flow', 'trigger', 'createdAt', 'jobVersion'] as const) {
    if (!isDeepStrictEqual(before[key], after[key])) fail(key);
  }
  if (after.spec !== undefined && !isDeepStrictEqual(before.spec, after.spec)) fail('its definition');
  if (after.endedAt === undefined && before.deadline !== after.deadline) fail('its deadline');
  for (const [index, had] of before.attempts.entries()) {
    const has = after.attempts[index];
    for (const key of ['number', 'taskId', 'agentId', 'hostname', 'createdAt', 'placed'] as const) {
      if (!isDeepStrictEqual(had[key], has?.[key])) fail(`${key} of attempt ${had.number}`);
    }
    if (had.startedAt !== undefined && had.startedAt !== has?.startedAt) fail(`the start of attempt ${had.number}`);
  }
}

/** Whose fault an end was follows from the executor's last word and from a kill of ours, and from nothing else. */
export function checkEnd(before: RunRecord, after: RunRecord): void {
  const index = before.attempts.length - 1;
  const [had, has] = [before.attempts[index], after.attempts[index]];
  if (!had || had.endedAt !== undefined || has?.endedAt === undefined) return;
  const fail = (message: string): never => {
    throw new InvariantViolation('retries', `${has.taskId} ${message}`, [after.job]);
  };
  if (!FAULTS.has(has.state)) fail(`ended with the word ${has.state}`);
  const expected = has.state === 'finished' ? undefined : faultOfKill(before, FAULTS.get(has.state));
  if (has.fault !== expected) fail(`was ${has.state} and is the fault of ${has.fault ?? 'nobody'} instead of ${expected ?? 'nobody'}`);
}

function faultOfKill({ kill }: RunRecord, otherwise: Fault): Fault {
  switch (kill?.reason.code) {
    case undefined:
      return otherwise;
    case 'timeout':
      return 'task';
    case 'launch-timeout':
      return 'infrastructure';
    default:
      return 'request';
  }
}
