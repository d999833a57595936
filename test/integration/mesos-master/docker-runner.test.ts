/** The stand-in's agents with a real Docker Engine: what becomes of containers, in the words of Mesos. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'uvu';
import assert from 'node:assert/strict';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { send, type Probe } from '../../mesos-master/probe.ts';
import { DockerRunner } from '../../mesos-master/runner/docker.ts';
import { REAL_TIMING } from '../../mesos-master/timing.ts';
import { BUSYBOX_IMAGE, importBusybox, startDockerd, type Dockerd } from '../../support/dockerd.ts';
import { accept, firstOffer, pause, setup, stateOf, story, taskInfo, type Rig } from '../../unit/mesos-master/rig.ts';

const run = promisify(execFile);

interface World {
  readonly rig: Rig;
  readonly probe: Probe;
  readonly engine: Dockerd;
}

test('containers run, fail, are killed and cannot be made as on a real agent', async () => {
  const engine = await startDockerd();
  await importBusybox(engine.socket);
  const timing = { ...REAL_TIMING, dockerInspectMs: 1_000, allocationMs: 100, heartbeatMs: 1_000 };
  const rig = await setup({ seed: Date.now(), runner: new DockerRunner(engine.socket, systemClock), timing });
  try {
    const world = { rig, engine, probe: await rig.subscribe({ acknowledges: true }) };
    await runsToTheEnd(world);
    await isKilled(world);
    await outlivesItsAgent(world);
  } finally {
    await rig.stop();
    const left = await docker(engine, 'ps', '-aq');
    await engine.stop();
    assert.equal(left, '', 'no container is left');
  }
});

interface Task {
  readonly id: string;
  readonly command?: object;
  readonly docker?: object;
  readonly container?: object;
  readonly wanted: readonly (string | RegExp)[];
}

const ENDED = (status: number): string => `${status === 0 ? 'FINISHED' : 'FAILED'} EXECUTOR Container exited with status ${status}`;
const UP = ['STARTING EXECUTOR', 'RUNNING EXECUTOR'];

const TASKS: readonly Task[] = [
  { id: 'shell', command: { value: 'echo out; echo err >&2; echo "$A|$MESOS_SANDBOX|$MESOS_ALLOCATION_ROLE"' }, wanted: [...UP, ENDED(0)] },
  { id: 'exec', command: { shell: false, value: 'echo', arguments: ['a b', '$HOME', 'c'] }, wanted: [...UP, ENDED(0)] },
  { id: 'only-arguments', command: { shell: false, arguments: ['echo', 'x'] }, wanted: [...UP, ENDED(0)] },
  { id: 'status', command: { value: 'exit 3' }, wanted: [...UP, ENDED(3)] },
  {
    id: 'signal',
    command: { shell: false, value: 'sh', arguments: ['-c', 'kill -9 $$'] },
    docker: { parameters: [{ key: 'init', value: 'true' }] },
    wanted: [...UP, ENDED(137)],
  },
  { id: 'not-found', command: { shell: false, value: 'nosuch' }, wanted: ['STARTING EXECUTOR', ENDED(127)] },
  { id: 'unknown-flag', docker: { parameters: [{ key: 'nosuch', value: '1' }] }, wanted: ['STARTING EXECUTOR', ENDED(125)] },
  {
    id: 'entrypoint',
    command: { shell: false, arguments: ['hi', 'there'] },
    docker: { parameters: [{ key: 'entrypoint', value: '/bin/echo' }] },
    wanted: [...UP, ENDED(0)],
  },
  {
    id: 'no-value',
    command: {},
    wanted: ['STARTING EXECUTOR', 'FAILED EXECUTOR Failed to create docker run options: Shell specified but no command value provided'],
  },
  {
    id: 'volumes',
    container: { volumes: [{ container_path: 'rel', host_path: 'reldir', mode: 'RW' }] },
    wanted: [
      'STARTING EXECUTOR',
      "FAILED EXECUTOR Failed to create docker run options: Both host_path 'reldir' and container_path 'rel' of a volume are relative",
    ],
  },
  {
    id: 'docker-volume',
    command: { value: 'echo kept > /v/a; cat /v/a; grep " /m " /proc/mounts' },
    docker: {
      parameters: [
        {
          key: 'mount',
          value:
            'type=volume,src=m1,target=/m,volume-opt=type=tmpfs,volume-opt=device=tmpfs,"volume-opt=o=size=1m,mode=0750",volume-driver=local',
        },
      ],
    },
    container: {
      volumes: [{ container_path: '/v', mode: 'RW', source: { type: 'DOCKER_VOLUME', docker_volume: { name: 'v1', driver: 'local' } } }],
    },
    wanted: [...UP, ENDED(0)],
  },
  {
    id: 'two-drivers',
    container: {
      volumes: ['local', 'other'].map((driver) => ({
        container_path: `/${driver}`,
        mode: 'RW',
        source: { type: 'DOCKER_VOLUME', docker_volume: { name: driver, driver } },
      })),
    },
    wanted: ['STARTING EXECUTOR', 'FAILED EXECUTOR Failed to create docker run options: Only one volume driver is supported'],
  },
  {
    id: 'hostname',
    container: { hostname: 'x' },
    wanted: ['STARTING EXECUTOR', 'FAILED EXECUTOR Failed to create docker run options: Unable to set hostname with host network mode'],
  },
  {
    id: 'no-image',
    docker: { image: 'nosuch/image:1' },
    wanted: [
      /^FAILED AGENT CONTAINER_LAUNCH_FAILED Failed to launch container: Failed to run 'docker -H unix:\/\/.* pull nosuch\/image:1': exited with status 1; stderr='Error response from daemon: /,
    ],
  },
  {
    id: 'bad-image',
    docker: { image: 'Upper/case' },
    wanted: [/stderr='invalid reference format: repository name \(Upper\/case\) must be lowercase\n'$/],
  },
];

function infoOf(task: Task, agentId: string): object {
  const environment = { variables: [{ name: 'A', value: 'it\'s "$x"' }] };
  const docker = { image: BUSYBOX_IMAGE, network: 'HOST', ...task.docker };
  const more = {
    command: { environment, ...(task.command ?? { value: 'true' }) },
    container: { type: 'DOCKER', docker, ...task.container },
  };
  return taskInfo({ id: task.id, agentId, more });
}

async function runsToTheEnd({ rig, probe }: World): Promise<void> {
  const offer = await firstOffer(rig, probe);
  await accept(
    probe,
    [offer.id.value],
    TASKS.map((task) => [infoOf(task, offer.agent_id.value)]),
  );
  const isOver = ({ id }: Task): boolean => /^(FINISHED|FAILED)/.test(story(probe, id).at(-1) ?? '');
  await rig.master.until(() => TASKS.every(isOver), 40_000);
  for (const { id, wanted } of TASKS) {
    const seen = story(probe, id);
    assert.equal(seen.length, wanted.length, `${id}: ${seen.join(' / ')}`);
    for (const [index, one] of wanted.entries()) {
      if (typeof one === 'string') assert.equal(seen[index], one, id);
      else assert.match(seen[index] ?? '', one, id);
    }
  }
  const inspection = probe.statusesOf('shell').find(({ data }) => data !== undefined)?.data ?? '';
  const [container] = JSON.parse(Buffer.from(inspection, 'base64').toString()) as { Name: string; HostConfig: { Memory: number } }[];
  assert.equal(container?.Name, `/mesos-${probe.statusesOf('shell')[0]?.container_status?.container_id.value}`);
  assert.equal(container?.HostConfig.Memory, 32 * 1024 * 1024);
  assert.equal(await read(rig, probe, 'shell/runs/latest/stdout'), 'out\nit\'s "$x"|/mnt/mesos/sandbox|*\n');
  assert.match(
    await read(rig, probe, 'shell/runs/latest/stderr'),
    /exec\.cpp:164\] Version: 1\.12\.0\n[^]*err\n[^]*Container exited with status 0\n$/,
  );
  assert.equal(await read(rig, probe, 'exec/runs/latest/stdout'), 'a b $HOME c\n');
  assert.match(await read(rig, probe, 'docker-volume/runs/latest/stdout'), /^kept\ntmpfs \/m tmpfs rw,.*size=1024k,mode=750/);
  assert.equal(await read(rig, probe, 'no-image/runs/latest/stderr'), '');
  assert.match(await read(rig, probe, 'unknown-flag/runs/latest/stderr'), /unknown flag: --nosuch/);
}

async function isKilled({ rig, probe }: World): Promise<void> {
  const offer = await held(rig, probe);
  const agentId = offer.agent_id.value;
  await accept(
    probe,
    [offer.id.value],
    [
      [infoOf({ id: 'deaf', command: { value: 'sleep 100' }, wanted: [] }, agentId)],
      [infoOf({ id: 'polite', command: { value: 'trap "exit 0" TERM; echo ready; while true; do sleep 0.1; done' }, wanted: [] }, agentId)],
    ],
  );
  for (const id of ['deaf', 'polite']) {
    await stateOf(rig, probe, { id, state: 'RUNNING' });
    while (id === 'polite' && (await read(rig, probe, 'polite/runs/latest/stdout')) === '') await pause(20);
    await probe.call('KILL', { kill: { task_id: { value: id }, kill_policy: { grace_period: { nanoseconds: 1e9 } } } });
  }
  const early = await held(rig, probe);
  await accept(probe, [early.id.value], [[infoOf({ id: 'early', command: { value: 'sleep 100' }, wanted: [] }, agentId)]]);
  await stateOf(rig, probe, { id: 'early', state: 'STARTING' });
  await probe.call('KILL', { kill: { task_id: { value: 'early' }, kill_policy: { grace_period: { nanoseconds: 1e8 } } } });
  await stateOf(rig, probe, { id: 'early', state: 'KILLED' });
  assert.equal((await stateOf(rig, probe, { id: 'deaf', state: 'KILLED' })).message, 'Container exited with status 137');
  assert.equal((await stateOf(rig, probe, { id: 'polite', state: 'KILLED' })).message, 'Container exited with status 0');
}

async function outlivesItsAgent({ rig, probe, engine }: World): Promise<void> {
  const offer = await held(rig, probe);
  await accept(
    probe,
    [offer.id.value],
    [[infoOf({ id: 'orphan', command: { value: 'sleep 1.5; exit 6' }, wanted: [] }, offer.agent_id.value)]],
  );
  await stateOf(rig, probe, { id: 'orphan', state: 'RUNNING' });
  await pause(100);
  const [agent] = rig.master.agents;
  await agent?.kill();
  assert.match(await docker(engine, 'ps', '--format', '{{.Names}}'), /mesos-/);
  await rig.master.until(() => rig.master.history.count('end', 'orphan') === 1);
  await agent?.restart();
  assert.equal((await stateOf(rig, probe, { id: 'orphan', state: 'FAILED' })).message, 'Container exited with status 6');
}

async function held(rig: Rig, probe: Probe): Promise<Probe['offers'][number]> {
  const isValid = (offer: Probe['offers'][number]): boolean => rig.master.state?.offers.has(offer.id.value) ?? false;
  await rig.master.until(() => probe.offers.some(isValid));
  return probe.offers.find(isValid) as Probe['offers'][number];
}

async function read(rig: Rig, probe: Probe, path: string): Promise<string> {
  const full = encodeURIComponent(`/frameworks/${probe.frameworkId}/executors/${path}`);
  const address = `127.0.0.1:${rig.master.agents[0]?.port}`;
  const answer = await send({ address, method: 'GET', path: `/files/read?path=${full}&offset=0` });
  return (JSON.parse(answer.body) as { data: string }).data;
}

async function docker(engine: Dockerd, ...args: readonly string[]): Promise<string> {
  return (await run('docker', ['-H', `unix://${engine.socket}`, ...args])).stdout.trim();
}

test.run();
