/**
 * The model of a Mesos master, in virtual time: one framework, offers, launches, reconciliation, fencing by subscription, failover.
 * Facts, not plans: what it answers is what a real master was seen to answer. Calls reach it one after the other; none is atomic
 * with anything that the scheduler does.
 */

import type { Offer, TaskLaunch, TaskRef } from '../../src/executor/port.ts';
import { type AgentOptions, type MesosUpdate, MesosAgent, TERMINAL } from './mesos-agent.ts';
import { MesosQuestions } from './mesos-questions.ts';
import {
  freeOf,
  isOut,
  latestState,
  makeOffer,
  type MasterOptions,
  type OpenOffer,
  type Seat,
  type Subscription,
  thousandths,
} from './mesos-seat.ts';

const UNREACHABLE_AFTER_MS = 80_000;
const AWAITED_FOR_MS = 600_000;
const CYCLE_MS = 1_000;
/** A launch that is on its way to an agent has arrived by then. */
const DRAIN_AFTER_MS = 60;

export class MesosMaster {
  readonly #options: MasterOptions;
  readonly #seats = new Map<string, Seat>();
  readonly #offers = new Map<string, OpenOffer>();
  readonly #allocations = new Map<string, true>();
  /** RECONCILE, and what is said of tasks that nobody has. */
  readonly questions: MesosQuestions;
  #subscription: Subscription | undefined;
  /** The framework that acts. */
  #frameworkId: string | undefined;
  /**
   * Other frameworks: of nodes that came without an id though there was a framework, as leaders who had not heard of it. Mesos has them
   * beside each other; whoever acts first under such a one has it in the store, and it is the framework from then on.
   */
  readonly #others = new Map<string, Subscription>();
  #isRemoved = false;
  #isUp = true;
  #isSuppressed = false;
  #ids = 0;

