/**
 * The offers of the subscription: the raw ones, needed to launch, and which of them are told on now. Offers of an agent that has
 * its fill of launches (launch-window.ts) wait here a moment, and are given back when it takes longer: no offer is sat on.
 *
 * Invariant: an offer is held here from the master's OFFERS until it is spent, declined or void, and is told on at most once.
 */

import type { CancelTimer, Clock } from '../../clock/clock.ts';
import type { LaunchWindow } from './launch-window.ts';
import type { RawOffer } from './protocol.ts';

/** With less than half its window free an agent's offers wait this long for more room: a launch a cycle would starve it. */
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

export class OfferGate {
  readonly #options: OfferGateOptions;
  readonly #offers = new Map<string, RawOffer>();
  /** Waiting, with the monotonic time since when. */
  readonly #held = new Map<string, number>();
  #cancelLook: CancelTimer | undefined;

  constructor(options: OfferGateOptions) {
    this.#options = options;
  }

  receive(raws: readonly RawOffer[]): void {
    const now = this.#options.clock.monotonic();
    for (const raw of raws) {
      this.#offers.set(raw.id.value, raw);
      this.#held.set(raw.id.value, now);
    }
    this.#look();
  }

  /** A launch was heard of: the agent may have room again. */
  roomMade(): void {
    if (this.#held.size > 0) this.#look();
  }

  /** Takes an offer out, to spend it or give it back. `undefined`: it is void. */
  take(offerId: string): RawOffer | undefined {
    const raw = this.#offers.get(offerId);
    this.#offers.delete(offerId);
    this.#held.delete(offerId);
    return raw;
  }

  /** True: somebody was told of it. */
  rescind(offerId: string): boolean {
    const isTold = this.#offers.has(offerId) && !this.#held.has(offerId);
    this.take(offerId);
    return isTold;
  }

  agentLost(agentId: string): void {
    for (const [id, raw] of [...this.#offers]) if (raw.agent_id.value === agentId) this.take(id);
  }

  clear(): void {
    this.#offers.clear();
    this.#held.clear();
    this.#cancelLook?.();
    this.#cancelLook = undefined;
  }

  #look(): void {
    const { clock, onOffers, onGiveBack } = this.#options;
    const now = clock.monotonic();
    const told: GatedOffer[] = [];
    const givenBack: string[] = [];
    for (const [id, since] of [...this.#held]) {
      const raw = this.#offers.get(id);
      if (raw === undefined) continue;
      const fate = this.#fateOf(raw, now - since, now);
      if (fate === 'wait') continue;
      this.#held.delete(id);
      if (fate !== 'give-back') told.push({ raw, room: fate });
      else {
        this.#offers.delete(id);
        givenBack.push(id);
      }
    }
    this.#lookAgain();
    if (givenBack.length > 0) onGiveBack(givenBack, HELD_REFUSE_MS);
    if (told.length > 0) onOffers(told);
  }

  /** A number: told on, with this much room. */
  #fateOf(raw: RawOffer, heldMs: number, now: number): number | 'wait' | 'give-back' {
    const { window } = this.#options;
    const agentId = raw.agent_id.value;
    const room = window.room(agentId, now);
    if (room * 2 >= window.limit(agentId)) return room;
    if (room > 0 && heldMs >= GATHER_MS) return room;
    return heldMs >= HOLD_MS ? 'give-back' : 'wait';
  }

  #lookAgain(): void {
    if (this.#held.size === 0 || this.#cancelLook !== undefined) return;
    this.#cancelLook = this.#options.clock.timer(GATHER_MS / 2, () => {
      this.#cancelLook = undefined;
      this.#look();
    });
  }
}
