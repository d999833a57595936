/**
 * The offers at hand, by pool (offers of one agent and role may be spent together), and what is left of each while a decision
 * spends them. Amounts are kept in thousandths, as Mesos rounds them, so that sums are exact.
 */

import type { Offer, PortMapping, PortRange, Resources, TaskSpec } from '../executor/port.ts';
import type { Job } from '../job/job.ts';
import { type AgentView, asksForRegion, type PlacedValues, unmetConstraint } from './constraints.ts';
import { STEP_LENGTH } from './limits.ts';
import type { Lack } from './records.ts';

/** In thousandths. */
export interface Amounts {
  cpus: number;
  mem: number;
  disk: number;
  gpus: number;
}

export interface Pool extends AgentView {
  readonly key: string;
  readonly agentId: string;
  readonly address: string;
  readonly offerIds: string[];
  /** What is left, in thousandths (ports apart). */
  readonly free: Amounts;
  ports: readonly PortRange[];
  /** Tasks put on it in this decision. */
  staged: number;
  /** How long their runs' records are together at most, in bytes: they are written in one step. */
  length: number;
  /** How many its executor will take now. */
  launches: number;
  /** The book's count of additions when something was last added to it. */
  addedAt: number;
  /** In another region than the one the cluster is led from: for jobs that ask for it only. */
  readonly isRemote: boolean;
  /** Its agent is taken down this long after it was offered: only what is over by then may be put there. */
  lastsMs: number;
}

const thousandths = (amount: number): number => Math.round(amount * 1000);

export interface Wanted {
  readonly job: Job;
  readonly placed: PlacedValues;
  /** Pools to which nothing was added after this are known not to fit. Default: none is. */
  readonly since?: number;
  /** How long the run's record will be. Default: not asked. */
  readonly length?: number;
}

export class OfferBook {
  readonly pools = new Map<string, Pool>();
  readonly #poolOf = new Map<string, Pool>();
  readonly #launchBatch: number;
  /** Nothing more is put on it in this decision: it is kept for a run that ranks before what is still to be placed. */
  kept: Pool | undefined;
  /** Counts up whenever something is added: only then can something fit that did not before. */
  additions = 0;
  /** Counts up whenever anything is added, taken or removed. */
  changes = 0;

  /** `launchBatch`: most tasks that one launch may hold. */
  constructor(launchBatch: number) {
    this.#launchBatch = launchBatch;
  }

  get size(): number {
    return this.#poolOf.size;
  }

  add(offer: Offer): void {
    let pool = this.pools.get(offer.pool);
    if (!pool) this.pools.set(offer.pool, (pool = emptyPool(offer)));
    this.changes += 1;
    this.additions += 1;
    pool.addedAt = this.additions;
    pool.offerIds.push(offer.id);
    this.#poolOf.set(offer.id, pool);
    pool.lastsMs = Math.min(pool.lastsMs, offer.lastsMs ?? Infinity);
    pool.launches = Math.max(pool.launches, offer.launches ?? Infinity);
    addResources(pool, offer.resources);
  }

  /** A rescinded offer takes its pool's other offers along: they are given back, so that what is left is certain. */
  rescind(offerId: string): readonly string[] {
    const pool = this.#poolOf.get(offerId);
    if (!pool) return [];
    this.remove(pool);
    return pool.offerIds.filter((id) => id !== offerId);
  }

  removeAgent(agentId: string): void {
    for (const pool of [...this.pools.values()]) if (pool.agentId === agentId) this.remove(pool);
  }

  remove(pool: Pool): void {
    this.changes += 1;
    this.pools.delete(pool.key);
    for (const id of pool.offerIds) this.#poolOf.delete(id);
  }

  clear(): void {
    this.changes += 1;
    this.pools.clear();
    this.#poolOf.clear();
  }

  /**
   * The pools at hand, fullest first: tasks go where least is left (bin packing), so that what is empty stays free for large ones.
   * Each shape of run walks the list once per cycle: what did not fit a shape only gets fuller.
   */
  fullestFirst(): readonly Pool[] {
    return [...this.pools.values()].sort((a, b) => (isFuller(a, b) ? -1 : 1));
  }

  /** The first pool at or after `from` that fits, going round: for spreading, where those before may still fit. */
  nextFit(pools: readonly Pool[], from: number, wanted: Wanted): number | undefined {
    return this.firstFit(pools, from, wanted) ?? this.firstFit(pools.slice(0, from), 0, wanted);
  }

