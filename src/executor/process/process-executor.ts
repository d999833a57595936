/**
 * Runs tasks as plain processes of this machine: no image, no isolation, nothing to install. For a first run, for tests, and
 * for small machines. `image`, `network` and `dockerParameters` are ignored, as they say how a container is made; what a task
 * can't do without (volumes, artifacts, another user without root) is rejected.
 *
 * Tasks outlive the node. A service manager that ends a whole control group with the node must be told not to
 * (systemd: `KillMode=process`).
 */

import { mkdirSync } from 'node:fs';

import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { LocalExecutor } from '../local/local-executor.ts';
import { machineResources } from '../local/machine.ts';
import type { MachineOptions } from '../local/machine.ts';
import { ProcessHost } from './process-host.ts';

/** HOME is the task's sandbox. */
export const DEFAULT_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
};

export interface ProcessExecutorOptions extends MachineOptions {
  /** Where tasks live, with their output. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The identity as stored, for logs read on a node that does not lead. */
  readonly identity?: () => string | undefined;
  /** What every task's environment begins with; default DEFAULT_ENVIRONMENT. The node's own is never passed on. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class ProcessExecutor extends LocalExecutor {
  constructor(options: ProcessExecutorOptions) {
    const { dataDir, environment = DEFAULT_ENVIRONMENT, resources = {} } = options;
    const total = (): ReturnType<typeof machineResources> => {
      mkdirSync(dataDir, { recursive: true });
      return machineResources(resources, dataDir);
    };
    super({ ...options, kind: 'process', total, host: new ProcessHost({ ...options, environment }) });
  }
}
