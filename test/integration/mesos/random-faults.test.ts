/**
 * A while of random faults, decided by a seed: streams cut, calls and events lost, repeated and late, agents frozen and
 * restarted, masters killed, leaders deposed. What must hold all the while: no task is launched twice, no task is said to be
 * unknown that was launched and is not over, and when the faults end every task comes to an end.
 *
 * Longer by hand: KAIROS_FAULT_MS=3600000 KAIROS_FAULT_SEED=7 node --import tsx test/integration/mesos/random-faults.test.ts
 */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import type { TaskState, TaskStatus } from '../../../src/executor/port.ts';
import type { Fault as InjectedFault } from '../../mesos-master/faults.ts';
import type { StandInMaster } from '../../mesos-master/master.ts';
import { Seeded } from '../../mesos-master/seeded.ts';
import { until } from '../../support/until.ts';
import { withMesos, type Leader, type Rig } from './mesos-rig.ts';

const FAULTS_MS = Number(process.env['KAIROS_FAULT_MS'] ?? 12_000);
const SEED = Number(process.env['KAIROS_FAULT_SEED'] ?? 42);
const STEP_MS = 60;
const TASKS_OPEN = 12;
const OVER: ReadonlySet<TaskState> = new Set<TaskState>(['finished', 'failed', 'killed', 'rejected', 'not-launched', 'lost', 'unknown']);

/** What a leader must remember; here the test does, for all leaders. */
class Ledger {
  readonly open = new Set<string>();
  readonly violations: string[] = [];
  launched = 0;
  ended = 0;
  readonly #master: StandInMaster;

  constructor(master: StandInMaster) {
    this.#master = master;
  }

  next(): string {
    this.launched += 1;
    const id = `t.${this.launched}.1`;
    this.open.add(id);
    return id;
  }

  take(status: TaskStatus): void {
    const { history } = this.#master;
    const { taskId, state } = status;
    if (history.count('launch', taskId) > 1) this.violations.push(`${taskId} was launched ${history.count('launch', taskId)} times`);
    const isAlive = history.count('launch', taskId) > 0 && history.count('end', taskId) === 0;
    if ((state === 'unknown' || state === 'not-launched') && isAlive) this.violations.push(`${taskId} is said to be ${state} and lives`);
    if (OVER.has(state) && this.open.delete(taskId)) this.ended += 1;
  }
}

type Fault = (master: StandInMaster, seeded: Seeded) => Promise<void> | void;

const FAULTS: readonly Fault[] = [
  (master) => master.cutStreams(),
  (master, seeded) => forAWhile(seeded, master.faults.onEvents({ type: 'drop' }, { match: isUpdate, count: 1 + seeded.below(3) })),
  (master, seeded) => forAWhile(seeded, master.faults.onEvents({ type: 'duplicate' }, { match: isUpdate, count: 1 + seeded.below(5) })),
  (master, seeded) =>
    forAWhile(seeded, master.faults.onEvents({ type: 'delay', ms: seeded.below(300) }, { match: isUpdate, count: 1 + seeded.below(5) })),
  (master, seeded) => forAWhile(seeded, master.faults.onCalls({ type: 'lose-request' })),
  (master, seeded) => forAWhile(seeded, master.faults.onCalls({ type: 'lose-answer' })),
  (master, seeded) => forAWhile(seeded, master.faults.onCalls({ type: 'delay', ms: seeded.below(300) }, { count: 2 })),
  freezeAnAgent,
  restartAnAgent,
  (master) => master.agents.forEach((agent) => agent.rescindOffers()),
  async (master, seeded) => master.restartMaster({ agentsAfterMs: seeded.below(600) }),
];

/**
 * Until it has struck, or its time is over: while a leader waits between tries, nothing strikes, and faults that queue up would keep
 * it from ever connecting.
 */
async function forAWhile(seeded: Seeded, fault: InjectedFault): Promise<void> {
  await Promise.race([fault.spent, systemClock.sleep(200 + seeded.below(800))]);
  fault.cancel();
}

