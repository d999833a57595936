/** The schema of `task`: what an attempt runs and what it needs. As a person writes it; nothing is filled in. */

import { z } from 'zod';
import {
  DEFAULT_CPUS,
  DEFAULT_DISK,
  DEFAULT_GPUS,
  DEFAULT_MEM,
  DEFAULT_NETWORK,
  DEFAULT_PORT_PROTOCOL,
  DEFAULT_PULL,
  DEFAULT_VOLUME_MODE,
} from './defaults.ts';
import { boundedText, boundedWord } from './fields.ts';
import {
  MAX_COMMAND_LENGTH,
  MAX_COMMAND_WORDS,
  MAX_CPUS,
  MAX_ENV_BYTES,
  MAX_ENV_NAME_LENGTH,
  MAX_ENV_VARIABLES,
  MAX_GPUS,
  MAX_MEBIBYTES,
  MAX_SHM_MEBIBYTES,
  MAX_TASK_ITEMS,
} from './limits.ts';

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const RESERVED_ENV = /^KAIROS_/;
const NETWORK = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const SECRET_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const HOSTNAME = /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/;
const VOLUME_DRIVER = /^[A-Za-z0-9][A-Za-z0-9_.:/-]*$/;
const VOLUME_SOURCE = /^(\/|[A-Za-z0-9][A-Za-z0-9_.-]*$)/;

const envName = z
  .string()
  .max(MAX_ENV_NAME_LENGTH)
  .regex(ENV_NAME, { error: 'must be a name of letters, digits, _ . and -, not beginning with a digit' })
  .refine((name) => !RESERVED_ENV.test(name), { error: 'names that begin with KAIROS_ are set by Kairos' });

/** Environment variables; also what a request to run a job may add. */
export const envSchema = z
  .record(envName, boundedText(MAX_ENV_BYTES))
  .superRefine((env, context) => {
    const entries = Object.entries(env);
    if (entries.length > MAX_ENV_VARIABLES)
      context.addIssue({ code: 'custom', message: `must have at most ${MAX_ENV_VARIABLES} variables` });
    let bytes = 0;
    for (const [name, value] of entries) bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + 2;
    if (bytes > MAX_ENV_BYTES) context.addIssue({ code: 'custom', message: `must have at most ${MAX_ENV_BYTES} bytes in all` });
  })
  .describe('Environment variables. Names that begin with KAIROS_ are set by Kairos.');

const secretName = z
  .string()
  .max(128)
  .regex(SECRET_NAME, { error: 'must be a name of letters, digits, _ . and -, not beginning with a dot' });

const secretsSchema = z
  .record(envName, secretName.describe('Name of the secret: a file in the directory that executor.secretsDirectory names.'))
  .refine((secrets) => Object.keys(secrets).length <= MAX_TASK_ITEMS, { error: `must have at most ${MAX_TASK_ITEMS} secrets` })
  .describe('Environment variables whose values are secrets, by name; looked up at each launch, never stored.');

const path = boundedWord(4096).startsWith('/', { error: 'must be an absolute path' });
const port = z.int().min(0).max(65_535);

const limitsSchema = z
  .strictObject({
    cpus: z.number().min(0.01).max(MAX_CPUS).exactOptional().describe('CPU cores it may use at most. Default: no limit but the agent.'),
    mem: z.number().min(1).max(MAX_MEBIBYTES).exactOptional().describe('Memory in MiB it may use at most. Default: mem.'),
  })
  .describe('Limits apart from what is asked for; never below it. Not for processes.');

const portSchema = z
  .strictObject({
    hostPort: port
      .exactOptional()
      .describe('Port on the agent, for TCP and for UDP if two entries ask for it; 0: any of the ports it offers. Default 0.'),
    containerPort: port
      .exactOptional()
      .describe('Port in the container; 0: the same as the host port. Not used on the host network. Default 0.'),
    protocol: z.enum(['tcp', 'udp']).exactOptional().describe(`Default ${DEFAULT_PORT_PROTOCOL}.`),
    name: boundedWord(63).exactOptional().describe('A name for service discovery.'),
  })
  .describe('A port the task needs; it is told which one it got by PORT0, PORT1, …');

