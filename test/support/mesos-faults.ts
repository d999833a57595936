/** What may go wrong with a Mesos, one thing at a time, for tests that pick from it by chance. Each resolves when it is over. */

import { systemClock } from '../../src/clock/system-clock.ts';
import type { Fault } from '../mesos-master/faults.ts';
import type { StandInMaster } from '../mesos-master/master.ts';
import type { Seeded } from '../mesos-master/seeded.ts';

export type MesosFault = (master: StandInMaster, seeded: Seeded) => Promise<void>;

export const MESOS_FAULTS: readonly MesosFault[] = [
  async (master) => master.cutStreams(),
  ({ faults }, seeded) => forAWhile(seeded, faults.onEvents({ type: 'drop' }, { match: isUpdate, count: 1 + seeded.below(3) })),
  ({ faults }, seeded) => forAWhile(seeded, faults.onEvents({ type: 'duplicate' }, { match: isUpdate, count: 1 + seeded.below(5) })),
  ({ faults }, seeded) =>
    forAWhile(seeded, faults.onEvents({ type: 'delay', ms: seeded.below(300) }, { match: isUpdate, count: 1 + seeded.below(5) })),
  ({ faults }, seeded) => forAWhile(seeded, faults.onCalls({ type: 'lose-request' })),
  ({ faults }, seeded) => forAWhile(seeded, faults.onCalls({ type: 'lose-answer' })),
  ({ faults }, seeded) => forAWhile(seeded, faults.onCalls({ type: 'delay', ms: seeded.below(300) }, { count: 2 })),
  freezeAnAgent,
  restartAnAgent,
  async (master) => master.agents.forEach((agent) => agent.rescindOffers()),
  async (master, seeded) => master.restartMaster({ agentsAfterMs: seeded.below(600) }),
];

function isUpdate(event: { readonly type: string }): boolean {
  return event.type === 'UPDATE';
}

/**
 * Until it has struck, or its time is over: while a leader waits between tries, nothing strikes, and faults that queue up would keep
 * it from ever connecting.
 */
async function forAWhile(seeded: Seeded, fault: Fault): Promise<void> {
  await Promise.race([fault.spent, systemClock.sleep(200 + seeded.below(800))]);
  fault.cancel();
}

async function freezeAnAgent(master: StandInMaster, seeded: Seeded): Promise<void> {
  const agent = master.agents[seeded.below(master.agents.length)];
  agent?.stop();
  await systemClock.sleep(seeded.below(1_000));
  agent?.resume();
}

async function restartAnAgent(master: StandInMaster, seeded: Seeded): Promise<void> {
  const agent = master.agents[seeded.below(master.agents.length)];
  await agent?.kill();
  await systemClock.sleep(seeded.below(700));
  await agent?.restart();
}
