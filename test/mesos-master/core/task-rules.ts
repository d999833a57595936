/** When one task of an ACCEPT cannot be launched: the first reason, in Mesos's words and order. */

import { contains, describe, milliOf, type Resources } from '../resources.ts';
import type { ContainerInfo, TaskInfo, VolumeJson } from '../wire/call.ts';
import type { AgentEntry, Framework } from './model.ts';

const LONGEST_ID_BYTES = 255;

export interface TaskCheck {
  readonly info: TaskInfo;
  readonly framework: Framework;
  readonly agent: AgentEntry;
  /** With their allocation. */
  readonly wanted: Resources;
  /** What earlier tasks of the ACCEPT left of the offers. */
  readonly left: Resources;
}

export function taskError(check: TaskCheck): string | undefined {
  const { info, framework, agent } = check;
  const id = info.task_id.value;
  const invalidId = idError(id);
  if (invalidId !== undefined) return invalidId;
  if (framework.tasks.has(id)) return `Task has duplicate ID: ${id}`;
  if (info.agent_id.value !== agent.id) return `Task uses invalid agent ${info.agent_id.value} while agent ${agent.id} is expected`;
  if ((info.kill_policy?.grace_period?.nanoseconds ?? 0) < 0) return "Task's 'kill_policy.grace_period' must be non-negative";
  if ((info.max_completion_time?.nanoseconds ?? 0) < 0) return "Task's `max_completion_time` must be non-negative";
  if ((info.resources ?? []).length === 0) return 'Task uses no resources';
  if ((info.command === undefined) === (info.executor === undefined)) {
    return 'Task should have at least one (but not both) of CommandInfo or ExecutorInfo present';
  }
  const container = containerError(info.container);
  if (container !== undefined) return `Task's \`ContainerInfo\` is invalid: ${container}`;
  const limits = limitsError(check);
  if (limits !== undefined) return limits;
  if (!contains(check.left, check.wanted)) {
    return `Total resources ${describe(check.wanted)} required by task and its executor is more than available ${describe(check.left)}`;
  }
  return undefined;
}

function containerError(container: ContainerInfo | undefined): string | undefined {
  for (const volume of container?.volumes ?? []) {
    const error = volumeError(volume);
    if (error !== undefined) return `Invalid volume: ${error}`;
  }
  if (container?.type !== 'DOCKER') return undefined;
  if (container.docker === undefined) return "DockerInfo 'docker' is not set for DOCKER typed ContainerInfo";
  const isNamed = container.docker.parameters?.some(({ key }) => key === 'name') ?? false;
  return isNamed ? "Parameter in DockerInfo must not be 'name'" : undefined;
}

/** Limits are never below what is asked for, and only agents since 1.10 know them. */
function limitsError({ info: { limits = {} }, agent, wanted }: TaskCheck): string | undefined {
  const names = Object.keys(limits);
  if (names.length === 0) return undefined;
  if (!agent.info.limitsResources) return 'Agent is not capable of handling task resource limits';
  if (names.some((name) => name !== 'cpus' && name !== 'mem')) return "Only cpus and mem may be included in a task's resource limits";
  const { cpus, mem } = limits;
  const asked = { cpus: milliOf(wanted, 'cpus') / 1000, mem: milliOf(wanted, 'mem') / 1000 };
  if (cpus !== undefined && asked.cpus === 0) return 'When a CPU limit is specified, a CPU request must also be specified';
  if (cpus !== undefined && cpus.value < asked.cpus) return 'The cpu limit must be greater than or equal to the cpu request';
  if (mem !== undefined && asked.mem === 0) return 'When a memory limit is specified, a memory request must also be specified';
  if (mem !== undefined && mem.value < asked.mem) return 'The memory limit must be greater than or equal to the memory request';
  return undefined;
}

function volumeError({ host_path, image, source }: VolumeJson): string | undefined {
  if ([host_path, image, source].filter((one) => one !== undefined).length !== 1) {
    return "Only one of them should be set: 'host_path', 'image' and 'source'";
  }
  const fields = { DOCKER_VOLUME: source?.docker_volume, HOST_PATH: source?.host_path, SANDBOX_PATH: source?.sandbox_path };
  const type = source?.type as keyof typeof fields | undefined;
  if (source === undefined || (type !== undefined && fields[type] !== undefined)) return undefined;
  return type !== undefined && type in fields ? `'source.${type.toLowerCase()}' is not set for ${type} volume` : "'source.type' is unknown";
}

export function idError(id: string): string | undefined {
  if (id === '') return 'ID must not be empty';
  if (Buffer.byteLength(id, 'utf8') > LONGEST_ID_BYTES) return `ID must not be greater than ${LONGEST_ID_BYTES} characters`;
  if (id === '.' || id === '..') return `'${id}' is disallowed`;
  if (/[/\\\x00-\x1f\x7f]/.test(id)) return `'${id}' contains invalid characters`;
  return undefined;
}
