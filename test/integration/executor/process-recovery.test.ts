/** What only the process executor does: its wrapper, and what a crash at any point of a launch leaves to be found. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import type { TaskSpec } from '../../../src/executor/port.ts';
import { NO_RESOURCES } from '../../../src/executor/local/resources.ts';
import { commandFile } from '../../../src/executor/process/command-file.ts';
import { ProcessExecutor } from '../../../src/executor/process/process-executor.ts';
import { bootId, startOf } from '../../../src/executor/process/process-identity.ts';
import { writeLaunch } from '../../../src/executor/process/task-records.ts';
import { NOT_CLAIMED, wrapperCommand } from '../../../src/executor/process/wrapper.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { ExecutorDriver, IDENTITY } from '../../support/executor-driver.ts';
import { until } from '../../support/until.ts';

interface Setup {
  readonly dataDir: string;
  readonly driver: ExecutorDriver;
  /** What a launch leaves when the node dies before the wrapper has begun. */
  cutShort(taskId: string, command: string, boot?: string): Promise<string>;
  /** The path of a file in the task's directory. */
  path(taskId: string, name: string): string;
}

const RESOURCES = { cpus: 4, mem: 1000, disk: 0, gpus: 0, ports: [] };

function scenario(sentence: string, body: (context: Setup) => Promise<void>): void {
  test(sentence, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'kairos-process-'));
    const options = { dataDir, clock: systemClock, logger: silentLogger, hostname: 'here', resources: RESOURCES };
    const driver = new ExecutorDriver(new ProcessExecutor(options));
    const path = (taskId: string, name: string): string => join(dataDir, IDENTITY, 'tasks', taskId, name);
    const cutShort = async (taskId: string, command: string, boot?: string): Promise<string> => {
      const directory = join(path(taskId, '.'));
      await mkdir(join(directory, 'sandbox'), { recursive: true });
      const file = commandFile({ prefix: [], command: ['/bin/sh', '-c', command], env: { PATH: '/usr/bin:/bin' }, secrets: {} });
      const record = { boot: boot ?? (await bootId()), at: 0, resources: { ...NO_RESOURCES, cpus: 1 } };
      await writeLaunch(directory, record, file);
      return directory;
    };
    try {
      await body({ dataDir, driver, cutShort, path });
    } finally {
      await driver.executor.stop();
      await rm(dataDir, { recursive: true, force: true });
    }
  });
}

const wrapperPid = (startFile: string): number => Number(readFileSync(startFile, 'utf8').split(' ')[0]);
const isThere = async (pid: number): Promise<boolean> => (await startOf(pid)) !== undefined;

scenario('a task goes on when its node is killed, is found by the next, and has run once', async ({ dataDir, driver, path }) => {
  const command = 'echo begun; while ! test -e go; do sleep 0.05; done; echo done; exit 4';
  const fixture = join(import.meta.dirname, 'fixtures/process-node.ts');
  const node = spawn(process.execPath, ['--import', 'tsx', fixture, dataDir, 'a.1.1', command], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => node.stdout.once('data', resolve));
  node.kill('SIGKILL');
  await new Promise((resolve) => node.once('exit', resolve));
  await driver.start(['a.1.1']);
  assert.equal(driver.states('a.1.1')[0], 'running');
  await writeFile(path('a.1.1', 'sandbox/go'), '');
  assert.equal((await driver.awaitState('a.1.1', 'failed')).exitCode, 4);
  assert.equal(await driver.log('a.1.1'), 'begun\ndone\n');
});

scenario('of many wrappers for one launch one runs the command, the others leave', async ({ cutShort }) => {
  const directory = await cutShort('a.1.1', 'echo ran >> ../../../ran; sleep 0.2');
  const [file = '', ...args] = wrapperCommand(directory);
  const ends = Array.from(
    { length: 8 },
    () =>
      new Promise<number | null>((resolve) => {
        spawn(file, args, { detached: true, stdio: 'ignore' }).once('exit', (code) => resolve(code));
      }),
  );
  const codes = await Promise.all(ends);
  assert.equal(codes.filter((code) => code === NOT_CLAIMED).length, 7);
  assert.equal(readFileSync(join(directory, '../../ran'), 'utf8'), 'ran\n');
});

