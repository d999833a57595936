/** The life of an offer: made by the allocator, ended by use, decline, rescind or the loss of its framework or agent. */

import { resourcesToJson } from '../resource-json.ts';
import type { Resources } from '../resources.ts';
import type { OfferJson } from '../wire/event.ts';
import { addShare, release } from './books.ts';
import { rescindInverse, unavailabilityToJson } from './inverse-offers.ts';
import type { AgentEntry, Domain, Framework, MasterState, Offer } from './model.ts';

export interface OfferParts {
  readonly agent: AgentEntry;
  readonly role: string;
  readonly resources: Resources;
}

export function makeOffer(master: MasterState, framework: Framework, parts: OfferParts): Offer {
  const offer: Offer = {
    id: `${master.id}-O${master.counters.offer++}`,
    frameworkId: framework.id,
    agentId: parts.agent.id,
    role: parts.role,
    resources: parts.resources,
    stopTimer: () => undefined,
  };
  master.offers.set(offer.id, offer);
  framework.offers.set(offer.id, offer);
  parts.agent.offers.set(offer.id, offer);
  const limit = master.timing.offerTimeoutMs;
  if (limit !== undefined) offer.stopTimer = master.clock.timer(limit, () => rescind(master, offer));
  return offer;
}

export function sendOffers(master: MasterState, framework: Framework, offers: readonly Offer[]): void {
  const bodies = offers.flatMap((offer) => {
    const agent = master.agents.get(offer.agentId);
    return agent === undefined ? [] : [offerToJson(framework, offer, agent)];
  });
  if (bodies.length > 0) framework.stream?.send({ type: 'OFFERS', offers: { offers: bodies } });
}

/** Takes the offer out of the books; its resources are the caller's to give back or to use. */
export function takeOffer(master: MasterState, offer: Offer): void {
  offer.stopTimer();
  master.offers.delete(offer.id);
  master.agents.get(offer.agentId)?.offers.delete(offer.id);
  const framework = master.frameworks.get(offer.frameworkId);
  framework?.offers.delete(offer.id);
  if (framework !== undefined) addShare(framework, offer.role, { resources: offer.resources, sign: -1 });
}

/** Ends the offer silently; its resources are free again. */
export function discardOffer(master: MasterState, offer: Offer): void {
  takeOffer(master, offer);
  const agent = master.agents.get(offer.agentId);
  if (agent !== undefined) release(agent, offer.resources);
}

/** Ends the offer and says so. */
export function rescind(master: MasterState, offer: Offer): void {
  if (!master.offers.has(offer.id)) return;
  discardOffer(master, offer);
  master.frameworks.get(offer.frameworkId)?.stream?.send({ type: 'RESCIND', rescind: { offer_id: { value: offer.id } } });
}

/** Inverse offers of the agent too. */
export function rescindAll(master: MasterState, agent: AgentEntry): void {
  for (const offer of [...agent.offers.values()]) rescind(master, offer);
  rescindInverse(master, agent);
}

export function domainToJson({ region, zone }: Domain): object {
  return { fault_domain: { region: { name: region }, zone: { name: zone } } };
}

function offerToJson(framework: Framework, offer: Offer, agent: AgentEntry): OfferJson {
  const { hostname, port, attributes, domain } = agent.info;
  const multiRole = framework.capabilities.has('MULTI_ROLE');
  const format = { multiRole, refinement: framework.capabilities.has('RESERVATION_REFINEMENT') };
  return {
    id: { value: offer.id },
    framework_id: { value: framework.id },
    agent_id: { value: agent.id },
    hostname,
    url: { scheme: agent.info.scheme, address: { hostname, ip: '127.0.0.1', port }, path: '/slave(1)' },
    ...(domain === undefined ? {} : { domain: domainToJson(domain) }),
    resources: resourcesToJson(offer.resources, format),
    ...(attributes.length === 0 ? {} : { attributes }),
    ...(multiRole ? { allocation_info: { role: offer.role } } : {}),
    ...(agent.unavailability === undefined ? {} : { unavailability: unavailabilityToJson(agent.unavailability) }),
  };
}
