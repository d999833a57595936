import assert from 'node:assert/strict';
import { test } from 'uvu';
import type { TaskSpec } from '../../../../src/executor/port.ts';
import type { Containerizer } from '../../../../src/executor/mesos/command-info.ts';
import { planLaunch } from '../../../../src/executor/mesos/launch.ts';
import type { RawTaskInfo } from '../../../../src/executor/mesos/protocol.ts';
import { taskIdProblem } from '../../../../src/executor/mesos/task-id.ts';
import { launchProblem, taskInfo } from '../../../../src/executor/mesos/task-info.ts';
import { AGENT, launch, offer, spec } from './fixtures.ts';

function infoOf(change: Partial<TaskSpec>, containerizer: Containerizer = 'docker', more: object = {}): RawTaskInfo {
  return taskInfo(launch('etl.load.3.1', { task: spec(change), ...more }), [], containerizer);
}

test('the smallest Docker task', () => {
  assert.deepEqual(infoOf({}), {
    name: 'etl.load',
    task_id: { value: 'etl.load.3.1' },
    agent_id: { value: AGENT },
    resources: [],
    command: { shell: false, arguments: ['echo', 'hi'] },
    container: { type: 'DOCKER', docker: { image: 'busybox:1.36', network: 'HOST', force_pull_image: false } },
    labels: {
      labels: [
        { key: 'kairos.job', value: 'etl.load' },
        { key: 'kairos.run', value: '3' },
        { key: 'kairos.attempt', value: '1' },
      ],
    },
    kill_policy: { grace_period: { nanoseconds: 10_000_000_000 } },
    discovery: { visibility: 'FRAMEWORK', name: 'etl.load' },
  });
});

test('commands: words never double, the entrypoint stays, a string goes to a shell', () => {
  const table: readonly (readonly [TaskSpec['command'], Containerizer, boolean, object])[] = [
    [['echo', 'a b', '$HOME'], 'docker', true, { shell: false, arguments: ['echo', 'a b', '$HOME'] }],
    ['echo $HOME', 'docker', true, { shell: true, value: 'echo $HOME' }],
    [undefined, 'docker', true, { shell: false }],
    [['echo', 'a b'], 'mesos', true, { shell: false, value: 'echo', arguments: ['echo', 'a b'] }],
    ['echo $HOME', 'mesos', true, { shell: true, value: 'echo $HOME' }],
    [undefined, 'mesos', true, { shell: false }],
    [['/bin/echo', 'a b'], 'docker', false, { shell: false, value: '/bin/echo', arguments: ['/bin/echo', 'a b'] }],
  ];
  for (const [command, containerizer, hasImage, expected] of table) {
    const { image: _image, command: _command, ...rest } = spec();
    const task = { ...rest, ...(hasImage ? { image: 'i' } : {}), ...(command === undefined ? {} : { command }) };
    assert.deepEqual(taskInfo(launch('t', { task }), [], containerizer).command, expected);
  }
});

test('without an image it is a command on the agent, run as the user asked for', () => {
  const { image: _image, ...bare } = spec({ user: 'etl' });
  const info = taskInfo(launch('t', { task: bare }), [], 'docker');
  assert.equal(info.container, undefined);
  assert.equal(info.command.user, 'etl');
});

test('the user of a container is a docker parameter: command.user means nothing inside it', () => {
  const info = infoOf({ user: '1000:1000', dockerParameters: [{ key: 'init', value: 'true' }] });
  assert.equal(info.command.user, undefined);
  assert.deepEqual(info.container?.docker?.parameters, [
    { key: 'user', value: '1000:1000' },
    { key: 'init', value: 'true' },
  ]);
});

test('environment values are handed on as they are', () => {
  const info = infoOf({}, 'docker', { env: { A: 'say "hi" $HOME\n2', B: '' } });
  assert.deepEqual(info.command.environment, {
    variables: [
      { name: 'A', value: 'say "hi" $HOME\n2' },
      { name: 'B', value: '' },
    ],
  });
});

const PORTS: TaskSpec['ports'] = [
  { hostPort: 0, containerPort: 8080, protocol: 'tcp', name: 'http' },
  { hostPort: 31_005, containerPort: 0, protocol: 'udp' },
];

