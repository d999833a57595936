/**
 * The executor on Apache Mesos: the v1 HTTP scheduler API behind the executor port. docs/mesos.md lists every event, call,
 * state and reason, and what becomes of it.
 *
 *   leader ── perform ──> this ── calls ──> Connection ──> master
 *          <── emit ─────      <─ events ──
 *
 * It holds no durable state: tasks and their statuses are the store's, and what it keeps in memory (offers, launches on their
 * way, tasks being asked about) belongs to one subscription and is dropped with it.
 */

import type { Executor, ExecutorCommand, ExecutorEvent, ExecutorSession, LogChunk, LogRequest } from '../port.ts';
import { anonymous } from './authenticator.ts';
import { Connection } from './connection.ts';
import { rolesOf } from './framework.ts';
import { InverseOffers } from './inverse-offers.ts';
import { Launcher } from './launcher.ts';
import type { MesosOptions } from './options.ts';
import type { CallBody, MesosEvent, RawFailure, RawStatus, Subscribed } from './protocol.ts';
import { RECONCILE_BOUND_MS, Reconciler } from './reconciler.ts';
import { readSandbox } from './sandbox.ts';
import { readStatus } from './statuses.ts';
import type { CallOutcome } from './subscription.ts';
import { Transport } from './transport.ts';

export class MesosExecutor implements Executor {
  readonly kind = 'mesos';
  readonly #options: MesosOptions;
  readonly #launcher: Launcher;
  readonly #inverse: InverseOffers;
  readonly #reconciler: Reconciler;
  #session: ExecutorSession | undefined;
  #connection: Connection | undefined;
  #transport: Transport | undefined;
  #agents: Transport | undefined;
  #frameworkId: string | undefined;
  /** The reason last told for being down; `undefined` while connected. */
  #downReason: string | undefined;

