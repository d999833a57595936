/**
 * What can be configured, with every default in one place. config/default.yaml shows the same, explained; a test keeps the two
 * equal. Unknown keys are refused.
 */

import { z } from 'zod';
import { LAUNCH_TIMEOUT_MS } from '../../engine/limits.ts';

const port = z.number().int().min(0).max(65535);
const path = z.string().min(1).max(4096);
const text = z.string().max(1024);
const milliseconds = z.number().int().min(1).max(86_400_000);

const tls = z.strictObject({
  ca: text.default('').describe('PEM file of the authority to trust.'),
  cert: text.default('').describe('PEM file of the client certificate.'),
  key: text.default('').describe('PEM file of its key.'),
});

const api = z.strictObject({
  host: text.default('127.0.0.1').describe('Address to listen on. Other than loopback only with a token.'),
  port: port.default(4400).describe('Port to listen on; 0: any free one.'),
  advertise: text.default('').describe('host:port at which other nodes reach this one; empty: host and port.'),
  tokenFile: text.default('').describe('File with the bearer token that every request must carry; empty: none.'),
});

const store = z.strictObject({
  kind: z.enum(['embedded', 'etcd']).default('embedded').describe('embedded: one node, one directory. etcd: one or more nodes.'),
  embedded: z.strictObject({ directory: path.default('.kairos/store').describe('Where everything is kept.') }).prefault({}),
  etcd: z
    .strictObject({
      hosts: z.array(text).min(1).max(32).default(['http://127.0.0.1:2379']).describe('Client URLs of the members.'),
      prefix: text.default('/kairos').describe('Under which all keys are.'),
      leaseTtlMs: milliseconds.default(5_000).describe('How long a silent leader stays leader; whole seconds.'),
      maxTxnOps: z.number().int().min(128).max(10_000).default(128).describe('What every member was given as --max-txn-ops.'),
      tls: tls.prefault({}),
    })
    .prefault({}),
});

const resources = z.strictObject({
  cpus: z.number().min(0).max(100_000).default(0).describe('Cores to offer; 0: all of this machine.'),
  mem: z.number().min(0).max(1e9).default(0).describe('MiB to offer; 0: all of this machine.'),
  disk: z.number().min(0).max(1e12).default(10_240).describe('MiB to offer.'),
  gpus: z.number().min(0).max(1024).default(0).describe('Devices to offer.'),
  ports: z
    .array(z.tuple([port, port]))
    .max(64)
    .default([[31_000, 32_000]])
    .describe('Host ports to offer, as inclusive ranges.'),
});

const mesos = z.strictObject({
  masters: z
    .array(text)
    .max(32)
    .default(['http://127.0.0.1:5050'])
    .describe('The masters, or one zk:// address; the leading one is found.'),
  name: text.default('kairos').describe('Name of the framework.'),
  user: text.default('root').describe('User the tasks run as; can not be changed for a framework later.'),
  roles: z.array(text).min(1).max(16).default(['*']).describe('Roles to subscribe with.'),
  failoverTimeoutMs: z
    .number()
    .int()
    .min(0)
    .max(1e11)
    .default(604_800_000)
    .describe('How long Mesos keeps tasks running while no node leads.'),
  principal: text.default('').describe('Principal to authenticate as; empty: none.'),
  secretFile: text.default('').describe('File with its secret.'),
  serviceAccountFile: text.default('').describe('File with the secret of a DC/OS service account; empty: none.'),
  containerizer: z.enum(['docker', 'mesos']).default('docker').describe('Which containerizer runs tasks that have an image.'),
  gpus: z.boolean().default(false).describe('Whether offers of agents with GPUs are wanted.'),
  webuiUrl: text.default('').describe('Address shown for the framework in the Mesos UI.'),
  agentScheme: z.enum(['http', 'https']).default('http').describe('How agents are asked for logs.'),
  tls: tls.prefault({}),
});

const executor = z.strictObject({
  kind: z
    .enum(['auto', 'docker', 'process', 'mesos'])
    .default('auto')
    .describe('auto: what this store was used with before; at first the local Docker Engine if one answers, else processes.'),
  hostname: text.default('').describe('Name of this machine in offers and constraints; empty: its own.'),
  attributes: z.record(text, text).default({}).describe('Attributes of this machine, for constraints (docker, process).'),
  resources: resources.prefault({}),
  launchTimeoutMs: milliseconds
    .default(LAUNCH_TIMEOUT_MS)
    .describe('How long a task may take to begin before it is ended and tried again; the same on every node.'),
  secretsDirectory: text.default('').describe('Directory whose files are the secrets that tasks may name; empty: none.'),
  docker: z
    .strictObject({
      socket: path.default('/var/run/docker.sock').describe('Socket of the Docker Engine.'),
      namespace: z
        .string()
        .regex(/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,31}$/)
        .default('kairos')
        .describe('First part of the containers’ names.'),
    })
    .prefault({}),
  process: z.strictObject({ directory: path.default('.kairos/tasks').describe('Where tasks have their directories.') }).prefault({}),
  mesos: mesos.prefault({}),
});

export const configSchema = z.strictObject({
  node: z.strictObject({ id: text.default('').describe('Name of this node, unique in the cluster; empty: host name.') }).prefault({}),
  api: api.prefault({}),
  store: store.prefault({}),
  executor: executor.prefault({}),
  log: z
    .strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('Least level that is written.') })
    .prefault({}),
});

/** The configuration with every default filled in. */
export type Config = z.output<typeof configSchema>;
