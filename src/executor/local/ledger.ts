/**
 * The book of one agent's resources: what tasks hold, what is on offer, and what may be offered next. No IO, no clock.
 *
 * Invariant: claims and outstanding offers never overlap, and together never exceed the total, so nothing is sold twice.
 * (The one exception is not ours: tasks found running after the configured total was made smaller. Nothing is offered then.)
 */

import type { Attribute, Offer, Resources } from '../port.ts';
import { addResources, fitsResources, isNothing, NO_RESOURCES, subtractResources } from './resources.ts';

/** What every offer of this agent says of it. */
export interface AgentInfo {
  readonly agentId: string;
  readonly hostname: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Makes offer ids unlike those of an earlier connection. */
  readonly offerPrefix: string;
  readonly total: Resources;
}

interface Refusal {
  readonly resources: Resources;
  readonly until: number;
}

export class OfferLedger {
  readonly #agent: AgentInfo;
  readonly #claims = new Map<string, Resources>();
  readonly #offers = new Map<string, Resources>();
  #refusals: Refusal[] = [];
  #isSuppressed = false;
  #lastOffer = 0;

  constructor(agent: AgentInfo) {
    this.#agent = agent;
  }

  /** Writes down a task that was found to be there; it takes what is left, even if that is too little. */
  adopt(taskId: string, resources: Resources): void {
    this.#claims.set(taskId, resources);
  }

  /** Gives a task its share of a budget that spend() returned; `undefined` when it does not fit, else what is left. */
  claim(taskId: string, resources: Resources, budget: Resources): Resources | undefined {
    if (!fitsResources(resources, budget)) return undefined;
    this.#claims.set(taskId, resources);
    return subtractResources(budget, resources);
  }

  /** A task holds nothing any more. */
  release(taskId: string): void {
    this.#claims.delete(taskId);
  }

  /**
   * Takes these offers off the table and returns what they held together, to be claimed from; `undefined` when one of them
   * is not (or no longer) valid. What is not claimed from it comes back in the next offer.
   */
  spend(offerIds: readonly string[]): Resources | undefined {
    let budget = NO_RESOURCES;
    let isValid = offerIds.length > 0;
    for (const id of offerIds) {
      const resources = this.#offers.get(id);
      this.#offers.delete(id);
      if (resources === undefined) isValid = false;
      else budget = addResources(budget, resources);
    }
    return isValid ? budget : undefined;
  }

  /** The resources of these offers are not offered again before `until` (same clock as in nextOffer). */
  decline(offerIds: readonly string[], until: number): void {
    for (const id of offerIds) {
      const resources = this.#offers.get(id);
      if (resources === undefined) continue;
      this.#offers.delete(id);
      // The same resources may have been refused before as part of less.
      this.#refusals = this.#refusals.filter((refusal) => !fitsResources(refusal.resources, resources) || refusal.until > until);
      this.#refusals.push({ resources, until });
    }
  }

  suppress(): void {
    this.#isSuppressed = true;
  }

  /** Offers are wanted again, refused ones as well. */
  revive(): void {
    this.#isSuppressed = false;
    this.#refusals = [];
  }

  /** Puts all that is spare into a new offer, unless nobody wants it. As in Mesos, more than was refused is not refused. */
  nextOffer(now: number): Offer | undefined {
    this.#refusals = this.#refusals.filter((refusal) => refusal.until > now);
    const resources = this.#spare();
    if (this.#isSuppressed || isNothing(resources)) return undefined;
    const refused = this.#refusals.reduce((sum, refusal) => addResources(sum, refusal.resources), NO_RESOURCES);
    if (this.#refusals.length > 0 && fitsResources(resources, refused)) return undefined;
    this.#lastOffer += 1;
    const { agentId, hostname, attributes, offerPrefix } = this.#agent;
    const id = `${offerPrefix}${this.#lastOffer}`;
    this.#offers.set(id, resources);
    return { id, agentId, hostname, address: '', pool: agentId, resources, attributes };
  }

  /** When the next refusal runs out, and nextOffer() is worth another call. */
  nextExpiry(): number | undefined {
    return this.#refusals.reduce<number | undefined>(
      (first, { until }) => (first === undefined ? until : Math.min(first, until)),
      undefined,
    );
  }

  /** What is neither claimed nor on offer. */
  #spare(): Resources {
    const taken = [...this.#claims.values(), ...this.#offers.values()];
    return taken.reduce(subtractResources, this.#agent.total);
  }
}
