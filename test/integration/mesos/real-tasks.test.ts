/** Tasks that really run: containers of a Docker daemon, and processes; their logs read from the agent's sandbox. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { ScriptedRunner } from '../../mesos-master/runner/scripted.ts';
import { DockerRunner } from '../../mesos-master/runner/docker.ts';
import { ProcessRunner } from '../../mesos-master/runner/process.ts';
import { byKind } from '../../mesos-master/runner/runner.ts';
import { BUSYBOX_IMAGE, importBusybox, startDockerd, type Dockerd } from '../../support/dockerd.ts';
import { until } from '../../support/until.ts';
import type { TaskRef, TaskSpec } from '../../../src/executor/port.ts';
import { PLAIN, withMesos, type Leader, type Rig } from './mesos-rig.ts';

const run = promisify(execFile);

let daemon: Dockerd | undefined;

test.before(async () => {
  daemon = await startDockerd();
  await importBusybox(daemon.socket);
});

test.after(async () => daemon?.stop());

function withRealTasks(body: (rig: Rig) => Promise<void>): Promise<void> {
  const docker = new DockerRunner(daemon?.socket ?? '', systemClock);
  return withMesos({ runner: byKind({ docker, command: new ProcessRunner(systemClock) }) }, body);
}

async function textOf(leader: Leader, task: TaskRef, stream: 'stdout' | 'stderr' = 'stdout'): Promise<string | undefined> {
  const chunk = await leader.executor.readLog({ task, stream, offset: 0, length: 65_536 });
  return chunk === undefined ? undefined : Buffer.from(chunk.data).toString('utf8');
}

/** A task without an image. */
async function launchBare(leader: Leader, taskId: string, change: Partial<TaskSpec>): Promise<TaskRef> {
  const { image: _image, ...bare } = PLAIN;
  return leader.launchOn(await leader.anOffer(), [{ taskId, task: { ...bare, ...change } }])[0] as TaskRef;
}

test('in a container words stay words, and a string goes through the shell', async () => {
  await withRealTasks(async ({ lead }) => {
    const leader = await lead();
    const words = await leader.launch('words.1.1', { image: BUSYBOX_IMAGE, command: ['echo', 'a b', '$HOME', '*'] });
    await leader.awaitState('words.1.1', 'finished');
    assert.match((await textOf(leader, words)) ?? '', /^a b \$HOME \*$/m);
    const text = await leader.launch('text.1.1', { image: BUSYBOX_IMAGE, command: 'echo "$A"; exit 3' }, { env: { A: 'x  y' } });
    const status = await leader.awaitState('text.1.1', 'failed');
    assert.equal(status.exitCode, 3);
    assert.match((await textOf(leader, text)) ?? '', /^x {2}y$/m);
  });
});

test('without an image words stay words too, and the first is not doubled', async () => {
  await withRealTasks(async ({ lead }) => {
    const leader = await lead();
    const task = await launchBare(leader, 'a.1.1', { command: ['echo', 'a b', '$HOME'] });
    await leader.awaitState('a.1.1', 'finished');
    assert.match((await textOf(leader, task)) ?? '', /^a b \$HOME$/m);
  });
});

/** An image of busybox with this configuration; `changes` as in a Dockerfile. */
async function imageWith(tag: string, ...changes: readonly string[]): Promise<string> {
  const docker = async (...args: readonly string[]): Promise<string> =>
    (await run('docker', ['-H', `unix://${daemon?.socket ?? ''}`, ...args])).stdout.trim();
  const container = await docker('create', BUSYBOX_IMAGE, 'true');
  await docker('commit', ...changes.flatMap((change) => ['--change', change]), container, tag);
  await docker('rm', container);
  return tag;
}

test('with the Mesos containerizer words stay words whatever the image has of its own, and none leave it to the image', async () => {
  const images = {
    neither: await imageWith('neither:1', 'ENTRYPOINT []', 'CMD []'),
    command: await imageWith('command:1', 'ENTRYPOINT []', 'CMD ["echo", "own"]'),
    entrypoint: await imageWith('entrypoint:1', 'ENTRYPOINT ["echo", "entry"]', 'CMD ["own"]'),
  };
  const runner = new DockerRunner(daemon?.socket ?? '', systemClock);
  await withMesos({ runner, agents: [{ provisionsImages: true }] }, async ({ lead }) => {
    const leader = await lead(undefined, { containerizer: 'mesos' });
    const said = async (taskId: string, image: string, command: TaskSpec['command']): Promise<string> => {
      const { command: _none, ...base } = PLAIN;
      const offer = await leader.anOffer();
      const [task] = leader.launchOn(offer, [{ taskId, task: { ...base, image, ...(command === undefined ? {} : { command }) } }]);
      await leader.awaitState(taskId, 'finished');
      return (await textOf(leader, task as TaskRef)) ?? '';
    };
    for (const [name, image] of Object.entries(images)) {
      assert.equal(await said(`${name}.1.1`, image, ['echo', 'a b', '$HOME']), 'a b $HOME\n', name);
      assert.equal(await said(`${name}.2.1`, image, 'echo "$0"'), '/bin/sh\n', name);
    }
    assert.equal(await said('command.3.1', images.command, undefined), 'own\n');
    assert.equal(await said('entrypoint.3.1', images.entrypoint, undefined), 'entry own\n');
  });
});

