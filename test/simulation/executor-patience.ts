/**
 * executor-lost: a leader may be without its executor for as long as it is told to bear that, and gives up then where there are other
 * nodes, one of which may do better. What counts is what its executor told it, and time in which it could act.
 */

import { InvariantViolation } from '../invariants/violation.ts';
import type { SimNode } from './sim-node.ts';

/** How often it is looked at. */
export const LOOK_EVERY_MS = 10_000;
/** A leader looks now and then only, and ends the commit that is under way before it gives up. */
const SHARE = 1.2;
const GRACE_MS = 40_000;

export class ExecutorPatience {
  readonly #patienceMs: number;
  /** Of leaders without their executor: since when, and how long of it they were looked at and awake. */
  readonly #waits = new WeakMap<SimNode, { readonly since: number; awakeMs: number }>();

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  look(node: SimNode): void {
    const since = node.executorLostAt;
    if (since === undefined || node.leadership.term === undefined) return void this.#waits.delete(node);
    const wait = this.#waits.get(node);
    if (wait?.since !== since) return void this.#waits.set(node, { since, awakeMs: 0 });
    if (node.clock.isPaused) return;
    wait.awakeMs += LOOK_EVERY_MS;
    if (wait.awakeMs > SHARE * this.#patienceMs + GRACE_MS)
      throw new InvariantViolation('executor-lost', `${node.id} leads without its executor for ${wait.awakeMs} ms`);
  }
}
