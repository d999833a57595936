/**
 * The engine's side of the executor: whether it may launch, which offers it holds, and the manners of a good framework:
 * offers that nothing waits for go back, none are asked for while nothing waits.
 */

import type { ExecutorCommand, ExecutorEvent, TaskRef } from '../executor/port.ts';
import { aliveRuns } from './alive-runs.ts';
import { withIdentity } from './executor-identity.ts';
import { answerInverseOffers } from './inverse-offers.ts';
import { EXECUTOR_IDENTITY_KEY } from './keys.ts';
import { IDLE_REFUSE_MS, LAUNCH_SHARE, RECONCILE_INTERVAL_MS, UNFIT_REFUSE_MS } from './limits.ts';
import { OfferBook } from './offer-book.ts';
import { placePending } from './placement.ts';
import { dropReservation, reviewReservation } from './reservation.ts';
import type { ExecutorState } from './records.ts';
import { waitingWakeAt, writeWaiting } from './shortage.ts';
import { takeStatus } from './statuses.ts';
import type { World } from './world.ts';

/** Tasks named in one reconcile command. */
const RECONCILE_BATCH = 500;

type Wish = 'offers' | 'none';

export class ExecutorLink {
  readonly #world: World;
  readonly #kind: string;
  readonly #offers: OfferBook;
  #isConnected = false;
  /** Everything alive was answered for: only then may anything be launched. */
  #isReconciled = false;
  #isExclusive = false;
  /** What the executor was last told: whether offers are wanted. */
  #told: Wish = 'offers';
  /** Offers were declined since the last revive, so filters stand in the way of new ones. */
  #hasFilters = false;
  /** The queue's additions that were last seen: only a newcomer is worth lifting filters for. */
  #seenAdditions = 0;
  #reconcileAt = Infinity;

  constructor(world: World, kind: string) {
    this.#world = world;
    this.#kind = kind;
    this.#offers = new OfferBook(Math.floor(world.maxOperations * LAUNCH_SHARE));
  }

  /** When everything alive is to be asked about again, or what waits to be written down. */
  get wakeAt(): number | undefined {
    const waitingAt = waitingWakeAt(this.#world);
    return this.#isConnected ? Math.min(this.#reconcileAt, waitingAt ?? Infinity) : waitingAt;
  }

  take(event: ExecutorEvent): void {
    this.#take(event);
    this.#world.executor = this.#state;
  }

  #take(event: ExecutorEvent): void {
    switch (event.type) {
      case 'connected':
        return this.#connect(event);
      case 'disconnected':
        return this.#disconnect(event.reason);
      case 'reconciled':
        this.#isReconciled = true;
        return this.#world.recorder.fact({ type: 'executor', state: 'reconciled', detail: this.#kind });
      case 'offers':
        for (const offer of event.offers) this.#offers.add(offer);
        return;
      case 'rescinded':
        return this.#decline(this.#offers.rescind(event.offerId), 0);
      case 'inverse-offers':
        return answerInverseOffers(this.#world, event.inverseOffers);
      case 'agent-lost':
        dropReservation(this.#world, event.agentId);
        return this.#offers.removeAgent(event.agentId);
      case 'status':
        return takeStatus(this.#world, event.status);
    }
  }

  /** Launches what can be, then sees to the offers left over. */
  settle(): void {
    const world = this.#world;
    if (this.#isConnected) this.#settleConnected();
    writeWaiting(world, this.#state);
    world.recorder.close();
  }

  get #state(): ExecutorState {
    if (!this.#isConnected) return 'disconnected';
    return this.#isReconciled ? 'ready' : 'reconciling';
  }

  #settleConnected(): void {
    const world = this.#world;
    // No later than one interval from now, should the clock have stepped back.
    this.#reconcileAt = Math.min(this.#reconcileAt, world.now + RECONCILE_INTERVAL_MS);
    if (world.now >= this.#reconcileAt) this.#reconcile();
    if (!this.#isReconciled) return;
    reviewReservation(world, this.#offers);
    if (this.#offers.size > 0 && this.#isWaiting) placePending(world, this.#offers);
    if (!this.#isExclusive) this.#giveBack();
  }

  /** Whether something wants to be launched and may be. */
  get #isWaiting(): boolean {
    return this.#world.pending.size > 0 && !this.#world.isSuspended;
  }

  #connect(event: Extract<ExecutorEvent, { type: 'connected' }>): void {
    const world = this.#world;
    this.#offers.clear();
    dropReservation(world, undefined);
    this.#isConnected = true;
    this.#isReconciled = false;
    this.#isExclusive = event.exclusive;
    this.#told = 'offers';
    this.#hasFilters = true;
    const identity = withIdentity(world.identity, this.#kind, event.identity);
    if (identity !== undefined) {
      world.identity = identity;
      world.recorder.put(EXECUTOR_IDENTITY_KEY, identity);
    }
    world.recorder.fact({ type: 'executor', state: 'connected', detail: event.identity });
    this.#reconcile();
  }

  #disconnect(reason: string): void {
    this.#offers.clear();
    dropReservation(this.#world, undefined);
    this.#isConnected = false;
    this.#isReconciled = false;
    this.#world.recorder.fact({ type: 'executor', state: 'disconnected', detail: reason });
  }

  /** Asks about every attempt believed alive, in the step before which all of them were durable. */
  #reconcile(): void {
    const tasks = aliveTasks(this.#world);
    this.#reconcileAt = this.#world.now + RECONCILE_INTERVAL_MS;
    for (let from = 0; from === 0 || from < tasks.length; from += RECONCILE_BATCH) {
      this.#world.recorder.command({ type: 'reconcile', tasks: tasks.slice(from, from + RECONCILE_BATCH) });
    }
  }

  /** Offers that were not used go back, but for those of an agent that is kept; with nothing waiting none are asked for until something does. */
  #giveBack(): void {
    const isWaiting = this.#isWaiting;
    const kept = this.#world.reservations.current?.pool;
    const unused = [...this.#offers.pools.values()].filter((pool) => pool.key !== kept);
    const unusedIds = unused.flatMap((pool) => pool.offerIds);
    for (const pool of unused) this.#offers.remove(pool);
    this.#decline(unusedIds, isWaiting ? UNFIT_REFUSE_MS : IDLE_REFUSE_MS);
    if (unusedIds.length > 0) this.#hasFilters = true;
    const wish: Wish = isWaiting ? 'offers' : 'none';
    if (wish === 'none' && this.#told === 'offers') this.#tell({ type: 'suppress' }, wish);
    const hasNews = this.#world.pending.additions !== this.#seenAdditions;
    const isBlocked = this.#told === 'none' || (this.#hasFilters && hasNews && unusedIds.length === 0);
    this.#seenAdditions = this.#world.pending.additions;
    if (wish === 'offers' && isBlocked) {
      this.#hasFilters = false;
      this.#tell({ type: 'revive' }, wish);
    }
  }

  #tell(command: ExecutorCommand, wish: Wish): void {
    this.#told = wish;
    this.#world.recorder.command(command);
  }

  #decline(offerIds: readonly string[], refuseMs: number): void {
    if (offerIds.length > 0) this.#world.recorder.command({ type: 'decline', offerIds, refuseMs });
  }
}

function aliveTasks(world: World): TaskRef[] {
  return [...aliveRuns(world)].map(({ attempt: { taskId, agentId, address } }) => ({ taskId, agentId, address }));
}