  /** The first pool at or after `from` that fits; undefined when none does. */
  firstFit(pools: readonly Pool[], from: number, wanted: Wanted): number | undefined {
    const { since = -1 } = wanted;
    for (let index = from; index < pools.length; index++) {
      const pool = pools[index] as Pool;
      if (pool.addedAt > since && this.#fits(pool, wanted)) return index;
    }
    return undefined;
  }

  /** The most that any pool has of each amount: what asks for more fits none, which is sooner seen than by looking at each. */
  get most(): Amounts {
    return mostOf(this.pools.values());
  }

  /** Whether some pool has room for the job as it is. */
  hasFit({ job, placed }: Wanted): boolean {
    for (const pool of this.pools.values()) if (fits(pool, job, placed)) return true;
    return false;
  }

  #fits(pool: Pool, { job, placed, length = 0 }: Wanted): boolean {
    if (pool === this.kept) return false;
    if (pool.staged >= Math.min(this.#launchBatch, pool.launches)) return false;
    // The first always has its step, whatever its length: its record was stored before.
    if (pool.staged > 0 && pool.length + length > STEP_LENGTH) return false;
    return fits(pool, job, placed);
  }

  /** Takes what the job asks for out of the pool; returns the host ports chosen. `length`: of the run's record. */
  take(pool: Pool, job: Job, length = 0): readonly number[] {
    this.changes += 1;
    pool.length += length;
    const { task } = job;
    pool.free.cpus -= thousandths(task.cpus);
    pool.free.mem -= thousandths(task.mem);
    pool.free.disk -= thousandths(task.disk);
    pool.free.gpus -= thousandths(task.gpus);
    pool.staged += 1;
    const ports = choosePorts(pool.ports, task.ports) as number[];
    for (const port of ports) pool.ports = withoutPort(pool.ports, port);
    return ports;
  }
}

function emptyPool(offer: Offer): Pool {
  const { agentId, address, hostname, attributes, region, zone, isRemote = false } = offer;
  return {
    key: offer.pool,
    agentId,
    address,
    hostname,
    attributes,
    ...(region === undefined ? {} : { region }),
    ...(zone === undefined ? {} : { zone }),
    isRemote,
    offerIds: [],
    free: { cpus: 0, mem: 0, disk: 0, gpus: 0 },
    ports: [],
    staged: 0,
    length: 0,
    launches: 0,
    addedAt: 0,
    lastsMs: Infinity,
  };
}

function addResources(pool: Pool, resources: Resources): void {
  pool.free.cpus += thousandths(resources.cpus);
  pool.free.mem += thousandths(resources.mem);
  pool.free.disk += thousandths(resources.disk);
  pool.free.gpus += thousandths(resources.gpus);
  pool.ports = [...pool.ports, ...resources.ports];
}

function isFuller(a: Pool, b: Pool): boolean {
  if (a.free.cpus !== b.free.cpus) return a.free.cpus < b.free.cpus;
  if (a.free.mem !== b.free.mem) return a.free.mem < b.free.mem;
  return a.key < b.key;
}

/** Whether the pool has room for the job, whatever else is decided now. */
export function fits(pool: Pool, job: Job, placed: PlacedValues): boolean {
  return isInReach(pool, job) && hasRoom(pool, job) && unmetConstraint(job.constraints, pool, placed) === undefined;
}

const AMOUNTS = ['cpus', 'mem', 'disk', 'gpus'] as const;

/** Other regions are far, slow and perhaps paid for: nothing goes there that does not ask for it. */
function isInReach(pool: Pool, job: Job): boolean {
  return !pool.isRemote || asksForRegion(job.constraints);
}

/** Whether an attempt is over before the agent is taken down. One without a timeout is hoped to be: its executor keeps a margin. */
function endsInTime(pool: Pool, job: Job): boolean {
  return pool.lastsMs > 0 && (job.timeoutMs ?? 0) <= pool.lastsMs;
}

/** Whether the pool has what the job asks for. */
function hasRoom(pool: Pool, job: Job): boolean {
  return endsInTime(pool, job) && isWithin(pool.free, job) && choosePorts(pool.ports, job.task.ports) !== undefined;
}

/** The most that any of the pools has of each amount. */
export function mostOf(pools: Iterable<Pool>): Amounts {
  const most = { cpus: 0, mem: 0, disk: 0, gpus: 0 };
  for (const { free } of pools) for (const name of AMOUNTS) most[name] = Math.max(most[name], free[name]);
  return most;
}

/** Whether a job asks for no more of each amount than this. */
export function isWithin(free: Amounts, { task }: Job): boolean {
  for (const name of AMOUNTS) if (thousandths(task[name]) > free[name]) return false;
  return true;
}

/** All that the pool is short of for this job. */
export function shortagesOf(pool: Pool, job: Job): Lack[] {
  const lacks: Lack[] = [];
  for (const what of AMOUNTS) {
    const offered = pool.free[what] / 1000;
    if (pool.free[what] < thousandths(job.task[what])) lacks.push({ what, wanted: job.task[what], offered });
  }
  if (!choosePorts(pool.ports, job.task.ports)) lacks.push({ what: 'ports' });
  if (!endsInTime(pool, job)) lacks.push({ what: 'time' });
  if (!isInReach(pool, job)) lacks.push({ what: 'region', region: pool.region ?? '' });
  return lacks;
}

/** How many things the pool is short of: as many as shortagesOf() names, which takes ten times as long. */
export function countLacks(pool: Pool, job: Job): number {
  let count = 0;
  for (const name of AMOUNTS) if (pool.free[name] < thousandths(job.task[name])) count += 1;
  if (!choosePorts(pool.ports, job.task.ports)) count += 1;
  if (!endsInTime(pool, job)) count += 1;
  return isInReach(pool, job) ? count : count + 1;
}

/** Of each amount that the pool is short of, which part it has, added up. */
export function shareOffered(pool: Pool, job: Job): number {
  let share = 0;
  for (const name of AMOUNTS) {
    const wanted = thousandths(job.task[name]);
    if (pool.free[name] < wanted) share += pool.free[name] / wanted;
  }
  return share;
}

/** What a task of ours holds on its agent. */
export interface Held {
  readonly task: TaskSpec;
  readonly ports: readonly number[];
}

/** The pool as it would be with all of these over. */
export function emptied(pool: Pool, tasks: readonly Held[]): Pool {
  const free = { ...pool.free };
  const ports = [...pool.ports];
  for (const { task, ports: taken } of tasks) {
    for (const name of AMOUNTS) free[name] += thousandths(task[name]);
    for (const port of taken) ports.push([port, port]);
  }
  return { ...pool, free, ports };
}

/**
 * The smallest part of what the job wants that is free in the pool; undefined when it would have no room in the whole either, or
 * lacks no amount: a port or a constraint that stands in the way is not mended by keeping the rest.
 */
export function shareFree(pool: Pool, whole: Pool, { job, placed }: Wanted): number | undefined {
  if (!fits(whole, job, placed)) return undefined;
  let share = 1;
  for (const name of AMOUNTS) if (job.task[name] > 0) share = Math.min(share, pool.free[name] / thousandths(job.task[name]));
  return share < 1 ? share : undefined;
}

/**
 * Host ports for the mappings: the fixed ones as asked, the others the lowest free; undefined when they can't all be had. One that is
 * asked for by TCP and by UDP is one port: offers know no protocols.
 */
function choosePorts(free: readonly PortRange[], wanted: readonly PortMapping[]): number[] | undefined {
  if (wanted.length === 0) return [];
  let left = free;
  const chosen = new Map<PortMapping, number>();
  const fixedFirst = [...wanted].sort((a, b) => b.hostPort - a.hostPort);
  for (const mapping of fixedFirst) {
    const port = mapping.hostPort === 0 ? left[0]?.[0] : mapping.hostPort;
    if (port !== undefined && isShared(mapping, chosen)) {
      chosen.set(mapping, port);
      continue;
    }
    if (port === undefined || !left.some(([begin, end]) => begin <= port && port <= end)) return undefined;
    chosen.set(mapping, port);
    left = withoutPort(left, port);
  }
  return wanted.map((mapping) => chosen.get(mapping) as number);
}

/** Whether its port was chosen already, for other protocols only. */
function isShared({ hostPort, protocol }: PortMapping, chosen: ReadonlyMap<PortMapping, number>): boolean {
  const others = hostPort === 0 ? [] : [...chosen.keys()].filter((other) => other.hostPort === hostPort);
  return others.length > 0 && others.every((other) => other.protocol !== protocol);
}

function withoutPort(ranges: readonly PortRange[], port: number): PortRange[] {
  return ranges.flatMap(([begin, end]): PortRange[] => {
    if (port < begin || port > end) return [[begin, end]];
    const left: PortRange[] = port > begin ? [[begin, port - 1]] : [];
    return port < end ? [...left, [port + 1, end]] : left;
  });
}
