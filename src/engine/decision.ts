/**
 * A decision: what is to become durable, and what may be done once it is.
 *
 * A Step is atomic: all its writes land in one transaction, and its commands and facts follow only after that. Steps are in
 * order; the leader may put several into one transaction, never one into several.
 */

import type { ExecutorCommand } from '../executor/port.ts';
import type { Instant } from '../schedule/schedule.ts';
import type { Write } from '../store/port.ts';
import type { Fact } from './facts.ts';
import { STEP_LENGTH } from './limits.ts';

export interface Step {
  readonly writes: readonly Write[];
  readonly commands: readonly ExecutorCommand[];
  readonly facts: readonly Fact[];
  /** Even if it writes nothing, its commands wait for a commit: they must not be given by a leader that was deposed unawares. */
  readonly isFenced?: true;
}

export interface Decision {
  readonly steps: readonly Step[];
  /** When to decide again at the latest, even without an event; undefined: only on an event. */
  readonly wakeAt: Instant | undefined;
  /** More was due than is decided at once: decide again without delay. */
  readonly isBehind: boolean;
}

/** Collects one step at a time. Values are turned into text when the step closes, so each step holds what was true at its end. */
export class StepRecorder {
  readonly #maxOperations: number;
  #steps: Step[] = [];
  #writes = new Map<string, unknown>();
  /** Of each of these values, about, and of all of them. */
  #lengths = new Map<string, number>();
  #length = 0;
  #commands: ExecutorCommand[] = [];
  #facts: Fact[] = [];
  #isFenced = false;

  /** `maxOperations`: how many writes a step may have. */
  constructor(maxOperations: number) {
    this.#maxOperations = maxOperations;
  }

  /** Sets a key's new value, `undefined` to delete it. The last call for a key within a step counts. `length`: about, as JSON. */
  put(key: string, value: unknown, length = 0): void {
    this.#writes.set(key, value);
    this.#length += length - (this.#lengths.get(key) ?? 0);
    this.#lengths.set(key, length);
  }

  command(command: ExecutorCommand): void {
    this.#commands.push(command);
  }

  fact(fact: Fact): void {
    this.#facts.push(fact);
  }

  /** Makes the open step wait for a commit, whether or not it writes. */
  fence(): void {
    this.#isFenced = true;
  }

  /** Operations left in the open step; none when it is as long as it may be. */
  get room(): number {
    return this.#length >= STEP_LENGTH ? 0 : this.#maxOperations - this.#writes.size;
  }

  /** Ends the open step; nothing happens when it is empty. */
  close(): void {
    if (this.#writes.size + this.#commands.length + this.#facts.length === 0) return;
    if (this.#writes.size > this.#maxOperations) throw new Error(`a step of ${this.#writes.size} writes can't be committed at once`);
    const writes: Write[] = [];
    for (const [key, value] of this.#writes) writes.push({ key, value: value === undefined ? undefined : JSON.stringify(value) });
    this.#steps.push({ writes, commands: this.#commands, facts: this.#facts, ...(this.#isFenced ? { isFenced: true } : {}) });
    this.#writes = new Map();
    this.#lengths = new Map();
    this.#length = 0;
    this.#commands = [];
    this.#facts = [];
    this.#isFenced = false;
  }

  /** Takes all closed steps. */
  take(): Step[] {
    this.close();
    const steps = this.#steps;
    this.#steps = [];
    return steps;
  }
}