scenario('a launch cut short is finished when its task is asked for', async ({ driver, cutShort }) => {
  await cutShort('a.1.1', 'echo once');
  await driver.start(['a.1.1']);
  await driver.awaitState('a.1.1', 'finished');
  assert.equal(await driver.log('a.1.1'), 'once\n');
});

scenario('a launch cut short is finished when it is launched again, and only once', async ({ driver, cutShort }) => {
  await cutShort('a.1.1', 'echo once');
  await driver.start();
  await driver.awaitState('a.1.1', 'staging');
  await driver.launch('a.1.1', 'echo twice');
  await driver.reconcile(['a.1.1']);
  await driver.awaitState('a.1.1', 'finished');
  assert.equal(await driver.log('a.1.1'), 'once\n');
});

scenario('a launch cut short can be killed: it never begins then', async ({ driver, cutShort, path }) => {
  await cutShort('a.1.1', 'echo once');
  await driver.start();
  driver.kill('a.1.1', 0);
  await driver.awaitState('a.1.1', 'killed');
  assert.equal(readFileSync(path('a.1.1', 'start'), 'utf8'), 'void\n');
  await driver.launch('a.1.1', 'echo twice');
  assert.equal((await driver.reconcile(['a.1.1']))[0]?.state, 'killed');
  assert.equal(await driver.log('a.1.1'), '');
});

scenario('a launch of an earlier boot is lost, not begun again', async ({ driver, cutShort }) => {
  await cutShort('a.1.1', 'echo once', 'an earlier boot');
  await mkdir(join(await cutShort('b.1.1', 'x'), '../c.1.1'));
  await driver.start(['a.1.1', 'c.1.1']);
  assert.equal((await driver.awaitState('a.1.1', 'lost')).reason, 'machine-restarted');
  assert.equal((await driver.awaitState('c.1.1', 'lost')).reason, 'launch-interrupted');
});

scenario('a task whose wrapper is killed is lost, and does not live on', async ({ driver, path }) => {
  await driver.start();
  await driver.launch('a.1.1', 'echo $$; sleep 60');
  await until(async () => ((await driver.log('a.1.1')) ?? '') !== '', { limitMs: 5000, what: 'its output' });
  const command = Number(await driver.log('a.1.1'));
  process.kill(wrapperPid(path('a.1.1', 'start')), 'SIGKILL');
  assert.equal((await driver.awaitState('a.1.1', 'lost')).reason, 'wrapper-died');
  await until(async () => !(await isThere(command)), { limitMs: 5000, what: 'the command to be gone' });
});

scenario('a process id that another process has now is not taken for the task', async ({ driver, cutShort, path }) => {
  await cutShort('a.1.1', 'true');
  await writeFile(path('a.1.1', 'start'), `${process.pid} 1\n`);
  await driver.start(['a.1.1']);
  await driver.awaitState('a.1.1', 'lost');
});

scenario('nor is one that has the same start time too, in another boot', async ({ driver, cutShort, path }) => {
  await cutShort('a.1.1', 'true', 'an earlier boot');
  await writeFile(path('a.1.1', 'start'), `${process.pid} ${await startOf(process.pid)}\n`);
  await driver.start(['a.1.1']);
  assert.equal((await driver.awaitState('a.1.1', 'lost')).reason, 'machine-restarted');
});

scenario('what a task leaves running ends with it', async ({ driver }) => {
  await driver.start();
  await driver.launch('a.1.1', 'sleep 60 & echo $!');
  await driver.awaitState('a.1.1', 'finished');
  const child = Number(await driver.log('a.1.1'));
  assert.ok(child > 1);
  await until(async () => !(await isThere(child)), { limitMs: 5000, what: 'its child to be gone' });
});

scenario('a kill reaches the whole group', async ({ driver }) => {
  await driver.start();
  await driver.launch('a.1.1', 'sleep 60 & echo $!; wait');
  await until(async () => ((await driver.log('a.1.1')) ?? '') !== '', { limitMs: 5000, what: 'its output' });
  driver.kill('a.1.1', 60_000);
  assert.equal((await driver.awaitState('a.1.1', 'killed')).signal, 'SIGTERM');
  const child = Number(await driver.log('a.1.1'));
  await until(async () => !(await isThere(child)), { limitMs: 5000, what: 'its child to be gone' });
});

