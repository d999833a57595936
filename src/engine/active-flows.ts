/**
 * Which flows still go on: a run in them is open or about to hand on its token, or a job waits in them. Their runs are not forgotten,
 * whatever a job's keepRuns: who joins late, or is asked again after an edit, must still find what became of them.
 */

import type { FlowId, FlowTokens } from './records.ts';

type Tokens = Readonly<Record<FlowId, FlowTokens>> | undefined;

export class ActiveFlows {
  readonly #counts = new Map<FlowId, number>();

  has(flow: FlowId): boolean {
    return this.#counts.has(flow);
  }

  enter(flow: FlowId): void {
    this.#counts.set(flow, (this.#counts.get(flow) ?? 0) + 1);
  }

  leave(flow: FlowId): void {
    const left = (this.#counts.get(flow) ?? 0) - 1;
    if (left > 0) this.#counts.set(flow, left);
    else this.#counts.delete(flow);
  }

  /** A job's tokens changed. */
  replace(before: Tokens, after: Tokens): void {
    if (before === after) return;
    for (const flow in after) if (!before?.[flow]) this.enter(flow);
    for (const flow in before) if (!after?.[flow]) this.leave(flow);
  }
}
