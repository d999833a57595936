/** A task's container: image, network, ports, volumes and parameters, for either containerizer. */

import type { TaskLaunch } from '../port.ts';
import type { Containerizer } from './command-info.ts';
import type { RawContainer, RawDocker, RawImage, RawPortMapping } from './protocol.ts';
import { planVolumes, type VolumePlan } from './volumes.ts';

/** `undefined`: nothing asks for a container, so the task is a command on the agent itself. */
export function containerInfo(launch: TaskLaunch, containerizer: Containerizer): RawContainer | undefined {
  const { image, volumes } = launch.task;
  // A container with the agent's own files.
  if (image === undefined) return volumes.length === 0 ? undefined : { type: 'MESOS', ...volumesOf(planVolumes(volumes, 'mesos')) };
  return containerizer === 'docker' ? dockerContainer(launch, image) : mesosContainer(launch, image);
}

function dockerContainer(launch: TaskLaunch, image: string): RawContainer {
  const { task } = launch;
  const network = dockerNetwork(task.network);
  const mappings = network === 'BRIDGE' || network === 'USER' ? portMappings(launch) : [];
  const plan = planVolumes(task.volumes, 'docker');
  const parameters = [
    ...(task.user === undefined ? [] : [{ key: 'user', value: task.user }]),
    ...(task.shmSize === undefined ? [] : [{ key: 'shm-size', value: `${task.shmSize}m` }]),
    ...plan.parameters,
    ...task.dockerParameters,
  ];
  return {
    type: 'DOCKER',
    docker: {
      image,
      network,
      ...(mappings.length === 0 ? {} : { port_mappings: mappings }),
      ...(parameters.length === 0 ? {} : { parameters }),
      force_pull_image: task.pull === 'always',
    },
    ...(network === 'USER' ? { network_infos: [{ name: task.network }] } : {}),
    ...(task.hostname === undefined ? {} : { hostname: task.hostname }),
    ...volumesOf(plan),
  };
}

function mesosContainer(launch: TaskLaunch, image: string): RawContainer {
  const { task } = launch;
  const mappings = portMappings(launch);
  const isNamed = dockerNetwork(task.network) === 'USER';
  return {
    type: 'MESOS',
    mesos: { image: { type: 'DOCKER', docker: { name: image, ...credentialsOf(launch) }, cached: task.pull !== 'always' } },
    ...(isNamed ? { network_infos: [{ name: task.network, ...(mappings.length === 0 ? {} : { port_mappings: mappings }) }] } : {}),
    ...(task.hostname === undefined ? {} : { hostname: task.hostname }),
    // It has a /dev/shm of its own only in an IPC namespace of its own.
    ...(task.shmSize === undefined ? {} : { linux_info: { ipc_mode: 'PRIVATE', shm_size: task.shmSize } }),
    ...volumesOf(planVolumes(task.volumes, 'mesos')),
  };
}

function credentialsOf({ registryConfig }: TaskLaunch): Pick<RawImage, 'config'> {
  if (registryConfig === undefined) return {};
  return { config: { type: 'VALUE', value: { data: Buffer.from(registryConfig).toString('base64') } } };
}

function dockerNetwork(network: string): RawDocker['network'] {
  switch (network) {
    case 'host':
      return 'HOST';
    case 'bridge':
      return 'BRIDGE';
    case 'none':
      return 'NONE';
    default:
      return 'USER';
  }
}

function portMappings(launch: TaskLaunch): RawPortMapping[] {
  return launch.task.ports.map((port, index) => {
    const hostPort = launch.ports[index] ?? port.hostPort;
    return { host_port: hostPort, container_port: port.containerPort === 0 ? hostPort : port.containerPort, protocol: port.protocol };
  });
}

function volumesOf({ volumes }: VolumePlan): Pick<RawContainer, 'volumes'> {
  return volumes.length === 0 ? {} : { volumes };
}
