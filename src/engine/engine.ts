/**
 * The deterministic heart: given what happened and what time it is, it says what becomes durable and what is to be done.
 * No IO, no timers, no clock, no chance: the same facts and the same inputs give the same decisions, so a failure replays.
 *
 * An engine lives for one term. It takes its own decisions for granted at once; a leader that can't commit one gives up the
 * term, and the engine with it.
 */

import type { ExecutorEvent } from '../executor/port.ts';
import type { JobRecord } from '../job/job.ts';
import type { JobSpec } from '../job/spec.ts';
import type { Instant } from '../schedule/schedule.ts';
import { type Entry, MAX_OPERATIONS } from '../store/port.ts';
import { continueBackfills } from './backfill.ts';
import type { Decision } from './decision.ts';
import { putDefinition, removeDefinition } from './definitions.ts';
import { decideDueRun } from './due-runs.ts';
import { dumpWorld, type EngineDump } from './dump.ts';
import { identityOf } from './executor-identity.ts';
import { ExecutorLink } from './executor-link.ts';
import { handOverTokens, recountFlows } from './flows.ts';
import { DUE_SHARE, LAUNCH_TIMEOUT_MS, LONGEST_WORK_MS, STALL_MS, TIMES_AT_ONCE } from './limits.ts';
import { loadEntries, resume } from './load.ts';
import { awaitNominalTimes, decideNominalTimes } from './nominal-times.ts';
import { definitionMark, EngineFailure, NO_QUARANTINE, type Quarantine } from './quarantine.ts';
import type { ClusterSuspension, Request, RunState } from './records.ts';
import { setSuspension } from './suspension.ts';
import { continueReplacing } from './replacing.ts';
import { takeRequest } from './requests.ts';
import { rearmAlive } from './run-timer.ts';
import { parseRunId, parseTaskId } from './task-id.ts';
import { World } from './world.ts';

export type EngineEvent =
  | { readonly type: 'job'; readonly name: string; readonly record: JobRecord<JobSpec> | undefined }
  | { readonly type: 'request'; readonly request: Request }
  | { readonly type: 'suspension'; readonly suspension: ClusterSuspension }
  /** The request's removal was seen in the store. */
  | { readonly type: 'request-gone'; readonly id: string }
  | { readonly type: 'executor'; readonly event: ExecutorEvent };

export interface EngineInput {
  /** The fencing number, given to tasks. */
  readonly term: bigint;
  /** The executor's kind. */
  readonly executor: string;
  /** All that is stored, read within the term. */
  readonly entries: Iterable<Entry>;
  readonly now: Instant;
  /** How many writes one commit may have. Default: what every store can take. */
  readonly maxOperations?: number;
  /** How long a task may take to begin. Default: LAUNCH_TIMEOUT_MS. */
  readonly launchTimeoutMs?: number;
  /** Default: nobody is in it. */
  readonly quarantine?: Quarantine;
}

/** A count of what is under way, for gauges. */
export interface EngineGauges {
  readonly jobs: number;
  readonly quarantined: number;
  readonly pending: number;
  readonly pendingSince: Instant | undefined;
  readonly runs: Readonly<Partial<Record<RunState, number>>>;
}

export class Engine {
  readonly #world: World;
  readonly #link: ExecutorLink;
  readonly #kind: string;
  readonly #dueBatch: number;
  #loaded: Request[];
  /** Requests taken whose removal was not seen yet: told of once more, they must not count twice. */
  readonly #taken = new Set<string>();
  #wakeAt: Instant | undefined;
  #decidedAt: Instant | undefined;

  constructor(input: EngineInput) {
    const { term, executor, entries, now, maxOperations = MAX_OPERATIONS } = input;
    const { launchTimeoutMs = LAUNCH_TIMEOUT_MS, quarantine = NO_QUARANTINE } = input;
    this.#dueBatch = Math.floor((maxOperations * DUE_SHARE) / 2);
    this.#world = new World(term, { maxOperations, launchTimeoutMs, quarantine });
    this.#world.now = now;
    this.#world.decidableSince = now;
    this.#world.isLoading = true;
    this.#loaded = loadEntries(this.#world, entries);
    this.#kind = executor;
    this.#link = new ExecutorLink(this.#world, executor);
  }

