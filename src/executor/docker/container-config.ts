/**
 * A task as a container: the body of `POST /containers/create`. Pure.
 *
 * cpus are a weight among containers (CpuShares), as on a Mesos agent: a task may use what nobody else wants, up to its limit if it
 * has one. mem is a limit, swap included, unless there is another: then it is what is kept for it. disk is only counted. The labels hold what the ledger needs to be made again after a restart.
 */

import { portRanges } from '../local/resources.ts';
import type { Resources, TaskLaunch, Volume } from '../port.ts';
import { OWNER_LABELS, ownerLabels } from './container-owner.ts';
import type { Owner } from './container-owner.ts';
import { parameterSettings } from './docker-parameters.ts';

export const LABELS = {
  ...OWNER_LABELS,
  task: 'kairos.task',
  job: 'kairos.job',
  run: 'kairos.run',
  attempt: 'kairos.attempt',
  resources: 'kairos.resources',
} as const;

/** What the kernel makes of one core. */
const SHARES_PER_CPU = 1024;
const FEWEST_SHARES = 2;
const MIB = 1024 * 1024;
const NANO = 1e9;

/** Throws RangeError, naming the field, for what a container can't be made of. */
export function containerConfig(launch: TaskLaunch, owner: Owner): Record<string, unknown> {
  const { task } = launch;
  const parameters = parameterSettings(task.dockerParameters);
  return {
    Image: task.image,
    ...commandSettings(task.command),
    Env: Object.entries(launch.env).map(([name, value]) => `${name}=${value}`),
    ...(task.user === undefined ? {} : { User: task.user }),
    ...(task.hostname === undefined ? {} : { Hostname: task.hostname }),
    ...(usesPorts(launch) ? { ExposedPorts: Object.fromEntries(portBindings(launch).map(([port]) => [port, {}])) } : {}),
    ...parameters.config,
    Labels: { ...launch.labels, ...parameters.labels, ...kairosLabels(launch, owner) },
    HostConfig: { ...hostConfig(launch), ...parameters.host },
  };
}

/** What the labels tell of the task's share; `undefined` when they don't. */
export function labelledResources(labels: Readonly<Record<string, string>>): Resources | undefined {
  try {
    // Written by kairosLabels() at the creation; Docker keeps it as it was.
    return JSON.parse(labels[LABELS.resources] ?? '') as Resources;
  } catch {
    return undefined;
  }
}

/** A string goes to the shell, past the image's entry point; a list is given to the entry point, if there is one. */
function commandSettings(command: TaskLaunch['task']['command']): Record<string, unknown> {
  if (command === undefined) return {};
  return typeof command === 'string' ? { Entrypoint: ['/bin/sh', '-c'], Cmd: [command] } : { Cmd: command };
}

function kairosLabels(launch: TaskLaunch, owner: Owner): Record<string, string> {
  const { cpus, mem, disk, gpus } = launch.task;
  const resources: Resources = { cpus, mem, disk, gpus, ports: portRanges(launch.ports) };
  return {
    ...ownerLabels(owner),
    [LABELS.task]: launch.taskId,
    [LABELS.job]: launch.job,
    [LABELS.run]: String(launch.run),
    [LABELS.attempt]: String(launch.attempt),
    [LABELS.resources]: JSON.stringify(resources),
  };
}

function hostConfig(launch: TaskLaunch): Record<string, unknown> {
  const { task } = launch;
  const memory = Math.round((task.limits?.mem ?? task.mem) * MIB);
  return {
    NetworkMode: task.network,
    CpuShares: Math.max(FEWEST_SHARES, Math.round(task.cpus * SHARES_PER_CPU)),
    // The same limit with and without swap: none beyond memory.
    ...(memory > 0 ? { Memory: memory, MemorySwap: memory } : {}),
    ...(task.limits?.mem === undefined ? {} : { MemoryReservation: Math.round(task.mem * MIB) }),
    ...(task.limits?.cpus === undefined ? {} : { NanoCpus: Math.round(task.limits.cpus * NANO) }),
    ...(task.shmSize === undefined ? {} : { ShmSize: task.shmSize * MIB }),
    ...(task.gpus > 0 ? { DeviceRequests: [{ Count: task.gpus, Capabilities: [['gpu']] }] } : {}),
    ...(usesPorts(launch) ? { PortBindings: Object.fromEntries(portBindings(launch)) } : {}),
    Mounts: task.volumes.map(mountOf),
    // A retry is a new attempt, and the evidence stays until it is forgotten.
    RestartPolicy: { Name: 'no' },
    AutoRemove: false,
  };
}

function mountOf({ source, containerPath, mode, driver, driverOptions = {} }: Volume): Record<string, unknown> {
  return {
    Type: source.startsWith('/') ? 'bind' : 'volume',
    Source: source,
    Target: containerPath,
    ReadOnly: mode === 'ro',
    // Only says how to make the volume: one that is there already keeps the driver and options it was made with.
    ...(driver === undefined ? {} : { VolumeOptions: { DriverConfig: { Name: driver, Options: driverOptions } } }),
  };
}

function usesPorts({ task }: TaskLaunch): boolean {
  return task.ports.length > 0 && task.network !== 'host' && task.network !== 'none';
}

function portBindings({ task, ports }: TaskLaunch): [port: string, bindings: { HostPort: string }[]][] {
  return task.ports.map(({ hostPort, containerPort, protocol }, index) => {
    const chosen = ports[index] ?? hostPort;
    return [`${containerPort === 0 ? chosen : containerPort}/${protocol}`, [{ HostPort: String(chosen) }]];
  });
}
