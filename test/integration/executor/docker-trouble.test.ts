/** The Docker executor with an Engine that has trouble with one container, and on an Engine that others use as well. */

import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { DockerExecutor } from '../../../src/executor/docker/docker-executor.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { BUSYBOX_IMAGE, engine, importBusybox, startDockerd } from '../../support/dockerd.ts';
import type { Dockerd } from '../../support/dockerd.ts';
import { ExecutorDriver, IDENTITY, PLAIN_TASK } from '../../support/executor-driver.ts';
import { until } from '../../support/until.ts';

const OTHER = 'fedcba9876543210';

let daemon: Dockerd;
let proxy: Server;
let socket: string;
/** Calls that are answered 500, as a runtime that is stuck makes the Engine do. */
let isRefused: (call: string) => boolean = () => false;
const refused: string[] = [];

test.before(async () => {
  daemon = await startDockerd();
  await importBusybox(daemon.socket);
  socket = join(daemon.dir, 'proxy.sock');
  proxy = createServer((incoming, answer) => {
    const { method = 'GET', url = '', headers } = incoming;
    if (isRefused(`${method} ${url}`)) {
      refused.push(`${method} ${url}`);
      answer.writeHead(500, { 'content-type': 'application/json' }).end('{"message":"stuck"}');
      return;
    }
    const outgoing = request({ socketPath: daemon.socket, method, path: url, headers }, (theirs) => {
      answer.writeHead(theirs.statusCode ?? 502, theirs.headers);
      answer.flushHeaders();
      theirs.pipe(answer);
    });
    answer.on('close', () => outgoing.destroy());
    outgoing.on('error', () => answer.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => proxy.listen(socket, resolve));
});
test.after(async () => {
  proxy.closeAllConnections();
  proxy.close();
  await daemon.stop();
});
test.after.each(() => {
  isRefused = () => false;
  refused.length = 0;
});

function create(namespace: string, identity = IDENTITY): ExecutorDriver {
  const resources = { cpus: 8, mem: 4096, disk: 0, gpus: 0 };
  const options = { socketPath: socket, namespace, resources, clock: systemClock, logger: silentLogger, hostname: 'here' };
  const driver = new ExecutorDriver(new DockerExecutor(options), { ...PLAIN_TASK, image: BUSYBOX_IMAGE });
  driver.identity = identity;
  return driver;
}

const outages = (driver: ExecutorDriver): number => driver.events.filter(({ type }) => type === 'disconnected').length;

async function endAll(driver: ExecutorDriver, ...taskIds: string[]): Promise<void> {
  for (const taskId of taskIds) {
    driver.kill(taskId, 0);
    await driver.awaitState(taskId, 'killed');
  }
  await driver.executor.stop();
}

test('a container that the Engine can not kill troubles nobody else, and is killed once it can be', async () => {
  const driver = await create('kills').start();
  await driver.launch('a.1.1', ['sleep', '600']);
  await driver.awaitState('a.1.1', 'running');
  isRefused = (call) => call.includes('/kill?');
  driver.kill('a.1.1', 100);
  await until(() => refused.some((call) => call.includes('SIGTERM')) && refused.some((call) => call.includes('SIGKILL')), {
    limitMs: 10_000,
    what: () => `the polite and the forced end to be tried; tried was ${refused.join()}`,
  });
  await driver.launch('b.1.1', ['true']);
  await driver.awaitState('b.1.1', 'finished');
  isRefused = () => false;
  // As the engine does until the task is over. Its grace is over already.
  driver.kill('a.1.1', 600_000);
  assert.equal((await driver.awaitState('a.1.1', 'killed')).signal, 'SIGKILL');
  assert.equal(outages(driver), 0);
  await driver.executor.stop();
});

test('a kill that the Engine can not note is done all the same', async () => {
  const driver = await create('notes').start();
  await driver.launch('a.1.1', 'trap "exit 9" TERM; echo up; while :; do sleep 0.05; done');
  await until(async () => (await driver.log('a.1.1')) === 'up\n', { limitMs: 10_000, what: 'a.1.1 to be up' });
  isRefused = (call) => call.includes('/rename?');
  driver.kill('a.1.1', 600_000);
  assert.equal((await driver.awaitState('a.1.1', 'failed')).exitCode, 9);
  assert.equal(outages(driver), 0);
  await driver.executor.stop();
});

test('a container that the Engine does not tell of keeps nobody else from being found', async () => {
  const first = await create('finds').start();
  for (const taskId of ['a.1.1', 'b.1.1']) {
    await first.launch(taskId, ['sleep', '600']);
    await first.awaitState(taskId, 'running');
  }
  await first.executor.stop();
  const [a] = await containers('finds', 'a.1.1');
  isRefused = (call) => call.startsWith('GET') && call.includes(`/containers/${a?.Id}/`);
  const second = await create('finds').start(['a.1.1', 'b.1.1']);
  assert.deepEqual(new Set(second.states('b.1.1')), new Set(['running']));
  assert.equal((await second.awaitState('a.1.1', 'unreachable')).reason, 'evidence-unreadable');
  isRefused = () => false;
  await second.reconcile(['a.1.1']);
  assert.equal(second.states('a.1.1').at(-1), 'running');
  assert.equal(outages(second), 0);
  await endAll(second, 'a.1.1', 'b.1.1');
});

test('two installations on one Engine have the same tasks at the same time, each its own', async () => {
  const one = await create('shared').start();
  const two = await create('shared', OTHER).start();
  for (const driver of [one, two]) {
    await driver.launch('a.1.1', ['sleep', '600']);
    await driver.awaitState('a.1.1', 'running');
  }
  assert.deepEqual(
    new Set((await containers('shared', 'a.1.1')).map(({ Labels }) => Labels['kairos.identity'])),
    new Set([IDENTITY, OTHER]),
  );
  await endAll(two, 'a.1.1');
  assert.deepEqual(
    (await one.reconcile(['a.1.1'])).map(({ state }) => state),
    ['running'],
  );
  assert.deepEqual(new Set(one.states('a.1.1')), new Set(['running']));
  await endAll(one, 'a.1.1');
});

test('a container of before identities is a store’s that was used then, and nobody else’s', async () => {
  const body = {
    Image: BUSYBOX_IMAGE,
    Cmd: ['sleep', '600'],
    Labels: { 'kairos.namespace': 'old', 'kairos.task': 'a.1.1', 'kairos.resources': '{"cpus":1,"mem":1,"disk":0,"gpus":0,"ports":[]}' },
    HostConfig: { NetworkMode: 'none' },
  };
  await engine(socket, { method: 'POST', path: '/containers/create?name=old.a.1.1', body: JSON.stringify(body) });
  await engine(socket, { method: 'POST', path: '/containers/old.a.1.1/start' });
  const anew = await create('old').start(['a.1.1']);
  assert.deepEqual(anew.states('a.1.1'), ['unknown']);
  await anew.executor.stop();
  const upgraded = await create('old', 'docker@elsewhere').start(['a.1.1']);
  assert.equal(upgraded.states('a.1.1')[0], 'running');
  await upgraded.launch('b.1.1', ['true']);
  await upgraded.awaitState('b.1.1', 'finished');
  assert.ok((await containers('old', 'b.1.1'))[0]?.Labels['kairos.identity']);
  await endAll(upgraded, 'a.1.1');
});

interface Container {
  readonly Id: string;
  readonly Labels: Readonly<Record<string, string>>;
}

async function containers(namespace: string, taskId: string): Promise<readonly Container[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`kairos.namespace=${namespace}`, `kairos.task=${taskId}`] }));
  const { text } = await engine(daemon.socket, { path: `/containers/json?all=1&filters=${filters}` });
  return JSON.parse(text) as Container[];
}

test.run();
