/** The Mesos executor as configured: where the masters are, and how the framework proves who it is. */

import { readFileSync } from 'node:fs';
import { anonymous, type Authenticator, basicCredentials } from '../executor/mesos/authenticator.ts';
import { parseServiceAccount, serviceAccount } from '../executor/mesos/dcos-service-account.ts';
import { findMasters } from '../executor/mesos/masters.ts';
import { MesosExecutor } from '../executor/mesos/mesos-executor.ts';
import type { MesosOptions } from '../executor/mesos/options.ts';
import type { Executor } from '../executor/port.ts';
import type { Config } from './config/schema.ts';
import { ConfigError } from './config/load-config.ts';
import { readTls } from './open-store.ts';

type MesosConfig = Config['executor']['mesos'];

type MesosDependencies = Required<Pick<MesosOptions, 'clock' | 'logger' | 'identity'>>;

export async function openMesos(config: MesosConfig, { clock, logger, identity }: MesosDependencies): Promise<Executor> {
  const tls = readTls(config.tls);
  const authenticator = authenticatorOf(config, { clock, ...(tls ? { tls } : {}) });
  const { name, user, roles, failoverTimeoutMs, gpus, webuiUrl } = config;
  return new MesosExecutor({
    detector: await findMasters(config.masters, { clock, https: tls !== undefined }),
    framework: { name, user, roles, failoverTimeoutMs, gpus, ...(webuiUrl === '' ? {} : { webuiUrl }) },
    authenticator,
    containerizer: config.containerizer,
    ...(tls ? { tls } : {}),
    agents: { scheme: config.agentScheme, authenticator },
    clock,
    logger,
    identity,
  });
}

function authenticatorOf(config: MesosConfig, options: Omit<Parameters<typeof serviceAccount>[0], 'account'>): Authenticator {
  const { principal, secretFile, serviceAccountFile } = config;
  if (serviceAccountFile !== '')
    return serviceAccount({ ...options, account: parseServiceAccount(readFileSync(serviceAccountFile, 'utf8')) });
  if (principal === '') return anonymous;
  if (secretFile === '') throw new ConfigError('executor.mesos.secretFile: a principal needs a secret');
  return basicCredentials(principal, readFileSync(secretFile, 'utf8').trim());
}
