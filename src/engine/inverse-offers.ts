/**
 * Whether an agent may be taken down as planned: yes when everything that runs on it is over by then whatever it does itself, because
 * its timeout ends it, or because it is being killed. A task without a timeout may run for ever, so it is in the way.
 *
 * The answer is a forecast for who plans; it is asked for again and again, and what it says may change with what is launched.
 */

import type { InverseOffer } from '../executor/port.ts';
import type { Instant } from '../schedule/schedule.ts';
import { type AliveRun, aliveRuns } from './alive-runs.ts';
import { timeoutAt } from './run-timer.ts';
import type { World } from './world.ts';

export function answerInverseOffers(world: World, inverseOffers: readonly InverseOffer[]): void {
  const alive = [...aliveRuns(world)].map((each) => ({ ...each.attempt, overAt: overAt(world, each) }));
  const answers = inverseOffers.map(({ id, agentId, lastsMs }) => {
    const inTheWay = alive.filter((task) => (agentId === undefined || task.agentId === agentId) && task.overAt > world.now + lastsMs);
    return { id, inTheWay: inTheWay.map(({ taskId }) => taskId) };
  });
  if (answers.length > 0) world.recorder.command({ type: 'answer-inverse-offers', answers });
  world.recorder.close();
}

/**
 * When the task is over at the latest. One that has not started is taken to start now: if it starts later, the next answer knows. Of a
 * job in quarantine nobody ends anything, and what its record says may be what the engine has failed on.
 */
function overAt(world: World, { run, attempt }: AliveRun): Instant {
  if (world.quarantined.has(run.job)) return Infinity;
  const { timeoutMs, killGraceMs } = world.jobOf(run);
  if (run.state === 'killing') return world.now + killGraceMs;
  if (timeoutMs === undefined) return Infinity;
  const endsAt = attempt.startedAt === undefined ? world.now + timeoutMs : (timeoutAt(world, run) as Instant);
  return endsAt + killGraceMs;
}