const volumeSchema = z
  .strictObject({
    containerPath: path.describe('Where the task sees it: an absolute path.'),
    source: boundedWord(4096)
      .regex(VOLUME_SOURCE, { error: 'must be an absolute path on the agent or the name of a Docker volume' })
      .describe('An absolute path on the agent, or the name of a Docker volume.'),
    mode: z.enum(['ro', 'rw']).exactOptional().describe(`Read only, or read and write. Default ${DEFAULT_VOLUME_MODE}.`),
    driver: boundedWord(256)
      .regex(VOLUME_DRIVER, { error: 'must be the name of a Docker volume driver' })
      .exactOptional()
      .describe("Docker volume driver of an external volume, such as rexray; only with a volume's name. Default: Docker's own (local)."),
    driverOptions: z
      .record(boundedWord(128), boundedText(4096))
      .refine((options) => Object.keys(options).length <= MAX_TASK_ITEMS, { error: `must have at most ${MAX_TASK_ITEMS} options` })
      .exactOptional()
      .describe('What the driver is told when it makes the volume; only with driver.'),
  })
  .describe('A volume mounted into the container.');

const artifactSchema = z
  .strictObject({
    uri: boundedWord(2048).describe('What to fetch.'),
    extract: z.boolean().exactOptional().describe('Unpack it if it is an archive. Default true.'),
    executable: z.boolean().exactOptional().describe('Make it executable. Default false.'),
    cache: z.boolean().exactOptional().describe("Keep it in the agent's cache. Default false."),
    destination: boundedWord(1024)
      .refine((name) => !name.startsWith('/') && !name.split('/').includes('..'), { error: 'must be a relative path without ..' })
      .exactOptional()
      .describe('File name in the sandbox. Default: the last part of the URI.'),
  })
  .describe('A file fetched into the sandbox before the task starts.');

const dockerParameterSchema = z
  .strictObject({
    key: boundedWord(128).describe('Option name without dashes, as in `docker run --key=value`.'),
    value: boundedText(4096),
  })
  .describe('An option for `docker run`.');

export const taskSchema = z
  .strictObject({
    image: boundedWord(512)
      .regex(/^\S+$/, { error: 'must not contain spaces' })
      .exactOptional()
      .describe('Docker image. Absent: no container image.'),
    command: z
      .union([boundedWord(MAX_COMMAND_LENGTH), z.array(boundedText(MAX_COMMAND_LENGTH)).min(1).max(MAX_COMMAND_WORDS)])
      .exactOptional()
      .describe('Array: program and arguments, no shell. String: run by /bin/sh -c. Absent: what the image itself runs.'),
    env: envSchema.exactOptional(),
    secrets: secretsSchema.exactOptional(),
    user: boundedWord(128).exactOptional().describe("User to run as. Default: the executor's choice."),
    cpus: z.number().min(0.01).max(MAX_CPUS).exactOptional().describe(`CPU cores. Default ${DEFAULT_CPUS}.`),
    mem: z.number().min(1).max(MAX_MEBIBYTES).exactOptional().describe(`Memory in MiB. Default ${DEFAULT_MEM}.`),
    disk: z.number().min(0).max(MAX_MEBIBYTES).exactOptional().describe(`Disk in MiB. Default ${DEFAULT_DISK}.`),
    gpus: z.int().min(0).max(MAX_GPUS).exactOptional().describe(`GPU devices. Default ${DEFAULT_GPUS}.`),
    limits: limitsSchema.exactOptional(),
    shmSize: z.int().min(1).max(MAX_SHM_MEBIBYTES).exactOptional().describe("Size of /dev/shm in MiB. Default: the container engine's."),
    hostname: z
      .string()
      .max(63)
      .regex(HOSTNAME, { error: 'must be letters, digits and -, not at either end' })
      .exactOptional()
      .describe("The container's host name; not on the host network. Default: the container engine's."),
    network: boundedWord(128)
      .regex(NETWORK, { error: 'must be host, bridge, none, or the name of a network' })
      .exactOptional()
      .describe(`host, bridge, none, or the name of a user network. Default ${DEFAULT_NETWORK}.`),
    ports: z.array(portSchema).max(MAX_TASK_ITEMS).exactOptional().describe('Ports the task needs. Default none.'),
    volumes: z.array(volumeSchema).max(MAX_TASK_ITEMS).exactOptional().describe('Volumes. Default none.'),
    artifacts: z.array(artifactSchema).max(MAX_TASK_ITEMS).exactOptional().describe('Files to fetch. Default none.'),
    dockerParameters: z
      .array(dockerParameterSchema)
      .max(MAX_TASK_ITEMS)
      .exactOptional()
      .describe('Options for `docker run`. Default none.'),
    pullSecret: secretName
      .exactOptional()
      .describe("Secret with the credentials for the image's registry, as a Docker config.json. Default: none."),
    pull: z
      .enum(['always', 'missing', 'never'])
      .exactOptional()
      .describe(`When to pull the image; missing: only when the agent lacks it. Default ${DEFAULT_PULL}.`),
  })
  .describe('What an attempt runs and what it needs.');
