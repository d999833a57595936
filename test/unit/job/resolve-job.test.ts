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
    after: ['p', { job: 'q', on: 'completion' }, { job: 'r' }],
    join: 'latest',
    constraints: [
      ['rack', 'UNIQUE'],
      ['zone', 'LIKE', 'a.*'],
    ],
    placement: 'spread',
    retry: { attempts: 5, delay: 'PT5S', factor: 3, maxDelay: 'PT20S', jitter: 0.5, on: [1] },
    timeout: 'PT1H',
    killGrace: 'PT0S',
    unreachableTimeout: 'PT2H',
    overlap: 'allow',
    startingDeadline: 'PT5M',
    catchUp: 'all',
    priority: 0,
    suspended: true,
    owner: 'o',
    labels: { a: 'b' },
    keepRuns: 7,
  });
  assert.deepEqual(job, {
    ...resolveSpec(least),
    after: [
      { job: 'p', on: 'success' },
      { job: 'q', on: 'completion' },
      { job: 'r', on: 'success' },
    ],
    join: 'latest',
    constraints: [
      { attribute: 'rack', operator: 'UNIQUE', value: undefined },
      { attribute: 'zone', operator: 'LIKE', value: 'a.*' },
    ],
    placement: 'spread',
    retry: { attempts: 5, delayMs: 5_000, factor: 3, maxDelayMs: 20_000, jitter: 0.5, on: [1] },
    timeoutMs: HOUR,
    killGraceMs: 0,
    unreachableTimeoutMs: 2 * HOUR,
    overlap: 'allow',
    startingDeadlineMs: 300_000,
    catchUp: 'all',
    priority: 0,
    suspended: true,
    owner: 'o',
    labels: { a: 'b' },
    keepRuns: 7,
  });
  assert.deepEqual(resolveSpec({ ...least, retry: { on: [2] } }).retry, { ...resolveSpec(least).retry, on: [2] });
});

test('what is said of a task is kept', () => {
  const task = {
    image: 'i',
    command: ['a', 'b'],
    user: 'u',
    env: { A: 'b' },
    secrets: { S: 's' },
    cpus: 2,
    mem: 3,
    disk: 4,
    gpus: 5,
    limits: { cpus: 6 },
    shmSize: 7,
    hostname: 'h',
    network: 'bridge',
    ports: [{ hostPort: 8, containerPort: 9, protocol: 'udp', name: 'n' }],
    volumes: [{ containerPath: '/d', source: 'v', mode: 'ro', driver: 'd', driverOptions: { o: 'p' } }],
    artifacts: [{ uri: 'x', extract: false, executable: true, cache: true, destination: 'y' }],
    dockerParameters: [{ key: 'k', value: 'v' }],
    pullSecret: 'p',
    pull: 'never',
  } as const;
  assert.deepEqual(resolveSpec({ ...least, task }).task, task);
});

test('what is not said of a port, a volume or an artifact has its default', () => {
  const { task } = resolveSpec({
    ...least,
    task: { ports: [{}], volumes: [{ containerPath: '/d', source: 'v' }], artifacts: [{ uri: 'x' }], secrets: {} },
  });
  assert.deepEqual(task.ports, [{ hostPort: 0, containerPort: 0, protocol: 'tcp' }]);
  assert.deepEqual(task.volumes, [{ containerPath: '/d', source: 'v', mode: 'rw' }]);
  assert.deepEqual(task.artifacts, [{ uri: 'x', extract: true, executable: false, cache: false }]);
  assert.equal('secrets' in task, false);
});

test('a schedule follows the zone that is said, or UTC', () => {
  const spec: JobSpec = { ...least, schedule: '0 3 * * *' };
  const nextOf = (one: JobSpec): number | undefined => resolveJob({ spec: one, scheduledSince: 0 }).schedule?.next(Date.UTC(2026, 6, 1));
  assert.equal(nextOf(spec), Date.UTC(2026, 6, 1, 3));
  assert.equal(nextOf({ ...spec, timeZone: 'Europe/Berlin' }), Date.UTC(2026, 6, 1, 1));
  assert.equal(resolveJob({ spec: least, scheduledSince: 0 }).schedule, undefined);
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