test('on a bridge the chosen ports are mapped; 0 inside means the same as outside', () => {
  const info = infoOf({ network: 'bridge', ports: PORTS }, 'docker', { ports: [31_000, 31_005] });
  assert.equal(info.container?.docker?.network, 'BRIDGE');
  assert.deepEqual(info.container?.docker?.port_mappings, [
    { host_port: 31_000, container_port: 8080, protocol: 'tcp' },
    { host_port: 31_005, container_port: 31_005, protocol: 'udp' },
  ]);
  assert.deepEqual(info.discovery?.ports, {
    ports: [
      { number: 31_000, protocol: 'tcp', name: 'http' },
      { number: 31_005, protocol: 'udp' },
    ],
  });
});

test('a port by TCP and by UDP is one resource, and mapped by both', () => {
  const dns: TaskSpec['ports'] = [
    { hostPort: 31_005, containerPort: 53, protocol: 'tcp' },
    { hostPort: 31_005, containerPort: 53, protocol: 'udp' },
  ];
  const launches = [launch('dns.1.1', { task: spec({ network: 'bridge', ports: dns }), ports: [31_005, 31_005] })];
  const { tasks, accept, refusals } = planLaunch(launches, [offer('o1')], 'docker');
  assert.deepEqual([tasks.length, refusals], [1, []]);
  const info = accept.operations[0]?.launch.task_infos[0];
  assert.deepEqual(info?.resources.find(({ name }) => name === 'ports')?.ranges, { range: [{ begin: 31_005, end: 31_005 }] });
  assert.deepEqual(info?.container?.docker?.port_mappings, [
    { host_port: 31_005, container_port: 53, protocol: 'tcp' },
    { host_port: 31_005, container_port: 53, protocol: 'udp' },
  ]);
});

test('on the host network nothing is mapped', () => {
  assert.equal(infoOf({ ports: PORTS }, 'docker', { ports: [31_000, 31_005] }).container?.docker?.port_mappings, undefined);
});

test('a user network is named in network_infos', () => {
  const info = infoOf({ network: 'overlay', ports: PORTS }, 'docker', { ports: [31_000, 31_005] });
  assert.equal(info.container?.docker?.network, 'USER');
  assert.deepEqual(info.container?.network_infos, [{ name: 'overlay' }]);
  assert.equal(info.container?.docker?.port_mappings?.length, 2);
});

test('volumes: a path of the host, or the name of a Docker volume', () => {
  const volumes: TaskSpec['volumes'] = [
    { containerPath: '/data', source: '/srv/data', mode: 'ro' },
    { containerPath: '/cache', source: 'cache', mode: 'rw' },
  ];
  assert.deepEqual(infoOf({ volumes }).container?.volumes, [
    { container_path: '/data', mode: 'RO', host_path: '/srv/data' },
    { container_path: '/cache', mode: 'RW', source: { type: 'DOCKER_VOLUME', docker_volume: { name: 'cache' } } },
  ]);
});

test('pull always is told to both containerizers', () => {
  assert.equal(infoOf({ pull: 'always' }).container?.docker?.force_pull_image, true);
  assert.equal(infoOf({ pull: 'always' }, 'mesos').container?.mesos?.image.cached, false);
});

test('artifacts become URIs for the fetcher', () => {
  const artifacts: TaskSpec['artifacts'] = [
    { uri: 'https://a/b.tgz', extract: true, executable: false, cache: true, destination: 'in/b.tgz' },
  ];
  assert.deepEqual(infoOf({ artifacts }).command.uris, [
    { value: 'https://a/b.tgz', extract: true, executable: false, cache: true, output_file: 'in/b.tgz' },
  ]);
});

test('GPUs go to the Mesos containerizer, which alone can hand them out', () => {
  const info = infoOf({ gpus: 1 });
  assert.equal(info.container?.type, 'MESOS');
  assert.deepEqual(info.container?.mesos?.image.docker, { name: 'busybox:1.36' });
});

