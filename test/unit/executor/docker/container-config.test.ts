import assert from 'node:assert/strict';
import { test } from 'uvu';
import { containerConfig, labelledResources } from '../../../../src/executor/docker/container-config.ts';
import type { Owner } from '../../../../src/executor/docker/container-owner.ts';
import type { TaskLaunch, TaskSpec } from '../../../../src/executor/port.ts';
import { PLAIN_TASK } from '../../../support/executor-driver.ts';

const OWNER: Owner = { namespace: 'n', identity: { id: '0123456789abcdef', hasUnlabelled: false } };

function launch(task: Partial<TaskSpec>, more: Partial<TaskLaunch> = {}): TaskLaunch {
  const where = { taskId: 'a.b.7.2', agentId: 'x', address: '', job: 'a.b', run: 7, attempt: 2 };
  return { ...where, task: { ...PLAIN_TASK, image: 'i:1', ...task }, env: {}, ports: [], killGraceMs: 1, labels: {}, ...more };
}

function host(task: Partial<TaskSpec>, more: Partial<TaskLaunch> = {}): Record<string, unknown> {
  return containerConfig(launch(task, more), OWNER)['HostConfig'] as Record<string, unknown>;
}

test('exec form keeps the entry point of the image, shell form replaces it, no command leaves both', () => {
  const list = containerConfig(launch({ command: ['a', 'b'] }), OWNER);
  assert.deepEqual([list['Entrypoint'], list['Cmd']], [undefined, ['a', 'b']]);
  const shell = containerConfig(launch({ command: 'a | b' }), OWNER);
  assert.deepEqual([shell['Entrypoint'], shell['Cmd']], [['/bin/sh', '-c'], ['a | b']]);
  const none = containerConfig(launch({}), OWNER);
  assert.ok(!('Entrypoint' in none) && !('Cmd' in none));
});

test('labels tell whose it is and what it holds, and the job cannot overwrite them', () => {
  const config = containerConfig(
    launch({ cpus: 0.5, dockerParameters: [{ key: 'label', value: 'team=data' }] }, { labels: { 'kairos.run': '9', a: 'b' }, ports: [5] }),
    OWNER,
  );
  const labels = config['Labels'] as Record<string, string>;
  assert.equal(labels['kairos.namespace'], 'n');
  assert.equal(labels['kairos.task'], 'a.b.7.2');
  assert.equal(labels['kairos.job'], 'a.b');
  assert.equal(labels['kairos.run'], '7');
  assert.equal(labels['kairos.attempt'], '2');
  assert.equal(labels['team'], 'data');
  assert.equal(labels['a'], 'b');
  assert.deepEqual(labelledResources(labels), { cpus: 0.5, mem: 32, disk: 0, gpus: 0, ports: [[5, 5]] });
  assert.equal(labelledResources({}), undefined);
});

test('cpus are a weight, memory a limit without swap', () => {
  assert.equal(host({ cpus: 0.25 })['CpuShares'], 256);
  assert.equal(host({ cpus: 0 })['CpuShares'], 2);
  assert.equal(host({ mem: 64 })['Memory'], 64 * 1024 * 1024);
  assert.equal(host({ mem: 64 })['MemorySwap'], 64 * 1024 * 1024);
  assert.ok(!('Memory' in host({ mem: 0 })));
});

test('with limits, what is asked for is kept for it and the limits are the bound', () => {
  const limited = host({ mem: 64, limits: { cpus: 1.5, mem: 128 } });
  assert.equal(limited['NanoCpus'], 1_500_000_000);
  assert.equal(limited['CpuShares'], 102);
  assert.deepEqual(
    [limited['Memory'], limited['MemorySwap'], limited['MemoryReservation']],
    [128, 128, 64].map((mib) => mib * 1024 * 1024),
  );
  assert.ok(!('NanoCpus' in host({})) && !('MemoryReservation' in host({ limits: { cpus: 1 } })));
});

test('shared memory and the host name are the container’s', () => {
  assert.equal(host({ shmSize: 128 })['ShmSize'], 128 * 1024 * 1024);
  assert.equal(containerConfig(launch({ hostname: 'a', network: 'bridge' }), OWNER)['Hostname'], 'a');
});

test('ports are published on a bridge and ignored on the host network', () => {
  const ports = [
    { hostPort: 0, containerPort: 80, protocol: 'tcp' as const },
    { hostPort: 0, containerPort: 0, protocol: 'udp' as const },
  ];
  const bound = host({ ports, network: 'bridge' }, { ports: [31_000, 31_001] });
  assert.deepEqual(bound['PortBindings'], { '80/tcp': [{ HostPort: '31000' }], '31001/udp': [{ HostPort: '31001' }] });
  assert.ok(!('PortBindings' in host({ ports, network: 'host' }, { ports: [31_000, 31_001] })));
});

test('a port by TCP and by UDP is published by both, and is one port of the machine', () => {
  const ports = (['tcp', 'udp'] as const).map((protocol) => ({ hostPort: 31_005, containerPort: 53, protocol }));
  const placed = { ports: [31_005, 31_005] };
  const bindings = [{ HostPort: '31005' }];
  assert.deepEqual(host({ ports, network: 'bridge' }, placed)['PortBindings'], { '53/tcp': bindings, '53/udp': bindings });
  const labels = containerConfig(launch({ ports, network: 'bridge' }, placed), OWNER)['Labels'] as Record<string, string>;
  assert.deepEqual(labelledResources(labels)?.ports, [[31_005, 31_005]]);
});

test('volumes are mounts of a path or of a named volume', () => {
  const volumes = [
    { source: '/data', containerPath: '/d', mode: 'ro' as const },
    { source: 'cache', containerPath: '/c', mode: 'rw' as const },
  ];
  assert.deepEqual(host({ volumes })['Mounts'], [
    { Type: 'bind', Source: '/data', Target: '/d', ReadOnly: true },
    { Type: 'volume', Source: 'cache', Target: '/c', ReadOnly: false },
  ]);
});

test('an external volume is made by its driver, with its options', () => {
  const volume = { source: 'db', containerPath: '/db', mode: 'rw' as const, driver: 'nfs' };
  const options = (more: object): unknown =>
    (host({ volumes: [{ ...volume, ...more }] })['Mounts'] as { VolumeOptions: object }[])[0]!.VolumeOptions;
  assert.deepEqual(options({}), { DriverConfig: { Name: 'nfs', Options: {} } });
  assert.deepEqual(options({ driverOptions: { o: 'addr=x,rw' } }), { DriverConfig: { Name: 'nfs', Options: { o: 'addr=x,rw' } } });
});

test('gpus are asked for when there are any', () => {
  assert.deepEqual(host({ gpus: 2 })['DeviceRequests'], [{ Count: 2, Capabilities: [['gpu']] }]);
  assert.ok(!('DeviceRequests' in host({})));
});

test.run();