  /** The executor's identity as stored, to connect with; another kind's would mean nothing to it. */
  get identity(): string | undefined {
    return identityOf(this.#world.identity, this.#kind);
  }

  /** The definition it knows of a job, told from others. */
  definitionOf(job: string): string | undefined {
    const record = this.#world.slots.get(job)?.record;
    return record && definitionMark(record);
  }

  /** Jobs that nothing is decided about: in quarantine, or what is stored of them can't be read. */
  get quarantined(): ReadonlySet<string> {
    return this.#world.quarantined;
  }

  /**
   * Decides on everything that happened up to `now`. `freeAt` is when the leader was done with its decision before (made, committed,
   * acted on); by default it took no time. Throws EngineFailure: the engine is of no use any more then.
   */
  decide(events: readonly EngineEvent[], now: Instant, freeAt?: Instant): Decision {
    try {
      this.#world.now = now;
      this.#noticeStall(now, freeAt);
      return this.#decide(events, now);
    } catch (error) {
      throw new EngineFailure(this.#world.subject, error);
    }
  }

  #decide(events: readonly EngineEvent[], now: Instant): Decision {
    const world = this.#world;
    world.subject = undefined;
    world.timesLeft = TIMES_AT_ONCE;
    if (world.isLoading) this.#finishLoading();
    for (const event of events) {
      this.#take(event);
      handOverTokens(world);
      world.recorder.close();
    }
    this.#decideDue();
    if (world.graphChanged) {
      world.graphChanged = false;
      recountFlows(world);
    }
    // Each may leave something to the other.
    while (world.replacing.length + world.backfilling.length > 0) {
      continueReplacing(world);
      continueBackfills(world);
    }
    world.subject = undefined;
    this.#link.settle();
    const next = earliest(world.timers.earliest, this.#link.wakeAt);
    // What is left of a burst is due already; that is no sign of having slept.
    this.#wakeAt = next === undefined ? undefined : Math.max(next, now);
    return { steps: world.recorder.take(), wakeAt: this.#wakeAt, isBehind: next !== undefined && next <= now };
  }

  gauges(): EngineGauges {
    const { slots, pending, quarantined } = this.#world;
    const runs: Partial<Record<RunState, number>> = {};
    let jobs = 0;
    for (const slot of slots.values()) {
      if (slot.record) jobs += 1;
      if (!slot.open) continue;
      for (const run of slot.open.values()) runs[run.state] = (runs[run.state] ?? 0) + 1;
    }
    return { jobs, quarantined: quarantined.size, pending: pending.size, pendingSince: pending.oldestSince, runs };
  }

  /** What it believes now, for a checker. */
  dump(): EngineDump {
    return dumpWorld(this.#world);
  }

  /**
   * Woken much too late, it was as good as gone: a paused process, a sleeping laptop. A leader that was busy stood, and what came due
   * meanwhile is merely late; but only so long, as it may have been paused in the midst of it.
   */
  #noticeStall(now: Instant, freeAt: Instant | undefined): void {
    const world = this.#world;
    if (this.#wakeAt !== undefined && this.#decidedAt !== undefined) {
      const busyUntil = Math.min(freeAt ?? this.#decidedAt, this.#decidedAt + LONGEST_WORK_MS);
      if (now > Math.max(this.#wakeAt, busyUntil) + STALL_MS) {
        world.decidableSince = now;
        world.decidedBefore = this.#decidedAt;
      }
    }
    // The clock was ahead and has stepped back: what comes due from now on can be decided in time.
    if (now < world.decidableSince) world.decidableSince = now;
    if (this.#decidedAt !== undefined && now < this.#decidedAt) rearmAlive(world);
    this.#decidedAt = now;
  }

  #finishLoading(): void {
    const world = this.#world;
    resume(world);
    handOverTokens(world);
    continueReplacing(world);
    world.recorder.close();
    world.isLoading = false;
    for (const slot of world.slots.values()) awaitNominalTimes(world, slot);
    for (const request of this.#loaded) this.#takeRequest(request);
    this.#loaded = [];
  }

  #takeRequest(request: Request): void {
    const world = this.#world;
    if (this.#taken.has(request.id) || world.quarantined.has(request.job)) return;
    this.#decideIfDue(request.job);
    world.subject = request.job;
    this.#taken.add(request.id);
    takeRequest(world, request);
  }

  /** What came due before something is asked for goes before it, though others' turn may come first. */
  #decideIfDue(job: string): void {
    const world = this.#world;
    const slot = world.slots.get(job);
    const due = world.timers.at(job);
    if (slot && due !== undefined && due <= world.now) decideNominalTimes(world, slot);
  }

  #take(event: EngineEvent): void {
    const world = this.#world;
    world.subject = jobOf(event);
    if (world.subject !== undefined && world.quarantined.has(world.subject)) return;
    switch (event.type) {
      case 'job':
        return event.record ? putDefinition(world, event.record) : removeDefinition(world, event.name);
      case 'suspension':
        return setSuspension(world, event.suspension);
      case 'request':
        return this.#takeRequest(event.request);
      case 'request-gone':
        this.#taken.delete(event.id);
        return;
      case 'executor':
        return this.#link.take(event.event);
    }
  }

  #decideDue(): void {
    const world = this.#world;
    let left = this.#dueBatch;
    for (let key = world.timers.popDue(world.now); key !== undefined; key = world.timers.popDue(world.now)) {
      const id = parseRunId(key);
      if (!id) {
        const slot = world.slots.get(key);
        if (slot) decideNominalTimes(world, slot);
      } else {
        const run = world.run(id.job, id.run);
        if (run) decideDueRun(world, run);
      }
      left -= 1;
      if (left === 0) return;
    }
  }
}

function jobOf(event: EngineEvent): string | undefined {
  if (event.type === 'job') return event.name;
  if (event.type === 'request') return event.request.job;
  return event.type === 'executor' && event.event.type === 'status' ? parseTaskId(event.event.status.taskId)?.job : undefined;
}

/** The earlier of two moments that may not come. */
export function earliest(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
