/**
 * Inverse offers of the subscription: told on, answered, or taken back. Mesos only notes an answer for the operator
 * (`/maintenance/status`), and asks again when its filter has passed, as long as we have tasks or offers on the agent.
 *
 * Invariant: each is answered at most once, and not after it was rescinded or the subscription ended.
 */

import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { InverseAnswer, InverseOffer } from '../port.ts';
import type { CallBody, RawInverseOffer, Value } from './protocol.ts';

/** An answer holds for this long: tasks come and go. */
export const ANSWER_HOLDS_MS = 60_000;
/** Tasks named in a log line. */
const NAMED_TASKS = 10;

export interface InverseOffersOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly send: (call: CallBody) => void;
  readonly onInverseOffers: (inverseOffers: readonly InverseOffer[]) => void;
}

export class InverseOffers {
  readonly #options: InverseOffersOptions;
  /** Not answered yet. */
  readonly #open = new Map<string, RawInverseOffer>();
  /** What was last said of an agent, so that the log has a line per change and not per minute. */
  readonly #said = new Map<string, string>();

  constructor(options: InverseOffersOptions) {
    this.#options = options;
  }

  receive(raws: readonly RawInverseOffer[]): void {
    for (const raw of raws) this.#open.set(raw.id.value, raw);
    const now = this.#options.clock.now();
    if (raws.length > 0) this.#options.onInverseOffers(raws.map((raw) => toInverseOffer(raw, now)));
  }

  rescind(id: string): void {
    this.#open.delete(id);
  }

  agentLost(agentId: string): void {
    for (const [id, raw] of this.#open) if (raw.agent_id?.value === agentId) this.#open.delete(id);
    this.#said.delete(agentId);
  }

  clear(): void {
    this.#open.clear();
    this.#said.clear();
  }

  answer(answers: readonly InverseAnswer[]): void {
    const agreed: Value<string>[] = [];
    const refused: Value<string>[] = [];
    for (const { id, inTheWay } of answers) {
      const raw = this.#open.get(id);
      if (raw === undefined) continue;
      this.#open.delete(id);
      (inTheWay.length === 0 ? agreed : refused).push(raw.id);
      this.#tell(raw, inTheWay);
    }
    const filters = { refuse_seconds: ANSWER_HOLDS_MS / 1000 };
    const { send } = this.#options;
    if (agreed.length > 0) send({ type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers: { inverse_offer_ids: agreed, filters } });
    if (refused.length > 0) send({ type: 'DECLINE_INVERSE_OFFERS', decline_inverse_offers: { inverse_offer_ids: refused, filters } });
  }

  #tell(raw: RawInverseOffer, inTheWay: readonly string[]): void {
    const agentId = raw.agent_id?.value;
    const startsAt = new Date(startOf(raw)).toISOString();
    const said = `${startsAt} ${inTheWay.join(' ')}`;
    if (this.#said.get(agentId ?? '') === said) return;
    this.#said.set(agentId ?? '', said);
    const facts = { agentId, startsAt };
    if (inTheWay.length === 0)
      return this.#options.logger.info(facts, 'agreed to the maintenance of an agent: everything there is over by then');
    const tasks = inTheWay.slice(0, NAMED_TASKS);
    this.#options.logger.warn(
      { ...facts, tasks, inTheWay: inTheWay.length },
      'warned of the maintenance of an agent: tasks may still run there then',
    );
  }
}

function toInverseOffer(raw: RawInverseOffer, now: number): InverseOffer {
  const agentId = raw.agent_id?.value;
  // Past its start an agent may be taken down at any moment, past its end too: nothing ends a plan but the operator.
  return { id: raw.id.value, ...(agentId === undefined ? {} : { agentId }), lastsMs: Math.max(0, startOf(raw) - now) };
}

/** Milliseconds since the epoch, in a range that dates can have. */
function startOf({ unavailability }: RawInverseOffer): number {
  const startsAt = (unavailability?.start.nanoseconds ?? 0) / 1_000_000;
  return Number.isFinite(startsAt) ? Math.min(Math.max(startsAt, -8.64e15), 8.64e15) : 0;
}
