/**
 * A node's executor in the simulation: speaks with the model of a master over a network that delays, loses and repeats, and does what
 * a correct Mesos adapter has to do: subscribe with back-off, repeat questions until they are answered, translate states.
 */

import type { CancelTimer, Clock } from '../../src/clock/clock.ts';
import type { Executor, ExecutorCommand, ExecutorEvent, ExecutorSession, LogChunk, TaskRef, TaskStatus } from '../../src/executor/port.ts';
import type { MesosUpdate } from './mesos-agent.ts';
import type { MesosMaster } from './mesos-master.ts';
import type { MasterEvent, Subscription } from './mesos-seat.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

/** The network between a node and the master. May be changed at any time. */
export interface MesosNetwork {
  /** Usual longest delay of a message. */
  delayMs: number;
  /** Share of calls whose answer is lost, and half of the time the call as well; the connection is made anew then. */
  callLossRate: number;
  /** Share of events delivered twice. */
  repeatRate: number;
  isCut: boolean;
}

export interface AdapterOptions {
  readonly node: string;
  readonly master: MesosMaster;
  readonly time: VirtualTime;
  readonly clock: Clock;
  readonly random: Random;
  readonly network: MesosNetwork;
  readonly line: (what: string) => void;
  /** Told of every command before it is sent; false: the process died doing it. */
  readonly onPerform: (command: ExecutorCommand) => boolean;
  /** Whether the process is there to hear. */
  readonly isAlive: () => boolean;
  /** What it says is heard when it goes on. */
  readonly isStandingStill: () => boolean;
}

const QUESTION_REPEAT_MS = 5_000;
const QUESTION_TRIES = 4;
/** Without heartbeats for so long the connection counts as lost. */
const SILENCE_MS = 45_000;

export class MesosAdapter implements Executor {
  readonly kind = 'mesos';
  readonly #options: AdapterOptions;
  #session: ExecutorSession | undefined;
  #subscription: Subscription | undefined;
  #identity: string | undefined;
  #generation = 0;
  #callsDoneAt = 0;
  #eventsDoneAt = 0;
  #asked = new Map<string, TaskRef>();
  /** The subscription that `connected` was said of. */
  #told: Subscription | undefined;
  #tries = 0;
  #cancelQuestion: CancelTimer | undefined;
  #owesReconciled = false;
  #backoff = 0;

  constructor(options: AdapterOptions) {
    this.#options = options;
  }

  get subscription(): Subscription | undefined {
    return this.#subscription;
  }

  start(session: ExecutorSession): void {
    this.#generation += 1;
    this.#session = session;
    this.#identity = session.identity;
    this.#backoff = 0;
    this.#subscribe(this.#generation);
  }

  stop(): Promise<void> {
    this.#generation += 1;
    this.#session = undefined;
    this.#drop();
    return Promise.resolve();
  }

  readLog(): Promise<LogChunk | undefined> {
    return Promise.resolve(undefined);
  }

  perform(command: ExecutorCommand): void {
    if (!this.#options.onPerform(command)) return;
    switch (command.type) {
      case 'launch':
        return this.#call((master, subscription) => master.accept(subscription, command.offerIds, command.tasks));
      case 'kill':
        return this.#call((master) => master.kill(command.task, command.graceMs));
      case 'acknowledge':
        return this.#call((master) => master.acknowledge(command.agentId, command.taskId, command.ack));
      case 'decline':
        return this.#call((master) => master.decline(command.offerIds, command.refuseMs));
      case 'suppress':
        return this.#call((master) => master.suppress());
      case 'revive':
        return this.#call((master) => master.revive());
      case 'reconcile':
        return this.#reconcile(command.tasks);
      case 'forget':
      case 'answer-inverse-offers':
        return;
    }
  }

  /** The node noticed that nothing comes any more, or the stream was cut. */
  breakConnection(reason: string): void {
    const subscription = this.#subscription;
    if (!subscription) return;
    this.#drop();
    this.#emit({ type: 'disconnected', reason, final: false });
    this.#subscribeLater();
  }

  #drop(): void {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    this.#cancelQuestion?.();
    this.#asked.clear();
    this.#owesReconciled = false;
    // The end of a connection is seen by the master soon, unless the network is cut.
    if (subscription && !this.#options.network.isCut) this.#options.time.after(20, () => this.#options.master.disconnect(subscription));
  }

  #subscribe(generation: number): void {
    const { time, network, master, node } = this.#options;
    time.after(this.#delay(), () => {
      if (generation !== this.#generation || !this.#options.isAlive()) return;
      if (network.isCut) return this.#subscribeLater();
      const held: { subscription?: Subscription | undefined } = {};
      const send = (event: MasterEvent): void => this.#arrive(held.subscription, event);
      const answer = master.subscribe({ node, frameworkId: this.#identity, send });
      if (answer === 'removed') return this.#emit({ type: 'disconnected', reason: 'Framework has been removed', final: true });
      const standing = (held.subscription = answer);
      if (!standing) return this.#subscribeLater();
      this.#backoff = 0;
      this.#subscription = standing;
      this.#eventsDoneAt = 0;
      this.#identity = standing.frameworkId;
      this.#deliver(standing, () => {
        this.#told = standing;
        this.#emit({ type: 'connected', identity: standing.frameworkId, exclusive: false });
      });
    });
  }

