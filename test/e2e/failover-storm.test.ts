// limit: 300s
/**
 * Leaders are killed one after the other while jobs are due every second. At the end every nominal time of every job has exactly
 * one run, and all that was written and launched keeps to the invariants.
 */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { systemClock } from '../../src/clock/system-clock.ts';
import { type RunView, runsOf } from '../support/example-graph.ts';
import { startCluster } from '../support/kairos-cluster.ts';
import type { KairosNode } from '../support/kairos-node.ts';
import { judgeHistory } from '../support/store-history.ts';
import { until } from '../support/until.ts';

const JOBS = 10;
const KILLS = 5;
const PERIOD_MS = 1_000;

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
  const cluster = await startCluster({ ids: ['n1', 'n2', 'n3'] });
  try {
    await defineJobs(cluster.anyNode());
    for (let kill = 0; kill < KILLS; kill++) {
      const leader = await cluster.leader();
      await systemClock.sleep(1500 + 370 * kill);
      await cluster.kill(leader);
      await cluster.leader();
      await cluster.start(leader);
    }
    const node = cluster.node(await cluster.leader());
    await suspendAll(node);
    await until(() => isQuiet(node), { limitMs: 90_000, what: 'all runs to be over' });
    for (let i = 0; i < JOBS; i++) assertEveryTimeOnce(nameOf(i), await scheduledRuns(node, nameOf(i)));
    const invariants = await judgeHistory(cluster.etcd.hosts, cluster.master);
    invariants.onQuiet();
  } finally {
    await cluster.close();
  }
});

test.run();
