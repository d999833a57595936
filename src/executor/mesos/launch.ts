/**
 * One launch: the offers named become one ACCEPT, in which every task has a LAUNCH operation of its own, because one task with a
 * resource that Mesos refuses would take down all tasks of its operation. Pure.
 */

import type { TaskLaunch, TaskStatus } from '../port.ts';
import type { Containerizer } from './command-info.ts';
import type { AcceptBody, RawOffer, RawTaskInfo } from './protocol.ts';
import { ResourcePool } from './resource-pool.ts';
import { launchProblem, taskInfo } from './task-info.ts';

export interface PlannedLaunch {
  /** Tasks to launch; when there are none the offers go back. */
  readonly tasks: readonly TaskLaunch[];
  readonly accept: AcceptBody;
  /** Of the tasks that can't be launched. */
  readonly refusals: readonly TaskStatus[];
}

export function planLaunch(launches: readonly TaskLaunch[], offers: readonly RawOffer[], containerizer: Containerizer): PlannedLaunch {
  const pool = new ResourcePool(offers.flatMap((offer) => offer.resources ?? []));
  const agentId = offers[0]?.agent_id.value;
  const tasks: TaskLaunch[] = [];
  const infos: RawTaskInfo[] = [];
  const refusals: TaskStatus[] = [];
  for (const launch of launches) {
    const problem = launchProblem(launch, containerizer);
    if (problem !== undefined) {
      refusals.push(rejected(launch, problem));
    } else if (launch.agentId !== agentId) {
      refusals.push(
        notLaunched(launch, 'offer-invalid', `it is meant for agent ${launch.agentId}; the offers are of ${agentId ?? 'none'}`),
      );
    } else {
      // A port by TCP and by UDP is one: Mesos's resources know no protocols.
      const resources = pool.take({ ...launch.task, ports: [...new Set(launch.ports)] });
      if (typeof resources === 'string') {
        refusals.push(notLaunched(launch, 'insufficient-resources', `the offers hold less than it needs: ${resources}`));
      } else {
        tasks.push(launch);
        infos.push(taskInfo(launch, resources, containerizer));
      }
    }
  }
  const accept: AcceptBody = {
    offer_ids: offers.map((offer) => offer.id),
    operations: infos.map((info) => ({ type: 'LAUNCH', launch: { task_infos: [info] } })),
    // The rest is to come back at once: more may wait than fitted.
    filters: { refuse_seconds: 0 },
  };
  return { tasks, accept, refusals };
}

/** The task was not sent anywhere: said by us, so there is nothing to acknowledge. */
export function notLaunched(launch: TaskLaunch, reason: string, message: string): TaskStatus {
  return { taskId: launch.taskId, agentId: launch.agentId, state: 'not-launched', reason, message };
}

export function rejected(launch: TaskLaunch, message: string): TaskStatus {
  return { taskId: launch.taskId, agentId: launch.agentId, state: 'rejected', reason: 'task-invalid', message };
}
