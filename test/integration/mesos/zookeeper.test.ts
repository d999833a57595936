/** Finding the leading master through a real ZooKeeper. */

import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createClient, CreateMode, type Client } from 'node-zookeeper-client';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { parseZookeeperAddress, zookeeperMasters } from '../../../src/executor/mesos/zookeeper-masters.ts';
import { ZookeeperElection } from '../../mesos-master/zookeeper-election.ts';
import { until } from '../../support/until.ts';
import { startZookeeper, type Zookeeper } from '../../support/zookeeper.ts';
import { withMesos } from './mesos-rig.ts';

let zookeeper: Zookeeper | undefined;
let client: Client | undefined;

test.before(async () => {
  zookeeper = await startZookeeper();
  const made = createClient(zookeeper.address);
  client = made;
  await new Promise<void>((resolve) => {
    made.once('connected', resolve);
    made.connect();
  });
});

test.after(async () => {
  client?.close();
  await zookeeper?.stop();
});

function the<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('not started');
  return value;
}

function mkdirp(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    the(client).mkdirp(path, (error) => (error ? reject(new Error(String(error))) : resolve()));
  });
}

function publish(path: string, data: string): Promise<string> {
  return new Promise((resolve, reject) => {
    the(client).create(path, Buffer.from(data), CreateMode.EPHEMERAL_SEQUENTIAL, (error, made) =>
      error ? reject(new Error(String(error))) : resolve(made),
    );
  });
}

function remove(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    the(client).remove(path, (error) => (error ? reject(new Error(String(error))) : resolve()));
  });
}

function masterInfo(port: number): string {
  return JSON.stringify({ id: 'm', hostname: 'localhost', port, address: { hostname: 'localhost', ip: '127.0.0.1', port } });
}

test('the lowest sequence leads; nodes of other kinds do not count', async () => {
  await mkdirp('/lead');
  const masters = zookeeperMasters(`zk://${the(zookeeper).address}/lead`, { clock: systemClock });
  assert.deepEqual(await masters.detect(), []);
  await publish('/lead/info_', 'binary');
  await publish('/lead/log_replicas', '');
  const first = await publish('/lead/json.info_', masterInfo(5051));
  await publish('/lead/json.info_', masterInfo(5052));
  assert.deepEqual(
    (await masters.detect()).map((url) => url.href),
    ['http://127.0.0.1:5051/api/v1/scheduler'],
  );
  await remove(first);
  const secure = zookeeperMasters(`zk://${the(zookeeper).address}/lead`, { clock: systemClock, https: true });
  assert.deepEqual(
    (await secure.detect()).map((url) => url.href),
    ['https://localhost:5052/api/v1/scheduler'],
  );
});

test('a path that does not exist yet means that no master leads', async () => {
  const masters = zookeeperMasters(`zk://${the(zookeeper).address}/nowhere`, { clock: systemClock });
  assert.deepEqual(await masters.detect(), []);
});

test('a ZooKeeper that does not answer is an error within a bound', async () => {
  const clock = { ...systemClock, timer: (_ms: number, fn: () => void) => systemClock.timer(200, fn) };
  const masters = zookeeperMasters('zk://127.0.0.1:1/mesos', { clock });
  await assert.rejects(masters.detect(), /ZooKeeper does not answer/);
});

test('a server that accepts and then says nothing is let go of', async () => {
  const sockets = new Set<Socket>();
  const mute = createServer((socket) => {
    sockets.add(socket);
    socket.resume().on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const clock = { ...systemClock, timer: (_ms: number, fn: () => void) => systemClock.timer(300, fn) };
  const masters = zookeeperMasters(`zk://127.0.0.1:${(mute.address() as AddressInfo).port}/mesos`, { clock });
  const look = assert.rejects(masters.detect(), /ZooKeeper does not answer/);
  await until(() => sockets.size === 1, { what: 'the look to arrive' });
  await look;
  await until(() => sockets.size === 0, { what: 'the connection to be given up' });
  mute.close();
});

test('a cluster is found through ZooKeeper, and its next leader after the first died', async () => {
  const election = await ZookeeperElection.connect(the(zookeeper).address, '/mesos');
  await withMesos({ masters: 2, election }, async ({ master, lead }) => {
    const detector = zookeeperMasters(`zk://${the(zookeeper).address}/mesos`, { clock: systemClock });
    const leader = await lead(undefined, { detector });
    await leader.launch('a.1.1', { command: 'sleep 1' });
    await leader.awaitState('a.1.1', 'running');
    await master.killMaster();
    await until(() => leader.connected === 2, { what: 'subscribed to the next leader' });
    await leader.awaitState('a.1.1', 'finished');
  });
  await election.close();
});

test('addresses are read as Mesos writes them', () => {
  assert.deepEqual(parseZookeeperAddress('zk://z1:2181,z2:2182/mesos'), { servers: 'z1:2181,z2:2182', path: '/mesos', digest: undefined });
  assert.deepEqual(parseZookeeperAddress('zk://u:p@z1/a/b/'), { servers: 'z1:2181', path: '/a/b', digest: 'u:p' });
  for (const text of ['zk://', 'zk://z1', 'zk://z1/', 'http://z1/mesos', 'zk://z1:2181,/mesos', 'zk://z1 z2/mesos', '']) {
    assert.throws(() => parseZookeeperAddress(text), /a ZooKeeper address reads/, text);
  }
});

test.run();
