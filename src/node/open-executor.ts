/** Which executor adapter the configuration asks for. One of the few places that name an adapter. */

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Clock } from '../clock/clock.ts';
import { DockerExecutor } from '../executor/docker/docker-executor.ts';
import type { Attribute, Executor, Resources } from '../executor/port.ts';
import { ProcessExecutor } from '../executor/process/process-executor.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Config } from './config/schema.ts';
import { answersAsDocker } from './docker-probe.ts';
import { readTls } from './open-store.ts';

export interface ExecutorDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The executor's identity as stored, for a node that does not lead. */
  readonly identity: () => string | undefined;
}

export async function openExecutor(config: Config['executor'], deps: ExecutorDependencies): Promise<Executor> {
  const kind = config.kind === 'auto' ? await localKind(config) : config.kind;
  const { clock, logger } = deps;
  const machine = { hostname: config.hostname || hostname(), resources: resourcesOf(config), attributes: attributesOf(config) };
  switch (kind) {
    case 'process':
      return new ProcessExecutor({ ...machine, dataDir: resolve(config.process.directory), clock, logger });
    case 'docker':
      return new DockerExecutor({ ...machine, socketPath: config.docker.socket, namespace: config.docker.namespace, clock, logger });
    case 'mesos':
      return openMesos(config.mesos, deps);
  }
}

async function localKind(config: Config['executor']): Promise<'docker' | 'process'> {
  return (await answersAsDocker(config.docker.socket)) ? 'docker' : 'process';
}

async function openMesos(config: Config['executor']['mesos'], { clock, logger, identity }: ExecutorDependencies): Promise<Executor> {
  const { MesosExecutor } = await import('../executor/mesos/mesos-executor.ts');
  const { staticMasters } = await import('../executor/mesos/master-detector.ts');
  const { basicCredentials } = await import('../executor/mesos/authenticator.ts');
  const tls = readTls(config.tls);
  const secret = config.secretFile === '' ? '' : readFileSync(config.secretFile, 'utf8').trim();
  return new MesosExecutor({
    detector: staticMasters(config.masters),
    framework: { name: config.name, user: config.user, roles: config.roles, failoverTimeoutMs: config.failoverTimeoutMs },
    ...(config.principal === '' ? {} : { authenticator: basicCredentials(config.principal, secret) }),
    ...(tls ? { tls } : {}),
    clock,
    logger,
    identity,
  });
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
