/** Runs and verdicts as the API shows them: the engine's records, with times as text and without what is only the engine's. */

import type { Attempt, Reason, RunRecord, Trigger, Verdict } from '../engine/records.ts';
import { runId } from '../engine/task-id.ts';
import { withIsoTimes } from './times.ts';

type View = Record<string, unknown>;

const REASON_TIMES = ['from', 'to', 'at', 'since', 'until', 'notBefore', 'deadline'];

/** `spec`: with the definition it was made with. */
export function runView(run: RunRecord, { spec: isSpecShown }: { readonly spec: boolean }): View {
  const { spec, handover: _handover, failedBefore: _told, trigger, attempts, kill, reason, ...rest } = run;
  return {
    id: runId(run.job, run.number),
    ...withIsoTimes(rest, ['createdAt', 'endedAt', 'pendingSince', 'notBefore', 'deadline']),
    trigger: triggerView(trigger),
    attempts: attempts.map(attemptView),
    ...(kill === undefined ? undefined : { kill: { ...withIsoTimes(kill, ['at']), reason: reasonView(kill.reason) } }),
    ...(reason === undefined ? undefined : { reason: reasonView(reason) }),
    ...(isSpecShown && spec !== undefined ? { spec } : undefined),
  };
}

export function verdictView(verdict: Verdict): View {
  return { ...withIsoTimes({ ...verdict }, ['from', 'to', 'decidedAt']), reason: reasonView(verdict.reason) };
}

function triggerView(trigger: Trigger): View {
  return withIsoTimes({ ...trigger }, ['scheduledFor']);
}

function attemptView({ reason, ...attempt }: Attempt): View {
  return {
    ...withIsoTimes(attempt, ['createdAt', 'startedAt', 'endedAt', 'unreachableSince']),
    ...(reason === undefined ? undefined : { reason: reasonView(reason) }),
  };
}

export function reasonView(reason: Reason): View {
  return { ...reason, ...(reason.data === undefined ? undefined : { data: withIsoTimes(reason.data, REASON_TIMES) }) };
}
