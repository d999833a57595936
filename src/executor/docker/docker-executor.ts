/**
 * Runs tasks as containers of the Docker Engine of this machine: one agent, whose offer is what its tasks have left over.
 * Containers outlive the node. They also outlive a restart of the Engine if it has `live-restore`; without, the Engine ends
 * them, which is told as the signal they ended by.
 */

import { tmpdir } from 'node:os';

import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { LocalExecutor } from '../local/local-executor.ts';
import { machineResources } from '../local/machine.ts';
import type { MachineOptions } from '../local/machine.ts';
import { isNamespace } from './container-name.ts';
import { DockerHost } from './docker-host.ts';
import { EngineApi } from './engine-api.ts';

export const DEFAULT_SOCKET = '/var/run/docker.sock';

export interface DockerExecutorOptions extends MachineOptions {
  /** The Engine's unix socket; default DEFAULT_SOCKET. */
  readonly socketPath?: string;
  /** First part of the containers' names. Letters, digits, _ and -. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The identity as stored, for logs read on a node that does not lead. */
  readonly identity?: () => string | undefined;
}

export class DockerExecutor extends LocalExecutor {
  /** Throws RangeError for a namespace that can't be part of a container's name. */
  constructor(options: DockerExecutorOptions) {
    const { namespace, socketPath = DEFAULT_SOCKET, resources = {} } = options;
    if (!isNamespace(namespace))
      throw new RangeError(`namespace '${namespace}': letters, digits, _ and - only, a letter or digit first, at most 64 of them`);
    const api = new EngineApi(socketPath);
    // The Engine's own directory is readable by root only; where it is on a disk of its own, `disk` is to be configured.
    const total = (): ReturnType<typeof machineResources> => machineResources(resources, tmpdir());
    super({ ...options, kind: 'docker', total, host: new DockerHost({ ...options, api }) });
  }
}
