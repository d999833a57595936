// limit: 300s
/** The real thing, small: etcd, the stand-in Mesos with real containers, two nodes. A leader is killed in mid-run. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import { systemClock } from '../../src/clock/system-clock.ts';
import { StandInMaster } from '../mesos-master/master.ts';
import { DockerRunner } from '../mesos-master/runner/docker.ts';
import { importBusybox, startDockerd } from '../support/dockerd.ts';
import { startEtcd } from '../support/etcd.ts';
import { assertFlow, exampleGraph, GRAPH_JOBS, isFlowOver, postGraph, runsOf } from '../support/example-graph.ts';
import { type KairosNode, startKairos } from '../support/kairos-node.ts';
import { until } from '../support/until.ts';

interface Bundle {
  readonly master: StandInMaster;
  readonly nodes: readonly KairosNode[];
  leader(): Promise<KairosNode>;
  close(): Promise<void>;
}

async function setup(): Promise<Bundle> {
  const [etcd, dockerd] = await Promise.all([startEtcd(), startDockerd()]);
  await importBusybox(dockerd.socket);
  const runner = new DockerRunner(dockerd.socket, systemClock);
  const master = await StandInMaster.start({ runner });
  const settings = (id: string): string[] => [
    `node.id=${id}`,
    'store.kind=etcd',
    `store.etcd.hosts=[${etcd.hosts.join(',')}]`,
    'executor.kind=mesos',
    `executor.mesos.masters=["${master.url}"]`,
  ];
  const nodes = [await startKairos(settings('n1')), await startKairos(settings('n2'))];
  return {
    master,
    nodes,
    leader: () => findLeader(nodes),
    async close() {
      for (const node of nodes) await node.stop();
      await master.stop();
      await dockerd.stop();
      await etcd.stop();
    },
  };
}

async function findLeader(nodes: readonly KairosNode[]): Promise<KairosNode> {
  let found: KairosNode | undefined;
  const isLeading = async (node: KairosNode): Promise<boolean> => {
    const answer = await node.get<string>('/metrics').catch(() => undefined);
    return answer !== undefined && /^kairos_leader 1$/m.test(answer.body);
  };
  const find = async (): Promise<boolean> => {
    for (const node of nodes) if (await isLeading(node)) found = node;
    return found !== undefined;
  };
  await until(find, { limitMs: 20_000, what: 'a leader' });
  return found as KairosNode;
}

async function assertMetricsParse(node: KairosNode): Promise<void> {
  const { body } = await node.get<string>('/metrics');
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
}

test('the example graph runs in its order, survives the leader’s death in mid-run, and nothing is lost or doubled', async () => {
  const bundle = await setup();
  try {
    const leader = await bundle.leader();
    const follower = bundle.nodes.find((node) => node !== leader) as KairosNode;
    await postGraph(follower, exampleGraph());

    const first = await follower.post('/v1/jobs/etl.extract/runs', {});
    assert.equal(first.status, 202);
    await until(() => isFlowOver(follower, 'etl.extract#1'), { limitMs: 90_000, what: 'the first flow' });
    await assertFlow(follower, 'etl.extract#1');
    for (const node of bundle.nodes) await assertMetricsParse(node);

    await follower.post('/v1/jobs/etl.extract/runs', {});
    const isInMiddle = async (): Promise<boolean> => (await runsOf(follower, 'etl.count'))[1]?.state === 'running';
    await until(isInMiddle, { limitMs: 60_000, what: 'the second flow to be in its middle' });
    await leader.kill();
    await until(() => isFlowOver(follower, 'etl.extract#2'), { limitMs: 90_000, what: 'the second flow' });
    await assertFlow(follower, 'etl.extract#2');

    for (const job of GRAPH_JOBS) {
      const runs = await runsOf(follower, job);
      assert.equal(runs.length, 2, job);
      for (const taskId of runs.flatMap((run) => run.attempts.map((attempt) => attempt.taskId))) {
        assert.ok(bundle.master.launchCount(taskId) <= 1, `${taskId} was launched ${bundle.master.launchCount(taskId)} times`);
      }
    }
    const log = await follower.get<string>('/v1/runs/etl.extract/1/logs?stream=stdout');
    assert.match(log.body, /extracting in etl\.extract#1/);
  } finally {
    await bundle.close();
  }
});

test.run();
