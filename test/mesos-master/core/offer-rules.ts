/** When the offers of an ACCEPT cannot be used together: the first reason, in Mesos's words and order. */

import type { Id } from '../wire/call.ts';
import type { Framework, MasterState, Offer } from './model.ts';

export function offersError(master: MasterState, framework: Framework, ids: readonly Id[]): string | undefined {
  if (ids.length === 0) return 'No offers specified';
  const values = ids.map(({ value }) => value);
  const twice = values.find((id, index) => values.indexOf(id) < index);
  if (twice !== undefined) return `Duplicate offer ${twice} in offer list`;
  const offers: Offer[] = [];
  for (const id of values) {
    const offer = master.offers.get(id);
    if (offer === undefined) return `Offer ${id} is no longer valid`;
    if (offer.frameworkId !== framework.id) {
      return `Offer ${id} has invalid framework ${offer.frameworkId} while framework ${framework.id} is expected`;
    }
    offers.push(offer);
  }
  return aggregationError(offers);
}

function aggregationError(offers: readonly Offer[]): string | undefined {
  const [first] = offers;
  const otherRole = offers.find((offer) => offer.role !== first?.role);
  if (otherRole !== undefined) {
    // The missing quotation mark is Mesos's.
    return `Aggregated offers must be allocated to the same role. Offer ${otherRole.id} uses role '${otherRole.role} but another is using role '${first?.role}`;
  }
  const otherAgent = offers.find((offer) => offer.agentId !== first?.agentId);
  if (otherAgent !== undefined) {
    return `Aggregated offers must belong to one single agent. Offer ${otherAgent.id} uses agent ${otherAgent.agentId} and agent ${first?.agentId}`;
  }
  return undefined;
}