  #subscribeLater(): void {
    const generation = this.#generation;
    const delayMs = Math.min(15_000, 500 * 2 ** this.#backoff) * (0.5 + this.#options.random.next() / 2);
    this.#backoff += 1;
    this.#options.clock.timer(delayMs, () => {
      if (generation === this.#generation) this.#subscribe(generation);
    });
  }

  #delay(): number {
    return 1 + this.#options.random.next() ** 4 * this.#options.network.delayMs;
  }

  /** In order, as one connection carries them; refused when another subscription took over. */
  #call(act: (master: MesosMaster, subscription: Subscription) => void): void {
    const { time, clock, master, network, random, line, isStandingStill } = this.#options;
    const subscription = this.#subscription;
    if (subscription && isStandingStill())
      return void clock.timer(0, () => {
        if (this.#subscription === subscription) this.#call(act);
      });
    if (!subscription || network.isCut) return;
    if (random.chance(network.callLossRate)) {
      clock.timer(1_000, () => {
        if (this.#subscription === subscription) this.breakConnection('a call was not answered');
      });
      if (random.chance(0.5)) return;
    }
    this.#callsDoneAt = Math.max(this.#callsDoneAt, time.now + this.#delay());
    time.after(this.#callsDoneAt - time.now, () => {
      if (master.takes(subscription)) act(master, subscription);
      else line('a call was refused: the subscription is not current');
    });
  }

  /** Something comes down the stream. */
  #arrive(subscription: Subscription | undefined, event: MasterEvent): void {
    if (!subscription) return;
    const { network, random } = this.#options;
    if (network.isCut) return;
    this.#deliver(subscription, () => this.#take(subscription, event));
    if (event.type === 'update' && random.chance(network.repeatRate)) this.#deliver(subscription, () => this.#take(subscription, event));
  }

  /** In order. A paused process finds it all when it goes on. */
  #deliver(subscription: Subscription, act: () => void): void {
    const { time, clock } = this.#options;
    this.#eventsDoneAt = Math.max(this.#eventsDoneAt, time.now + this.#delay());
    clock.timer(this.#eventsDoneAt - time.now, () => {
      if (this.#subscription === subscription && this.#session) act();
    });
  }

  #take(subscription: Subscription, event: MasterEvent): void {
    switch (event.type) {
      case 'offers':
        return this.#emit({ type: 'offers', offers: event.offers });
      case 'rescind':
        return this.#emit({ type: 'rescinded', offerId: event.offerId });
      case 'failure':
        return this.#emit({ type: 'agent-lost', agentId: event.agentId });
      case 'closed':
        if (event.superseded) {
          this.#drop();
          return this.#emit({ type: 'disconnected', reason: 'Framework failed over', final: true });
        }
        return this.breakConnection('the stream ended');
      case 'update':
        return this.#takeUpdate(subscription, event.update);
    }
  }

  #takeUpdate(subscription: Subscription, update: MesosUpdate): void {
    const status = toStatus(update);
    if (status) this.#emit({ type: 'status', status });
    // As in production: only answers count, not news that come in between.
    if (!update.isAnswer || !this.#asked.delete(update.taskId) || this.#asked.size > 0 || !this.#owesReconciled) return;
    if (this.#subscription === subscription) this.#sayReconciled();
  }

  #sayReconciled(): void {
    this.#owesReconciled = false;
    this.#emit({ type: 'reconciled' });
  }

  #reconcile(tasks: readonly TaskRef[]): void {
    const subscription = this.#subscription;
    // As in production: before the answer to SUBSCRIBE there is nobody to ask.
    if (!subscription || subscription !== this.#told) return;
    for (const task of tasks) this.#asked.set(task.taskId, task);
    this.#owesReconciled = true;
    this.#tries = 0;
    this.#cancelQuestion?.();
    this.#ask(subscription);
  }

  /** Everything that is known, then each task by name; again until all is answered, or as much as can be. */
  #ask(subscription: Subscription): void {
    if (this.#subscription !== subscription) return;
    this.#tries += 1;
    const isFirst = this.#tries === 1;
    if (isFirst) this.#call((master) => master.questions.reconcile([]));
    const tasks = [...this.#asked.values()];
    if (tasks.length > 0) this.#call((master) => master.questions.reconcile(tasks));
    const isLast = this.#tries >= QUESTION_TRIES || tasks.length === 0;
    this.#cancelQuestion = this.#options.clock.timer(tasks.length === 0 ? 50 : QUESTION_REPEAT_MS * this.#tries, () => {
      if (this.#subscription !== subscription) return;
      if (!isLast) return this.#ask(subscription);
      this.#asked.clear();
      if (this.#owesReconciled) this.#sayReconciled();
    });
  }

  #emit(event: ExecutorEvent): void {
    if (this.#session && this.#options.isAlive()) this.#session.emit(event);
  }

  /** How long an adapter takes to notice a silent connection. */
  static readonly silenceMs = SILENCE_MS;
}