test('ids that Mesos would refuse are refused before they cost an offer', () => {
  const table: readonly (readonly [string, boolean])[] = [
    ['etl.load.1.1', true],
    ['ct:1795339146198:0:my.job_name:', true],
    ['a'.repeat(255), true],
    ['é'.repeat(127), true],
    ['-a b?#%2F"@+é', true],
    ['', false],
    ['.', false],
    ['..', false],
    ['a/b', false],
    ['a\\b', false],
    ['a\tb', false],
    ['a\u007f', false],
    ['a'.repeat(256), false],
    ['é'.repeat(128), false],
  ];
  for (const [id, isFine] of table) assert.equal(taskIdProblem(id) === undefined, isFine, id);
});

test('a task that can never run says which field is to blame', () => {
  const { image: _image, command: _command, ...bare } = spec();
  assert.match(launchProblem(launch('t', { task: bare }), 'docker') ?? '', /task\.command/);
  assert.match(launchProblem(launch('t', { task: spec({ cpus: 0, mem: 0 }) }), 'docker') ?? '', /task\.cpus, task\.mem/);
  assert.match(launchProblem(launch('a/b'), 'docker') ?? '', /task id/);
  assert.equal(launchProblem(launch('t'), 'docker'), undefined);
});

test('what Mesos could only do otherwise is refused, with the field and the reason', () => {
  const table: readonly (readonly [Partial<TaskSpec>, Containerizer, RegExp | undefined])[] = [
    [{ pull: 'never' }, 'docker', /task\.pull/],
    [{ pull: 'never' }, 'mesos', /task\.pull/],
    [{ dockerParameters: [{ key: 'init', value: 'true' }] }, 'docker', undefined],
    [{ dockerParameters: [{ key: 'init', value: 'true' }] }, 'mesos', /task\.dockerParameters/],
    [{ dockerParameters: [{ key: 'init', value: 'true' }], gpus: 1 }, 'docker', /task\.dockerParameters/],
    [{ pullSecret: 'r' }, 'docker', /task\.pullSecret.*docker\.tar\.gz/],
    [{ pullSecret: 'r' }, 'mesos', undefined],
    [{ hostname: 'a', network: 'bridge' }, 'docker', undefined],
    [{ hostname: 'a', network: 'bridge' }, 'mesos', /task\.hostname/],
    [{ hostname: 'a', network: 'overlay' }, 'mesos', undefined],
  ];
  for (const [change, containerizer, expected] of table) {
    const problem = launchProblem(launch('t', { task: spec(change) }), containerizer);
    if (expected === undefined) assert.equal(problem, undefined, JSON.stringify(change));
    else assert.match(problem ?? '', expected);
  }
});

test('limits stand beside the resources, each alone', () => {
  assert.deepEqual(infoOf({ limits: { cpus: 2, mem: 256 } }).limits, { cpus: { value: 2 }, mem: { value: 256 } });
  assert.deepEqual(infoOf({ limits: { mem: 256 } }).limits, { mem: { value: 256 } });
  assert.equal(infoOf({}).limits, undefined);
});

test('Mesos ends a task by itself a minute after the leader should have; without a timeout never', () => {
  assert.deepEqual(infoOf({}, 'docker', { timeoutMs: 3_600_000 }).max_completion_time, { nanoseconds: 3_670_000_000_000 });
  assert.equal(infoOf({}).max_completion_time, undefined);
});

test('shared memory: an option of docker run, or an IPC namespace of its own', () => {
  assert.deepEqual(infoOf({ shmSize: 256 }).container?.docker?.parameters, [{ key: 'shm-size', value: '256m' }]);
  assert.deepEqual(infoOf({ shmSize: 256 }, 'mesos').container?.linux_info, { ipc_mode: 'PRIVATE', shm_size: 256 });
});

test('the Mesos containerizer gets the credentials for the registry with the image', () => {
  const info = infoOf({ pullSecret: 'r' }, 'mesos', { registryConfig: '{"auths":{}}' });
  assert.deepEqual(info.container?.mesos?.image.docker, {
    name: 'busybox:1.36',
    config: { type: 'VALUE', value: { data: 'eyJhdXRocyI6e319' } },
  });
});

test('the host name is the container’s', () => {
  assert.equal(infoOf({ hostname: 'a', network: 'bridge' }).container?.hostname, 'a');
  assert.equal(infoOf({ hostname: 'a', network: 'overlay' }, 'mesos').container?.hostname, 'a');
});

test.run();