scenario('what a process cannot have is rejected, and leaves nothing', async ({ driver, dataDir }) => {
  await driver.start();
  const rejects = async (taskId: string, task: Partial<TaskSpec>, reason: string): Promise<void> => {
    await driver.launch(taskId, undefined, { task });
    assert.equal((await driver.awaitState(taskId, 'rejected')).reason, reason);
  };
  await rejects('a.1.1', {}, 'command-required');
  await rejects('a.2.1', { command: [] }, 'command-required');
  await rejects('a.3.1', { command: ['true'], volumes: [{ source: '/', containerPath: '/x', mode: 'ro' }] }, 'volumes-unsupported');
  await rejects('a.4.1', { command: ['true'], user: 'no-such-user' }, 'user-unknown');
  await rejects('../a', { command: ['true'] }, 'invalid-task-id');
  await rejects('a.5.1', { command: ['echo', 'x'.repeat(3_000_000)] }, 'invalid-command');
  await rejects('a.6.1', { command: ['echo', 'a\0b'] }, 'invalid-command');
  assert.deepEqual((await driver.reconcile(['a.5.1']))[0]?.state, 'unknown');
  assert.ok(!existsSync(join(dataDir, 'a')));
});

scenario('its sandbox is its own, its secrets are for the owner only', async ({ driver, path }) => {
  await driver.start();
  const isRoot = process.geteuid?.() === 0;
  await driver.launch('a.1.1', 'id -u; pwd; echo $HOME; touch x', isRoot ? { task: { user: 'nobody' } } : {});
  await driver.awaitState('a.1.1', 'finished');
  const [uid, directory, home] = ((await driver.log('a.1.1')) ?? '').split('\n');
  assert.equal(uid, isRoot ? '65534' : String(process.geteuid?.()));
  assert.equal(directory, path('a.1.1', 'sandbox'));
  assert.equal(home, directory);
  await driver.launch('b.1.1', ['env'], { env: { 'with.dot': "it's" } });
  await driver.awaitState('b.1.1', 'finished');
  assert.match((await driver.log('b.1.1')) ?? '', /^with\.dot=it's$/m);
  assert.ok(existsSync(path('a.1.1', 'sandbox/x')));
  assert.equal(statSync(path('a.1.1', 'command')).mode & 0o077, 0);
});

scenario('the launcher going away is told, another takes its place, and tasks go on', async ({ driver }) => {
  await driver.start();
  await driver.launch('a.1.1', 'ps -o ppid= -p $PPID; sleep 0.5; echo done');
  await until(async () => ((await driver.log('a.1.1')) ?? '') !== '', { limitMs: 5000, what: 'its output' });
  const from = driver.events.length;
  process.kill(Number(await driver.log('a.1.1')), 'SIGKILL');
  await driver.awaitEvent((event) => event.type === 'disconnected', 'disconnected', from);
  await driver.awaitEvent((event) => event.type === 'connected', 'connected again', from);
  await driver.reconcile(['a.1.1']);
  await driver.awaitState('a.1.1', 'finished');
  await driver.launch('b.1.1', ['true']);
  await driver.awaitState('b.1.1', 'finished');
});

scenario('of wrappers that have ended none but the last waits to be let go of', async ({ driver }) => {
  await driver.start();
  for (let run = 1; run <= 5; run += 1) {
    await driver.launch(`a.${run}.1`, 'ps -o ppid= -p $PPID');
    await driver.awaitState(`a.${run}.1`, 'finished');
  }
  const launcher = Number(await driver.log('a.1.1'));
  const children = (): string[] => readFileSync(`/proc/${launcher}/task/${launcher}/children`, 'utf8').split(' ').filter(Boolean);
  await until(() => children().length <= 1, { limitMs: 5000, what: () => `the launcher to let go of ${children().join(' ')}` });
});

scenario('names that the shell would take for its own are commands all the same', async ({ driver }) => {
  await driver.start();
  for (const [index, name] of ['exit', 'set', 'cd', 'trap'].entries()) {
    await driver.launch(`a.${index}.1`, [name, '7']);
    const status = await driver.awaitState(`a.${index}.1`, 'failed');
    assert.equal(status.exitCode, 127);
    assert.equal(status.reason, 'command-not-found');
  }
});

test.run();
