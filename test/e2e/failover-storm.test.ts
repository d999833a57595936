// limit: 300s
/**
 * Leaders are killed one after the other while jobs are due every second. At the end every nominal time of every job has exactly
 * one run, no task was launched twice, and runs of one job never overlapped where that is forbidden.
 */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { systemClock } from '../../src/clock/system-clock.ts';
import { StandInMaster } from '../mesos-master/master.ts';
import { ScriptedRunner } from '../mesos-master/runner/scripted.ts';
import { startEtcd } from '../support/etcd.ts';
import { type RunView, runsOf } from '../support/example-graph.ts';
import { type KairosNode, startKairos } from '../support/kairos-node.ts';
import { until } from '../support/until.ts';

const JOBS = 10;
const KILLS = 5;
const PERIOD_MS = 1_000;
const NODES = ['n1', 'n2', 'n3'];

interface Storm {
  readonly master: StandInMaster;
  readonly nodes: Map<string, KairosNode>;
  restart(id: string): Promise<void>;
  close(): Promise<void>;
}

async function setup(): Promise<Storm> {
  const etcd = await startEtcd();
  const runner = new ScriptedRunner(systemClock, () => ({ startingMs: 20, runningMs: 20, durationMs: 100 }));
  const master = await StandInMaster.start({ runner, timing: { allocationMs: 100 } });
  const start = (id: string): Promise<KairosNode> =>
    startKairos([
      `node.id=${id}`,
      'store.kind=etcd',
      `store.etcd.hosts=[${etcd.hosts.join(',')}]`,
      'executor.kind=mesos',
      `executor.mesos.masters=["${master.url}"]`,
    ]);
  const nodes = new Map<string, KairosNode>();
  for (const id of NODES) nodes.set(id, await start(id));
  return {
    master,
    nodes,
    async restart(id) {
      nodes.set(id, await start(id));
    },
    async close() {
      for (const node of nodes.values()) await node.stop();
      await master.stop();
      await etcd.stop();
    },
  };
}

async function leaderOf(nodes: ReadonlyMap<string, KairosNode>): Promise<string> {
  let found: string | undefined;
  const look = async (): Promise<boolean> => {
    for (const [id, node] of nodes) {
      const answer = await node.get<string>('/metrics').catch(() => undefined);
      if (answer !== undefined && /^kairos_leader 1$/m.test(answer.body)) found = id;
    }
    return found !== undefined;
  };
  await until(look, { limitMs: 30_000, what: 'a leader' });
  return found as string;
}

type ScheduledRun = RunView & { readonly trigger: { readonly scheduledFor: string } };

async function scheduledRuns(node: KairosNode, job: string): Promise<readonly ScheduledRun[]> {
  return (await runsOf(node, job)) as readonly ScheduledRun[];
}

const nameOf = (index: number): string => `storm.job-${index}`;

/** Even jobs may overlap, odd ones may not; all catch up whatever was missed. */
async function defineJobs(node: KairosNode): Promise<void> {
  for (let i = 0; i < JOBS; i++) {
    const overlap = i % 2 === 0 ? 'allow' : 'queue';
    const task = { image: 'busybox:1.36', command: ['true'], cpus: 0.01, mem: 4 };
    const job = { name: nameOf(i), schedule: `R//PT${PERIOD_MS / 1000}S`, catchUp: 'all', overlap, keepRuns: 1000, task };
    assert.equal((await node.post('/v1/jobs', job)).status, 201);
  }
}

async function suspendAll(node: KairosNode): Promise<void> {
  for (let i = 0; i < JOBS; i++) assert.equal((await node.post(`/v1/jobs/${nameOf(i)}/suspend`)).status, 200);
}

async function isQuiet(node: KairosNode): Promise<boolean> {
  for (let i = 0; i < JOBS; i++) {
    if ((await scheduledRuns(node, nameOf(i))).some((run) => run.state !== 'succeeded')) return false;
  }
  return true;
}

function assertEveryTimeOnce(job: string, runs: readonly ScheduledRun[]): void {
  const times = runs.map((run) => Date.parse(run.trigger.scheduledFor)).sort((a, b) => a - b);
  assert.ok(times.length > KILLS, `${job} has only ${times.length} runs`);
  times.forEach((at, index) => {
    const wanted = (times[0] as number) + index * PERIOD_MS;
    assert.equal(at, wanted, `${job}: nominal time ${index} is ${new Date(at).toISOString()}, not ${new Date(wanted).toISOString()}`);
  });
}

test('five leaders die in turn: no nominal time is lost or doubled, no task is launched twice', async () => {
  const storm = await setup();
  try {
    await defineJobs([...storm.nodes.values()][0] as KairosNode);
    for (let kill = 0; kill < KILLS; kill++) {
      const leader = await leaderOf(storm.nodes);
      await systemClock.sleep(1500 + 370 * kill);
      await storm.nodes.get(leader)?.kill();
      storm.nodes.delete(leader);
      await leaderOf(storm.nodes);
      await storm.restart(leader);
    }
    const node = storm.nodes.get(await leaderOf(storm.nodes)) as KairosNode;
    await suspendAll(node);
    await until(() => isQuiet(node), { limitMs: 90_000, what: 'all runs to be over' });
    for (let i = 0; i < JOBS; i++) {
      const runs = await scheduledRuns(node, nameOf(i));
      assertEveryTimeOnce(nameOf(i), runs);
      for (const { taskId } of runs.flatMap((run) => run.attempts)) {
        assert.ok(storm.master.launchCount(taskId) <= 1, `${taskId} was launched ${storm.master.launchCount(taskId)} times`);
      }
    }
  } finally {
    await storm.close();
  }
});

test.run();
