/** The end of an attempt: what it means for its run. Always in the open step. */

import type { TaskState } from '../executor/port.ts';
import type { Attempt, Fault, Reason, RunRecord } from './records.ts';
import { isFull } from './record-size.ts';
import { retryDelayMs } from './retry.ts';
import { settleRun, storeOpen } from './runs.ts';
import type { World } from './world.ts';

export interface AttemptEnd {
  readonly outcome: 'succeeded' | 'failed' | 'killed';
  readonly fault?: Fault;
  readonly reason?: Reason;
  readonly exitCode?: number;
  readonly signal?: string;
  /** The executor's last word; absent when it said nothing and was given up. */
  readonly state?: TaskState;
}

export function withLastAttempt(run: RunRecord, change: Partial<Attempt>): RunRecord {
  const last = run.attempts.at(-1) as Attempt;
  return { ...run, attempts: [...run.attempts.slice(0, -1), { ...last, ...change }] };
}

/** Ends the run's newest attempt: the run is settled, or waits for its next attempt. */
export function endAttempt(world: World, run: RunRecord, end: AttemptEnd): void {
  const { outcome, ...known } = asKilled(run, end);
  const ended = withLastAttempt(run, { endedAt: world.now, ...known });
  const attempt = ended.attempts.at(-1) as Attempt;
  const lost = run.lost + (known.fault === 'infrastructure' ? 1 : 0);
  const delayMs = outcome === 'failed' ? retryDelayMs(world.jobOf(run).retry, ended.attempts.slice(run.firstAttempt)) : undefined;
  const isLast = delayMs !== undefined && isFull(ended);
  const retryAt = delayMs === undefined || isLast ? undefined : world.now + delayMs;
  world.recorder.fact({
    type: 'attempt-ended',
    taskId: attempt.taskId,
    outcome,
    ...(known.fault ? { fault: known.fault } : {}),
    reason: known.reason,
    ...(retryAt === undefined ? {} : { retryAt }),
  });
  if (retryAt === undefined) {
    settleRun(world, { ...ended, lost }, { outcome, reason: isLast ? lastReason(ended, known.reason) : known.reason });
    return;
  }
  const { kill: _answered, ...rest } = ended;
  world.forgetVolatile(run);
  storeOpen(world, { ...rest, lost, state: 'backoff', notBefore: retryAt });
}

function lastReason({ attempts }: RunRecord, reason: Reason | undefined): Reason | undefined {
  return reason && { ...reason, text: `${reason.text}; not tried again, as its record is full after ${attempts.length} attempts` };
}

/**
 * What an end means in the light of a kill of ours: unless the task finished first, it is the kill's doing. A time-out is the task's
 * failure, one of its launch the infrastructure's, and both may be retried; every other kill is final.
 */
function asKilled(run: RunRecord, end: AttemptEnd): AttemptEnd {
  const kill = run.kill;
  if (!kill || end.outcome === 'succeeded') return end;
  if (kill.reason.code === 'timeout') return { ...end, outcome: 'failed', fault: 'task', reason: kill.reason };
  if (kill.reason.code === 'launch-timeout') return { ...end, outcome: 'failed', fault: 'infrastructure', reason: kill.reason };
  return { ...end, outcome: 'killed', fault: 'request', reason: kill.reason };
}
