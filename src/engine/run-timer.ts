/** When a run must be looked at again if nothing is heard. One instant per run; what is due then is found by due-runs.ts. */

import type { Instant } from '../schedule/schedule.ts';
import { aliveRuns } from './alive-runs.ts';
import { KILL_REPEAT_MS, LAUNCH_CONFIRM_MS } from './limits.ts';
import type { Attempt, RunRecord } from './records.ts';
import { runId } from './task-id.ts';
import type { World } from './world.ts';

export function setRunTimer(world: World, run: RunRecord): void {
  world.timers.set(runId(run.job, run.number), wakeAt(world, run));
}

/** The past-which instants of a run, so that deciding and waking agree. */
export function startingDeadline(run: RunRecord): Instant | undefined {
  return run.attempts.length === 0 ? run.deadline : undefined;
}

export function timeoutAt(world: World, run: RunRecord): Instant | undefined {
  const startedAt = run.attempts.at(-1)?.startedAt;
  const timeoutMs = world.jobOf(run).timeoutMs;
  return startedAt === undefined || timeoutMs === undefined ? undefined : startedAt + timeoutMs;
}

export function unreachableUntil(world: World, run: RunRecord): Instant | undefined {
  const since = run.attempts.at(-1)?.unreachableSince;
  return since === undefined ? undefined : since + world.jobOf(run).unreachableTimeoutMs;
}

/** Of a launch: asked about at its pace, and when its time is up: the answer decides. */
export function confirmAt(world: World, run: RunRecord): Instant {
  const attempt = run.attempts.at(-1) as Attempt;
  const askedAt = lastAsked(world, run, attempt.createdAt);
  const until = launchUntil(world, run);
  return askedAt < until ? Math.min(askedAt + LAUNCH_CONFIRM_MS, until) : askedAt + LAUNCH_CONFIRM_MS;
}

export function launchUntil(world: World, run: RunRecord): Instant {
  return (run.attempts.at(-1) as Attempt).createdAt + world.launchTimeoutMs;
}

export function killAgainAt(world: World, run: RunRecord): Instant {
  const sentAt = lastAsked(world, run, run.kill?.at ?? world.now);
  return sentAt + Math.max(KILL_REPEAT_MS, world.jobOf(run).killGraceMs);
}

/**
 * When its task was last asked about or told to end; `first`: when it was launched or told first. A moment to come was told by a clock
 * that has stepped back since: it counts as now, and goes on as that, lest nothing is repeated until the clock is there again.
 */
function lastAsked(world: World, run: RunRecord, first: Instant): Instant {
  const askedAt = world.askedAt(run) ?? first;
  if (askedAt <= world.now) return askedAt;
  world.setAsked(run);
  return world.now;
}

/** After the clock has stepped back: what is repeated until it is answered is due as seen from now. In quarantine nothing is. */
export function rearmAlive(world: World): void {
  for (const { run } of aliveRuns(world)) if (!world.quarantined.has(run.job)) setRunTimer(world, run);
}

function wakeAt(world: World, run: RunRecord): Instant | undefined {
  switch (run.state) {
    case 'queued':
    case 'pending':
      return startingDeadline(run);
    case 'backoff':
      // A record that does not say is due: a pause that could not be reckoned was once stored as none.
      return run.notBefore ?? world.now;
    case 'launching':
      return earliest(confirmAt(world, run), unreachableUntil(world, run));
    case 'running':
      return earliest(timeoutAt(world, run), unreachableUntil(world, run));
    case 'killing':
      return earliest(killAgainAt(world, run), unreachableUntil(world, run));
    default:
      return undefined;
  }
}

function earliest(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
