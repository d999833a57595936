/**
 * One machine as an agent, for the length of one connection to its host: tracks its tasks, keeps the ledger, and turns
 * commands and the host's reports into events. A new connection gets a new Agent, which learns all it knows by looking.
 *
 * Invariants: what is done to one task is done in order; a task's share is claimed before its launch begins and released when
 * it is over; after close() no event leaves. What fails for one task stays that task's: it is logged, and whoever wanted it asks again.
 */

import type { CancelTimer, Clock } from '../../clock/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { ExecutorCommand, ExecutorEvent, Resources, TaskLaunch, TaskRef, TaskStatus } from '../port.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { OfferLedger } from './ledger.ts';
import type { AgentInfo } from './ledger.ts';
import { portRanges } from './resources.ts';
import { isOver, neverBegan } from './task-host.ts';
import type { TaskHost, TaskReport } from './task-host.ts';

export interface AgentOptions {
  readonly info: AgentInfo;
  readonly host: TaskHost;
  readonly clock: Clock;
  readonly logger: Logger;
  emit(event: ExecutorEvent): void;
  /** The host failed in a way that calls for a new connection. */
  failed(error: unknown): void;
}

interface Tracked {
  /** `undefined`: nothing is known yet, as its launch is under way. */
  report: TaskReport | undefined;
  /** Present while its launch is under way. */
  launch: AbortController | undefined;
  /** Present while a forced end is planned. */
  force?: { readonly at: number; readonly cancel: CancelTimer };
}

type LaunchCommand = Extract<ExecutorCommand, { type: 'launch' }>;

