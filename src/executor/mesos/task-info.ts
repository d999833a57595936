/** A TaskLaunch as a Mesos TaskInfo. Pure; what can't be launched at all is refused here, with the reason, before it costs an offer. */

import type { TaskLaunch, TaskSpec } from '../port.ts';
import { commandInfo, type Containerizer } from './command-info.ts';
import { containerInfo } from './container-info.ts';
import type { RawDiscovery, RawLabel, RawResource, RawTaskInfo } from './protocol.ts';
import { taskIdProblem } from './task-id.ts';

const NANOSECONDS_PER_MS = 1_000_000;

/**
 * Mesos ends a task by itself this much after the leader would have: after the timeout, the grace, and the repeats of a kill that
 * got lost. Docker's executor kills at once then, without grace, so it must come only where no leader does.
 */
export const BACKSTOP_MARGIN_MS = 60_000;

/** What is wrong with the task, whatever agent it would go to; `undefined`: nothing. */
export function launchProblem(launch: TaskLaunch, preferred: Containerizer): string | undefined {
  return commandProblem(launch.task) ?? unsupported(launch, preferred) ?? taskIdProblem(launch.taskId);
}

function commandProblem(task: TaskSpec): string | undefined {
  if (task.image === undefined && (task.command === undefined || task.command.length === 0)) {
    return 'task.command: needed when there is no image';
  }
  if (task.command === '') return 'task.command: must not be empty';
  if (task.cpus < 0.001 && task.mem < 0.001) return 'task.cpus, task.mem: one of them must be at least 0.001';
  return undefined;
}

/** What Mesos can't do, or would silently do otherwise. */
function unsupported(launch: TaskLaunch, preferred: Containerizer): string | undefined {
  const { task } = launch;
  if (task.image === undefined) return undefined;
  const isOnUserNetwork = !['host', 'bridge', 'none'].includes(task.network);
  if (task.pull === 'never') return 'task.pull: Mesos pulls what an agent lacks, so never can not be kept; use missing';
  if (containerizerOf(launch, preferred) === 'docker') {
    if (task.pullSecret === undefined) return undefined;
    return 'task.pullSecret: the Docker containerizer takes credentials as an artifact only (docker.tar.gz with .docker/config.json)';
  }
  if (task.dockerParameters.length > 0) return 'task.dockerParameters: the Mesos containerizer, which runs this task, has none';
  if (task.hostname !== undefined && !isOnUserNetwork)
    return 'task.hostname: with the Mesos containerizer only on a user network; elsewhere the name is the agent’s';
  return undefined;
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
    ...backstopOf(launch),
    ...limitsOf(launch.task),
    discovery: discoveryOf(launch),
  };
}

function backstopOf({ timeoutMs, killGraceMs }: TaskLaunch): Pick<RawTaskInfo, 'max_completion_time'> {
  if (timeoutMs === undefined) return {};
  return { max_completion_time: { nanoseconds: (timeoutMs + killGraceMs + BACKSTOP_MARGIN_MS) * NANOSECONDS_PER_MS } };
}

function limitsOf({ limits }: TaskSpec): Pick<RawTaskInfo, 'limits'> {
  const { cpus, mem } = limits ?? {};
  if (cpus === undefined && mem === undefined) return {};
  return { limits: { ...(cpus === undefined ? {} : { cpus: { value: cpus } }), ...(mem === undefined ? {} : { mem: { value: mem } }) } };
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
