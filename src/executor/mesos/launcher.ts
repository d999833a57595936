/**
 * Offers in, launches out: which offers are told on, what becomes of those named in a launch, and how many launches are on their
 * way on each agent. All of it belongs to one subscription; clear() when that ends.
 */

import type { Clock } from '../../clock/clock.ts';
import type { Offer, TaskLaunch, TaskStatus } from '../port.ts';
import type { Containerizer } from './command-info.ts';
import { notLaunched, planLaunch, rejected } from './launch.ts';
import { LaunchWindow, type LaunchPace } from './launch-window.ts';
import { isUnderMaintenance, MAINTENANCE_REFUSE_MS, msUntilMaintenance } from './maintenance.ts';
import { type GatedOffer, OfferGate } from './offer-gate.ts';
import { toOffer } from './offers.ts';
import type { CallBody, RawMaster, RawOffer, RawStatus } from './protocol.ts';
import type { CallOutcome } from './subscription.ts';

const EXECUTOR_TIMED_OUT = 'REASON_EXECUTOR_REGISTRATION_TIMEOUT';

export interface LauncherOptions {
  readonly clock: Clock;
  readonly containerizer: Containerizer;
  readonly pace: Partial<LaunchPace>;
  readonly send: (call: CallBody, outcome?: CallOutcome) => void;
  readonly onOffers: (offers: readonly Offer[]) => void;
  /** Of tasks that were never sent: said by us. */
  readonly onStatus: (status: TaskStatus) => void;
}

export class Launcher {
  readonly #options: LauncherOptions;
  readonly #window: LaunchWindow;
  readonly #gate: OfferGate;
  /** The region of the master that we are subscribed to; `undefined`: it has none. */
  #homeRegion: string | undefined;

  constructor(options: LauncherOptions) {
    this.#options = options;
    this.#window = new LaunchWindow(options.pace);
    this.#gate = new OfferGate({
      clock: options.clock,
      window: this.#window,
      onOffers: (offers) => options.onOffers(offers.map((gated) => this.#toldOf(gated))),
      onGiveBack: (offerIds, refuseMs) => this.#sendDecline(offerIds, refuseMs),
    });
  }

  subscribed(master: RawMaster | undefined): void {
    this.#homeRegion = master?.domain?.fault_domain?.region?.name;
  }

  receive(raws: readonly RawOffer[]): void {
    this.#gate.receive(raws);
  }

  #toldOf({ raw, room }: GatedOffer): Offer {
    const now = this.#options.clock.now();
    // Told all the same, so that a run that waits for nothing else can say so.
    const lastsMs = isUnderMaintenance(raw, now) ? 0 : msUntilMaintenance(raw, now);
    return { ...toOffer(raw, this.#homeRegion), launches: room, ...(lastsMs === undefined ? {} : { lastsMs }) };
  }

  /** True: somebody was told of the offer. */
  rescind(offerId: string): boolean {
    return this.#gate.rescind(offerId);
  }

  agentLost(agentId: string): void {
    this.#gate.agentLost(agentId);
    this.#window.agentLost(agentId);
  }

  /** Nobody rescinds the offers of a subscription that ended. */
  clear(): void {
    this.#gate.clear();
    this.#window.clear();
  }

  /** Is to hear of every status: a launch that was heard of makes room. `isStaging`: accepted, no sign of the task yet. */
  hear(raw: RawStatus, isStaging: boolean): void {
    const now = this.#options.clock.monotonic();
    const taskId = raw.task_id.value;
    if (!isStaging) this.#settle(taskId, raw.reason === EXECUTOR_TIMED_OUT);
    // Of a predecessor's launch, perhaps.
    else if (raw.agent_id !== undefined) this.#window.launched(taskId, raw.agent_id.value, now);
  }

  decline(offerIds: readonly string[], refuseMs: number): void {
    const now = this.#options.clock.now();
    const offers = offerIds.map((id) => this.#gate.take(id)).filter((offer) => offer !== undefined);
    const isClosing = (offer: RawOffer): boolean => isUnderMaintenance(offer, now);
    this.#giveBack(
      offers.filter((offer) => !isClosing(offer)),
      refuseMs,
    );
    this.#giveBack(offers.filter(isClosing), Math.max(refuseMs, MAINTENANCE_REFUSE_MS));
  }

  launch(offerIds: readonly string[], launches: readonly TaskLaunch[]): void {
    const { clock, containerizer, send, onStatus } = this.#options;
    const offers = offerIds.map((id) => this.#gate.take(id)).filter((offer) => offer !== undefined);
    if (offers.length === 0 || offers.length < offerIds.length) {
      this.#giveBack(offers, 0);
      return this.#notLaunched(launches, 'offer-invalid', 'an offer was withdrawn before the launch');
    }
    const { tasks, accept, refusals } = planLaunch(launches, offers, containerizer);
    for (const status of refusals) onStatus(status);
    if (tasks.length === 0) return this.#giveBack(offers, 0);
    for (const task of tasks) this.#window.launched(task.taskId, task.agentId, clock.monotonic());
    // If the process dies here the intent is durable and the launch is not: reconciliation finds the task unknown.
    send(
      { type: 'ACCEPT', accept },
      {
        unsent: () => this.#notLaunched(tasks, 'disconnected', 'the connection to Mesos ended before the launch was sent'),
        refused: (reason) => this.#refused(tasks, offers, reason),
      },
    );
  }

  /** A call that Mesos can't read is refused as a whole, and its offers stay ours. */
  #refused(tasks: readonly TaskLaunch[], offers: readonly RawOffer[], reason: string): void {
    this.#giveBack(offers, 0);
    const [only] = tasks;
    if (tasks.length > 1 || only === undefined) return this.#notLaunched(tasks, 'launch-refused', reason);
    this.#settle(only.taskId, false);
    this.#options.onStatus(rejected(only, reason));
  }

  #notLaunched(launches: readonly TaskLaunch[], reason: string, message: string): void {
    for (const launch of launches) {
      this.#settle(launch.taskId, false);
      this.#options.onStatus(notLaunched(launch, reason, message));
    }
  }

  #settle(taskId: string, didTimeOut: boolean): void {
    const agentId = this.#window.heard(taskId, this.#options.clock.monotonic(), didTimeOut);
    if (agentId !== undefined) this.#gate.roomMade(agentId);
  }

  #giveBack(offers: readonly RawOffer[], refuseMs: number): void {
    this.#sendDecline(
      offers.map((offer) => offer.id.value),
      refuseMs,
    );
  }

  #sendDecline(offerIds: readonly string[], refuseMs: number): void {
    if (offerIds.length === 0) return;
    const decline = { offer_ids: offerIds.map((value) => ({ value })), filters: { refuse_seconds: refuseMs / 1000 } };
    this.#options.send({ type: 'DECLINE', decline });
  }
}
