/**
 * The leader writes down now and then that it decides. If it dies, the next one can tell from when on there was nobody, to within a
 * minute, and not just that there was nobody since a job last came due.
 */

import type { Step } from '../engine/decision.ts';
import { DECIDED_KEY } from '../engine/keys.ts';
import type { DecidedRecord } from '../engine/records.ts';
import type { Instant } from '../schedule/schedule.ts';

/** One small commit a minute where nothing else happens. */
const INTERVAL_MS = 60_000;

export class SignOfLife {
  #writtenAt: Instant = -Infinity;

  /** When it is to be written again. */
  get dueAt(): Instant {
    return this.#writtenAt + INTERVAL_MS;
  }

  /** The steps of a decision that left nothing due, and the sign with them when it is time; also when the clock has stepped back. */
  addTo(steps: readonly Step[], now: Instant): readonly Step[] {
    if (now >= this.#writtenAt && now < this.dueAt) return steps;
    this.#writtenAt = now;
    const value: DecidedRecord = { at: now };
    return [...steps, { writes: [{ key: DECIDED_KEY, value: JSON.stringify(value) }], commands: [], facts: [] }];
  }
}
