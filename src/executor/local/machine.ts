/** What this machine has to offer, as far as the operating system tells; configuration goes first. */

import { statfsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';

import type { Attribute, PortRange, Resources } from '../port.ts';

/** Mesos's own default. */
export const DEFAULT_PORTS: readonly PortRange[] = [[31_000, 32_000]];

const MIB = 1024 * 1024;

/** The part of both local executors' options that describes the one agent. */
export interface MachineOptions {
  /** What may be used by tasks. Default: all cores, all memory, the free space where tasks live, no GPUs, ports 31000-32000. */
  readonly resources?: Partial<Resources>;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** The name of this machine; the agent's id is made of it, so it should stay the same. */
  readonly hostname: string;
}

/** `directory` exists. The disk counted is the one it is on. */
export function machineResources(configured: Partial<Resources>, directory: string): Resources {
  return {
    cpus: configured.cpus ?? availableParallelism(),
    mem: configured.mem ?? Math.floor(totalmem() / MIB),
    disk: configured.disk ?? freeMib(directory),
    gpus: configured.gpus ?? 0,
    ports: configured.ports ?? DEFAULT_PORTS,
  };
}

function freeMib(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return Math.floor((bavail * bsize) / MIB);
}
