/** What may go wrong with a Mesos, one thing at a time, for tests that are ruled by chance. */

import { systemClock } from '../../src/clock/system-clock.ts';
import type { Fault } from '../mesos-master/faults.ts';
import type { StandInMaster } from '../mesos-master/master.ts';
import type { Seeded } from '../mesos-master/seeded.ts';

const FAULT_LIMIT_MS = 30_000;

type MesosFault = (master: StandInMaster, seeded: Seeded) => Promise<void>;

const FAULTS: Readonly<Record<string, MesosFault>> = {
  'cut streams': async (master) => master.cutStreams(),
  'drop updates': ({ faults }, seeded) =>
    forAWhile(seeded, faults.onEvents({ type: 'drop' }, { match: isUpdate, count: 1 + seeded.below(3) })),
  'repeat updates': ({ faults }, seeded) =>
    forAWhile(seeded, faults.onEvents({ type: 'duplicate' }, { match: isUpdate, count: 1 + seeded.below(5) })),
  'delay updates': ({ faults }, seeded) =>
    forAWhile(seeded, faults.onEvents({ type: 'delay', ms: seeded.below(300) }, { match: isUpdate, count: 1 + seeded.below(5) })),
  'lose a request': ({ faults }, seeded) => forAWhile(seeded, faults.onCalls({ type: 'lose-request' })),
  'lose an answer': ({ faults }, seeded) => forAWhile(seeded, faults.onCalls({ type: 'lose-answer' })),
  'delay calls': ({ faults }, seeded) => forAWhile(seeded, faults.onCalls({ type: 'delay', ms: seeded.below(300) }, { count: 2 })),
  'freeze an agent': freezeAnAgent,
  'restart an agent': restartAnAgent,
  'rescind offers': async (master) => master.agents.forEach((agent) => agent.rescindOffers()),
  'restart the master': async (master, seeded) => master.restartMaster({ agentsAfterMs: seeded.below(600) }),
};

/** Does one of them, as chance has it; rejects when it does not come to its end. */
export async function strikeMesos(master: StandInMaster, seeded: Seeded): Promise<void> {
  const names = Object.keys(FAULTS);
  const name = names[seeded.below(names.length)] as string;
  const limit = new AbortController();
  const isLate = systemClock.sleep(FAULT_LIMIT_MS, limit.signal).then(() => {
    if (!limit.signal.aborted) throw new Error(`'${name}' did not end in ${FAULT_LIMIT_MS} ms`);
  });
  try {
    await Promise.race([(FAULTS[name] as MesosFault)(master, seeded), isLate]);
  } finally {
    limit.abort();
  }
}

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
