/**
 * Inverse offers: each asks one framework for everything it has on one agent that is to be taken down.
 *
 * A framework gets one for an agent with a planned unavailability on which it has tasks or offers, unless one is out or its last
 * answer's filter still holds; with or without offers suppressed. Both answers are noted for the operator and change nothing else.
 * A new plan takes all of them back, forgets the answers and the filters, and asks again.
 */

import type { AgentEntry, Framework, InverseOffer, MasterState, Unavailability } from './model.ts';
import type { InverseOfferJson } from '../wire/event.ts';

/** Asks whom there is to ask; comes after the offers of the same allocation. */
export function makeInverseOffers(master: MasterState, agents: Iterable<AgentEntry>): void {
  const made = new Map<Framework, InverseOffer[]>();
  for (const agent of agents) {
    if (agent.unavailability === undefined || !agent.connected || agent.deactivated) continue;
    for (const framework of usersOf(master, agent)) {
      if (agent.inverseOffers.has(framework.id) || isFiltered(master, framework, agent)) continue;
      made.set(framework, [...(made.get(framework) ?? []), makeOne(master, framework, agent)]);
    }
  }
  for (const [framework, inverse] of made) {
    const inverse_offers = inverse.map((one) => toJson(master, framework, one));
    framework.stream?.send({ type: 'INVERSE_OFFERS', inverse_offers: { inverse_offers } });
  }
}

export interface InverseAnswer {
  readonly ids: readonly string[];
  readonly status: 'ACCEPT' | 'DECLINE';
  /** `filters.refuse_seconds`; undefined: the default. */
  readonly seconds: number | undefined;
}

/** Ids of inverse offers that are not out (any more) are ignored. */
export function answerInverse(master: MasterState, { ids, status, seconds }: InverseAnswer): void {
  for (const id of ids) {
    const inverse = master.inverseOffers.get(id);
    const framework = inverse && master.frameworks.get(inverse.frameworkId);
    const agent = inverse && master.agents.get(inverse.agentId);
    if (inverse === undefined || framework === undefined || agent === undefined) continue;
    remove(master, inverse);
    agent.answers.set(framework.id, { status, at: master.clock.now() });
    const ms = seconds === undefined || seconds < 0 || Number.isNaN(seconds) ? master.timing.defaultRefuseMs : seconds * 1000;
    if (ms > 0) framework.inverseFilters.set(agent.id, master.clock.monotonic() + ms);
  }
}

/** Takes all of the agent back, and says so. */
export function rescindInverse(master: MasterState, agent: AgentEntry): void {
  for (const inverse of [...agent.inverseOffers.values()]) rescindOne(master, inverse);
}

/** Ends all of the framework without a word: nobody listens. */
export function discardInverse(master: MasterState, framework: Framework): void {
  for (const inverse of [...master.inverseOffers.values()]) if (inverse.frameworkId === framework.id) remove(master, inverse);
}

/** A new plan for the agent, or none any more. */
export function replan(master: MasterState, agent: AgentEntry, planned: Unavailability | undefined): void {
  rescindInverse(master, agent);
  agent.unavailability = planned;
  agent.answers.clear();
  for (const framework of master.frameworks.values()) framework.inverseFilters.delete(agent.id);
}

export function unavailabilityToJson({ startMs, durationMs }: Unavailability): object {
  const duration = durationMs === undefined ? {} : { duration: { nanoseconds: durationMs * 1e6 } };
  return { start: { nanoseconds: startMs * 1e6 }, ...duration };
}

/** Who has tasks or offers on it, and listens. */
function usersOf(master: MasterState, agent: AgentEntry): readonly Framework[] {
  const ids = new Set<string>();
  for (const task of agent.tasks.values()) if (!task.released) ids.add(task.frameworkId);
  for (const offer of agent.offers.values()) ids.add(offer.frameworkId);
  return [...ids].flatMap((id) => {
    const framework = master.frameworks.get(id);
    return framework?.stream === undefined ? [] : [framework];
  });
}

function isFiltered(master: MasterState, framework: Framework, agent: AgentEntry): boolean {
  return (framework.inverseFilters.get(agent.id) ?? 0) > master.clock.monotonic();
}

function makeOne(master: MasterState, framework: Framework, agent: AgentEntry): InverseOffer {
  const inverse: InverseOffer = {
    // Numbered with the offers.
    id: `${master.id}-O${master.counters.offer++}`,
    frameworkId: framework.id,
    agentId: agent.id,
    stopTimer: () => undefined,
  };
  master.inverseOffers.set(inverse.id, inverse);
  agent.inverseOffers.set(framework.id, inverse);
  const limit = master.timing.offerTimeoutMs;
  if (limit !== undefined) inverse.stopTimer = master.clock.timer(limit, () => rescindOne(master, inverse));
  return inverse;
}

function rescindOne(master: MasterState, inverse: InverseOffer): void {
  if (!master.inverseOffers.has(inverse.id)) return;
  remove(master, inverse);
  const { stream } = master.frameworks.get(inverse.frameworkId) ?? {};
  stream?.send({ type: 'RESCIND_INVERSE_OFFER', rescind_inverse_offer: { inverse_offer_id: { value: inverse.id } } });
}

function remove(master: MasterState, inverse: InverseOffer): void {
  inverse.stopTimer();
  master.inverseOffers.delete(inverse.id);
  master.agents.get(inverse.agentId)?.inverseOffers.delete(inverse.frameworkId);
}

/** Resources are left out: all of them are asked for. */
function toJson(master: MasterState, framework: Framework, inverse: InverseOffer): InverseOfferJson {
  const { info, unavailability } = master.agents.get(inverse.agentId) as AgentEntry;
  const { hostname, port, scheme } = info;
  return {
    id: { value: inverse.id },
    url: { scheme, address: { hostname, ip: '127.0.0.1', port }, path: '/slave(1)' },
    framework_id: { value: framework.id },
    agent_id: { value: inverse.agentId },
    unavailability: unavailabilityToJson(unavailability as Unavailability),
  };
}
