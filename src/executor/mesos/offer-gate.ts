/**
 * The offers of the subscription: the raw ones, needed to launch, and which of them are told on now. Offers of an agent that has
 * its fill of launches (launch-window.ts) wait here a moment, and are given back when it takes longer: no offer is sat on.
 *
 * Invariant: an offer is kept here from the master's OFFERS until it is spent, declined or void, and is told on at most once.
 */

import type { CancelTimer, Clock } from '../../clock/clock.ts';
import type { LaunchWindow } from './launch-window.ts';
import type { RawOffer } from './protocol.ts';

/** With less than half its window free an agent's offers wait this long for more room: one launch a cycle would starve it. */
export const GATHER_MS = 2_000;
/** With no room at all they are given back after this. */
export const HOLD_MS = 5_000;
/** What is given back is not offered again for this long. */
export const HELD_REFUSE_MS = 2_000;

export interface GatedOffer {
  readonly raw: RawOffer;
  /** How many tasks may be launched on its agent now. */
  readonly room: number;
}

export interface OfferGateOptions {
  readonly clock: Clock;
  readonly window: LaunchWindow;
  readonly onOffers: (offers: readonly GatedOffer[]) => void;
  readonly onGiveBack: (offerIds: readonly string[], refuseMs: number) => void;
}

interface Entry {
  readonly raw: RawOffer;
  /** Monotonic. */
  readonly since: number;
}

export class OfferGate {
  readonly #options: OfferGateOptions;
  readonly #offers = new Map<string, RawOffer>();
  /** Waiting, by agent and id: what is heard of one agent must not cost a look at all. */
  readonly #held = new Map<string, Map<string, Entry>>();
  #cancelLook: CancelTimer | undefined;

  constructor(options: OfferGateOptions) {
    this.#options = options;
  }

  receive(raws: readonly RawOffer[]): void {
    const since = this.#options.clock.monotonic();
    const agents = new Set<string>();
    for (const raw of raws) {
      const agentId = raw.agent_id.value;
      this.#offers.set(raw.id.value, raw);
      const held = this.#held.get(agentId) ?? new Map<string, Entry>();
      this.#held.set(agentId, held.set(raw.id.value, { raw, since }));
      agents.add(agentId);
    }
    this.#look(agents);
  }

  /** A launch on this agent was heard of: it may have room again. */
  roomMade(agentId: string): void {
    if (this.#held.has(agentId)) this.#look([agentId]);
  }

  /** Takes an offer out, to spend it or give it back. `undefined`: it is void. */
  take(offerId: string): RawOffer | undefined {
    const raw = this.#offers.get(offerId);
    if (raw === undefined) return undefined;
    this.#offers.delete(offerId);
    this.#release(raw);
    return raw;
  }

  /** True: somebody was told of it. */
  rescind(offerId: string): boolean {
    const raw = this.#offers.get(offerId);
    const isTold = raw !== undefined && this.#held.get(raw.agent_id.value)?.has(offerId) !== true;
    this.take(offerId);
    return isTold;
  }

  agentLost(agentId: string): void {
    this.#held.delete(agentId);
    for (const [id, raw] of this.#offers) if (raw.agent_id.value === agentId) this.#offers.delete(id);
  }

  clear(): void {
    this.#offers.clear();
    this.#held.clear();
    this.#cancelLook?.();
    this.#cancelLook = undefined;
  }

  #release(raw: RawOffer): void {
    const agentId = raw.agent_id.value;
    const held = this.#held.get(agentId);
    held?.delete(raw.id.value);
    if (held?.size === 0) this.#held.delete(agentId);
  }

  #look(agents: Iterable<string>): void {
    const { clock, onOffers, onGiveBack } = this.#options;
    const now = clock.monotonic();
    const told: GatedOffer[] = [];
    const givenBack: string[] = [];
    for (const agentId of agents) {
      for (const [id, { raw, since }] of [...(this.#held.get(agentId) ?? [])]) {
        const fate = this.#fateOf(agentId, now - since, now);
        if (fate === 'wait') continue;
        this.#release(raw);
        if (fate !== 'give-back') told.push({ raw, room: fate });
        else {
          this.#offers.delete(id);
          givenBack.push(id);
        }
      }
    }
    this.#lookAgain();
    if (givenBack.length > 0) onGiveBack(givenBack, HELD_REFUSE_MS);
    if (told.length > 0) onOffers(told);
  }

  /** A number: told on, with this much room. */
  #fateOf(agentId: string, heldMs: number, now: number): number | 'wait' | 'give-back' {
    const { window } = this.#options;
    const room = window.room(agentId, now);
    if (room * 2 >= window.limit(agentId)) return room;
    if (room > 0 && heldMs >= GATHER_MS) return room;
    return heldMs >= HOLD_MS ? 'give-back' : 'wait';
  }

  #lookAgain(): void {
    if (this.#held.size === 0 || this.#cancelLook !== undefined) return;
    this.#cancelLook = this.#options.clock.timer(GATHER_MS / 2, () => {
      this.#cancelLook = undefined;
      this.#look([...this.#held.keys()]);
    });
  }
}
