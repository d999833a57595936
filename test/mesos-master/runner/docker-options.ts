/**
 * From a TaskInfo to the container that Mesos's Docker executor would make of it with `docker run`: what runs, its
 * environment, mounts and limits. `docker.parameters` are flags of `docker run`; the common ones are known here.
 */

import type { CommandInfo, VolumeJson } from '../wire/call.ts';
import { imageCommand, type ImageConfig } from './image-command.ts';
import type { TaskRun } from './runner.ts';

const SANDBOX = '/mnt/mesos/sandbox';
const LEAST_MEMORY_MIB = 32;
const LEAST_CPU_SHARES = 2;

export type ContainerPlan =
  | { readonly type: 'create'; readonly body: CreateBody }
  /** Options that cannot be made: the executor fails with this message. */
  | { readonly type: 'impossible'; readonly message: string }
  /** A flag that `docker run` does not know: status 125, the reason in the sandbox's stderr. */
  | { readonly type: 'unknown-flag'; readonly flag: string };

export interface CreateBody {
  Image: string;
  Entrypoint?: string[];
  Cmd?: string[];
  Env: string[];
  Labels: Record<string, string>;
  WorkingDir?: string;
  User?: string;
  Hostname?: string;
  AttachStdout: boolean;
  AttachStderr: boolean;
  ExposedPorts: Record<string, object>;
  HostConfig: {
    Binds: string[];
    NetworkMode: string;
    Memory: number;
    MemorySwap: number;
    MemoryReservation?: number;
    CpuQuota?: number;
    ShmSize?: number;
    CpuShares: number;
    Privileged: boolean;
    VolumeDriver?: string;
    Mounts?: object[];
    Init?: boolean;
    PortBindings: Record<string, { HostPort: string }[]>;
  };
}

/** `ownConfig`: the image's, for a task of the Mesos containerizer. */
export function planContainer(run: TaskRun, ownConfig?: ImageConfig): ContainerPlan {
  const { container, command = {} } = run.info;
  const image = container?.docker?.image ?? container?.mesos?.image?.docker?.name ?? '';
  const body = baseBody(run, image);
  const noCommand = ownConfig === undefined ? setRunCommand(body, command) : setImageCommand(body, command, ownConfig);
  if (noCommand !== undefined) return noCommand;
  for (const volume of container?.volumes ?? []) {
    const { container_path: inside, host_path: outside = '', mode } = volume;
    if (volume.source !== undefined) {
      const error = addDockerVolume(body, volume);
      if (error !== undefined) return impossible(error);
      continue;
    }
    if (!inside.startsWith('/') && !outside.startsWith('/')) {
      return impossible(`Both host_path '${outside}' and container_path '${inside}' of a volume are relative`);
    }
    const path = inside.startsWith('/') ? inside : `${SANDBOX}/${inside}`;
    body.HostConfig.Binds.push(`${outside.startsWith('/') ? outside : `${run.sandbox}/${outside}`}:${path}:${mode.toLowerCase()}`);
  }
  if (container?.hostname !== undefined) {
    if (body.HostConfig.NetworkMode === 'host') return impossible('Unable to set hostname with host network mode');
    body.Hostname = container.hostname;
  }
  return withParameters(run, body, command.shell ?? true);
}

/** As the Docker executor passes it to `docker run`: `value` and `arguments` are all words for the image's entrypoint. */
function setRunCommand(body: CreateBody, { shell = true, value, arguments: more = [] }: CommandInfo): ContainerPlan | undefined {
  if (shell && value === undefined) return impossible('Shell specified but no command value provided');
  const words = [...(value === undefined ? [] : [value]), ...more];
  if (shell) Object.assign(body, { Entrypoint: ['/bin/sh'], Cmd: ['-c', value] });
  else if (words.length > 0) body.Cmd = words;
  return undefined;
}

function setImageCommand(body: CreateBody, command: CommandInfo, config: ImageConfig): ContainerPlan | undefined {
  const whole = imageCommand(command, config);
  if ('error' in whole) return { type: 'impossible', message: whole.error };
  Object.assign(body, { Entrypoint: whole.slice(0, 1), Cmd: whole.slice(1) });
  return undefined;
}

/** One driver serves all named volumes of a `docker run`; `driver_options` have no place there and are dropped. */
function addDockerVolume({ HostConfig: host }: CreateBody, { container_path: inside, mode, source }: VolumeJson): string | undefined {
  const volume = source?.docker_volume;
  if (source?.type !== 'DOCKER_VOLUME' || volume === undefined) return undefined;
  if (volume.driver !== undefined && host.VolumeDriver !== undefined && host.VolumeDriver !== volume.driver) {
    return 'Only one volume driver is supported';
  }
  if (volume.driver !== undefined) host.VolumeDriver = volume.driver;
  host.Binds.push(`${volume.name}:${inside.startsWith('/') ? inside : `${SANDBOX}/${inside}`}:${mode.toLowerCase()}`);
  return undefined;
}

