/** What only the Docker executor does: images, the Engine's own failures, memory limits, what a container is made of. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { containerConfig } from '../../../src/executor/docker/container-config.ts';
import { namePrefix } from '../../../src/executor/docker/container-owner.ts';
import type { Owner } from '../../../src/executor/docker/container-owner.ts';
import { DockerExecutor } from '../../../src/executor/docker/docker-executor.ts';
import type { TaskSpec } from '../../../src/executor/port.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { BUSYBOX_IMAGE, busyboxTar, engine, importBusybox, startDockerd } from '../../support/dockerd.ts';
import type { Dockerd } from '../../support/dockerd.ts';
import { ExecutorDriver, IDENTITY, PLAIN_TASK } from '../../support/executor-driver.ts';
import { startImageRegistry } from '../../support/image-registry.ts';
import { until } from '../../support/until.ts';

let daemon: Dockerd;
let namespaces = 0;

test.before(async () => {
  daemon = await startDockerd({ liveRestore: true });
  await importBusybox(daemon.socket);
});
test.after(() => daemon.stop());

interface Setup {
  readonly driver: ExecutorDriver;
  readonly namespace: string;
  readonly task: TaskSpec;
}

function setup(socketPath = daemon.socket): Setup {
  namespaces += 1;
  const namespace = `n${namespaces}`;
  const resources = { cpus: 8, mem: 4096, disk: 0, gpus: 0 };
  const options = { socketPath, namespace, resources, clock: systemClock, logger: silentLogger, hostname: 'here' };
  const task = { ...PLAIN_TASK, image: BUSYBOX_IMAGE };
  return { driver: new ExecutorDriver(new DockerExecutor(options), task), namespace, task };
}

function scenario(sentence: string, body: (context: Setup) => Promise<void>): void {
  test(sentence, async () => {
    const context = setup();
    try {
      await body(context);
    } finally {
      await context.driver.executor.stop();
    }
  });
}

scenario('an image that is nowhere is the definition’s fault; a registry that is down is not', async ({ driver }) => {
  const registry = await startImageRegistry('busybox', Buffer.alloc(1024));
  await driver.start();
  await driver.launch('a.1.1', ['true'], { task: { image: `${registry.host}/nothing:1` } });
  assert.equal((await driver.awaitState('a.1.1', 'rejected')).reason, 'image-missing');
  await driver.launch('b.1.1', ['true'], { task: { image: `${registry.host}/busybox:1`, pull: 'never' } });
  assert.equal((await driver.awaitState('b.1.1', 'rejected')).reason, 'image-missing');
  assert.ok(!registry.requests.some((path) => path.includes('busybox')));
  await driver.launch('c.1.1', ['true'], { task: { image: 'UPPER:1' } });
  assert.equal((await driver.awaitState('c.1.1', 'rejected')).reason, 'invalid-parameters');
  await registry.close();
  await driver.launch('d.1.1', ['true'], { task: { image: `${registry.host}/busybox:1` } });
  assert.equal((await driver.awaitState('d.1.1', 'not-launched')).reason, 'image-pull-failed');
  assert.deepEqual(
    (await driver.reconcile(['a.1.1', 'd.1.1'])).map(({ state }) => state),
    ['unknown', 'unknown'],
  );
});

scenario('an image is pulled once for all who wait for it, then not again unless always', async ({ driver }) => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const registry = await startImageRegistry('kairos/busybox', await busyboxTar(), { held });
  const image = `${registry.host}/kairos/busybox:1`;
  await driver.start();
  await driver.launch('a.1.1', 'echo a', { task: { image } });
  await driver.launch('a.2.1', 'echo a', { task: { image } });
  await driver.launch('a.3.1', 'echo a', { task: { image } });
  await driver.awaitState('a.3.1', 'staging');
  assert.deepEqual(
    (await driver.reconcile(['a.1.1', 'a.2.1'])).map(({ state }) => state),
    ['staging', 'staging', 'staging'],
  );
  driver.kill('a.3.1', 0);
  await driver.awaitState('a.3.1', 'killed');
  release();
  await driver.awaitState('a.1.1', 'finished');
  await driver.awaitState('a.2.1', 'finished');
  assert.equal(registry.requests.filter((path) => path.endsWith('/manifests/1')).length <= 2, true, registry.requests.join('\n'));
  const count = registry.requests.length;
  await driver.launch('b.1.1', 'echo b', { task: { image } });
  await driver.awaitState('b.1.1', 'finished');
  assert.equal(registry.requests.length, count);
  await driver.launch('c.1.1', 'echo c', { task: { image, pull: 'always' } });
  await driver.awaitState('c.1.1', 'finished');
  assert.ok(registry.requests.length > count);
  await registry.close();
});

scenario('a private registry gives the image to who has its credentials', async ({ driver }) => {
  const registry = await startImageRegistry('kairos/private', await busyboxTar(), { login: 'robot:s3' });
  const image = `${registry.host}/kairos/private:1`;
  const launch = (taskId: string, config: object): void => {
    const plain = driver.taskLaunch(taskId, ['true']);
    const task = { ...plain.task, image, pullSecret: 'registry', pull: 'always' as const };
    driver.perform({
      type: 'launch',
      offerIds: [...driver.offers.keys()],
      tasks: [{ ...plain, task, registryConfig: JSON.stringify(config) }],
    });
  };
  await driver.start();
  const auth = Buffer.from('robot:s3').toString('base64');
  launch('a.1.1', { auths: { 'example.com': { auth } } });
  assert.equal((await driver.awaitState('a.1.1', 'rejected')).reason, 'registry-credentials');
  launch('a.2.1', { auths: { [registry.host]: { username: 'robot', password: 'wrong' } } });
  const refused = await driver.awaitState('a.2.1', 'not-launched');
  assert.equal(refused.reason, 'image-pull-failed');
  assert.ok(!/wrong/.test(JSON.stringify(refused)));
  launch('a.3.1', { auths: { [registry.host]: { auth } } });
  await driver.awaitState('a.3.1', 'finished');
  await registry.close();
});

scenario('limits, shared memory and the host name are the container’s', async ({ driver }) => {
  await driver.start();
  await driver.launch('a.1.1', 'hostname; df -m /dev/shm | tail -n 1 | tr -s " " | cut -d " " -f 2', {
    task: { hostname: 'here', network: 'none', shmSize: 7, mem: 32, limits: { cpus: 0.5, mem: 64 } },
  });
  await driver.awaitState('a.1.1', 'finished');
  assert.equal(await driver.log('a.1.1'), 'here\n7\n');
});

scenario('too much memory is told as such', async ({ driver }) => {
  await driver.start();
  await driver.launch('a.1.1', 'x=a; while :; do x=$x$x; done', { task: { mem: 16 } });
  const status = await driver.awaitState('a.1.1', 'failed');
  assert.equal(status.outOfMemory, true);
  assert.equal(status.reason, 'out-of-memory');
});

scenario('what no container can be made of is rejected, with the reason', async ({ driver }) => {
  await driver.start();
  const rejects = async (taskId: string, task: Partial<TaskSpec>, reason: string): Promise<void> => {
    await driver.launch(taskId, ['true'], { task });
    assert.equal((await driver.awaitState(taskId, 'rejected')).reason, reason);
  };
  await rejects('a.1.1', { mem: 1 }, 'invalid-parameters');
  await rejects('a.2.1', { dockerParameters: [{ key: 'privileged', value: 'true' }] }, 'invalid-parameters');
  await rejects('a.3.1', { user: 'no-such-user' }, 'user-unknown');
  await rejects('a.4.1', { network: 'no-such-network' }, 'network-missing');
  await rejects('a.5.1', { volumes: [{ source: '/no/such/path', containerPath: '/x', mode: 'ro' }] }, 'invalid-parameters');
  await rejects('a.6.1', { artifacts: [{ uri: 'http://x', extract: true, executable: false, cache: false }] }, 'artifacts-unsupported');
  const { image: _, ...rest } = PLAIN_TASK;
  driver.perform({
    type: 'launch',
    offerIds: [...driver.offers.keys()],
    tasks: [{ ...driver.taskLaunch('a.7.1', ['true']), task: { ...rest, command: ['true'] } }],
  });
  assert.equal((await driver.awaitState('a.7.1', 'rejected')).reason, 'image-required');
  await until(() => driver.offeredCpus() === 8, { limitMs: 5000, what: 'all shares back' });
});

scenario('user, volumes, environment and parameters reach the container', async ({ driver }) => {
  const dir = await mkdtemp(join(tmpdir(), 'kairos-volume-'));
  await driver.start();
  await driver.launch('a.1.1', 'id -u; pwd; hostname; echo "$A" > /v/a', {
    env: { A: 'x y' },
    task: {
      user: '0',
      network: 'none',
      volumes: [{ source: dir, containerPath: '/v', mode: 'rw' }],
      dockerParameters: [
        { key: 'workdir', value: '/tmp' },
        { key: 'hostname', value: 'here' },
      ],
    },
  });
  await driver.awaitState('a.1.1', 'finished');
  assert.equal(await driver.log('a.1.1'), '0\n/tmp\nhere\n');
  assert.equal(await readFile(join(dir, 'a'), 'utf8'), 'x y\n');
  await driver.launch('a.2.1', 'id -u', { task: { user: 'nobody' } });
  await driver.awaitState('a.2.1', 'finished');
  assert.equal(await driver.log('a.2.1'), '65534\n');
  await rm(dir, { recursive: true });
});

scenario(
  'an external volume is made by its driver with its options; a driver that is not there is the definition’s fault',
  async ({ driver, namespace }) => {
    await driver.start();
    const volume = { source: `${namespace}-db`, containerPath: '/db', mode: 'rw' as const };
    const driverOptions = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,mode=0750' };
    const task = { volumes: [{ ...volume, driver: 'local', driverOptions }] };
    await driver.launch('a.1.1', 'grep " /db " /proc/mounts', { task });
    await driver.awaitState('a.1.1', 'finished');
    assert.match((await driver.log('a.1.1')) ?? '', /^tmpfs \/db tmpfs rw,.*size=1024k,mode=750/);
    await driver.launch('a.2.1', 'true', { task: { volumes: [{ ...volume, source: 'other', driver: 'no-such-driver' }] } });
    assert.equal((await driver.awaitState('a.2.1', 'rejected')).reason, 'volume-driver-missing');
    await engine(daemon.socket, { method: 'DELETE', path: `/containers/${nameOf(namespace, 'a.1.1')}?force=1` });
    await engine(daemon.socket, { method: 'DELETE', path: `/volumes/${volume.source}` });
  },
);

scenario('a container that was made but not started is started when its task is asked for, once', async ({ driver, namespace, task }) => {
  const launch = driver.taskLaunch('a.1.1', 'echo once');
  const made = await create(
    namespace,
    'a.1.1',
    containerConfig({ ...launch, task: { ...task, command: 'echo once' } }, ownerOf(namespace)),
  );
  assert.equal(made, 201);
  await driver.start(['a.1.1']);
  await driver.awaitState('a.1.1', 'finished');
  assert.equal(await driver.log('a.1.1'), 'once\n');
});

scenario('one that nobody asks for stays as it is; a kill ends it for good, forgetting removes it', async ({ driver, namespace, task }) => {
  for (const taskId of ['a.1.1', 'b.1.1']) {
    const launch = driver.taskLaunch(taskId, 'echo once');
    await create(namespace, taskId, containerConfig({ ...launch, task: { ...task, command: 'echo once' } }, ownerOf(namespace)));
  }
  await driver.start();
  await driver.awaitState('a.1.1', 'staging');
  driver.kill('a.1.1', 0);
  await driver.awaitState('a.1.1', 'killed');
  await driver.launch('a.1.1', 'echo twice');
  const told = (await driver.reconcile(['a.1.1'])).map(({ taskId, state }) => `${taskId} ${state}`);
  assert.deepEqual(new Set(told), new Set(['a.1.1 killed', 'b.1.1 staging']));
  assert.equal(await driver.log('a.1.1'), '');
  driver.perform({ type: 'forget', tasks: [driver.ref('b.1.1')] });
  await until(async () => (await driver.reconcile(['x.1.1'])).length === 1, { limitMs: 5000, what: 'b.1.1 to be forgotten' });
});

scenario('a container removed behind our back is a task lost', async ({ driver, namespace }) => {
  await driver.start();
  await driver.launch('a.1.1', ['sleep', '60']);
  await driver.awaitState('a.1.1', 'running');
  await engine(daemon.socket, { method: 'DELETE', path: `/containers/${nameOf(namespace, 'a.1.1')}?force=1` });
  await until(() => driver.states('a.1.1').some((state) => state === 'lost' || state === 'failed'), { limitMs: 5000, what: 'its end' });
  assert.deepEqual(
    (await driver.reconcile(['a.1.1'])).map(({ state }) => state),
    ['unknown'],
  );
  await until(() => driver.offeredCpus() === 8, { limitMs: 5000, what: 'its share back' });
});

scenario('two namespaces on one Engine know nothing of each other', async ({ driver }) => {
  const other = setup().driver;
  await driver.start();
  await other.start();
  await driver.launch('a.1.1', ['sleep', '60']);
  await driver.awaitState('a.1.1', 'running');
  await other.launch('a.1.1', 'echo other');
  await other.awaitState('a.1.1', 'finished');
  assert.deepEqual(driver.states('a.1.1'), ['running']);
  driver.kill('a.1.1', 0);
  await driver.awaitState('a.1.1', 'killed');
  await other.executor.stop();
});

scenario('the Engine going away is told once, its return as well, and tasks that lived on are found', async ({ driver }) => {
  await driver.start();
  await driver.launch('a.1.1', 'echo begun; sleep 3; exit 6');
  await driver.awaitState('a.1.1', 'running');
  const from = driver.events.length;
  await daemon.kill();
  await driver.awaitEvent((event) => event.type === 'disconnected', 'disconnected', from);
  await daemon.restart();
  await driver.awaitEvent((event) => event.type === 'connected', 'connected again', from);
  await driver.reconcile(['a.1.1']);
  assert.equal((await driver.awaitState('a.1.1', 'failed')).exitCode, 6);
  assert.equal(driver.events.filter((event) => event.type === 'disconnected').length, 1);
});

scenario('an Engine that is not there at the start is waited for', async () => {
  const late = setup(join(daemon.dir, 'late.sock')).driver;
  late.executor.start({ identity: 'known', emit: (event) => late.events.push(event) });
  const event = await late.awaitEvent(({ type }) => type === 'disconnected', 'disconnected');
  assert.match(event.type === 'disconnected' ? event.reason : '', /ENOENT|late\.sock/);
  late.executor.perform({ type: 'reconcile', tasks: [] });
  await late.executor.stop();
  assert.equal(late.events.length, 1);
});

function ownerOf(namespace: string): Owner {
  return { namespace, identity: { id: IDENTITY, hasUnlabelled: false } };
}

function nameOf(namespace: string, taskId: string): string {
  return `${namePrefix(ownerOf(namespace))}.${taskId}`;
}

async function create(namespace: string, taskId: string, body: object): Promise<number> {
  const path = `/containers/create?name=${nameOf(namespace, taskId)}`;
  return (await engine(daemon.socket, { method: 'POST', path, body: JSON.stringify(body) })).status;
}

test.run();
