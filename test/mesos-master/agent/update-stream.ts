/**
 * The status updates of one task on their way to the scheduler: one is outstanding, sent again after 10, 20, 40 s ...
 * until it is acknowledged; the later ones are held back. What is queued is on the agent's disk and outlives its process.
 */

import type { CancelTimer, Clock } from '../../../src/clock/clock.ts';
import type { Timing } from '../timing.ts';
import { TERMINAL_STATES, type TaskStatusJson } from '../wire/event.ts';

export interface UpdateStreamParts {
  /** Of the agent's process now; changes with a restart. */
  readonly clock: () => Clock;
  readonly timing: Timing;
  readonly forward: (status: TaskStatusJson) => void;
  /** The terminal update has been acknowledged. */
  readonly onDone: () => void;
}

export class UpdateStream {
  readonly #parts: UpdateStreamParts;
  readonly #queue: TaskStatusJson[] = [];
  /** The update sent last, acknowledged or not. */
  #sent: TaskStatusJson | undefined;
  #stopRetry: CancelTimer = () => undefined;

  constructor(parts: UpdateStreamParts) {
    this.#parts = parts;
  }

  get lastSent(): TaskStatusJson | undefined {
    return this.#sent;
  }

  push(status: TaskStatusJson): void {
    this.#queue.push(status);
    if (this.#queue.length === 1) this.#send(this.#parts.timing.statusRetryMs);
  }

  /** Sends the outstanding update at once and starts again with the shortest retry. */
  resume(): void {
    this.#stopRetry();
    if (this.#queue.length > 0) this.#send(this.#parts.timing.statusRetryMs);
  }

  /** Ignored unless it is for the outstanding update. */
  acknowledge(uuid: string): void {
    const [front] = this.#queue;
    if (front?.uuid !== uuid) return;
    this.#stopRetry();
    this.#queue.shift();
    if (TERMINAL_STATES.has(front.state)) this.#parts.onDone();
    else if (this.#queue.length > 0) this.#send(this.#parts.timing.statusRetryMs);
  }

  stop(): void {
    this.#stopRetry();
  }

  #send(retryMs: number): void {
    const [front] = this.#queue;
    if (front === undefined) return;
    this.#sent = front;
    this.#parts.forward(front);
    const next = Math.min(retryMs * 2, this.#parts.timing.statusRetryMaxMs);
    this.#stopRetry = this.#parts.clock().timer(retryMs, () => this.#send(next));
  }
}
