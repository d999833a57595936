/** From a recorded call to the body that is sent. */

import type { Labels } from './labels.ts';
import type { RecordedTask, Step } from './recording.ts';

export function bodyOf(type: string, step: Step, labels: Labels, speed: number): Record<string, unknown> {
  const offerIds = step.offers?.map((label) => ({ value: labels.id(label) }));
  const filters = step.refuse === undefined ? {} : { filters: { refuse_seconds: step.refuse } };
  const agentId = step.agent === undefined ? {} : { agent_id: { value: labels.id(step.agent) } };
  switch (type) {
    case 'ACCEPT': {
      if (offerIds === undefined) return {};
      const groups = (step.tasks ?? []) as readonly (readonly RecordedTask[])[];
      const operations = groups.map((group) => ({
        type: 'LAUNCH',
        launch: { task_infos: group.map((task) => taskInfo(task, labels, speed)) },
      }));
      return { accept: { offer_ids: offerIds, operations, ...filters } };
    }
    case 'DECLINE':
      return { decline: { offer_ids: offerIds, ...filters } };
    case 'RECONCILE': {
      const tasks = (step.tasks ?? []) as readonly (readonly [string, string?])[];
      return {
        reconcile: {
          tasks: tasks.map(([id, agent]) => ({
            task_id: { value: id },
            ...(agent === undefined ? {} : { agent_id: { value: labels.id(agent) } }),
          })),
        },
      };
    }
    case 'KILL':
      return step.task === undefined ? {} : { kill: { task_id: { value: step.task }, ...agentId } };
    case 'ACKNOWLEDGE':
      return { acknowledge: { task_id: { value: step.task }, ...agentId, uuid: labels.id(step.uuid ?? '') } };
    default:
      return {};
  }
}

export function taskInfo(task: RecordedTask, labels: Labels, speed: number): object {
  const amounts = Array.isArray(task.resources) ? task.resources : scalars(task.resources as Record<string, number>);
  const [value, ...rest] = task.exec ?? [];
  const command = task.command === undefined ? { shell: false, value, arguments: rest } : { shell: true, value: task.command };
  const grace = task.kill_policy?.grace_period.nanoseconds;
  return {
    name: task.id,
    task_id: { value: task.id },
    agent_id: { value: labels.id(task.agent) },
    resources: amounts,
    ...(task.command === undefined && task.exec === undefined ? {} : { command }),
    ...(task.docker === undefined ? {} : { container: { type: 'DOCKER', docker: { network: 'HOST', ...task.docker } } }),
    ...(grace === undefined ? {} : { kill_policy: { grace_period: { nanoseconds: grace * speed } } }),
  };
}

function scalars(amounts: Readonly<Record<string, number>>): object[] {
  return Object.entries(amounts).map(([name, value]) => ({ name, type: 'SCALAR', scalar: { value } }));
}
