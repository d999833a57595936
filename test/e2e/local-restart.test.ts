// limit: 300s
/** One machine, embedded store: the example graph, and a node that is killed while a long task runs. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { importBusybox, startDockerd } from '../support/dockerd.ts';
import { assertFlow, exampleGraph, isFlowOver, postGraph, runsOf } from '../support/example-graph.ts';
import { type KairosNode, startKairos } from '../support/kairos-node.ts';
import { until } from '../support/until.ts';

const LONG_TASK = { image: 'busybox:1.36', command: ['sh', '-c', 'echo began; sleep 20; echo done'], cpus: 0.1, mem: 32 };

async function killedInMidRun(start: () => Promise<KairosNode>): Promise<void> {
  let node = await start();
  try {
    await postGraph(node, [...exampleGraph(), { name: 'long', task: LONG_TASK }]);
    await node.post('/v1/jobs/etl.extract/runs', {});
    await until(() => isFlowOver(node, 'etl.extract#1'), { limitMs: 60_000, what: 'the flow' });
    await assertFlow(node, 'etl.extract#1');

    await node.post('/v1/jobs/long/runs', {});
    const isRunning = async (): Promise<boolean> => (await runsOf(node, 'long'))[0]?.state === 'running';
    await until(isRunning, { limitMs: 20_000, what: 'the long task' });
    await node.kill();
    node = await start();
    assert.equal((await runsOf(node, 'long'))[0]?.state, 'running', 'it is still known');
    const isOver = async (): Promise<boolean> => (await runsOf(node, 'long'))[0]?.state === 'succeeded';
    await until(isOver, { limitMs: 60_000, what: 'the long task’s end' });
    const [run, ...others] = await runsOf(node, 'long');
    assert.equal(others.length, 0);
    assert.equal(run?.attempts.length, 1, 'it was re-adopted, not launched again');
    const log = await node.get<string>('/v1/runs/long/1/logs?stream=stdout');
    assert.equal(log.body, 'began\ndone\n');
    assert.equal(await node.stop(), 0);
  } finally {
    await node.stop();
  }
}

test('process executor: the graph runs, and a task outlives its node and finishes once', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kairos-e2e-'));
  const settings = [
    'executor.kind=process',
    `store.embedded.directory=${directory}/store`,
    `executor.process.directory=${directory}/tasks`,
  ];
  try {
    await killedInMidRun(() => startKairos(settings));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('Docker executor: the graph runs, and a task outlives its node and finishes once', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kairos-e2e-'));
  const dockerd = await startDockerd();
  const settings = ['executor.kind=docker', `executor.docker.socket=${dockerd.socket}`, `store.embedded.directory=${directory}/store`];
  try {
    await importBusybox(dockerd.socket);
    await killedInMidRun(() => startKairos(settings));
  } finally {
    await dockerd.stop();
    rmSync(directory, { recursive: true, force: true });
  }
});

test.run();
