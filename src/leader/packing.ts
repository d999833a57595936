/**
 * Puts the steps of a decision into as few transactions as the store allows, in order, never one step into two. A key written
 * by several steps of one transaction is written once, with the last value: nobody can see the ones between.
 */

import type { Step } from '../engine/decision.ts';
import type { CommitLimits, Write } from '../store/port.ts';

export interface Batch {
  readonly writes: readonly Write[];
  /** What may be done once the writes are durable, in order. */
  readonly steps: readonly Step[];
  /** Whether there is anything to commit; with no writes, a commit that only shows that the term still stands. */
  readonly isFenced: boolean;
}

export function packSteps(steps: readonly Step[], limits: CommitLimits): Batch[] {
  const batches: Batch[] = [];
  let open = new OpenBatch(limits);
  for (const step of steps) {
    if (!open.hasRoomFor(step)) {
      batches.push(open.close());
      open = new OpenBatch(limits);
    }
    open.add(step);
  }
  if (!open.isEmpty) batches.push(open.close());
  return batches;
}

class OpenBatch {
  readonly #limits: CommitLimits;
  readonly #steps: Step[] = [];
  readonly #writes = new Map<string, Write>();
  #bytes = 0;

  constructor(limits: CommitLimits) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#steps.length === 0;
  }

  /** A step that is too large by itself still gets a batch, and the store's clear refusal. */
  hasRoomFor(step: Step): boolean {
    if (this.#steps.length === 0) return true;
    let added = 0;
    for (const write of step.writes) if (!this.#writes.has(write.key)) added += 1;
    return this.#writes.size + added <= this.#limits.operations && this.#bytes + bytesOf(step.writes) <= this.#limits.bytes;
  }

  add(step: Step): void {
    this.#steps.push(step);
    this.#bytes += bytesOf(step.writes);
    for (const write of step.writes) this.#writes.set(write.key, write);
  }

  close(): Batch {
    return {
      writes: [...this.#writes.values()],
      steps: this.#steps,
      isFenced: this.#writes.size > 0 || this.#steps.some((step) => step.isFenced),
    };
  }
}

/** UTF-8 bytes of keys and values; the few bytes around them are covered by the margin in the limit. */
function bytesOf(writes: readonly Write[]): number {
  let bytes = 0;
  for (const { key, value } of writes) bytes += Buffer.byteLength(key) + (value === undefined ? 0 : Buffer.byteLength(value));
  return bytes;
}