  constructor(options: MesosOptions) {
    const { clock } = options;
    this.#options = options;
    this.#launcher = new Launcher({
      clock,
      containerizer: options.containerizer ?? 'docker',
      pace: options.launchPace ?? {},
      send: (call, outcome) => this.#send(call, outcome),
      onOffers: (offers) => this.#emit({ type: 'offers', offers }),
      onStatus: (status) => this.#emit({ type: 'status', status }),
    });
    this.#inverse = new InverseOffers({
      clock,
      logger: options.logger,
      send: (call) => this.#send(call),
      onInverseOffers: (inverseOffers) => this.#emit({ type: 'inverse-offers', inverseOffers }),
    });
    this.#reconciler = new Reconciler({
      clock,
      boundMs: options.reconcileBoundMs ?? RECONCILE_BOUND_MS,
      send: (call) => this.#send(call),
      onReconciled: (silent) => {
        if (silent > 0) this.#options.logger.warn({ silent }, 'mesos does not speak for some tasks yet; they are asked for again');
        this.#emit({ type: 'reconciled' });
      },
    });
  }

  start(session: ExecutorSession): void {
    if (this.#connection !== undefined) throw new Error('the mesos executor is started already');
    const { clock, logger, detector, framework = {}, tls, authenticator = anonymous } = this.#options;
    this.#session = session;
    this.#downReason = undefined;
    this.#frameworkId = session.identity;
    this.#transport = new Transport({ tls, authenticator });
    this.#connection = new Connection(
      {
        transport: this.#transport,
        detector,
        clock,
        logger,
        framework,
        onEvent: (event) => this.#take(event),
        onDown: (reason, isFinal) => this.#down(reason, isFinal),
      },
      session.identity,
    );
    this.#connection.start();
  }

  perform(command: ExecutorCommand): void {
    switch (command.type) {
      case 'launch':
        return this.#launcher.launch(command.offerIds, command.tasks);
      case 'kill':
        return this.#kill(command);
      case 'acknowledge':
        return this.#acknowledge(command);
      case 'decline':
        return this.#launcher.decline(command.offerIds, command.refuseMs);
      case 'answer-inverse-offers':
        return this.#inverse.answer(command.answers);
      case 'suppress':
        return this.#send({ type: 'SUPPRESS', suppress: { roles: this.#roles } });
      case 'revive':
        return this.#send({ type: 'REVIVE', revive: { roles: this.#roles } });
      case 'reconcile':
        return this.#reconcile(command);
      case 'forget':
        // Sandboxes are the agents' to collect.
        return undefined;
    }
  }

  async stop(): Promise<void> {
    const connection = this.#connection;
    const transport = this.#transport;
    this.#session = undefined;
    this.#connection = undefined;
    this.#transport = undefined;
    this.#forgetSubscription();
    await connection?.stop();
    await Promise.all([transport?.close(), this.#options.detector.close()]);
  }

  readLog(request: LogRequest): Promise<LogChunk | undefined> {
    const { agents = {}, tls, identity } = this.#options;
    this.#agents ??= new Transport({ tls, authenticator: agents.authenticator ?? anonymous });
    return readSandbox(request, {
      transport: this.#agents,
      scheme: agents.scheme ?? 'http',
      frameworkId: () => this.#frameworkId ?? identity?.(),
    });
  }

  get #roles(): readonly string[] {
    return rolesOf(this.#options.framework ?? {});
  }

  #emit(event: ExecutorEvent): void {
    this.#session?.emit(event);
  }

  #send(call: CallBody, outcome: CallOutcome = {}): void {
    if (this.#connection === undefined) outcome.unsent?.();
    else this.#connection.send(call, outcome);
  }

  // ---- events

  #take(event: MesosEvent): void {
    switch (event.type) {
      case 'SUBSCRIBED':
        return this.#subscribed(event.subscribed);
      case 'OFFERS':
        return this.#launcher.receive(event.offers.offers ?? []);
      case 'RESCIND': {
        const offerId = event.rescind.offer_id.value;
        if (this.#launcher.rescind(offerId)) this.#emit({ type: 'rescinded', offerId });
        return undefined;
      }
      case 'UPDATE':
        return this.#hear(event.update.status);
      case 'FAILURE':
        return this.#agentFailed(event.failure);
      case 'INVERSE_OFFERS':
        return this.#inverse.receive(event.inverse_offers.inverse_offers ?? []);
      case 'RESCIND_INVERSE_OFFER':
        return this.#inverse.rescind(event.rescind_inverse_offer.inverse_offer_id.value);
      default:
        return this.#options.logger.debug({ event: event.type }, 'mesos event that asks nothing of us');
    }
  }

  #subscribed({ framework_id: { value: frameworkId }, master_info: master }: Subscribed): void {
    this.#forgetSubscription();
    this.#launcher.subscribed(master);
    this.#frameworkId = frameworkId;
    this.#downReason = undefined;
    this.#options.logger.info({ frameworkId, master: master?.hostname }, 'subscribed to mesos');
    this.#emit({ type: 'connected', identity: frameworkId, exclusive: false });
  }

  #down(reason: string, isFinal: boolean): void {
    this.#forgetSubscription();
    // Told once per cause, however often the attempts go on failing for it.
    if (reason === this.#downReason && !isFinal) return;
    this.#downReason = reason;
    if (isFinal) this.#options.logger.error({ reason }, 'mesos is lost for good');
    else this.#options.logger.warn({ reason }, 'not subscribed to mesos');
    this.#emit({ type: 'disconnected', reason, final: isFinal });
  }

  /** Offers and answers belong to one subscription; nobody rescinds them when it ends. */
  #forgetSubscription(): void {
    this.#launcher.clear();
    this.#inverse.clear();
    this.#reconciler.stop();
  }

  #hear(raw: RawStatus): void {
    if (!this.#reconciler.isBarrier(raw)) this.#tell(raw);
    this.#reconciler.hear(raw);
  }

  #tell(raw: RawStatus): void {
    const reading = readStatus(raw);
    if (reading.kind === 'status') {
      this.#emit({ type: 'status', status: reading.status });
      this.#launcher.hear(raw, reading.status.state === 'staging');
    } else {
      const taskId = raw.task_id.value;
      this.#options.logger.debug({ taskId, state: raw.state, reason: raw.reason, why: reading.why }, 'mesos status that says nothing');
    }
  }

  #agentFailed(failure: RawFailure): void {
    const agentId = failure.agent_id?.value;
    // With an executor named only that executor is gone, and its task's status says so.
    if (agentId === undefined || failure.executor_id !== undefined) return;
    this.#launcher.agentLost(agentId);
    this.#inverse.agentLost(agentId);
    this.#reconciler.hurry(agentId);
    this.#emit({ type: 'agent-lost', agentId });
  }

  // ---- commands

  /** Not repeated here: Mesos forgets a kill for an agent it can't reach, and the engine repeats it until the task is over. */
  #kill({ task, graceMs }: Extract<ExecutorCommand, { type: 'kill' }>): void {
    this.#send({
      type: 'KILL',
      kill: {
        task_id: { value: task.taskId },
        // A wrong agent makes Mesos ignore the kill; none is better than a guess.
        ...(task.agentId === '' ? {} : { agent_id: { value: task.agentId } }),
        kill_policy: { grace_period: { nanoseconds: graceMs * 1_000_000 } },
      },
    });
  }

  #acknowledge({ taskId, agentId, ack }: Extract<ExecutorCommand, { type: 'acknowledge' }>): void {
    this.#send({ type: 'ACKNOWLEDGE', acknowledge: { agent_id: { value: agentId }, task_id: { value: taskId }, uuid: ack } });
  }

  #reconcile({ tasks }: Extract<ExecutorCommand, { type: 'reconcile' }>): void {
    // While disconnected there is nobody to ask; the leader asks anew after `connected`.
    if (this.#connection?.isSubscribed === true) this.#reconciler.ask(tasks);
  }
}
