/** What an agent's status updates say: from a runner's report to state, source, reason and message, in Mesos's words. */

import type { RunEnd, TaskKind } from '../runner/runner.ts';
import type { TaskStatusJson } from '../wire/event.ts';

export interface Outcome {
  readonly state: string;
  readonly source: TaskStatusJson['source'];
  readonly reason?: string;
  readonly message?: string;
  readonly data?: string;
}

export interface EndContext {
  readonly kind: TaskKind;
  /** A KILL, or draining, asked for the end. */
  readonly killed: boolean;
  readonly draining: boolean;
  /** Draining with mark_gone. */
  readonly gone: boolean;
  readonly timedOut: boolean;
}

export function outcomeOf(end: RunEnd, context: EndContext): Outcome {
  switch (end.how) {
    case 'launch-failed':
      return {
        state: 'TASK_FAILED',
        source: 'SOURCE_AGENT',
        reason: 'REASON_CONTAINER_LAUNCH_FAILED',
        message: `Failed to launch container: ${end.message}`,
      };
    case 'dropped':
      return { state: 'TASK_DROPPED', source: 'SOURCE_AGENT', reason: 'REASON_EXECUTOR_TERMINATED', message: end.message };
    case 'executor-lost':
      return {
        state: 'TASK_FAILED',
        source: 'SOURCE_AGENT',
        reason: 'REASON_EXECUTOR_TERMINATED',
        message: context.kind === 'docker' ? 'Container terminated' : 'Executor terminated',
      };
    case 'executor-failed':
      return { state: 'TASK_FAILED', source: 'SOURCE_EXECUTOR', message: end.message };
    default:
      return { ...endState(end, context), source: 'SOURCE_EXECUTOR', message: endMessage(end, context.kind) };
  }
}

type Exit = Extract<RunEnd, { readonly how: 'exited' | 'signaled' }>;

/** A kill decides the state, whatever the exit status. */
function endState(end: Exit, context: EndContext): Pick<Outcome, 'state' | 'reason'> {
  if (context.draining) return { state: context.gone ? 'TASK_GONE_BY_OPERATOR' : 'TASK_KILLED', reason: 'REASON_AGENT_DRAINING' };
  if (context.killed) return { state: 'TASK_KILLED' };
  if (context.timedOut) return { state: 'TASK_FAILED', reason: 'REASON_MAX_COMPLETION_TIME_REACHED' };
  return { state: end.how === 'exited' && end.status === 0 ? 'TASK_FINISHED' : 'TASK_FAILED' };
}

function endMessage(end: Exit, kind: TaskKind): string {
  const subject = kind === 'docker' ? 'Container' : 'Command';
  return end.how === 'exited' ? `${subject} exited with status ${end.status}` : `${subject} terminated with signal ${end.signal}`;
}

export const KILLED_DURING_LAUNCH: Outcome = {
  state: 'TASK_KILLED',
  source: 'SOURCE_AGENT',
  reason: 'REASON_TASK_KILLED_DURING_LAUNCH',
  message: 'Killed before delivery to the executor',
};

/** A command task that ended while the agent's process was down, whatever its exit status was. */
export const ENDED_UNSEEN: Outcome = {
  state: 'TASK_FAILED',
  source: 'SOURCE_AGENT',
  reason: 'REASON_EXECUTOR_TERMINATED',
  message: 'Abnormal executor termination: unknown container',
};

export function registrationTimedOut(kind: TaskKind, limitMs: number): Outcome {
  return {
    state: 'TASK_FAILED',
    source: 'SOURCE_AGENT',
    reason: 'REASON_EXECUTOR_REGISTRATION_TIMEOUT',
    message: `Executor did not register within ${asDuration(limitMs)}${kind === 'docker' ? '; Container killed' : ''}`,
  };
}

export function unknownToAgent(partitionAware: boolean): Outcome {
  return {
    state: partitionAware ? 'TASK_DROPPED' : 'TASK_LOST',
    source: 'SOURCE_AGENT',
    reason: 'REASON_RECONCILIATION',
    message: 'Reconciliation: task unknown to the agent',
  };
}

/** As Mesos prints durations: in the largest unit that gives a whole number. */
function asDuration(ms: number): string {
  if (ms % 60_000 === 0) return `${ms / 60_000}mins`;
  return ms % 1_000 === 0 ? `${ms / 1_000}secs` : `${ms}ms`;
}
