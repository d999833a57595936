/** A TaskLaunch as a Mesos TaskInfo. Pure; what can't be launched at all is refused here, with the reason, before it costs an offer. */

import type { TaskLaunch } from '../port.ts';
import { commandInfo, type Containerizer } from './command-info.ts';
import { containerInfo } from './container-info.ts';
import type { RawDiscovery, RawLabel, RawResource, RawTaskInfo } from './protocol.ts';
import { taskIdProblem } from './task-id.ts';

const NANOSECONDS_PER_MS = 1_000_000;

/** What is wrong with the task, whatever agent it would go to; `undefined`: nothing. */
export function launchProblem(launch: TaskLaunch): string | undefined {
  const { task } = launch;
  if (task.image === undefined && (task.command === undefined || task.command.length === 0)) {
    return 'task.command: needed when there is no image';
  }
  if (task.command === '') return 'task.command: must not be empty';
  if (task.cpus < 0.001 && task.mem < 0.001) return 'task.cpus, task.mem: one of them must be at least 0.001';
  return taskIdProblem(launch.taskId);
}

/** Which containerizer runs it. Docker's can't hand out GPUs, and a command without an image has no container. */
export function containerizerOf(launch: TaskLaunch, preferred: Containerizer): Containerizer {
  return launch.task.image === undefined || launch.task.gpus > 0 ? 'mesos' : preferred;
}

/** `resources`: what was cut out of the offers for it. */
export function taskInfo(launch: TaskLaunch, resources: readonly RawResource[], preferred: Containerizer): RawTaskInfo {
  const containerizer = containerizerOf(launch, preferred);
  const container = containerInfo(launch, containerizer);
  return {
    name: launch.job,
    task_id: { value: launch.taskId },
    agent_id: { value: launch.agentId },
    resources,
    command: commandInfo(launch, containerizer),
    ...(container === undefined ? {} : { container }),
    labels: { labels: labelsOf(launch) },
    kill_policy: { grace_period: { nanoseconds: launch.killGraceMs * NANOSECONDS_PER_MS } },
    discovery: discoveryOf(launch),
  };
}

/** The job's own, and ours, which can't be overridden: they lead from a task in the Mesos UI to its run. */
function labelsOf(launch: TaskLaunch): RawLabel[] {
  const ours = { 'kairos.job': launch.job, 'kairos.run': String(launch.run), 'kairos.attempt': String(launch.attempt) };
  return Object.entries({ ...launch.labels, ...ours }).map(([key, value]) => ({ key, value }));
}

/** Mesos-DNS makes `<name>.<framework>.mesos` of it. */
function discoveryOf(launch: TaskLaunch): RawDiscovery {
  const ports = launch.task.ports.map((port, index) => ({
    number: launch.ports[index] ?? port.hostPort,
    protocol: port.protocol,
    ...(port.name === undefined ? {} : { name: port.name }),
  }));
  return { visibility: 'FRAMEWORK', name: launch.job, ...(ports.length === 0 ? {} : { ports: { ports } }) };
}
