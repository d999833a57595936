/**
 * Puts waiting runs on the offers at hand. The intent (run `launching`, with the attempt and its task id) is written in the step
 * whose command launches it: if the process dies between the two, the next leader finds the intent and asks the executor.
 */

import type { TaskLaunch } from '../executor/port.ts';
import type { Job } from '../job/job.ts';
import { attributeValue } from './constraints.ts';
import { type Amounts, fits, isWithin, type OfferBook, type Pool, type Wanted } from './offer-book.ts';
import type { Shape } from './pending-queue.ts';
import { NO_VALUES, PlacedTasks } from './placed-tasks.ts';
import type { Attempt, RunRecord } from './records.ts';
import { launchedLength } from './record-size.ts';
import type { Reservation } from './reservation.ts';
import { noteShortage } from './shortage.ts';
import { startingDeadline } from './run-timer.ts';
import { storeOpen } from './runs.ts';
import { taskEnvironment } from './task-environment.ts';
import { parseRunId, taskId } from './task-id.ts';
import { TimerHeap } from './timer-heap.ts';
import type { World } from './world.ts';

interface Staged {
  readonly run: RunRecord;
  readonly job: Job;
  readonly ports: readonly number[];
  /** Values of the constrained attributes on the pool chosen. */
  readonly placed: Readonly<Record<string, string>> | undefined;
}

interface Cycle {
  readonly fullestFirst: readonly Pool[];
  readonly emptiestFirst: readonly Pool[];
  /** Where in its list each shape goes on looking. */
  readonly reached: Map<string, number>;
  readonly placed: PlacedTasks;
  /** Runs past their starting deadline, set aside until the cycle is over. */
  readonly late: RunRecord[];
}

/** Launches what fits, best rank first. Each pool used is one step and one launch. */
export function placePending(world: World, offers: OfferBook): void {
  const batches = new Map<Pool, Staged[]>();
  const heads = new TimerHeap();
  const fullestFirst = offers.fullestFirst();
  const emptiestFirst = fullestFirst.toReversed();
  const cycle: Cycle = { fullestFirst, emptiestFirst, reached: new Map(), placed: new PlacedTasks(world), late: [] };
  const { current: reservation } = world.reservations;
  offers.kept = undefined;
  const { most } = offers;
  for (const shape of world.pending.shapes.values()) {
    if (shape.key !== reservation?.shape && isHopeless(offers, shape, most)) noteShortage(world, offers, { shape, placed: NO_VALUES });
    else heads.set(shape.key, shape.runs.earliest);
  }
  for (let key = heads.popDue(Infinity); key !== undefined; key = heads.popDue(Infinity)) {
    const shape = world.pending.shapes.get(key) as Shape;
    const staged = stageFirst(world, offers, { shape, cycle });
    // Another run of the shape has no claim to it: the one that had was launched just now.
    const isClaimed = reservation !== undefined && reservation === world.reservations.current;
    if (isClaimed && key === reservation.shape) settleReservation(world, offers, { reservation, isLaunched: staged !== undefined });
    if (!staged) continue;
    const batch = batches.get(staged.pool);
    if (batch) batch.push(staged);
    else batches.set(staged.pool, [staged]);
    if (shape.runs.size > 0) heads.set(key, shape.runs.earliest);
  }
  for (const run of cycle.late) world.pending.add(run, world.jobOf(run));
  for (const [pool, batch] of batches) launch(world, offers, { pool, batch });
}

/** Whether it is plain, without looking at each pool, that none fits. */
function isHopeless(offers: OfferBook, { looks, job, isCounting }: Shape, most: Amounts): boolean {
  if (looks.room === offers.additions) return true;
  if (isCounting || isWithin(most, job)) return false;
  looks.room = offers.additions;
  return true;
}

/** Once the run is reached that an agent is kept for: it is launched, or what ranks behind it goes elsewhere. */
function settleReservation(
  world: World,
  offers: OfferBook,
  { reservation, isLaunched }: { reservation: Reservation; isLaunched: boolean },
): void {
  if (isLaunched) {
    world.reservations.turns.delete(reservation.shape);
    world.reservations.current = undefined;
  }
  offers.kept = isLaunched ? undefined : offers.pools.get(reservation.pool);
}

