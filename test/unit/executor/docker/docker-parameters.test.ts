import assert from 'node:assert/strict';
import { test } from 'uvu';
import { parameterSettings } from '../../../../src/executor/docker/docker-parameters.ts';

const ACCEPTED: readonly (readonly [string, string, object])[] = [
  ['add-host', 'db:10.0.0.1', { host: { ExtraHosts: ['db:10.0.0.1'] } }],
  ['cap-add', 'NET_ADMIN', { host: { CapAdd: ['NET_ADMIN'] } }],
  ['cap-drop', 'ALL', { host: { CapDrop: ['ALL'] } }],
  ['dns', '10.0.0.2', { host: { Dns: ['10.0.0.2'] } }],
  ['entrypoint', '/bin/tool', { config: { Entrypoint: ['/bin/tool'] } }],
  ['group-add', 'adm', { host: { GroupAdd: ['adm'] } }],
  ['hostname', 'h', { config: { Hostname: 'h' } }],
  ['init', 'true', { host: { Init: true } }],
  ['init', '', { host: { Init: true } }],
  ['label', 'a=b=c', { labels: { a: 'b=c' } }],
  ['label', 'a', { labels: { a: '' } }],
  ['pids-limit', '100', { host: { PidsLimit: 100 } }],
  ['read-only', 'false', { host: { ReadonlyRootfs: false } }],
  ['shm-size', '64m', { host: { ShmSize: 67_108_864 } }],
  ['shm-size', '1024', { host: { ShmSize: 1024 } }],
  ['stop-signal', 'SIGINT', { config: { StopSignal: 'SIGINT' } }],
  ['tmpfs', '/run', { host: { Tmpfs: { '/run': '' } } }],
  ['tmpfs', '/run:size=1m,mode=700', { host: { Tmpfs: { '/run': 'size=1m,mode=700' } } }],
  ['ulimit', 'nofile=10:20', { host: { Ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }] } }],
  ['ulimit', 'core=0', { host: { Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }] } }],
  ['workdir', '/w', { config: { WorkingDir: '/w' } }],
];

for (const [key, value, expected] of ACCEPTED) {
  test(`${key}=${value} is taken`, () => {
    assert.deepEqual(parameterSettings([{ key, value }]), { config: {}, host: {}, labels: {}, ...expected });
  });
}

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  ['privileged', 'true', /privileged is not allowed; allowed are label, add-host, /],
  ['volume', '/:/host', /volume is not allowed/],
  ['constructor', 'x', /constructor is not allowed/],
  ['init', 'yes', /init: 'yes' is neither true nor false/],
  ['shm-size', '64 MB', /shm-size: '64 MB' is not a size such as 64m/],
  ['pids-limit', '-1', /pids-limit: '-1' is not a whole number/],
  ['tmpfs', 'run', /tmpfs: 'run' does not begin with an absolute path/],
  ['ulimit', 'nofile', /ulimit: 'nofile' is not of the form name=soft:hard/],
];

for (const [key, value, message] of REFUSED) {
  test(`${key}=${value} is refused`, () => {
    assert.throws(() => parameterSettings([{ key, value }]), { name: 'RangeError', message });
  });
}

test('lists and maps add up; what can be said once is refused the second time', () => {
  const twice = (key: string, a: string, b: string): ReturnType<typeof parameterSettings> =>
    parameterSettings([
      { key, value: a },
      { key, value: b },
    ]);
  assert.deepEqual(twice('cap-add', 'A', 'B').host, { CapAdd: ['A', 'B'] });
  assert.deepEqual(twice('tmpfs', '/a', '/b:x').host, { Tmpfs: { '/a': '', '/b': 'x' } });
  assert.throws(() => twice('workdir', '/a', '/b'), /workdir is given more than once/);
});

test.run();
