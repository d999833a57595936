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
import type { StandInMaster } from '../../mesos-master/master.ts';
import { Seeded } from '../../mesos-master/seeded.ts';
import { strikeMesos } from '../../support/mesos-faults.ts';
import { until } from '../../support/until.ts';
import { withMesos, type Leader, type Rig } from './mesos-rig.ts';

const FAULTS_MS = Number(process.env['KAIROS_FAULT_MS'] ?? 12_000);
const SEED = Number(process.env['KAIROS_FAULT_SEED'] ?? 42);
const STEP_MS = 60;
/** Long runs say how they go. */
const SHOWN_EVERY_MS = 60_000;
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
    let faults = 0;
    let shownAt = systemClock.monotonic();
    while (systemClock.monotonic() < end) {
      if (!isFaulty && seeded.below(6) === 0) {
        isFaulty = true;
        faults += 1;
        fault = strikeMesos(rig.master, seeded).finally(() => {
          isFaulty = false;
        });
        // Awaited at the end.
        fault.catch((error: unknown) => ledger.violations.push(String(error)));
      }
      if (leader.down?.final === true) leader = await succeed(rig, leader);
      else if (seeded.below(60) === 0 && leader.down === undefined) leader = await depose(rig, leader);
      await work(leader, ledger, seeded);
      if (systemClock.monotonic() < shownAt + SHOWN_EVERY_MS) continue;
      shownAt = systemClock.monotonic();
      process.stdout.write(`${faults} faults, ${ledger.launched} tasks launched, ${ledger.ended} ended, ${rig.leaders} leaders\n`);
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