test('limits and shared memory reach the container', async () => {
  await withRealTasks(async ({ lead }) => {
    const leader = await lead();
    const command =
      'df -m /dev/shm | tail -n 1; cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; true';
    const task = await leader.launch('a.1.1', { image: BUSYBOX_IMAGE, command, limits: { mem: 80 }, shmSize: 16 });
    await leader.awaitState('a.1.1', 'finished');
    const said = (await textOf(leader, task)) ?? '';
    assert.match(said, /^shm +16 /m);
    assert.match(said, new RegExp(`^${80 * 1024 * 1024}$`, 'm'));
  });
});

test('external volumes are there, each of its driver, made with its options', async () => {
  await withRealTasks(async ({ lead }) => {
    const leader = await lead();
    const volumes: TaskSpec['volumes'] = [
      { containerPath: '/own', source: 'own', mode: 'rw' },
      {
        containerPath: '/far',
        source: 'far',
        mode: 'ro',
        driver: 'local',
        driverOptions: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,mode=0750' },
      },
    ];
    const task = await leader.launch('a.1.1', {
      image: BUSYBOX_IMAGE,
      command: 'touch /own/x && ! touch /far/x && grep " /far " /proc/mounts',
      volumes,
    });
    await leader.awaitState('a.1.1', 'finished');
    assert.match((await textOf(leader, task)) ?? '', /^tmpfs \/far tmpfs ro,.*size=1024k,mode=750/m);
  });
});

test('a container that is killed says so', async () => {
  await withRealTasks(async ({ lead }) => {
    const leader = await lead();
    const task = await leader.launch('a.1.1', { image: BUSYBOX_IMAGE, command: 'sleep 60' });
    await leader.awaitState('a.1.1', 'running');
    leader.executor.perform({ type: 'kill', task, graceMs: 100 });
    assert.equal((await leader.awaitState('a.1.1', 'killed')).signal, 'SIGKILL');
  });
});

test('a log is read in pieces, from the end, and while the task runs; any bytes survive', async () => {
  await withRealTasks(async ({ lead }) => {
    const leader = await lead();
    const command = "printf '\\377\\376 é'; sleep 60";
    const task = await launchBare(leader, 'a.1.1', { command });
    const expected = Buffer.concat([Buffer.from([0xff, 0xfe, 0x20]), Buffer.from('é')]);
    const read = (offset: number, length: number) => leader.executor.readLog({ task, stream: 'stdout', offset, length });
    await until(async () => (await read(0, 100))?.size === expected.length, { what: 'all of it to be written' });
    assert.deepEqual(Buffer.from((await read(0, 100))!.data), expected);
    assert.deepEqual({ ...(await read(1, 1))! }, { data: Buffer.from([0xfe]), offset: 1, size: 5 });
    assert.deepEqual({ ...(await read(-2, 100))! }, { data: Buffer.from('é'), offset: 3, size: 5 });
    assert.deepEqual({ ...(await read(-100, 2))! }, { data: Buffer.from([0xff, 0xfe]), offset: 0, size: 5 });
    assert.equal((await read(99, 10))!.data.length, 0);
  });
});

test('a log that does not exist, or not any more, is told as such', async () => {
  await withRealTasks(async ({ master, lead }) => {
    const leader = await lead();
    const task = await launchBare(leader, 'a.1.1', { command: 'echo hi' });
    await leader.awaitState('a.1.1', 'finished');
    assert.equal(await textOf(leader, { ...task, taskId: 'never.1.1' }), undefined);
    master.agent('agent-0').collectSandbox(leader.identity ?? '', 'a.1.1');
    assert.equal(await textOf(leader, task), undefined);
  });
});

test('an agent that does not answer is an error, not an empty log, and its address stays inside', async () => {
  await withMesos({ runner: new ScriptedRunner(systemClock) }, async ({ lead }) => {
    const leader = await lead();
    const task = { taskId: 'a.1.1', agentId: 'x', address: '127.0.0.1:1' };
    await assert.rejects(leader.executor.readLog({ task, stream: 'stdout', offset: 0, length: 10 }), (error: unknown) => {
      return error instanceof Error && error.name === 'SandboxError' && !error.message.includes('127.0.0.1');
    });
  });
});

test.run();
