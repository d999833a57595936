/**
 * The raw resource entries of one agent and role (of one offer or several), to count them and to cut tasks out of them.
 *
 * A cut names the very entry it was taken from (role, reservations, allocation_info and all), because that is how Mesos
 * checks it against the offer; what is reserved for the narrowest role goes first, so that what others could use is left. Scalars are counted in
 * thousandths, as Mesos does: it rounds to three decimals and refuses what is then not above zero.
 *
 * Left alone: revocable and shared entries, entries of resource providers, and disks with a source or a persistent volume,
 * which are not amounts that a task may just take a part of.
 */

import type { PortRange, Resources } from '../port.ts';
import type { RawResource } from './protocol.ts';

/** Thousandths in one. */
const SCALE = 1000;
const SCALARS = ['cpus', 'mem', 'disk', 'gpus'] as const;
type ScalarName = (typeof SCALARS)[number];

export interface Demand {
  readonly cpus: number;
  readonly mem: number;
  readonly disk: number;
  readonly gpus: number;
  readonly ports: readonly number[];
}

interface ScalarEntry {
  readonly raw: RawResource;
  left: number;
}

interface PortEntry {
  readonly raw: RawResource;
  ranges: PortRange[];
}

export class ResourcePool {
  readonly #scalars: Record<ScalarName, ScalarEntry[]> = { cpus: [], mem: [], disk: [], gpus: [] };
  readonly #ports: PortEntry[] = [];

  constructor(entries: readonly RawResource[]) {
    for (const raw of entries.filter(isUsable).sort((a, b) => depthOf(b) - depthOf(a))) {
      if (isScalarName(raw.name) && raw.type === 'SCALAR')
        this.#scalars[raw.name].push({ raw, left: toThousandths(raw.scalar?.value ?? 0) });
      else if (raw.name === 'ports' && raw.type === 'RANGES') this.#ports.push({ raw, ranges: rangesOf(raw) });
    }
  }

  /** What is left, summed over all entries. */
  total(): Resources {
    const [cpus, mem, disk, gpus] = SCALARS.map((name) => this.#left(name) / SCALE) as [number, number, number, number];
    const ports = this.#ports.flatMap((entry) => entry.ranges).sort((a, b) => a[0] - b[0]);
    return { cpus, mem, disk, gpus, ports };
  }

  /** Cuts a task's resources out. A string: which resource is short, in words; then nothing was taken. */
  take(demand: Demand): RawResource[] | string {
    const short = this.#shortage(demand);
    if (short !== undefined) return short;
    const taken = SCALARS.flatMap((name) => this.#takeScalar(name, toThousandths(demand[name])));
    return [...taken, ...this.#takePorts(demand.ports)];
  }

  #left(name: ScalarName): number {
    let left = 0;
    for (const entry of this.#scalars[name]) left += entry.left;
    return left;
  }

  #shortage(demand: Demand): string | undefined {
    for (const name of SCALARS) {
      const left = this.#left(name);
      if (toThousandths(demand[name]) > left) return `${name}: ${demand[name]} needed, ${left / SCALE} left`;
    }
    const missing = demand.ports.find((port) => !this.#ports.some((entry) => holds(entry, port)));
    if (missing !== undefined) return `ports: ${missing} is not left`;
    if (new Set(demand.ports).size < demand.ports.length) return 'ports: one port is asked for twice';
    return undefined;
  }

  #takeScalar(name: ScalarName, amount: number): RawResource[] {
    const taken: RawResource[] = [];
    let missing = amount;
    for (const entry of this.#scalars[name]) {
      const part = Math.min(entry.left, missing);
      if (part <= 0) continue;
      entry.left -= part;
      missing -= part;
      taken.push({ ...entry.raw, scalar: { value: part / SCALE } });
    }
    return taken;
  }

  #takePorts(ports: readonly number[]): RawResource[] {
    const taken: RawResource[] = [];
    if (ports.length === 0) return taken;
    for (const entry of this.#ports) {
      const own = ports.filter((port) => holds(entry, port));
      if (own.length === 0) continue;
      for (const port of own) entry.ranges = entry.ranges.flatMap((range) => without(range, port));
      taken.push({ ...entry.raw, ranges: { range: own.map((port) => ({ begin: port, end: port })) } });
    }
    return taken;
  }
}

function holds(entry: PortEntry, port: number): boolean {
  return entry.ranges.some(([begin, end]) => begin <= port && port <= end);
}

function isScalarName(name: string): name is ScalarName {
  return (SCALARS as readonly string[]).includes(name);
}

function isUsable(entry: RawResource): boolean {
  const { disk } = entry;
  const isSpecialDisk = disk?.source !== undefined || disk?.persistence !== undefined || disk?.volume !== undefined;
  return !isSpecialDisk && entry.revocable === undefined && entry.shared === undefined && entry.provider_id === undefined;
}

/**
 * How narrow the circle is that may use it: what is reserved for `eng` is also for `eng/batch`, but not the other way round.
 * 0: everybody. Both forms: `reservations` with RESERVATION_REFINEMENT, `role` without.
 */
function depthOf(entry: RawResource): number {
  const role = entry.reservations?.at(-1)?.role ?? entry.role ?? '*';
  return role === '*' ? 0 : role.split('/').length;
}

function toThousandths(value: number): number {
  return Math.round(value * SCALE);
}

function rangesOf(raw: RawResource): PortRange[] {
  return (raw.ranges?.range ?? []).map(({ begin, end }): PortRange => [begin, end]);
}

function without([begin, end]: PortRange, port: number): PortRange[] {
  if (port < begin || port > end) return [[begin, end]];
  const parts: PortRange[] = [];
  if (begin < port) parts.push([begin, port - 1]);
  if (port < end) parts.push([port + 1, end]);
  return parts;
}