export class Agent {
  readonly #options: AgentOptions;
  readonly #ledger: OfferLedger;
  readonly #queue: KeyedQueue;
  /** Tasks that are not over, and those that are and wait for their acknowledgement. */
  readonly #tasks = new Map<string, Tracked>();
  #events: ExecutorEvent[] = [];
  /** How many `reconcile` are not answered yet. */
  #questions = 0;
  #isOfferDue = false;
  #cancelExpiry: CancelTimer | undefined;
  #isClosed = false;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#ledger = new OfferLedger(options.info);
    this.#queue = new KeyedQueue((error, taskId) => this.#trouble(taskId, error));
  }

  /** Says `connected`, then what was found at the host, then offers the rest. */
  begin(identity: string, found: readonly TaskReport[]): void {
    this.#emit({ type: 'connected', identity, exclusive: true });
    for (const report of found) {
      // A launch cut short is not told yet: if it is asked for it goes on, and the first word of it is that it runs.
      if (report.isInterrupted === true) this.#note(report.status.taskId, report);
      else this.changed(report);
    }
    this.#offerSoon();
  }

  /** The host tells of a task. What is old news is not told again. */
  changed(report: TaskReport): void {
    if (this.#isClosed) return;
    const { taskId } = report.status;
    // Looked at before it was acknowledged, told after.
    if (!this.#tasks.has(taskId) && report.isAcknowledged) return;
    if (this.#note(taskId, report)) this.#tell(report);
  }

  perform(command: ExecutorCommand): void {
    switch (command.type) {
      case 'launch':
        return this.#launch(command);
      case 'kill':
        return this.#kill(command.task, command.graceMs);
      case 'acknowledge':
        return this.#acknowledge(command.taskId);
      case 'decline':
        this.#ledger.decline(command.offerIds, this.#options.clock.monotonic() + command.refuseMs);
        return this.#offerSoon();
      case 'suppress':
        return this.#ledger.suppress();
      case 'revive':
        this.#ledger.revive();
        return this.#offerSoon();
      case 'reconcile':
        return this.#reconcile(command.tasks);
      case 'answer-inverse-offers':
        // Nobody plans maintenance of this machine here.
        return undefined;
      case 'forget':
        return command.tasks.forEach(({ taskId }) => this.#forget(taskId));
    }
  }

  /** Emits nothing any more; launches that have not begun do not begin. Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelExpiry?.();
    for (const tracked of this.#tasks.values()) {
      tracked.force?.cancel();
      tracked.launch?.abort();
    }
    await this.#queue.idle();
  }

  #launch({ offerIds, tasks }: LaunchCommand): void {
    const spent = this.#ledger.spend(offerIds);
    let budget = spent;
    for (const task of tasks) {
      const known = this.#tasks.get(task.taskId);
      if (known !== undefined) {
        if (known.report !== undefined) this.#tell(known.report);
        continue;
      }
      const left = budget && this.#ledger.claim(task.taskId, resourcesOf(task), budget);
      if (left === undefined) this.#tell(neverBegan(this.#refusal(task, spent)));
      else this.#begin(task);
      budget = left ?? budget;
    }
    this.#offerSoon();
  }

  #begin(task: TaskLaunch): void {
    const { taskId } = task;
    const launch = new AbortController();
    const tracked: Tracked = { report: undefined, launch };
    this.#tasks.set(taskId, tracked);
    void this.#queue.add(taskId, async () => {
      try {
        this.changed(await this.#options.host.launch(task, launch.signal));
      } finally {
        // How far one came that failed is found by looking, when its task is asked about; until then it keeps its share.
        tracked.launch = undefined;
      }
    });
  }

  #refusal(task: TaskLaunch, budget: Resources | undefined): TaskStatus {
    const { agentId } = this.#options.info;
    const told = { taskId: task.taskId, agentId, at: this.#options.clock.now(), state: 'not-launched' } as const;
    if (budget === undefined) return { ...told, reason: 'offer-invalid', message: 'an offer it was to use is not valid any more' };
    return { ...told, reason: 'offer-insufficient', message: 'the offers it was to use hold less than it needs' };
  }

  #kill(ref: TaskRef, graceMs: number): void {
    const { taskId } = ref;
    const tracked = this.#tasks.get(taskId);
    // An image may be on its way for minutes; the kill does not wait for it.
    const isLaunching = tracked?.launch !== undefined;
    tracked?.launch?.abort();
    const killBy = this.#options.clock.now() + graceMs;
    void this.#queue.add(taskId, async () => {
      // Its launch came to nothing, and said so.
      if (isLaunching && !this.#tasks.has(taskId)) return;
      const plannedAt = this.#tasks.get(taskId)?.force?.at ?? Infinity;
      const order = { killBy: Math.min(plannedAt, killBy), isForced: plannedAt <= this.#options.clock.now() };
      // Whatever becomes of the polite end, the forced one comes.
      this.#planForce(taskId, order.killBy);
      this.#answer(ref, await this.#options.host.kill(taskId, order));
    });
  }

  #planForce(taskId: string, at: number): void {
    const tracked = this.#tasks.get(taskId);
    if (tracked === undefined || (tracked.force !== undefined && tracked.force.at <= at)) return;
    if (tracked.report !== undefined && isOver(tracked.report.status)) return;
    tracked.force?.cancel();
    const { clock, host } = this.#options;
    const force = async (): Promise<void> => {
      if (tracked.report === undefined || isOver(tracked.report.status)) return;
      const report = await host.kill(taskId, { killBy: at, isForced: true });
      if (report !== undefined) this.changed(report);
    };
    const cancel = clock.timer(at - clock.now(), () => void this.#queue.add(taskId, force));
    tracked.force = { at, cancel };
  }

  #acknowledge(taskId: string): void {
    void this.#queue.add(taskId, async () => {
      const tracked = this.#tasks.get(taskId);
      if (tracked?.report !== undefined && !isOver(tracked.report.status)) return;
      await this.#options.host.acknowledge(taskId);
      this.#tasks.delete(taskId);
    });
  }

  #forget(taskId: string): void {
    void this.#queue.add(taskId, async () => {
      const report = this.#tasks.get(taskId)?.report;
      if (report !== undefined && !isOver(report.status) && report.isInterrupted === undefined) {
        this.#options.logger.warn({ taskId, state: report.status.state }, 'not forgotten: the task still runs');
        return;
      }
      await this.#options.host.forget(taskId);
      this.#tasks.delete(taskId);
      this.#ledger.release(taskId);
    });
  }

  #reconcile(refs: readonly TaskRef[]): void {
    const asked = new Set(refs.map((ref) => ref.taskId));
    const others = [...this.#tasks].filter(([taskId]) => !asked.has(taskId));
    const answers = refs.map((ref) => this.#lookUp(ref));
    for (const [, { report }] of others) {
      if (report !== undefined && !isOver(report.status)) this.#tell(report);
    }
    this.#questions += 1;
    void Promise.all(answers).then(() => {
      this.#questions -= 1;
      // What is asked in several commands is answered when all of them are.
      if (this.#questions === 0) this.#emit({ type: 'reconciled' });
    });
  }

  async #lookUp(ref: TaskRef): Promise<void> {
    const { host, info } = this.#options;
    const { taskId } = ref;
    const tracked = this.#tasks.get(taskId);
    if (tracked?.launch !== undefined) {
      return this.#emit({ type: 'status', status: { taskId, agentId: info.agentId, state: 'staging' } });
    }
    let isAnswered = false;
    await this.#queue.add(taskId, async () => {
      const report = await host.look(taskId);
      // Asked for, so wanted: what a crash cut short is the same launch still.
      this.#answer(ref, report?.isInterrupted === true ? await host.resume(taskId) : report);
      isAnswered = true;
    });
    if (!isAnswered) this.#cutOff(ref, 'evidence-unreadable', 'what there is of this task can not be read');
  }

  /** Tells what is so because it was asked for, even when it was told before. */
  #answer(ref: TaskRef, report: TaskReport | undefined): void {
    const { taskId } = ref;
    if (report !== undefined) {
      this.#note(taskId, report);
      return this.#tell(report);
    }
    this.#ledger.release(taskId);
    this.#tasks.delete(taskId);
    const { agentId } = this.#options.info;
    // Only of what would be here can be said that it is nowhere: another machine, or another kind of executor, may well run it.
    if (!isOf(agentId, ref)) return this.#cutOff(ref, 'other-agent', `it was put on ${ref.agentId}, of which ${agentId} can not tell`);
    this.#emit({ type: 'status', status: { taskId, agentId, state: 'unknown', message: 'nothing here tells of this task' } });
  }

  #cutOff({ taskId, agentId }: TaskRef, reason: string, message: string): void {
    this.#emit({ type: 'status', status: { taskId, agentId, state: 'unreachable', reason, message } });
  }

  #trouble(taskId: string, error: unknown): void {
    if (this.#isClosed) return;
    if (this.#options.host.isOutage(error)) {
      // Nothing that is said from here on is known to be so.
      this.#isClosed = true;
      return this.#options.failed(error);
    }
    this.#options.logger.warn({ taskId, error }, 'trouble with one task; all others go on');
  }

  /** Takes in what is so now; whether it is another state than before. */
  #note(taskId: string, report: TaskReport): boolean {
    const tracked = this.#tasks.get(taskId) ?? { report: undefined, launch: undefined };
    const before = tracked.report;
    if (before !== undefined && isOver(before.status)) return false;
    tracked.report = report;
    this.#tasks.set(taskId, tracked);
    if (isOver(report.status)) this.#settle(taskId, tracked, report);
    else if (before === undefined && report.resources !== undefined) this.#ledger.adopt(taskId, report.resources);
    if (report.killBy !== undefined && !isOver(report.status)) this.#planForce(taskId, report.killBy);
    return before?.status.state !== report.status.state;
  }

  #settle(taskId: string, tracked: Tracked, report: TaskReport): void {
    tracked.force?.cancel();
    if (!report.isKept || report.isAcknowledged) this.#tasks.delete(taskId);
    this.#ledger.release(taskId);
    this.#offerSoon();
  }

  #tell({ status, isKept }: TaskReport): void {
    const ack = isKept && isOver(status) ? { ack: status.state } : {};
    this.#emit({ type: 'status', status: { agentId: this.#options.info.agentId, ...status, ...ack } });
  }

  /** Offers once the work at hand is done, so that a burst of endings makes one offer. */
  #offerSoon(): void {
    if (this.#isOfferDue) return;
    this.#isOfferDue = true;
    queueMicrotask(() => {
      this.#isOfferDue = false;
      if (this.#isClosed) return;
      const now = this.#options.clock.monotonic();
      const offer = this.#ledger.nextOffer(now);
      if (offer !== undefined) this.#emit({ type: 'offers', offers: [offer] });
      this.#awaitExpiry(now);
    });
  }

  #awaitExpiry(now: number): void {
    this.#cancelExpiry?.();
    const next = this.#ledger.nextExpiry();
    this.#cancelExpiry = next === undefined ? undefined : this.#options.clock.timer(next - now, () => this.#offerSoon());
  }

  /** Events leave after the command that caused them has returned, in order. */
  #emit(event: ExecutorEvent): void {
    if (this.#isClosed) return;
    if (this.#events.push(event) > 1) return;
    queueMicrotask(() => {
      const events = this.#events;
      this.#events = [];
      for (const due of events) if (!this.#isClosed) this.#options.emit(due);
    });
  }
}

/** A reference that names no agent may be to any. */
function isOf(agentId: string, ref: TaskRef): boolean {
  return ref.agentId === '' || ref.agentId === agentId;
}

function resourcesOf({ task, ports }: TaskLaunch): Resources {
  return { cpus: task.cpus, mem: task.mem, disk: task.disk, gpus: task.gpus, ports: portRanges(ports) };
}
