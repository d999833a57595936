/**
 * What a master answers when it is asked about tasks (RECONCILE, or a KILL of something it does not have). An answer may come late, and
 * among updates of other tasks: it says what is so when it is given, to the subscription that asked.
 */

import type { TaskRef } from '../../src/executor/port.ts';
import type { MesosState, MesosUpdate } from './mesos-agent.ts';
import type { Seat, Subscription } from './mesos-seat.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface QuestionOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly seats: ReadonlyMap<string, Seat>;
  readonly subscription: () => Subscription | undefined;
  readonly onLate: () => void;
}

/** As long as a master takes that is well. */
const PROMPT_MS = 12;

export class MesosQuestions {
  readonly #options: QuestionOptions;
  /** Longest delay of an answer. */
  lateMs = 0;

  constructor(options: QuestionOptions) {
    this.#options = options;
  }

  reconcile(tasks: readonly TaskRef[]): void {
    if (tasks.length === 0) this.#later(() => this.#listAll());
    for (const task of tasks) this.#later(() => this.answer(task));
  }

  answer({ taskId, agentId }: TaskRef): void {
    const seat = this.#options.seats.get(agentId);
    const say = (state: MesosState): void => this.#send({ taskId, agentId, state, isAnswer: true, reason: 'REASON_RECONCILIATION' });
    switch (seat?.standing) {
      case undefined:
      case 'removed':
        return say('UNKNOWN');
      case 'gone':
        return say('GONE_BY_OPERATOR');
      case 'awaited':
        return;
      case 'unreachable':
        return say('UNREACHABLE');
      case 'disconnected':
      case 'registered': {
        const known = seat.tasks.get(taskId);
        return say(known ? known.state : 'GONE');
      }
    }
  }

  #listAll(): void {
    for (const { agent, standing, tasks } of this.#options.seats.values()) {
      if (standing !== 'registered' && standing !== 'disconnected') continue;
      for (const [taskId, { state }] of tasks) this.#send({ taskId, agentId: agent.id, state, isAnswer: true });
    }
  }

  #later(act: () => void): void {
    const { time, random, subscription, onLate } = this.#options;
    const asker = subscription();
    const delayMs = this.lateMs > 0 && random.chance(0.5) ? this.lateMs * random.next() ** 2 : random.int(1, PROMPT_MS);
    time.after(delayMs, () => {
      if (asker === undefined || subscription() !== asker) return;
      if (delayMs > PROMPT_MS) onLate();
      act();
    });
  }

  #send(update: MesosUpdate): void {
    this.#options.subscription()?.send({ type: 'update', update });
  }
}