/** `docker run --mount`: a CSV record of `name=value`, or a bare name. */
function mountFrom(text: string): object {
  const fields = [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
  const pairs = fields.map((field) => field.split(/=(.*)/s));
  const first = (...names: readonly string[]): string | undefined => pairs.find(([name = '']) => names.includes(name))?.[1];
  const options = pairs.filter(([name]) => name === 'volume-opt').map(([, option = '']) => option.split(/=(.*)/s).slice(0, 2));
  return {
    Type: first('type'),
    Source: first('source', 'src'),
    Target: first('target', 'dst', 'destination'),
    ReadOnly: pairs.some(([name, value = 'true']) => (name === 'readonly' || name === 'ro') && value === 'true'),
    VolumeOptions: { DriverConfig: { Name: first('volume-driver'), Options: Object.fromEntries(options) as object } },
  };
}

function impossible(reason: string): ContainerPlan {
  return { type: 'impossible', message: `Failed to create docker run options: ${reason}` };
}

function baseBody(run: TaskRun, image: string): CreateBody {
  const variables = run.info.command?.environment?.variables ?? [];
  const name = `mesos-${run.containerId}`;
  const own = new Set(variables.map((one) => one.name));
  const given = [`MESOS_ALLOCATION_ROLE=${run.role}`, `MESOS_CONTAINER_NAME=${name}`, `MESOS_SANDBOX=${SANDBOX}`];
  return {
    Image: image,
    Env: [...given.filter((one) => !own.has(one.slice(0, one.indexOf('=')))), ...variables.map((one) => `${one.name}=${one.value ?? ''}`)],
    Labels: {},
    AttachStdout: true,
    AttachStderr: true,
    ...ports(run),
    HostConfig: {
      Binds: [`${run.sandbox}:${SANDBOX}`],
      NetworkMode: networkOf(run),
      ...memoryOf(run),
      ...quotaOf(run),
      CpuShares: Math.max(Math.floor(amountOf(run, 'cpus') * 1024), LEAST_CPU_SHARES),
      Privileged: run.info.container?.docker?.privileged ?? false,
      PortBindings: portBindings(run),
    },
  };
}

function amountOf(run: TaskRun, name: string): number {
  return (run.info.resources ?? []).reduce((sum, one) => (one.name === name ? sum + (one.scalar?.value ?? 0) : sum), 0);
}

/** The limit is the hard one, and what was asked for is kept; without a limit that is the hard one. Twice as much with swap. */
function memoryOf(run: TaskRun): Pick<CreateBody['HostConfig'], 'Memory' | 'MemorySwap' | 'MemoryReservation'> {
  const bytes = (mebibytes: number): number => Math.max(Math.floor(mebibytes), LEAST_MEMORY_MIB) * 1024 * 1024;
  const asked = amountOf(run, 'mem');
  const limit = run.info.limits?.['mem']?.value;
  const memory = bytes(limit ?? asked);
  return { Memory: memory, MemorySwap: memory * 2, ...(limit === undefined ? {} : { MemoryReservation: bytes(asked) }) };
}

/** Of the usual period of 100 ms. */
function quotaOf({ info }: TaskRun): Pick<CreateBody['HostConfig'], 'CpuQuota'> {
  const limit = info.limits?.['cpus']?.value;
  return limit === undefined ? {} : { CpuQuota: Math.round(limit * 100_000) };
}

function networkOf(run: TaskRun): string {
  const network = run.info.container?.docker?.network ?? 'HOST';
  if (network === 'USER') return run.info.container?.network_infos?.[0]?.name ?? 'bridge';
  return network.toLowerCase();
}

function ports(run: TaskRun): { ExposedPorts: Record<string, object> } {
  return { ExposedPorts: Object.fromEntries(Object.keys(portBindings(run)).map((port) => [port, {}])) };
}

function portBindings(run: TaskRun): Record<string, { HostPort: string }[]> {
  const mappings = run.info.container?.docker?.port_mappings ?? [];
  return Object.fromEntries(
    mappings.map((one) => [`${one.container_port}/${one.protocol ?? 'tcp'}`, [{ HostPort: String(one.host_port) }]]),
  );
}

function withParameters(run: TaskRun, body: CreateBody, shell: boolean): ContainerPlan {
  for (const { key, value } of run.info.container?.docker?.parameters ?? []) {
    const [name = '', rest] = value.split(/=(.*)/s);
    switch (key) {
      case 'env':
        body.Env.push(value);
        break;
      case 'label':
        body.Labels[name] = rest ?? '';
        break;
      case 'workdir':
        body.WorkingDir = value;
        break;
      case 'user':
        body.User = value;
        break;
      case 'init':
        body.HostConfig.Init = value === 'true';
        break;
      case 'hostname':
        body.Hostname = value;
        break;
      case 'shm-size':
        body.HostConfig.ShmSize = Number.parseInt(value, 10) * (value.endsWith('m') ? 1024 * 1024 : 1);
        break;
      case 'mount':
        body.HostConfig.Mounts = [...(body.HostConfig.Mounts ?? []), mountFrom(value)];
        break;
      case 'volume':
        body.HostConfig.Binds.push(value);
        break;
      case 'entrypoint':
        // With a shell command the image's entrypoint is replaced, and gets the shell's arguments.
        body.Entrypoint = [value];
        if (shell) body.Cmd = ['-c', run.info.command?.value ?? ''];
        break;
      default:
        return { type: 'unknown-flag', flag: key };
    }
  }
  return { type: 'create', body };
}
