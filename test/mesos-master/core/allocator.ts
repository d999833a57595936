/**
 * Who is offered what: every free resource of an agent to one framework, fairly by dominant share, minus what was
 * declined or suppressed. Runs each `allocationMs`, and soon after an event that asks for it (a subscription, a
 * revive, a new agent); freed resources wait for the cycle.
 */

import { allocated, contains, isAllocatableTo, isRefined, milliOf, unallocated, type Resources } from '../resources.ts';
import { addShare, occupy } from './books.ts';
import { makeInverseOffers } from './inverse-offers.ts';
import { satisfiesConstraints } from './offer-constraints.ts';
import { makeOffer, sendOffers } from './offers.ts';
import type { AgentEntry, Framework, MasterState, Offer } from './model.ts';

/** `--min_allocatable_resources`: less than both of these is not offered. Thousandths. */
const LEAST_CPUS = 10;
const LEAST_MEM = 32_000;

/** Starts the cycle. */
export function startAllocating(master: MasterState): void {
  master.clock.timer(master.timing.allocationMs, () => {
    allocate(master, master.agents.values());
    startAllocating(master);
  });
}

/** An allocation soon, for an event. */
export function requestAllocation(master: MasterState): void {
  if (master.allocationRequested) return;
  master.allocationRequested = true;
  const limit = master.timing.eventAllocationMs;
  master.clock.timer(master.interleave ? master.seeded.next() * limit : limit, () => {
    master.allocationRequested = false;
    allocate(master, master.agents.values());
  });
}

export interface Refusal {
  readonly role: string;
  readonly agentId: string;
  readonly resources: Resources;
  /** `filters.refuse_seconds`; undefined: the default. */
  readonly seconds: number | undefined;
}

/** Notes that these resources were declined; 0 seconds leaves no trace. */
export function refuse(master: MasterState, framework: Framework, refusal: Refusal): void {
  const given = refusal.seconds === undefined ? master.timing.defaultRefuseMs : refusal.seconds * 1000;
  const ms = given < 0 || Number.isNaN(given) ? master.timing.defaultRefuseMs : given;
  if (ms === 0 || refusal.resources.length === 0) return;
  const key = filterKey(refusal.role, refusal.agentId);
  const filters = framework.filters.get(key) ?? [];
  const until = master.clock.monotonic() + Math.max(ms, master.timing.allocationMs);
  filters.push({ refused: unallocated(refusal.resources), until });
  framework.filters.set(key, filters);
}

/** Offers what is free, then asks back what is on agents that are to be taken down. */
export function allocate(master: MasterState, agents: Iterable<AgentEntry>): void {
  const candidates = [...agents];
  offerResources(master, candidates);
  makeInverseOffers(master, candidates);
}

function offerResources(master: MasterState, agents: readonly AgentEntry[]): void {
  const wanting = [...master.frameworks.values()].filter(wantsOffers);
  if (wanting.length === 0) return;
  const free = agents.filter((agent) => canOffer(agent));
  if (free.length === 0) return;
  const totals = clusterTotals(master);
  const made = new Map<Framework, Offer[]>();
  for (const agent of master.seeded.shuffled(free)) {
    for (;;) {
      const offer = offerAgent({ master, agent, wanting, totals });
      if (offer === undefined) break;
      made.set(offer.framework, [...(made.get(offer.framework) ?? []), offer.offer]);
    }
  }
  for (const [framework, offers] of made) sendOffers(master, framework, offers);
}

interface Round {
  readonly master: MasterState;
  readonly agent: AgentEntry;
  readonly wanting: readonly Framework[];
  readonly totals: ReadonlyMap<string, number>;
}

function offerAgent({ master, agent, wanting, totals }: Round): { framework: Framework; offer: Offer } | undefined {
  const candidates = wanting.flatMap((framework) =>
    framework.roles
      .filter((role) => !framework.suppressed.has(role))
      .map((role) => ({ framework, role, share: dominantShare(framework, role, totals) })),
  );
  candidates.sort((a, b) => a.share - b.share);
  for (const { framework, role } of candidates) {
    const knowsRefined = framework.capabilities.has('RESERVATION_REFINEMENT');
    const resources = agent.available.filter((one) => isAllocatableTo(one, role) && (knowsRefined || !isRefined(one)));
    if (!isAllocatable(resources) || isRefused(master, framework, { role, agentId: agent.id, resources })) continue;
    if (!satisfiesConstraints(framework.constraints, role, agent.info)) continue;
    if (isRemote(master, agent) && !framework.capabilities.has('REGION_AWARE')) continue;
    if (milliOf(agent.info.resources, 'gpus') > 0 && !framework.capabilities.has('GPU_RESOURCES')) continue;
    occupy(agent, resources);
    const offer = makeOffer(master, framework, { agent, role, resources: allocated(resources, role) });
    addShare(framework, role, { resources: offer.resources, sign: 1 });
    return { framework, offer };
  }
  return undefined;
}

/** An agent without a domain is taken to be where the master is. */
function isRemote(master: MasterState, { info: { domain } }: AgentEntry): boolean {
  return domain !== undefined && domain.region !== master.domain?.region;
}

function wantsOffers(framework: Framework): boolean {
  return framework.stream !== undefined && framework.roles.some((role) => !framework.suppressed.has(role));
}

function canOffer(agent: AgentEntry): boolean {
  return agent.connected && !agent.deactivated && isAllocatable(agent.available);
}

function isAllocatable(resources: Resources): boolean {
  return milliOf(resources, 'cpus') >= LEAST_CPUS || milliOf(resources, 'mem') >= LEAST_MEM;
}

function isRefused(master: MasterState, framework: Framework, asked: Omit<Refusal, 'seconds'>): boolean {
  const key = filterKey(asked.role, asked.agentId);
  const filters = framework.filters.get(key);
  if (filters === undefined) return false;
  const now = master.clock.monotonic();
  const live = filters.filter((filter) => filter.until > now);
  if (live.length === 0) framework.filters.delete(key);
  else framework.filters.set(key, live);
  return live.some((filter) => contains(filter.refused, asked.resources));
}

function filterKey(role: string, agentId: string): string {
  return `${role}\n${agentId}`;
}

/** Drops the filters of these roles, or of all; those of inverse offers have no role. */
export function clearFilters(framework: Framework, roles: readonly string[]): void {
  framework.inverseFilters.clear();
  for (const key of framework.filters.keys()) {
    if (roles.length === 0 || roles.includes(key.slice(0, key.indexOf('\n')))) framework.filters.delete(key);
  }
}

function clusterTotals(master: MasterState): ReadonlyMap<string, number> {
  const totals = new Map<string, number>();
  for (const agent of master.agents.values()) {
    for (const { name, milli } of agent.info.resources) {
      if (milli !== undefined) totals.set(name, (totals.get(name) ?? 0) + milli);
    }
  }
  return totals;
}

function dominantShare(framework: Framework, role: string, totals: ReadonlyMap<string, number>): number {
  let largest = 0;
  for (const [name, milli] of framework.shares.get(role) ?? []) {
    largest = Math.max(largest, milli / (totals.get(name) || 1));
  }
  return largest;
}
