/**
 * Why a run that is due still waits: for each shape of waiting run, which offer came nearest and what it lacked. Kept in memory for
 * the engine's own verdicts, and written now and then under one key, so that every node can tell.
 */

import type { Job } from '../job/job.ts';
import type { Instant } from '../schedule/schedule.ts';
import { type PlacedValues, unmetConstraint } from './constraints.ts';
import { WAITING_KEY } from './keys.ts';
import { WAITING_INTERVAL_MS, WAITING_LENGTH, WAITING_SHAPES } from './limits.ts';
import { countLacks, type OfferBook, type Pool, shareOffered, shortagesOf } from './offer-book.ts';
import type { ExecutorState, Lack, Shortage, WaitingRecord, WaitingShape } from './records.ts';
import type { Shape } from './pending-queue.ts';
import type { World } from './world.ts';

/** Looks at the offers once for a shape that fitted none of them; again only after a while, and if anything has changed. */
export function noteShortage(world: World, offers: OfferBook, { shape, placed }: { shape: Shape; placed: PlacedValues }): void {
  const { key, job, looks } = shape;
  const known = world.shortages.get(key);
  // Seen at a moment to come, before the clock has stepped back, it is looked at again.
  if (known && known.at <= world.now && world.now - known.at < WAITING_INTERVAL_MS) return;
  if (known && looks.nearest === offers.changes && !offers.kept) return void world.shortages.set(key, { ...known, at: world.now });
  const nearest = nearestTo(offers, job, placed);
  if (!nearest) return;
  looks.nearest = offers.kept || shape.isCounting ? -1 : offers.changes;
  const { agentId, hostname } = nearest;
  const lacks = lacksOf(nearest, job, placed);
  if (nearest === offers.kept && lacks.length === 0) lacks.push({ what: 'reserved' });
  world.shortages.set(key, { at: world.now, offers: offers.pools.size, nearest: { agentId, hostname, lacks } });
}

interface Nearness {
  /** How many things are lacking. */
  readonly count: number;
  /** Which part of what is wanted is there, on average over them. */
  readonly share: number;
}

/** The pool that lacks the fewest things; among equals, the one that has the larger part of what is wanted. */
function nearestTo(offers: OfferBook, job: Job, placed: PlacedValues): Pool | undefined {
  let nearest: Pool | undefined;
  let best: Nearness = { count: Infinity, share: 0 };
  for (const pool of offers.pools.values()) {
    const amounts = countLacks(pool, job);
    const offered = amounts === 0 ? 0 : shareOffered(pool, job);
    // Constraints take longest to look at, and can only make it worse.
    if (!isNearer(best, Math.max(amounts, 1), offered)) continue;
    const isUnmet = unmetConstraint(job.constraints, pool, placed) !== undefined;
    const count = amounts + (isUnmet ? 1 : 0) || (pool === offers.kept ? 1 : 0);
    if (count === 0 || !isNearer(best, count, offered)) continue;
    nearest = pool;
    best = { count, share: offered / count };
  }
  return nearest;
}

function isNearer(best: Nearness, count: number, offered: number): boolean {
  return count < best.count || (count === best.count && offered / count > best.share);
}

function lacksOf(pool: Pool, job: Job, placed: PlacedValues): Lack[] {
  const lacks: Lack[] = shortagesOf(pool, job);
  const unmet = unmetConstraint(job.constraints, pool, placed);
  if (unmet) lacks.push({ what: 'constraint', constraint: [unmet.attribute, unmet.operator, unmet.value ?? ''] });
  return lacks;
}

/** Says a shortage in words: `the nearest offer, of agent a1, lacked cpus (4 wanted, 1.5 offered)`. */
export function describeShortage(shortage: Shortage | undefined): string {
  if (!shortage) return 'no offer came';
  const { hostname, lacks } = shortage.nearest;
  return `the nearest of ${shortage.offers} offers, of ${hostname}, lacked ${lacks.map(describeLack).join(' and ')}`;
}

function describeLack(lack: Lack): string {
  if (lack.what === 'constraint') return `the constraint ${lack.constraint.filter((part) => part !== '').join(' ')}`;
  if (lack.what === 'ports') return 'ports';
  if (lack.what === 'time') return 'time before the agent’s maintenance';
  if (lack.what === 'reserved') return 'freedom (it is kept for a larger run that has waited longer)';
  if (lack.what === 'region') return `nearness (it is in region ${lack.region}, where only jobs run that ask for @region)`;
  return `${lack.what} (${lack.wanted} wanted, ${lack.offered} offered)`;
}

/** When waiting runs are to be written down again. */
export function waitingWakeAt(world: World): Instant | undefined {
  return world.pending.size > 0 || world.waiting.shapes.length > 0 ? world.waiting.at + WAITING_INTERVAL_MS : undefined;
}

/** Writes how the executor stands at once when that changes, and what waits and why if it is time; one write, whatever waits. */
export function writeWaiting(world: World, executor: ExecutorState): void {
  const isChanged = executor !== world.waiting.executor;
  // Written at a moment to come, before the clock has stepped back, it counts as written now.
  if (world.waiting.at > world.now) world.waiting = { ...world.waiting, at: world.now };
  if (!isChanged && world.now < world.waiting.at + WAITING_INTERVAL_MS) return;
  const shapes = waitingShapes(world);
  const isNews = isChanged || JSON.stringify(shapes) !== JSON.stringify(world.waiting.shapes);
  world.waiting = { at: world.now, executor, shapes };
  if (isNews) world.recorder.put(WAITING_KEY, world.waiting);
}

/** Only runs that have waited for a while count, so that an ordinary launch writes nothing here. */
function waitingShapes(world: World): WaitingRecord['shapes'] {
  const shapes: WaitingShape[] = [];
  let length = 0;
  for (const shape of world.pending.shapes.values()) {
    if (shapes.length === WAITING_SHAPES) break;
    const since = shape.oldestSince;
    if (since === undefined || world.now - since < WAITING_INTERVAL_MS) continue;
    const shortage = world.shortages.get(shape.key);
    const entry = { key: shape.key, since, runs: shape.runs.size, ...(shortage ? { shortage } : {}), ...reservedFor(world, shape) };
    length += JSON.stringify(entry).length;
    if (length > WAITING_LENGTH) break;
    shapes.push(entry);
  }
  for (const key of world.shortages.keys()) if (!world.pending.shapes.has(key)) world.shortages.delete(key);
  return shapes;
}

function reservedFor({ reservations: { current } }: World, { key }: Shape): Pick<WaitingShape, 'reserved'> {
  if (current?.shape !== key) return {};
  const { agentId, hostname, until } = current;
  return { reserved: { agentId, hostname, until } };
}
