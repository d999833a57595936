/**
 * Faults between scheduler and master, injected by rules: each says which of the next events or calls it hits and
 * what becomes of them. Without rules nothing is touched.
 */

import type { Call } from './wire/call.ts';
import type { MesosEvent } from './wire/event.ts';

export type EventAction = { readonly type: 'drop' } | { readonly type: 'duplicate' } | { readonly type: 'delay'; readonly ms: number };

export type CallAction =
  /** The connection breaks before the master has seen the call. */
  | { readonly type: 'lose-request' }
  /** The call is performed, and the connection breaks instead of the answer. */
  | { readonly type: 'lose-answer' }
  | { readonly type: 'duplicate' }
  /** It reaches the master late: the stream id is looked at then. */
  | { readonly type: 'delay'; readonly ms: number }
  /** It is checked and answered at once, and performed late: a master with a long queue. */
  | { readonly type: 'perform-late'; readonly ms: number }
  | { readonly type: 'answer'; readonly status: number; readonly body: string };

/** A rule in force. `hits` counts what it has caught; `spent` resolves when it has caught all it should. */
export interface Fault {
  readonly hits: number;
  readonly spent: Promise<void>;
  cancel(): void;
}

export interface FaultScope<T> {
  /** Default: all. */
  readonly match?: (subject: T) => boolean;
  /** How many it catches; default 1. */
  readonly count?: number;
}

class Rule<T, A> implements Fault {
  hits = 0;
  readonly action: A;
  readonly spent: Promise<void>;
  readonly #scope: FaultScope<T>;
  #resolve: () => void = () => undefined;
  #cancelled = false;

  constructor(action: A, scope: FaultScope<T>) {
    this.action = action;
    this.#scope = scope;
    this.spent = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** It will catch nothing any more. */
  get isOver(): boolean {
    return this.#cancelled || this.hits >= this.#limit;
  }

  /** Whether it catches this one; counts it if so. */
  catches(subject: T): boolean {
    if (this.isOver || this.#scope.match?.(subject) === false) return false;
    this.hits += 1;
    if (this.hits === this.#limit) this.#resolve();
    return true;
  }

  cancel(): void {
    this.#cancelled = true;
  }

  get #limit(): number {
    return this.#scope.count ?? 1;
  }
}

export class Faults {
  #events: Rule<MesosEvent, EventAction>[] = [];
  #calls: Rule<Call, CallAction>[] = [];

  onEvents(action: EventAction, scope: FaultScope<MesosEvent> = {}): Fault {
    const rule = new Rule<MesosEvent, EventAction>(action, scope);
    this.#events = [...this.#events.filter((known) => !known.isOver), rule];
    return rule;
  }

  onCalls(action: CallAction, scope: FaultScope<Call> = {}): Fault {
    const rule = new Rule<Call, CallAction>(action, scope);
    this.#calls = [...this.#calls.filter((known) => !known.isOver), rule];
    return rule;
  }

  /** Ends all rules. */
  clear(): void {
    for (const rule of [...this.#events, ...this.#calls]) rule.cancel();
    this.#events = [];
    this.#calls = [];
  }

  /** What to do to this event; the first rule that catches it decides. */
  eventAction(event: MesosEvent): EventAction | undefined {
    return this.#events.find((rule) => rule.catches(event))?.action;
  }

  callAction(call: Call): CallAction | undefined {
    return this.#calls.find((rule) => rule.catches(call))?.action;
  }
}
