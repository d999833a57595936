/** One task on a stand-in agent. It outlives the agent's process, as checkpointed tasks do. */

import type { CancelTimer } from '../../../src/clock/clock.ts';
import type { RunTask } from '../core/model.ts';
import type { RunningTask, RunReport, TaskKind } from '../runner/runner.ts';
import type { ContainerStatus, TaskStatusJson } from '../wire/event.ts';
import type { UpdateStream } from './update-stream.ts';

export interface AgentTask {
  readonly id: string;
  readonly order: RunTask;
  readonly kind: TaskKind;
  readonly containerId: string;
  readonly updates: UpdateStream;
  /** Its newest state, whether the scheduler has been told or not. */
  state: string;
  running: RunningTask | undefined;
  /** The executor has registered. */
  started: boolean;
  over: boolean;
  killed: boolean;
  draining: boolean;
  drainGone: boolean;
  timedOut: boolean;
  pid: number | undefined;
  stopRegistration: CancelTimer;
  stopCompletion: CancelTimer;
  /** What the executor reported and the agent's process has not read, alive or dead: it tells the next one. */
  readonly unread: { readonly report: RunReport; readonly at: number }[];
  /** When the executor said what is being handled now. */
  reportedAt: number | undefined;
}

export interface TaskParts {
  readonly order: RunTask;
  readonly containerId: string;
  readonly updates: UpdateStream;
}

export function newTask({ order, containerId, updates }: TaskParts): AgentTask {
  return {
    id: order.info.task_id.value,
    order,
    kind: order.info.container?.type === 'DOCKER' ? 'docker' : 'command',
    containerId,
    updates,
    state: 'TASK_STAGING',
    running: undefined,
    started: false,
    over: false,
    killed: false,
    draining: false,
    drainGone: false,
    timedOut: false,
    pid: undefined,
    stopRegistration: () => undefined,
    stopCompletion: () => undefined,
    unread: [],
    reportedAt: undefined,
  };
}

export function containerStatusOf(task: AgentTask): ContainerStatus {
  return {
    container_id: { value: task.containerId },
    network_infos: [{ ip_addresses: [{ protocol: 'IPv4', ip_address: '127.0.0.1' }] }],
    ...(task.kind === 'command' && task.pid !== undefined ? { executor_pid: task.pid } : {}),
  };
}

export interface StatusParts {
  readonly agentId: string;
  readonly taskId: string;
  /** None: an update about a task that the agent does not have. */
  readonly task?: AgentTask;
  readonly outcome: Pick<TaskStatusJson, 'state' | 'source'> & Partial<Pick<TaskStatusJson, 'message' | 'reason' | 'data'>>;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly uuid: string;
}

/** A status update with a uuid, in the order of fields that Mesos has. */
export function statusOf({ agentId, taskId, task, outcome, at, uuid }: StatusParts): TaskStatusJson {
  const { state, message, source, reason, data } = outcome;
  return {
    task_id: { value: taskId },
    state,
    ...(message === undefined ? {} : { message }),
    source,
    ...(reason === undefined ? {} : { reason }),
    ...(data === undefined ? {} : { data }),
    agent_id: { value: agentId },
    ...(task === undefined ? {} : { executor_id: { value: taskId } }),
    timestamp: at / 1000,
    uuid,
    ...(task !== undefined && source === 'SOURCE_EXECUTOR' ? { container_status: containerStatusOf(task) } : {}),
  };
}
