/** Volumes of a driver: storage that is not the agent's. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { resolveJob } from '../../../src/job/resolve-job.ts';
import { validateSpec } from '../../../src/job/validate-spec.ts';

const named = { containerPath: '/db', source: 'db' };

function issues(volume: object): readonly string[] {
  const result = validateSpec({ name: 'a', task: { image: 'i', volumes: [volume] } });
  return result.ok ? [] : result.issues.map(({ path, message }) => `${path}: ${message}`);
}

test('a named volume may have a driver, and the driver options', () => {
  assert.deepEqual(issues({ ...named, driver: 'rexray/ebs:0.11', driverOptions: { size: '10', o: '' } }), []);
  assert.deepEqual(issues({ ...named, driver: 'local' }), []);
});

test('a path has no driver, options need one, and both have bounds', () => {
  assert.deepEqual(issues({ ...named, source: '/srv', driver: 'nfs' }), [
    'task.volumes[0].driver: must be given only with the name of a volume: a path on the agent has none',
  ]);
  assert.deepEqual(issues({ ...named, driverOptions: { size: '1' } }), ['task.volumes[0].driverOptions: must be given only with driver']);
  assert.deepEqual(issues({ ...named, driver: 'a b' }), ['task.volumes[0].driver: must be the name of a Docker volume driver']);
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`k${index}`, 'v']));
  assert.deepEqual(issues({ ...named, driver: 'nfs', driverOptions: many }), [
    'task.volumes[0].driverOptions: must have at most 100 options',
  ]);
  assert.equal(issues({ ...named, driver: 'nfs', driverOptions: { size: 10 } }).length, 1);
  const hidden = JSON.parse('{"__proto__": "x"}') as object;
  assert.deepEqual(issues({ ...named, driver: 'nfs', driverOptions: hidden }), [
    'task.volumes[0].driverOptions.__proto__: is not a usable name',
  ]);
});

test('what is given is kept, what is not is absent', () => {
  const volumes = [{ ...named, driver: 'nfs', driverOptions: { o: 'ro' } }, named];
  const job = resolveJob({ spec: { name: 'a', task: { image: 'i', volumes } }, scheduledSince: 0 });
  assert.deepEqual(job.task.volumes, [
    { ...named, mode: 'rw', driver: 'nfs', driverOptions: { o: 'ro' } },
    { ...named, mode: 'rw' },
  ]);
});

test.run();