function isUpdate(event: { readonly type: string }): boolean {
  return event.type === 'UPDATE';
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

/** Launches on what is offered, and asks again and again about what is open, as the engine does. */
async function work(leader: Leader, ledger: Ledger, seeded: Seeded): Promise<void> {
  for (const status of leader.statuses.splice(0)) ledger.take(status);
  leader.alive = leader.alive.filter((task) => ledger.open.has(task.taskId));
  if (leader.connected > 0 && leader.reconciled >= leader.connected && leader.down === undefined) {
    const [offer] = leader.offers.values();
    const count = Math.min(offer?.launches ?? 0, TASKS_OPEN - ledger.open.size);
    const isRoomy = offer !== undefined && offer.resources.cpus >= 0.1 * count && offer.resources.mem >= 32 * count;
    if (offer !== undefined && count > 0 && isRoomy) {
      const command = `sleep 0.${seeded.below(5)}; exit ${seeded.below(2)}`;
      const { image: _image, ...task } = { image: '', ...bare(command) };
      leader.launchOn(
        offer,
        Array.from({ length: count }, () => ({ taskId: ledger.next(), task })),
      );
    } else if (offer !== undefined && !isRoomy) {
      leader.offers.delete(offer.id);
      leader.executor.perform({ type: 'decline', offerIds: [offer.id], refuseMs: 0 });
    }
    if (seeded.below(10) === 0) leader.executor.perform({ type: 'reconcile', tasks: leader.alive });
  }
  await systemClock.sleep(STEP_MS);
}

function bare(command: string) {
  const none = { env: {}, disk: 0, gpus: 0, ports: [], volumes: [], artifacts: [], dockerParameters: [] };
  return { ...none, command, cpus: 0.1, mem: 32, network: 'host', pull: 'missing' as const };
}

/** Another leader subscribes while the old one lives. If the old one's stream broke just then, it may take the framework back first. */
async function depose(rig: Rig, old: Leader): Promise<Leader> {
  const heir = await succeed(rig, old);
  await until(() => old.down !== undefined || heir.down?.final === true, { what: 'one of the two leaders to be told' });
  await old.executor.stop();
  heir.statuses.unshift(...old.statuses.splice(0));
  return heir;
}

function succeed(rig: Rig, old: Leader): Promise<Leader> {
  return rig.lead(old.identity, { launchPace: { forgetMs: 2_000 } }, old.alive);
}

test(`seed ${SEED}: ${FAULTS_MS / 1000} s of random faults double no task and lose none`, async () => {
  const agents = Array.from({ length: 3 }, () => ({ http: false, resources: { cpus: 2, mem: 1024 } }));
  await withMesos({ agents, seed: SEED, interleave: true, splitChunks: true }, async (rig) => {
    const seeded = new Seeded(SEED);
    const ledger = new Ledger(rig.master);
    let leader = await rig.lead();
    const end = systemClock.monotonic() + FAULTS_MS;
    let fault: Promise<void> = Promise.resolve();
    let isFaulty = false;
    while (systemClock.monotonic() < end) {
      if (!isFaulty && seeded.below(6) === 0) {
        isFaulty = true;
        const chosen = FAULTS[seeded.below(FAULTS.length)] as Fault;
        fault = Promise.resolve(chosen(rig.master, seeded)).finally(() => {
          isFaulty = false;
        });
      }
      if (leader.down?.final === true) leader = await succeed(rig, leader);
      else if (seeded.below(60) === 0 && leader.down === undefined) leader = await depose(rig, leader);
      await work(leader, ledger, seeded);
    }
    await fault;
    rig.master.faults.clear();
    const finish = systemClock.monotonic() + 20_000;
    while (ledger.open.size > 0 && systemClock.monotonic() < finish) {
      for (const status of leader.statuses.splice(0)) ledger.take(status);
      if (leader.down?.final === true) leader = await succeed(rig, leader);
      leader.executor.perform({ type: 'reconcile', tasks: leader.alive.filter((task) => ledger.open.has(task.taskId)) });
      await systemClock.sleep(500);
    }
    assert.deepEqual(ledger.violations, []);
    const endless = [...ledger.open].map((id) => ({ id, history: rig.master.history.of(id), down: leader.down }));
    assert.deepEqual(endless, [], 'tasks without an end');
    assert.ok(ledger.ended > FAULTS_MS / 1_000, `only ${ledger.ended} tasks came to an end`);
  });
});

test.run();