  constructor(options: MasterOptions) {
    this.#options = options;
    const { time, random, onLateAnswer } = options;
    const subscription = (): Subscription | undefined => (this.#isUp ? this.#subscription : undefined);
    this.questions = new MesosQuestions({ time, random: random.fork('answers'), seats: this.#seats, subscription, onLate: onLateAnswer });
  }

  /** Whether it has removed the framework, and nobody has come as another since. */
  get isFrameworkRemoved(): boolean {
    return this.#isRemoved;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get agents(): readonly MesosAgent[] {
    return [...this.#seats.values()].filter((seat) => !isOut(seat)).map((seat) => seat.agent);
  }

  add(options: Omit<AgentOptions, 'time' | 'forward' | 'onLife' | 'losses' | 'note'>): MesosAgent {
    const { time, onLife, losses, note } = this.#options;
    const agent = new MesosAgent({ ...options, time, onLife, losses, note, forward: (from, update) => this.#forward(from, update) });
    const unused = { isDrained: false, tasks: new Map(), filter: undefined, cancelAway: undefined };
    this.#seats.set(agent.id, { agent, standing: 'registered', ...unused });
    this.#allocateSoon(CYCLE_MS * this.#options.random.next());
    return agent;
  }

  /** Undefined: nobody answers, try again. `removed`: told for good. A subscription of the same framework ends the one before it. */
  subscribe(request: {
    readonly node: string;
    readonly frameworkId: string | undefined;
    readonly send: Subscription['send'];
  }): Subscription | 'removed' | undefined {
    if (!this.#isUp) return undefined;
    const { frameworkId } = request;
    if (frameworkId !== undefined && !this.#others.has(frameworkId)) {
      if (this.#isRemoved || (this.#frameworkId ?? frameworkId) !== frameworkId) return 'removed';
    }
    this.#ids += 1;
    const subscription: Subscription = {
      id: this.#ids,
      node: request.node,
      frameworkId: frameworkId ?? `framework-${this.#ids}`,
      send: request.send,
    };
    this.#options.onSubscribe(request);
    this.#options.line(`subscription ${subscription.id} of ${request.node} as ${subscription.frameworkId}`);
    if (frameworkId === undefined && this.#frameworkId !== undefined && !this.#isRemoved)
      this.#others.set(subscription.frameworkId, subscription);
    else this.#stand(subscription);
    return subscription;
  }

  /** From now on it is this one that acts; another of the same framework ends. */
  #stand(subscription: Subscription): void {
    const before = this.#subscription;
    if (subscription.frameworkId !== this.#frameworkId || this.#isRemoved) this.#begin(subscription.frameworkId);
    this.#others.delete(subscription.frameworkId);
    this.#subscription = subscription;
    if (before?.frameworkId === subscription.frameworkId) before.send({ type: 'closed', superseded: true });
    this.#offers.clear();
    this.#isSuppressed = false;
    for (const seat of this.#seats.values()) if (seat.standing === 'registered') this.#options.time.after(10, () => seat.agent.resendAll());
    this.#allocateSoon(CYCLE_MS * this.#options.random.next());
  }

  /** Another framework: whatever is left of the one before is shut down, as an operator sees to. */
  #begin(frameworkId: string): void {
    this.#frameworkId = frameworkId;
    this.#isRemoved = false;
    for (const seat of this.#seats.values()) this.#shutDown(seat);
  }

  /** Its failover timeout has passed, or someone tore it down: its tasks are killed where the master can, its stream ends. */
  removeFramework(): void {
    if (!this.#isUp || this.#isRemoved || this.#frameworkId === undefined) return;
    this.#isRemoved = true;
    this.#subscription?.send({ type: 'closed', superseded: false });
    this.#subscription = undefined;
    this.#offers.clear();
    for (const seat of this.#seats.values()) this.#shutDown(seat);
  }

  /** Of frameworks that are removed, or that nobody speaks for any more. */
  #shutDown(seat: Seat): void {
    const isOver = (frameworkId: string): boolean => this.#isRemoved || frameworkId !== this.#frameworkId;
    for (const [taskId, known] of seat.tasks) if (isOver(known.frameworkId)) seat.tasks.delete(taskId);
    if (seat.standing === 'registered' && seat.agent.isUp) seat.agent.shutDown(isOver);
  }

  /** The scheduler closed its stream. */
  disconnect(subscription: Subscription): void {
    if (this.#subscription !== subscription) return;
    this.#subscription = undefined;
    this.#offers.clear();
  }

  /** Whether calls of this subscription are taken. */
  takes(subscription: Subscription): boolean {
    if (this.#isUp && this.#others.get(subscription.frameworkId) === subscription) this.#stand(subscription);
    return this.#isUp && this.#subscription === subscription;
  }

  accept(subscription: Subscription, offerIds: readonly string[], tasks: readonly TaskLaunch[]): void {
    const spent = offerIds.map((id) => this.#offers.get(id));
    for (const id of offerIds) this.#offers.delete(id);
    const first = spent[0];
    const isValid = first !== undefined && spent.every((open) => open?.seat === first.seat);
    this.#allocateSoon(CYCLE_MS * this.#options.random.next());
    if (!isValid) {
      for (const { taskId, agentId } of tasks) this.#send({ taskId, agentId, state: 'DROPPED', reason: 'REASON_INVALID_OFFERS' });
      return;
    }
    const left = { cpus: 0, mem: 0 };
    for (const open of spent) {
      left.cpus += thousandths(open?.offer.resources.cpus ?? 0);
      left.mem += thousandths(open?.offer.resources.mem ?? 0);
    }
    for (const task of tasks) this.#launch(subscription, first.seat, { task, left });
  }

  #launch(subscription: Subscription, seat: Seat, { task, left }: { task: TaskLaunch; left: { cpus: number; mem: number } }): void {
    const cpus = thousandths(task.task.cpus);
    const mem = thousandths(task.task.mem);
    const isKnown = [...this.#seats.values()].some((other) => other.tasks.has(task.taskId));
    if (isKnown || cpus > left.cpus || mem > left.mem || task.agentId !== seat.agent.id) {
      this.#options.onRefused(task);
      this.#send({ taskId: task.taskId, agentId: seat.agent.id, state: 'ERROR', reason: isKnown ? 'duplicate id' : 'REASON_TASK_INVALID' });
      return;
    }
    left.cpus -= cpus;
    left.mem -= mem;
    const { frameworkId } = subscription;
    seat.tasks.set(task.taskId, { launch: task, frameworkId, state: 'STAGING' });
    this.#options.onLaunch({ task, subscription });
    this.#options.time.after(this.#options.random.int(1, 50), () => {
      // Once sent, it arrives also when the master dies meanwhile.
      const isGone = isOut(seat) || (seat.standing === 'registered' && !seat.tasks.has(task.taskId));
      if (seat.agent.isUp && !isGone && !seat.agent.tasks.has(task.taskId)) seat.agent.run(task, frameworkId);
    });
  }

  decline(offerIds: readonly string[], refuseMs: number): void {
    const { time } = this.#options;
    for (const id of offerIds) {
      const open = this.#offers.get(id);
      if (!open) continue;
      this.#offers.delete(id);
      const { cpus, mem } = open.offer.resources;
      open.seat.filter = { until: time.now + refuseMs, cpus, mem };
      this.#allocateSoon(Math.max(refuseMs, CYCLE_MS));
    }
  }

  suppress(): void {
    this.#isSuppressed = true;
  }

  revive(): void {
    this.#isSuppressed = false;
    for (const seat of this.#seats.values()) seat.filter = undefined;
    this.#allocateSoon(12);
  }

  acknowledge(agentId: string, taskId: string, uuid: string): void {
    const seat = this.#seats.get(agentId);
    const update = seat?.agent.tasks.get(taskId)?.updates[0];
    if (!seat || seat.standing !== 'registered' || update?.uuid !== uuid) return;
    if (TERMINAL.has(update.state)) {
      seat.tasks.delete(taskId);
      this.#options.onAcknowledged(update);
    }
    seat.agent.acknowledge(taskId, uuid);
  }

  kill(task: TaskRef, graceMs: number): void {
    this.#options.onKill(task.taskId, graceMs);
    const seat = this.#seats.get(task.agentId);
    const known = seat?.tasks.get(task.taskId);
    if (seat?.standing === 'awaited') return;
    if (seat?.standing === 'registered' && known) {
      if (known.state === 'STAGING' && !seat.agent.tasks.has(task.taskId)) {
        // Not with the agent yet: it never will be.
        seat.tasks.delete(task.taskId);
        seat.agent.drop(known, 'KILLED');
        return;
      }
      if (seat.agent.isUp) seat.agent.kill(task.taskId, graceMs);
      return;
    }
    if (seat?.standing === 'disconnected' && known) return;
    this.questions.answer(task);
  }

  /** An offer is taken back, as for another framework's quota. */
  rescindOne(): void {
    const first = this.#offers.keys().next().value;
    if (first === undefined) return;
    this.#offers.delete(first);
    this.#subscription?.send({ type: 'rescind', offerId: first });
    this.#allocateSoon(CYCLE_MS);
  }

  // ── Failures ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The agent's process ends; its tasks go on. */
  stopAgent(agent: MesosAgent): void {
    const seat = this.#seats.get(agent.id);
    if (!seat || !agent.isUp) return;
    agent.isUp = false;
    if (seat.standing !== 'registered') return;
    seat.standing = 'disconnected';
    this.#voidOffers(seat);
    seat.cancelAway = this.#options.time.after(UNREACHABLE_AFTER_MS, () => this.#loseTouch(seat));
  }

  startAgent(agent: MesosAgent): void {
    const seat = this.#seats.get(agent.id);
    if (!seat || agent.isUp || isOut(seat)) return;
    agent.isUp = true;
    if (this.#isUp) this.#register(seat);
  }

  /** A new machine takes the agent's place; the old tasks are lost to the master, and may go on for nobody. */
  replaceAgent(agent: MesosAgent, id: string, tasksDie: boolean): void {
    const seat = this.#seats.get(agent.id);
    if (!seat || !this.#isUp || isOut(seat) || seat.standing === 'awaited') return;
    this.#takeOut(seat, 'removed');
    if (tasksDie) agent.destroy();
    this.add({ ...agent.options, id });
  }

  /** An operator says that the agent is gone, tasks and all; another takes its place. Those out of reach are told of only when asked. */
  markGone(agent: MesosAgent, id: string): void {
    const seat = this.#seats.get(agent.id);
    if (!seat || !this.#isUp || isOut(seat) || seat.standing === 'awaited') return;
    const isKnown = seat.standing !== 'unreachable';
    agent.destroy();
    if (!isKnown) seat.tasks.clear();
    this.#takeOut(seat, 'gone');
    this.add({ ...agent.options, id });
  }

  #takeOut(seat: Seat, standing: 'removed' | 'gone'): void {
    const { agent } = seat;
    const [state, reason] =
      standing === 'gone'
        ? (['GONE_BY_OPERATOR', 'REASON_AGENT_REMOVED_BY_OPERATOR'] as const)
        : (['LOST', 'REASON_AGENT_REMOVED'] as const);
    seat.cancelAway?.();
    this.#voidOffers(seat);
    seat.standing = standing;
    agent.isRegistered = false;
    for (const [taskId, known] of seat.tasks) {
      if (TERMINAL.has(known.state)) continue;
      if (standing === 'gone') this.#options.note('task gone with its agent');
      this.#send({ taskId, agentId: agent.id, state, reason });
    }
    seat.tasks.clear();
    this.#subscription?.send({ type: 'failure', agentId: agent.id });
  }

  /** An operator takes the agent out of service: its offers are void, its tasks are killed, until reactivate(). */
  drainAgent(agent: MesosAgent): void {
    const seat = this.#seats.get(agent.id);
    if (!seat || !this.#isUp || seat.standing !== 'registered') return;
    seat.isDrained = true;
    this.#voidOffers(seat);
    // Of a launch that is under way the agent learns first.
    this.#options.time.after(DRAIN_AFTER_MS, () => {
      if (seat.isDrained && !isOut(seat)) agent.drain();
    });
  }

  reactivate(agent: MesosAgent): void {
    const seat = this.#seats.get(agent.id);
    if (!seat?.isDrained) return;
    seat.isDrained = false;
    this.#allocateSoon(CYCLE_MS);
  }

  /** The master's process ends. */
  die(): void {
    this.#isUp = false;
    this.#subscription?.send({ type: 'closed', superseded: false });
    this.#subscription = undefined;
    this.#offers.clear();
    this.#isSuppressed = false;
    for (const other of this.#others.values()) other.send({ type: 'closed', superseded: false });
    // The next one takes the old id again.
    this.#isRemoved = false;
    for (const seat of this.#seats.values()) {
      seat.cancelAway?.();
      seat.filter = undefined;
      if (isOut(seat)) continue;
      seat.agent.isRegistered = false;
      seat.tasks.clear();
      if (seat.standing !== 'unreachable') seat.standing = 'awaited';
    }
  }

  /** Another process begins, knowing the agents by name only; each comes back after so long. */
  comeBack(reregister: () => number): void {
    const { time } = this.#options;
    this.#isUp = true;
    this.#options.line('master is back');
    for (const seat of this.#seats.values()) {
      if (isOut(seat)) continue;
      time.after(reregister(), () => {
        if (this.#isUp && seat.agent.isUp && !seat.agent.isRegistered) this.#register(seat);
      });
      if (seat.standing !== 'awaited') continue;
      seat.cancelAway = time.after(AWAITED_FOR_MS, () => {
        if (seat.standing !== 'awaited') return;
        seat.standing = 'unreachable';
        this.#subscription?.send({ type: 'failure', agentId: seat.agent.id });
      });
    }
  }

  #loseTouch(seat: Seat): void {
    seat.standing = 'unreachable';
    seat.agent.isRegistered = false;
    this.#options.line(`agent ${seat.agent.id} is unreachable`);
    for (const [taskId, known] of seat.tasks) {
      if (!TERMINAL.has(known.state)) this.#send({ taskId, agentId: seat.agent.id, state: 'UNREACHABLE', reason: 'REASON_AGENT_REMOVED' });
    }
    this.#subscription?.send({ type: 'failure', agentId: seat.agent.id });
  }

  #register(seat: Seat): void {
    seat.cancelAway?.();
    const wasUnreachable = seat.standing === 'unreachable';
    const known = [...seat.tasks.values()];
    seat.standing = 'registered';
    seat.agent.isRegistered = true;
    this.#options.line(`agent ${seat.agent.id} registered`);
    for (const task of known) if (!seat.agent.tasks.has(task.launch.taskId)) seat.agent.drop(task, 'DROPPED');
    seat.tasks.clear();
    this.#shutDown(seat);
    for (const task of seat.agent.tasks.values()) {
      if (task.frameworkId !== this.#frameworkId || this.#isRemoved) continue;
      const state = latestState(task);
      seat.tasks.set(task.launch.taskId, { launch: task.launch, frameworkId: task.frameworkId, state });
      if (!wasUnreachable) continue;
      this.#send({ taskId: task.launch.taskId, agentId: seat.agent.id, state, reason: 'REASON_AGENT_REREGISTERED' });
    }
    seat.agent.resendAll();
    // Told twice, as the agent's and the master's lists cross.
    this.#options.time.after(this.#options.random.int(1, 3), () => seat.agent.resendAll());
    this.#allocateSoon(CYCLE_MS * this.#options.random.next());
  }

  #voidOffers(seat: Seat): void {
    for (const [id, open] of this.#offers) {
      if (open.seat !== seat) continue;
      this.#offers.delete(id);
      this.#subscription?.send({ type: 'rescind', offerId: id });
    }
  }

  #forward(agent: MesosAgent, update: MesosUpdate): void {
    const seat = this.#seats.get(agent.id);
    if (!this.#isUp || !seat || seat.standing !== 'registered') return;
    const known = seat.tasks.get(update.taskId);
    const task = agent.tasks.get(update.taskId);
    if (this.#isRemoved || task?.frameworkId !== this.#frameworkId) return;
    if (known && task) known.state = latestState(task);
    if (task?.phase === 'over') this.#allocateSoon(CYCLE_MS * this.#options.random.next());
    this.#send(update);
  }

  #send(update: MesosUpdate): void {
    this.#subscription?.send({ type: 'update', update });
  }

  // ── Offers ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #allocateSoon(delayMs: number): void {
    const at = this.#options.time.now + Math.ceil(delayMs);
    const key = String(at);
    if (this.#allocations.has(key)) return;
    this.#allocations.set(key, true);
    this.#options.time.after(delayMs, () => {
      this.#allocations.delete(key);
      this.#allocate();
    });
  }

  #allocate(): void {
    const subscription = this.#subscription;
    if (!subscription || !this.#isUp || this.#isSuppressed) return;
    const offers: Offer[] = [];
    for (const seat of this.#seats.values()) {
      if (seat.standing !== 'registered') continue;
      const offer = this.#offerOf(seat);
      if (offer) offers.push(offer);
    }
    if (offers.length > 0) subscription.send({ type: 'offers', offers });
  }

  #offerOf(seat: Seat): Offer | undefined {
    const held = [...this.#offers.values()].filter((open) => open.seat === seat);
    const free = freeOf(seat, held, this.#options.time.now);
    if (!free) return undefined;
    this.#ids += 1;
    const offer = makeOffer(seat, `offer-${this.#ids}`, free);
    this.#offers.set(offer.id, { offer, seat });
    return offer;
  }
}
