/** Which executor adapter the configuration asks for. One of the few places that name an adapter. */

import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Clock } from '../clock/clock.ts';
import { identityOf } from '../engine/executor-identity.ts';
import type { ExecutorIdentity } from '../engine/records.ts';
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
  /** What executors know this store by, as stored. */
  readonly stored: () => ExecutorIdentity | undefined;
}

export async function openExecutor(config: Config['executor'], deps: ExecutorDependencies): Promise<Executor> {
  const executor = await openKind(config, deps);
  return withSecrets(executor, config.secretsDirectory === '' ? undefined : secretFiles(resolve(config.secretsDirectory)));
}

async function openKind(config: Config['executor'], deps: ExecutorDependencies): Promise<Executor> {
  const kind = config.kind === 'auto' ? await localKind(config, deps) : config.kind;
  const { clock, logger, stored } = deps;
  // For logs, on a node that does not lead.
  const identity = (): string | undefined => identityOf(stored(), kind);
  const common = { clock, logger, identity };
  const machine = { hostname: config.hostname || hostname(), resources: resourcesOf(config), attributes: attributesOf(config) };
  switch (kind) {
    case 'process':
      return new ProcessExecutor({ ...machine, dataDir: resolve(config.process.directory), ...common });
    case 'docker':
      return new DockerExecutor({ ...machine, socketPath: config.docker.socket, namespace: config.docker.namespace, ...common });
    case 'mesos': {
      const { openMesos } = await import('./open-mesos.ts');
      return openMesos(config.mesos, common);
    }
  }
}

/**
 * What was there when the store was first used stays: tasks of the one kind are out of reach of the other, and the Docker Engine may
 * just be a little late. Who wants to change says so by the kind.
 */
async function localKind({ docker }: Config['executor'], { stored, logger }: ExecutorDependencies): Promise<'docker' | 'process'> {
  const found = (await answersAsDocker(docker.socket)) ? 'docker' : 'process';
  const before = stored()?.kind;
  if ((before !== 'docker' && before !== 'process') || before === found) return found;
  logger.warn(
    { kind: before, found, socket: docker.socket },
    'executor.kind is auto and stays what it was with this store, though another kind would be found now; set it to change it',
  );
  return before;
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
