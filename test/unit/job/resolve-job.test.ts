import assert from 'node:assert/strict';
import { suite } from 'uvu';
import * as defaults from '../../../src/job/defaults.ts';
import { nodeOfSpec, resolveJob, resolveSpec } from '../../../src/job/resolve-job.ts';
import type { JobSpec } from '../../../src/job/spec.ts';
import { durationToMs, parseDuration } from '../../../src/schedule/duration.ts';

const test = suite('resolving a definition');

const HOUR = 3_600_000;
const least: JobSpec = { name: 'a', task: { command: 'true' } };

test('what is not said has its default', () => {
  assert.deepEqual(resolveSpec(least), {
    name: 'a',
    schedule: undefined,
    after: [],
    join: 'flow',
    task: {
      command: 'true',
      env: {},
      cpus: 0.1,
      mem: 128,
      disk: 0,
      gpus: 0,
      network: 'host',
      ports: [],
      volumes: [],
      artifacts: [],
      dockerParameters: [],
      pull: 'missing',
    },
    constraints: [],
    placement: 'pack',
    retry: { attempts: 3, delayMs: 30_000, factor: 2, maxDelayMs: 600_000, jitter: 0.1, on: undefined },
    timeoutMs: undefined,
    killGraceMs: 10_000,
    unreachableTimeoutMs: 900_000,
    overlap: 'forbid',
    startingDeadlineMs: undefined,
    catchUp: 'last',
    priority: 5,
    suspended: false,
    owner: '',
    labels: {},
    keepRuns: 50,
  });
});

test('what is said is kept, units resolved', () => {
  const job = resolveSpec({
    ...least,
    after: ['p', { job: 'q', on: 'completion' }],
    join: 'latest',
    task: {
      image: 'i',
      user: 'u',
      ports: [{ containerPort: 80 }],
      volumes: [{ containerPath: '/d', source: 'v' }],
      artifacts: [{ uri: 'x', destination: 'y' }],
    },
    constraints: [
      ['rack', 'UNIQUE'],
      ['zone', 'LIKE', 'a.*'],
    ],
    retry: { attempts: 5, on: [1] },
    timeout: 'PT1H',
    startingDeadline: 'PT5M',
    overlap: 'allow',
  });
  assert.deepEqual(job.after, [
    { job: 'p', on: 'success' },
    { job: 'q', on: 'completion' },
  ]);
  assert.equal(job.join, 'latest');
  assert.deepEqual(job.task.ports, [{ hostPort: 0, containerPort: 80, protocol: 'tcp' }]);
  assert.deepEqual(job.task.volumes, [{ containerPath: '/d', source: 'v', mode: 'rw' }]);
  assert.deepEqual(job.task.artifacts, [{ uri: 'x', extract: true, executable: false, cache: false, destination: 'y' }]);
  assert.deepEqual(job.constraints, [
    { attribute: 'rack', operator: 'UNIQUE', value: undefined },
    { attribute: 'zone', operator: 'LIKE', value: 'a.*' },
  ]);
  assert.deepEqual(job.retry, { attempts: 5, delayMs: 30_000, factor: 2, maxDelayMs: 600_000, jitter: 0.1, on: [1] });
  assert.deepEqual([job.timeoutMs, job.startingDeadlineMs, job.overlap], [HOUR, 300_000, 'allow']);
});

test('a dependent job queues by default, any other forbids', () => {
  assert.equal(resolveSpec({ ...least, after: ['p'] }).overlap, 'queue');
  assert.equal(resolveSpec({ ...least, after: [] }).overlap, 'forbid');
  assert.equal(resolveSpec({ ...least, schedule: '@daily' }).overlap, 'forbid');
});

test('a long first delay is not cut short by the default limit', () => {
  assert.equal(resolveSpec({ ...least, retry: { delay: 'PT1H' } }).retry.maxDelayMs, HOUR);
});

test('a schedule is compiled with the moment it was set as its empty start', () => {
  const job = resolveJob({ spec: { ...least, schedule: 'R//PT1H' }, scheduledSince: 5 * HOUR + 1 });
  assert.equal(job.schedule?.next(5 * HOUR + 1), 6 * HOUR + 1);
});

test('the definition a run keeps is resolved without compiling a schedule', () => {
  assert.equal(resolveSpec({ ...least, schedule: '@daily' }).schedule, undefined);
});

test("a definition's place in the graph is read without resolving it", () => {
  assert.deepEqual(nodeOfSpec({ ...least, schedule: '@daily' }), { scheduled: true, join: 'flow', after: [] });
  assert.deepEqual(nodeOfSpec({ ...least, after: ['p'], join: 'latest' }), {
    scheduled: false,
    join: 'latest',
    after: [{ job: 'p', on: 'success' }],
  });
});

test('each default duration is the same as text and as milliseconds', () => {
  const durations = Object.values(defaults).filter((value) => typeof value === 'object');
  assert.ok(durations.length >= 4);
  for (const { text, ms } of durations) assert.equal(durationToMs(parseDuration(text)), ms);
});

test.run();