/** Takes the shape's first run off the queue and onto a pool; undefined when nothing fits the shape. */
function stageFirst(
  world: World,
  offers: OfferBook,
  { shape, cycle }: { shape: Shape; cycle: Cycle },
): (Staged & { pool: Pool }) | undefined {
  const run = firstRun(world, shape, cycle);
  if (!run) return undefined;
  world.subject = run.job;
  const job = world.jobOf(run);
  const others = cycle.placed.besides(run);
  const length = launchedLength(run);
  const pool = choosePool(offers, cycle, { shape, job, placed: others, length });
  if (!pool) {
    const isKept = offers.kept !== undefined && fits(offers.kept, job, others);
    if (!shape.isCounting && !isKept) shape.looks.room = offers.additions;
    noteShortage(world, offers, { shape, placed: others });
    return undefined;
  }
  world.pending.delete(run);
  const placed = placedAttributes(job, pool);
  if (placed) cycle.placed.add(run.job, placed);
  return { run, job, pool, placed, ports: offers.take(pool, job, placed ? launchedLength(run, placed) : length) };
}

/** Packing stays with a pool until it is full: those before it do not fit the shape any more. Spreading goes on to the next. */
function choosePool(offers: OfferBook, cycle: Cycle, { shape: { key, looks }, ...wanted }: Wanted & { shape: Shape }): Pool | undefined {
  const from = cycle.reached.get(key) ?? 0;
  const { job } = wanted;
  if (job.placement === 'spread') {
    const index = offers.nextFit(cycle.emptiestFirst, from, { ...wanted, since: looks.room });
    if (index !== undefined) cycle.reached.set(key, index + 1);
    return index === undefined ? undefined : cycle.emptiestFirst[index];
  }
  const index = offers.firstFit(cycle.fullestFirst, from, { ...wanted, since: looks.room });
  // A spread over groups may come back to a pool that did not fit before.
  if (index !== undefined) cycle.reached.set(key, job.constraints.some(({ operator }) => operator === 'GROUP_BY') ? 0 : index);
  return index === undefined ? undefined : cycle.fullestFirst[index];
}

/**
 * The best run of the shape that may still be launched. One past its starting deadline is left to its timer, which may be due only in
 * the next decision: until then it waits, so that what its shape lacks stays known.
 */
function firstRun(world: World, shape: Shape, cycle: Cycle): RunRecord | undefined {
  for (let id = shape.runs.first; id !== undefined; id = shape.runs.first) {
    const { job, run: number } = parseRunId(id) as { job: string; run: number };
    const run = world.run(job, number) as RunRecord;
    if ((startingDeadline(run) ?? Infinity) > world.now) return run;
    world.pending.setAside(run);
    cycle.late.push(run);
  }
  return undefined;
}

function launch(world: World, offers: OfferBook, { pool, batch }: { pool: Pool; batch: readonly Staged[] }): void {
  world.recorder.close();
  const tasks = batch.map((staged) => writeIntent(world, pool, staged));
  offers.remove(pool);
  world.recorder.command({ type: 'launch', offerIds: pool.offerIds, tasks });
  world.recorder.close();
}

function writeIntent(world: World, pool: Pool, { run, job, ports, placed }: Staged): TaskLaunch {
  world.subject = run.job;
  const number = run.attempts.length + 1;
  const { agentId, hostname, address } = pool;
  const id = taskId(run.job, run.number, number);
  const attempt: Attempt = {
    number,
    taskId: id,
    agentId,
    hostname,
    address,
    ...(ports.length > 0 ? { ports } : {}),
    ...(placed ? { placed } : {}),
    createdAt: world.now,
  };
  const { pendingSince: _waited, ...rest } = run;
  storeOpen(world, { ...rest, state: 'launching', attempts: [...run.attempts, attempt] });
  world.recorder.fact({
    type: 'attempt-launched',
    taskId: id,
    job: run.job,
    run: run.number,
    agentId,
    ...lateness(world, run),
  });
  return {
    taskId: id,
    agentId,
    address,
    job: run.job,
    run: run.number,
    attempt: number,
    task: job.task,
    env: taskEnvironment(run, job, { term: world.term, attempt: number, hostname, ports }),
    ports,
    killGraceMs: job.killGraceMs,
    ...(job.timeoutMs === undefined ? {} : { timeoutMs: job.timeoutMs }),
    labels: job.labels,
  };
}

/** How late the first attempt of a scheduled run is; a backfill is late on purpose. */
function lateness(world: World, { trigger, attempts }: RunRecord): { latenessMs?: number } {
  if (trigger.type !== 'schedule' || trigger.backfill !== undefined || attempts.length > 0) return {};
  return { latenessMs: world.now - trigger.scheduledFor };
}

function placedAttributes(job: Job, pool: Pool): Record<string, string> | undefined {
  if (job.constraints.length === 0) return undefined;
  const placed: Record<string, string> = {};
  for (const { attribute } of job.constraints) {
    const value = attributeValue(pool, attribute);
    if (value !== undefined) placed[attribute] = value;
  }
  return placed;
}
