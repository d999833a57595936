/** Which executor adapter the configuration asks for. One of the few places that name an adapter. */

import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Clock } from '../clock/clock.ts';
import { DockerExecutor } from '../executor/docker/docker-executor.ts';
import { secretFiles } from '../executor/secret-files.ts';
import { withSecrets } from '../executor/secrets.ts';
import type { Attribute, Executor, Resources } from '../executor/port.ts';
import { ProcessExecutor } from '../executor/process/process-executor.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Config } from './config/schema.ts';
import { answersAsDocker } from './docker-probe.ts';

export interface ExecutorDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The executor's identity as stored, for a node that does not lead. */
  readonly identity: () => string | undefined;
}

export async function openExecutor(config: Config['executor'], deps: ExecutorDependencies): Promise<Executor> {
  const executor = await openKind(config, deps);
  return withSecrets(executor, config.secretsDirectory === '' ? undefined : secretFiles(resolve(config.secretsDirectory)));
}

async function openKind(config: Config['executor'], deps: ExecutorDependencies): Promise<Executor> {
  const kind = config.kind === 'auto' ? await localKind(config) : config.kind;
  const { clock, logger } = deps;
  const machine = { hostname: config.hostname || hostname(), resources: resourcesOf(config), attributes: attributesOf(config) };
  switch (kind) {
    case 'process':
      return new ProcessExecutor({ ...machine, dataDir: resolve(config.process.directory), clock, logger });
    case 'docker':
      return new DockerExecutor({ ...machine, socketPath: config.docker.socket, namespace: config.docker.namespace, clock, logger });
    case 'mesos': {
      const { openMesos } = await import('./open-mesos.ts');
      return openMesos(config.mesos, deps);
    }
  }
}

async function localKind(config: Config['executor']): Promise<'docker' | 'process'> {
  return (await answersAsDocker(config.docker.socket)) ? 'docker' : 'process';
}

/** 0 means what the machine has. */
function resourcesOf(config: Config['executor']): Partial<Resources> {
  const { cpus, mem, disk, gpus, ports } = config.resources;
  return { ...(cpus > 0 ? { cpus } : {}), ...(mem > 0 ? { mem } : {}), disk, gpus, ports };
}

function attributesOf(config: Config['executor']): Record<string, Attribute> {
  const entries = Object.entries(config.attributes).map(([name, value]) => [name, { type: 'text', value }] as const);
  return Object.fromEntries(entries);
}
