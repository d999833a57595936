/** The process executor on a disk that is full, and with files that can't be read: one task's trouble stays its own. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { ProcessExecutor } from '../../../src/executor/process/process-executor.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { ExecutorDriver, IDENTITY } from '../../support/executor-driver.ts';
import { emptyDisk, fillDisk, mountSmallDisk } from '../../support/small-disk.ts';
import { until } from '../../support/until.ts';

const RESOURCES = { cpus: 4, mem: 1000, disk: 0, gpus: 0, ports: [] };

interface Setup {
  /** A directory on another disk than the tasks. */
  readonly dir: string;
  readonly dataDir: string;
  /** A new adapter on the same machine. */
  create(): ExecutorDriver;
  path(taskId: string, name: string): string;
}

async function withDisk(body: (context: Setup) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'kairos-trouble-'));
  const dataDir = join(dir, 'disk');
  await mkdir(dataDir);
  const unmount = mountSmallDisk(dataDir, '512k');
  const drivers: ExecutorDriver[] = [];
  const create = (): ExecutorDriver => {
    const options = { dataDir, clock: systemClock, logger: silentLogger, hostname: 'here', resources: RESOURCES };
    const driver = new ExecutorDriver(new ProcessExecutor(options));
    drivers.push(driver);
    return driver;
  };
  try {
    await body({ dir, dataDir, create, path: (taskId, name) => join(dataDir, IDENTITY, 'tasks', taskId, name) });
  } finally {
    for (const driver of drivers) await driver.executor.stop();
    unmount();
    await rm(dir, { recursive: true, force: true });
  }
}

function scenario(sentence: string, body: (context: Setup) => Promise<void>): void {
  test(sentence, () => withDisk(body));
}

const awaitOutput = (driver: ExecutorDriver, taskId: string): Promise<void> =>
  until(async () => (await driver.log(taskId)) === 'up\n', { limitMs: 5000, what: `${taskId} to be up` });

const outages = (driver: ExecutorDriver): number => driver.events.filter(({ type }) => type === 'disconnected').length;

scenario('a task that ends on a full disk is told as it ended', async ({ dir, dataDir, create }) => {
  const driver = await create().start();
  const wait = `echo up; while ! test -e ${dir}/go; do sleep 0.05; done`;
  await driver.launch('a.1.1', wait);
  await driver.launch('b.1.1', `${wait}; exit 131`);
  await awaitOutput(driver, 'a.1.1');
  await awaitOutput(driver, 'b.1.1');
  fillDisk(dataDir);
  await writeFile(join(dir, 'go'), '');
  await driver.awaitState('a.1.1', 'finished');
  assert.equal((await driver.awaitState('b.1.1', 'failed')).exitCode, 131);
  assert.equal(outages(driver), 0);
});

scenario('on a full disk nothing is launched, and what runs can be killed', async ({ dataDir, create }) => {
  const driver = await create().start();
  await driver.launch('a.1.1', 'echo up; sleep 60');
  await driver.launch('b.1.1', 'trap "" TERM; echo up; sleep 60 & wait; sleep 60');
  await awaitOutput(driver, 'a.1.1');
  await awaitOutput(driver, 'b.1.1');
  fillDisk(dataDir);
  await driver.launch('c.1.1', ['true']);
  assert.equal((await driver.awaitState('c.1.1', 'not-launched')).reason, 'start-failed');
  driver.kill('a.1.1', 60_000);
  driver.kill('b.1.1', 200);
  await driver.awaitState('a.1.1', 'killed');
  assert.equal((await driver.awaitState('b.1.1', 'killed')).signal, 'SIGKILL');
  assert.equal(outages(driver), 0);
});

scenario('a wrapper without a file of its length waits for room to write how the task ended', async ({ dir, dataDir, create, path }) => {
  const driver = await create().start();
  await driver.launch('a.1.1', `echo up; while ! test -e ${dir}/go; do sleep 0.05; done`);
  await awaitOutput(driver, 'a.1.1');
  await rm(path('a.1.1', 'exit'));
  fillDisk(dataDir);
  await writeFile(join(dir, 'go'), '');
  await until(() => existsSync(path('a.1.1', 'exit')), { limitMs: 5000, what: 'the first try' });
  assert.equal((await driver.reconcile(['a.1.1']))[0]?.state, 'running');
  emptyDisk(dataDir);
  await driver.awaitState('a.1.1', 'finished');
});

scenario('what can not be read of one task keeps nobody else waiting, and nothing of it is thrown away', async ({ create, path }) => {
  const first = await create().start();
  await first.launch('a.1.1', 'echo up; sleep 60');
  await first.launch('b.1.1', 'echo up; sleep 60');
  await awaitOutput(first, 'a.1.1');
  await awaitOutput(first, 'b.1.1');
  await first.executor.stop();
  await mkdir(path('a.1.1', 'kill'));
  const second = await create().start(['a.1.1', 'b.1.1']);
  assert.deepEqual(new Set(second.states('b.1.1')), new Set(['running']));
  assert.equal((await second.awaitState('a.1.1', 'unreachable')).reason, 'evidence-unreadable');
  await second.launch('a.1.1', 'echo twice');
  await second.reconcile(['a.1.1']);
  second.kill('a.1.1', 0);
  await second.launch('c.1.1', ['true']);
  await second.awaitState('c.1.1', 'finished');
  await second.reconcile(['a.1.1']);
  assert.ok(existsSync(path('a.1.1', 'start')), 'what tells that it runs');
  await rmdir(path('a.1.1', 'kill'));
  const told = (await second.reconcile(['a.1.1'])).filter(({ taskId }) => taskId === 'a.1.1').map(({ state }) => state);
  assert.deepEqual(told, ['running']);
  assert.equal(outages(second), 0);
  for (const taskId of ['a.1.1', 'b.1.1']) {
    second.kill(taskId, 0);
    await second.awaitState(taskId, 'killed');
  }
  assert.equal(await second.log('a.1.1'), 'up\n');
});

scenario('tasks of before identities are a store’s that was used then, and nobody else’s', async ({ dataDir, create, path }) => {
  const before = create();
  before.identity = 'process@here';
  await before.start();
  await before.launch('a.1.1', 'echo up; sleep 60');
  await awaitOutput(before, 'a.1.1');
  assert.ok(existsSync(join(dataDir, 'tasks/a.1.1/start')), 'where the version before looked');
  await before.executor.stop();
  const anew = await create().start(['a.1.1']);
  assert.deepEqual(anew.states('a.1.1'), ['unknown']);
  assert.ok(!existsSync(path('a.1.1', 'start')));
  await anew.executor.stop();
  const connected = before.events.find(({ type }) => type === 'connected');
  const again = create();
  again.identity = connected?.type === 'connected' ? connected.identity : undefined;
  await again.start(['a.1.1']);
  assert.equal(again.states('a.1.1')[0], 'running');
  again.kill('a.1.1', 0);
  await again.awaitState('a.1.1', 'killed');
});

test.run();
