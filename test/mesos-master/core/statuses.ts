/** Status updates that the master makes itself: no uuid, never retried, must not be acknowledged. */

import { isPartitionAware, type Framework, type MasterState, type Task } from './model.ts';
import type { ContainerStatus, TaskStatusJson } from '../wire/event.ts';

export interface MasterStatus {
  readonly taskId: string;
  readonly state: string;
  readonly message: string;
  readonly reason: string;
  readonly agentId?: string | undefined;
  readonly containerStatus?: ContainerStatus | undefined;
  readonly unreachableSince?: number | undefined;
}

/** Tells the scheduler, if it is connected; lost otherwise. */
export function sendMasterStatus(master: MasterState, framework: Framework, status: MasterStatus): void {
  sendStatus(framework, {
    task_id: { value: status.taskId },
    state: status.state,
    message: status.message,
    source: 'SOURCE_MASTER',
    reason: status.reason,
    ...(status.agentId === undefined ? {} : { agent_id: { value: status.agentId } }),
    timestamp: master.clock.now() / 1000,
    ...(status.containerStatus === undefined ? {} : { container_status: status.containerStatus }),
    ...(status.unreachableSince === undefined ? {} : { unreachable_time: { nanoseconds: status.unreachableSince * 1e6 } }),
  });
}

export function sendStatus(framework: Framework, status: TaskStatusJson): void {
  framework.stream?.send({ type: 'UPDATE', update: { status } });
}

/** The state for a task that did not start: frameworks that are not partition-aware know only TASK_LOST. */
export function droppedState(framework: Framework): string {
  return isPartitionAware(framework) ? 'TASK_DROPPED' : 'TASK_LOST';
}

/** What RECONCILE and others report of a task the master holds: the update last sent, not the newest known. */
export function reportedState(task: Task): string {
  return task.updateState ?? task.state;
}
