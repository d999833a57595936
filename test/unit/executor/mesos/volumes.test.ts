/** Volumes for both containerizers; a driver and its options are never lost. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { planVolumes } from '../../../../src/executor/mesos/volumes.ts';
import type { RawVolume } from '../../../../src/executor/mesos/protocol.ts';
import type { Volume } from '../../../../src/executor/port.ts';
import { taskInfo } from '../../../../src/executor/mesos/task-info.ts';
import { launch, spec } from './fixtures.ts';

const PATH: Volume = { containerPath: '/data', source: '/srv/data', mode: 'ro' };
const OWN: Volume = { containerPath: '/cache', source: 'cache', mode: 'rw' };
const EXTERNAL: Volume = { containerPath: '/db', source: 'db', mode: 'rw', driver: 'rexray/ebs' };
const OPTIONS: Volume = { ...EXTERNAL, mode: 'ro', driverOptions: { size: '10', o: 'a=1,"b"' } };

const dockerVolume = (volume: object): RawVolume => ({
  container_path: '/db',
  mode: 'RW',
  source: { type: 'DOCKER_VOLUME', docker_volume: volume as { name: string } },
});

test('an external volume is Mesos’ Docker volume, with its driver', () => {
  const path = { container_path: '/data', mode: 'RO', host_path: '/srv/data' };
  const plan = { volumes: [path, dockerVolume({ name: 'db', driver: 'rexray/ebs' })], parameters: [] };
  assert.deepEqual(planVolumes([PATH, EXTERNAL], 'docker'), plan);
  assert.deepEqual(planVolumes([PATH, EXTERNAL], 'mesos'), plan);
});

test('the Mesos containerizer is told the driver’s options, and Docker’s own driver where none is named', () => {
  const parameter = [
    { key: 'size', value: '10' },
    { key: 'o', value: 'a=1,"b"' },
  ];
  assert.deepEqual(planVolumes([OPTIONS, OWN], 'mesos'), {
    volumes: [
      { ...dockerVolume({ name: 'db', driver: 'rexray/ebs', driver_options: { parameter } }), mode: 'RO' },
      { container_path: '/cache', mode: 'RW', source: { type: 'DOCKER_VOLUME', docker_volume: { name: 'cache', driver: 'local' } } },
    ],
    parameters: [],
  });
});

test('options, which Mesos’ Docker containerizer would drop, go as a mount', () => {
  const value = 'type=volume,source=db,target=/db,volume-driver=rexray/ebs,volume-opt=size=10,"volume-opt=o=a=1,""b""",readonly';
  assert.deepEqual(planVolumes([OPTIONS], 'docker'), { volumes: [], parameters: [{ key: 'mount', value }] });
});

test('two drivers, which it would refuse, and a driver beside none, which it would give to both, go as mounts', () => {
  const other: Volume = { ...EXTERNAL, containerPath: '/x', source: 'x', driver: 'nfs' };
  const mounts = planVolumes([EXTERNAL, other, PATH], 'docker');
  assert.deepEqual(
    mounts.parameters.map(({ value }) => value),
    ['type=volume,source=db,target=/db,volume-driver=rexray/ebs', 'type=volume,source=x,target=/x,volume-driver=nfs'],
  );
  assert.equal(mounts.volumes.length, 1);
  const beside = planVolumes([EXTERNAL, OWN], 'docker');
  assert.equal(beside.parameters.length, 1);
  assert.deepEqual(beside.volumes, [
    { container_path: '/cache', mode: 'RW', source: { type: 'DOCKER_VOLUME', docker_volume: { name: 'cache' } } },
  ]);
});

test('they are in the TaskInfo; the job’s own parameters come last', () => {
  const dockerParameters = [{ key: 'init', value: 'true' }];
  const { container } = taskInfo(launch('a.1.1', { task: spec({ volumes: [PATH, OPTIONS], dockerParameters }) }), [], 'docker');
  assert.deepEqual(
    container?.docker?.parameters?.map(({ key }) => key),
    ['mount', 'init'],
  );
  assert.equal(container.volumes?.length, 1);
});

test('a command without an image has a container of its own when it has volumes', () => {
  const { image: _none, ...task } = spec({ volumes: [PATH, EXTERNAL], command: 'ls /data' });
  const info = taskInfo(launch('a.1.1', { task }), [], 'docker');
  assert.deepEqual([info.container?.type, info.container?.mesos, info.container?.volumes?.length], ['MESOS', undefined, 2]);
});

test.run();
