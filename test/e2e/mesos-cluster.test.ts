// limit: 300s
/** The real thing, small: etcd, the stand-in Mesos with real containers, two nodes. A leader is killed in mid-run. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import { systemClock } from '../../src/clock/system-clock.ts';
import { DockerRunner } from '../mesos-master/runner/docker.ts';
import { importBusybox, startDockerd } from '../support/dockerd.ts';
import { assertFlow, exampleGraph, GRAPH_JOBS, isFlowOver, postGraph, runsOf } from '../support/example-graph.ts';
import { type KairosCluster, startCluster } from '../support/kairos-cluster.ts';
import type { KairosNode } from '../support/kairos-node.ts';
import { judgeHistory } from '../support/store-history.ts';
import { until } from '../support/until.ts';

interface Bundle {
  readonly cluster: KairosCluster;
  close(): Promise<void>;
}

async function setup(): Promise<Bundle> {
  const dockerd = await startDockerd();
  await importBusybox(dockerd.socket);
  const runner = new DockerRunner(dockerd.socket, systemClock);
  const cluster = await startCluster({ ids: ['n1', 'n2'], mesos: { runner } });
  return {
    cluster,
    async close() {
      await cluster.close();
      await dockerd.stop();
    },
  };
}

async function assertMetricsParse(node: KairosNode): Promise<void> {
  const { body } = await node.get<string>('/metrics');
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
}

test('the example graph runs in its order, survives the leader’s death in mid-run, and nothing is lost or doubled', async () => {
  const { cluster, close } = await setup();
  try {
    const leader = await cluster.leader();
    const follower = cluster.node(leader === 'n1' ? 'n2' : 'n1');
    await postGraph(follower, exampleGraph());

    const first = await follower.post('/v1/jobs/etl.extract/runs', {});
    assert.equal(first.status, 202);
    await until(() => isFlowOver(follower, 'etl.extract#1'), { limitMs: 90_000, what: 'the first flow' });
    await assertFlow(follower, 'etl.extract#1');
    for (const node of cluster.nodes.values()) await assertMetricsParse(node);

    await follower.post('/v1/jobs/etl.extract/runs', {});
    const isInMiddle = async (): Promise<boolean> => (await runsOf(follower, 'etl.count'))[1]?.state === 'running';
    await until(isInMiddle, { limitMs: 60_000, what: 'the second flow to be in its middle' });
    await cluster.kill(leader);
    await until(() => isFlowOver(follower, 'etl.extract#2'), { limitMs: 90_000, what: 'the second flow' });
    await assertFlow(follower, 'etl.extract#2');

    for (const job of GRAPH_JOBS) assert.equal((await runsOf(follower, job)).length, 2, job);
    const invariants = await judgeHistory(cluster.etcd.hosts, cluster.master);
    invariants.onQuiet();
    const log = await follower.get<string>('/v1/runs/etl.extract/1/logs?stream=stdout');
    assert.match(log.body, /extracting in etl\.extract#1/);
  } finally {
    await close();
  }
});

test.run();