/** As the table of the Mesos adapter has it; undefined: nothing to tell. */
function toStatus(update: MesosUpdate): TaskStatus | undefined {
  const { taskId, agentId, uuid, reason, exitCode, signal, outOfMemory } = update;
  const state = stateOf(update);
  if (!state) return undefined;
  return {
    ...{ taskId, state },
    ...(agentId === undefined ? {} : { agentId }),
    ...(uuid === undefined ? {} : { ack: uuid }),
    ...(reason === undefined ? {} : { reason }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
    ...(outOfMemory ? { outOfMemory } : {}),
  };
}

function stateOf({ state, reason, isAnswer, uuid }: MesosUpdate): TaskStatus['state'] | undefined {
  switch (state) {
    case 'STAGING':
      return 'staging';
    case 'STARTING':
      return 'starting';
    case 'RUNNING':
      return 'running';
    case 'KILLING':
      return 'killing';
    case 'FINISHED':
    case 'FAILED':
    case 'KILLED':
      // An end told without its exit status: the update that has it is on its way until it is acknowledged.
      if (isAnswer || uuid === undefined) return undefined;
      return endOf(state, reason);
    case 'ERROR':
      return reason === 'duplicate id' ? undefined : 'rejected';
    case 'DROPPED':
      return 'not-launched';
    case 'GONE_BY_OPERATOR':
      return 'lost';
    case 'LOST':
      // The master lost sight of the agent, and what runs there may run on.
      return reason === 'REASON_AGENT_REMOVED' ? 'unreachable' : 'lost';
    case 'GONE':
      return 'unknown';
    case 'UNKNOWN':
    case 'UNREACHABLE':
      return 'unreachable';
  }
}

function endOf(state: 'FINISHED' | 'FAILED' | 'KILLED', reason: string | undefined): TaskStatus['state'] {
  if (state === 'FINISHED') return 'finished';
  if (state === 'KILLED') return reason === 'REASON_AGENT_DRAINING' ? 'lost' : 'killed';
  if (reason === 'REASON_EXECUTOR_TERMINATED') return 'lost';
  if (reason === 'REASON_EXECUTOR_REGISTRATION_TIMEOUT') return 'not-launched';
  return reason === 'REASON_CONTAINER_LAUNCH_FAILED' ? 'rejected' : 'failed';
}
