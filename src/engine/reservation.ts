/**
 * Keeps one agent for a run that has waited long for room there, so that a stream of small runs can't starve it: what ranks behind it
 * is not put on that agent, and offers of it are kept until together they are enough.
 *
 * An agent is kept only where all that our own tasks hold would make the room, one at a time, and for a bounded time: a run that
 * fits nowhere never has one, and a wrong guess costs half of one agent's time at most. Kept in memory only: a new leader begins anew.
 */

import type { Instant } from '../schedule/schedule.ts';
import { aliveRuns } from './alive-runs.ts';
import { LONGEST_RESERVATION_MS, RESERVATION_MS, RESERVE_AFTER_MS } from './limits.ts';
import { emptied, type Held, isWithin, mostOf, type OfferBook, type Pool, shareFree } from './offer-book.ts';
import type { Shape } from './pending-queue.ts';
import { PlacedTasks } from './placed-tasks.ts';
import type { RunRecord } from './records.ts';
import { parseRunId } from './task-id.ts';
import type { World } from './world.ts';

export interface Reservation {
  /** What it is for: the first run of this shape. */
  readonly shape: string;
  readonly pool: string;
  readonly agentId: string;
  readonly hostname: string;
  readonly since: Instant;
  readonly until: Instant;
}

/** All that is remembered of reservations. */
export interface Reservations {
  current: Reservation | undefined;
  /** By shape: when its last one ended in vain, and how long that was. */
  readonly turns: Map<string, { readonly at: Instant; readonly lengthMs: number }>;
  /** By pool: until when none is made, as the last one was in vain. */
  readonly rests: Map<string, Instant>;
}

/** Ends what is over, and makes one where it is time. To be called before what waits is put on offers. */
export function reviewReservation(world: World, offers: OfferBook): void {
  endReservation(world);
  const { oldestSince } = world.pending;
  const isTime = oldestSince !== undefined && world.now - oldestSince >= RESERVE_AFTER_MS;
  if (isTime && !world.isSuspended && !world.reservations.current) makeReservation(world, offers);
}

/** The agent is gone, or with undefined the connection: nothing of it can be kept. */
export function dropReservation(world: World, agentId: string | undefined): void {
  const { current } = world.reservations;
  if (agentId === undefined || current?.agentId === agentId) world.reservations.current = undefined;
}

function endReservation(world: World): void {
  const { turns, rests } = world.reservations;
  const current = asSeenNow(world);
  for (const shape of turns.keys()) if (!world.pending.shapes.has(shape)) turns.delete(shape);
  for (const [pool, until] of rests) if (until <= world.now) rests.delete(pool);
  if (!current) return;
  const isWaiting = world.pending.shapes.has(current.shape) && !world.isSuspended;
  if (isWaiting && world.now < current.until) return;
  world.reservations.current = undefined;
  if (!isWaiting) return;
  const lengthMs = current.until - current.since;
  turns.set(current.shape, { at: world.now, lengthMs });
  rests.set(current.pool, world.now + lengthMs);
}

/** The reservation. One that began in a moment to come was made before the clock stepped back: it begins now, lest it lasts until then. */
function asSeenNow({ reservations, now }: World): Reservation | undefined {
  const { current } = reservations;
  if (!current || current.since <= now) return current;
  reservations.current = { ...current, since: now, until: now + current.until - current.since };
  return reservations.current;
}

function makeReservation(world: World, offers: OfferBook): void {
  const rested = [...offers.pools.values()].filter(({ key }) => !world.reservations.rests.has(key));
  const shapes = rested.length > 0 ? shapesInTurn(world, offers) : [];
  if (shapes.length === 0) return;
  const held = heldByAgent(world, new Set(rested.map(({ agentId }) => agentId)));
  const wholes = rested.map((pool) => ({ pool, whole: emptied(pool, held.get(pool.agentId) ?? []) }));
  const most = mostOf(wholes.map(({ whole }) => whole));
  for (const shape of shapes) {
    const pool = isWithin(most, shape.job) ? nearestPool(world, offers, { shape, wholes }) : undefined;
    if (!pool) {
      if (!shape.isCounting && world.reservations.rests.size === 0) shape.looks.whole = offers.additions;
      continue;
    }
    const { key, agentId, hostname } = pool;
    const lastMs = world.reservations.turns.get(shape.key)?.lengthMs;
    const lengthMs = lastMs === undefined ? RESERVATION_MS : Math.min(2 * lastMs, LONGEST_RESERVATION_MS);
    world.reservations.current = { shape: shape.key, pool: key, agentId, hostname, since: world.now, until: world.now + lengthMs };
    return;
  }
}

/** Shapes whose first run has waited long, best rank first. One that has had its turn counts as waiting since then. */
function shapesInTurn(world: World, offers: OfferBook): Shape[] {
  const found: { readonly shape: Shape; readonly rank: number }[] = [];
  for (const shape of world.pending.shapes.values()) {
    if (shape.looks.whole === offers.additions) continue;
    const since = shape.oldestSince as Instant;
    const turnAt = Math.max(since, world.reservations.turns.get(shape.key)?.at ?? since);
    if (world.now - turnAt >= RESERVE_AFTER_MS) found.push({ shape, rank: (shape.runs.earliest as number) + turnAt - since });
  }
  return found.sort((a, b) => a.rank - b.rank).map(({ shape }) => shape);
}

/** The pool that lacks least for the shape and would have room with our tasks there over; undefined also where there is room now. */
function nearestPool(
  world: World,
  offers: OfferBook,
  { shape, wholes }: { shape: Shape; wholes: readonly { readonly pool: Pool; readonly whole: Pool }[] },
): Pool | undefined {
  const { job, run: number } = parseRunId(shape.runs.first as string) as { job: string; run: number };
  const placed = new PlacedTasks(world).besides(world.run(job, number) as RunRecord);
  let nearest: { readonly pool: Pool; readonly share: number } | undefined;
  for (const { pool, whole } of wholes) {
    const share = shareFree(pool, whole, { job: shape.job, placed });
    if (share !== undefined && share > (nearest?.share ?? -1)) nearest = { pool, share };
  }
  return nearest && !offers.hasFit({ job: shape.job, placed }) ? nearest.pool : undefined;
}

/** What our tasks hold on these agents; not those of jobs in quarantine, whose records may be what the engine has failed on. */
function heldByAgent(world: World, agentIds: ReadonlySet<string>): ReadonlyMap<string, readonly Held[]> {
  const found = new Map<string, Held[]>();
  for (const { run, attempt } of aliveRuns(world)) {
    if (!agentIds.has(attempt.agentId) || world.quarantined.has(run.job)) continue;
    const held: Held = { task: world.jobOf(run).task, ports: attempt.ports ?? [] };
    const others = found.get(attempt.agentId);
    if (others) others.push(held);
    else found.set(attempt.agentId, [held]);
  }
  world.subject = undefined;
  return found;
}
