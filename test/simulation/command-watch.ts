/**
 * Ties what leaders hear from their executors, decide, and perform to the invariants: one conversation for each term, which is told of
 * the decision's commands as their commits land.
 */

import type { Engine } from '../../src/engine/engine.ts';
import type { ExecutorCommand, ExecutorEvent, TaskRef } from '../../src/executor/port.ts';
import type { Batch } from '../../src/leader/packing.ts';
import type { Revision } from '../../src/store/port.ts';
import { Conversation } from '../invariants/conversation.ts';
import type { DecisionContext, History, Step } from '../invariants/history.ts';
import type { AttributesOf } from '../invariants/placement-rules.ts';
import type { SimNode } from './sim-node.ts';

export interface CommandWatchOptions {
  readonly history: History;
  readonly fail: (error: unknown) => void;
  readonly hasLanded: (marker: string) => boolean;
  readonly isCurrent: (term: Revision) => boolean;
  /** Whether the task is over where it ran: its end is on its way, or was. */
  readonly isEnding: (task: TaskRef) => boolean;
  readonly attributesOf: AttributesOf;
}

interface Talk {
  readonly term: Revision;
  readonly conversation: Conversation;
  /** Of its commits, in order: what each step says. Those that have landed are gone. */
  readonly commits: Map<number, readonly (readonly ExecutorCommand[])[]>;
  count: number;
}

export class CommandWatch {
  readonly #options: CommandWatchOptions;
  readonly #talks = new WeakMap<SimNode, Talk>();
  readonly #ofTerm = new Map<Revision, Talk>();
  /** Of the commit that is landing. */
  #landing: { readonly conversation: Conversation; readonly steps: readonly (readonly ExecutorCommand[])[]; next: number } | undefined;

  constructor(options: CommandWatchOptions) {
    this.#options = options;
  }

  onTerm(node: SimNode, term: Revision): void {
    const { hasLanded, isCurrent } = this.#options;
    const before = this.#talks.get(node);
    if (before) this.#ofTerm.delete(before.term);
    const told = { ...this.#options, term, isCurrent: () => isCurrent(term), hasLanded: (count: number) => hasLanded(`${term}.${count}`) };
    const talk = { term, conversation: new Conversation(told), commits: new Map(), count: 0 };
    this.#talks.set(node, talk);
    this.#ofTerm.set(term, talk);
  }

  onEvent(node: SimNode, event: ExecutorEvent): void {
    this.#guarded(() => this.#talks.get(node)?.conversation.hear(event, node.clock.monotonic()));
  }

  onDecision(node: SimNode, engine: Engine, made: { batches: readonly Batch[]; context: DecisionContext; isBehind: boolean }): void {
    const talk = this.#talks.get(node);
    // What a dead node's promises still do reaches nobody.
    if (!talk || node.isDead) return;
    const batches = made.batches.map(({ isFenced, steps }) => {
      const told = steps.map(({ commands }) => commands);
      if (!isFenced) return { steps: told };
      talk.count += 1;
      talk.commits.set(talk.count, told);
      return { sequence: talk.count, steps: told };
    });
    const { quarantined } = engine;
    this.#guarded(() => talk.conversation.decide({ ...made, batches, quarantined }, node.clock.monotonic()));
  }

  onPerform(node: SimNode, command: ExecutorCommand): void {
    this.#guarded(() => this.#talks.get(node)?.conversation.perform(command, node.clock.monotonic()));
  }

  /** The steps that come next are those of this commit. */
  onCommit(term: Revision, sequence: number): void {
    const talk = this.#ofTerm.get(term);
    const steps = talk?.commits.get(sequence);
    talk?.commits.delete(sequence);
    this.#landing = talk && steps && { conversation: talk.conversation, steps, next: 0 };
  }

  onStep(step: Step): void {
    const landing = this.#landing;
    if (!landing) return;
    landing.conversation.land(step, landing.steps[landing.next] ?? []);
    landing.next += 1;
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#options.fail(error);
    }
  }
}
