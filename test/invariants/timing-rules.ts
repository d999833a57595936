/** The rules punctual and unreachable, and how a deadline is set (words: invariants.ts). */

import { LAUNCH_TIMEOUT_MS } from './limits.ts';
import type { Attempt, RunRecord } from '../../src/engine/records.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import type { History, Step } from './history.ts';
import { InvariantViolation } from './violation.ts';

export function checkTiming(history: History, step: Step, { before, after }: { before: RunRecord | undefined; after: RunRecord }): void {
  checkTimeouts(history, before, after);
  if (before) checkPunctual(history, step, { before, after });
  else checkDeadlineSet(history, after);
  if (before && step.context) checkGivenUp(history, { before, after });
}

/** Whether a run was told to end for good: after a time-out it may be tried again. */
export function isKilledForGood({ kill }: RunRecord): boolean {
  return kill !== undefined && kill.reason.code !== 'timeout' && kill.reason.code !== 'launch-timeout';
}

/** A time-out kills after its time, one of the launch what has not begun: neither earlier, nor anything else. */
function checkTimeouts(history: History, before: RunRecord | undefined, after: RunRecord): void {
  const code = after.kill?.reason.code;
  if (before?.kill || !after.kill || !after.spec || (code !== 'timeout' && code !== 'launch-timeout')) return;
  const { createdAt, startedAt } = after.attempts.at(-1) as Attempt;
  const { timeoutMs = Infinity } = history.resolve(after.spec);
  const due = code === 'timeout' ? (startedAt ?? Infinity) + timeoutMs : createdAt + LAUNCH_TIMEOUT_MS;
  const hasBegun = before?.attempts.at(-1)?.startedAt !== undefined;
  if (after.kill.at >= due && (code === 'timeout' || !hasBegun)) return;
  const why = code === 'launch-timeout' && hasBegun ? 'though it had begun' : 'before it';
  throw new InvariantViolation('timeout', `${after.job}#${after.number} was killed for its ${code} ${why}`, [after.job]);
}

/**
 * Nothing was due already when the same leader last decided all that was due, or would have come due while it slept. What this decision
 * itself has written it could not know of.
 */
function checkPunctual(history: History, step: Step, { before, after }: { before: RunRecord; after: RunRecord }): void {
  const { context } = step;
  if (!context?.previous || !before.spec || history.isWrittenBy(before, context)) return;
  const { lookedAt = -Infinity, previous } = context;
  const due = (what: string, at: number | undefined): void => {
    const { at: decidedAt, wakeAt = Infinity } = previous;
    if (at === undefined || (lookedAt <= at && (at <= decidedAt || wakeAt <= at))) return;
    const message = `${after.job}#${after.number}: ${what} was due ${context.now - at} ms ago, ${decidedAt - at} ms before a decision that left it and slept until ${wakeAt - at} ms after`;
    throw new InvariantViolation('punctual', message, [after.job]);
  };
  if (before.state === 'backoff' && after.state === 'pending') due('the next attempt', before.notBefore);
  if (after.state === 'missed') due('the starting deadline', before.deadline);
  if (isGivenUp(before, after)) due('its giving up', givenUpFrom(history, before));
  if (before.kill || after.kill?.reason.code !== 'timeout') return;
  const startedAt = before.attempts.at(-1)?.startedAt;
  const { timeoutMs } = history.resolve(before.spec);
  if (startedAt !== undefined && timeoutMs !== undefined) due('the time-out', startedAt + timeoutMs);
}

/** Counted from the nominal time where there is one. What is filled in is late on purpose. */
function checkDeadlineSet(history: History, { job, number, spec, state, trigger, createdAt, deadline }: RunRecord): void {
  if (!spec || (state !== 'queued' && state !== 'pending')) return;
  const { startingDeadlineMs } = history.resolve(spec);
  const isFilledIn = trigger.type === 'schedule' && trigger.backfill !== undefined;
  const from = trigger.type === 'schedule' ? trigger.scheduledFor : createdAt;
  const expected = startingDeadlineMs === undefined || isFilledIn ? undefined : from + startingDeadlineMs;
  if (deadline === expected) return;
  throw new InvariantViolation('deadline', `${job}#${number} has the deadline ${deadline ?? 'none'} instead of ${expected ?? 'none'}`, [
    job,
  ]);
}

/** Where it was being killed, the reason tells of that, and the last word of the executor. */
function isGivenUp(before: RunRecord, after: RunRecord): boolean {
  const had = before.attempts.at(-1);
  const has = after.attempts[before.attempts.length - 1];
  if (!before.spec || !had || had.endedAt !== undefined || has?.endedAt === undefined) return false;
  return has.state === 'unreachable' || has.reason?.data?.['since'] !== undefined;
}

function givenUpFrom(history: History, { spec, attempts }: RunRecord): number {
  return (attempts.at(-1)?.unreachableSince ?? Infinity) + history.resolve(spec as JobSpec).unreachableTimeoutMs;
}

function checkGivenUp(history: History, { before, after }: { before: RunRecord; after: RunRecord }): void {
  if (!isGivenUp(before, after)) return;
  const { taskId, endedAt = 0 } = after.attempts[before.attempts.length - 1] as Attempt;
  const from = givenUpFrom(history, before);
  if (endedAt < from) throw new InvariantViolation('unreachable', `${taskId} was given up ${from - endedAt} ms too early`, [after.job]);
}
