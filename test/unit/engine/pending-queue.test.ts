import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { PendingQueue, shapeKey } from '../../../src/engine/pending-queue.ts';
import type { RunRecord } from '../../../src/engine/records.ts';
import type { Job } from '../../../src/job/job.ts';
import { resolveSpec } from '../../../src/job/resolve-job.ts';
import type { JobSpec } from '../../../src/job/spec.ts';

const test = suite('pending queue');

const MINUTE = 60_000;

function jobOf(name: string, changes: Partial<JobSpec> = {}): Job {
  return resolveSpec({ name, task: { command: 'true' }, ...changes });
}

function runOf(job: Job, since?: number): RunRecord {
  const trigger = { type: 'request', id: 'r', by: '' } as const;
  const run: RunRecord = {
    job: job.name,
    number: 1,
    flow: '',
    trigger,
    createdAt: 7,
    jobVersion: 1,
    attempts: [],
    lost: 0,
    state: 'pending',
  };
  return since === undefined ? run : { ...run, pendingSince: since };
}

/** The runs of the one shape there is, in order. */
function order(queue: PendingQueue): readonly string[] {
  assert.equal(queue.shapes.size, 1);
  return [...queue.shapes.values()][0]?.runs.inOrder() ?? [];
}

test('a minute of waiting counts as much as a step of priority', () => {
  const queue = new PendingQueue();
  const [low, high] = [jobOf('low', { priority: 3 }), jobOf('high', { priority: 5 })];
  queue.add(runOf(low, 1_000), low);
  queue.add(runOf(high, 1_000 + 2 * MINUTE - 1), high);
  assert.deepEqual(order(queue), ['high#1', 'low#1']);
  queue.add(runOf(high, 1_000 + 2 * MINUTE + 1), high);
  assert.deepEqual(order(queue), ['low#1', 'high#1']);
});

test('a run that never waited before waits since it was made', () => {
  const queue = new PendingQueue();
  const job = jobOf('a');
  queue.add(runOf(job), job);
  assert.deepEqual([queue.oldestSince, [...queue.shapes.values()][0]?.oldestSince], [7, 7]);
});

test('runs join, are moved and leave; only who joins is counted as new', () => {
  const queue = new PendingQueue();
  const [a, b, large] = [jobOf('a'), jobOf('b'), jobOf('large', { task: { command: 'true', cpus: 9 } })];
  for (const [job, since] of [
    [a, 3],
    [b, 2],
    [large, 1],
    [a, 4],
  ] as const)
    queue.add(runOf(job, since), job);
  assert.deepEqual([queue.size, queue.additions, queue.shapes.size, queue.oldestSince], [3, 3, 2, 1]);
  assert.equal(queue.keyOf(runOf(large)), shapeKey(large));
  queue.delete(runOf(large));
  queue.delete(runOf(large));
  assert.deepEqual([queue.size, queue.additions, queue.oldestSince], [2, 3, 2]);
  assert.equal(queue.keyOf(runOf(large)), undefined);
  assert.deepEqual(order(queue), ['b#1', 'a#1']);
  queue.delete(runOf(b));
  queue.delete(runOf(a));
  assert.deepEqual([queue.size, queue.shapes.size, queue.oldestSince], [0, 0, undefined]);
});

test('what asks for the same has one shape, unless it counts tasks of its own', () => {
  const key = (changes: Partial<JobSpec>, name = 'a'): string => shapeKey(jobOf(name, changes));
  const task = { command: 'true' };
  assert.equal(key({ priority: 1 }), key({ priority: 9 }, 'b'));
  const different = [
    key({}),
    key({ task: { ...task, cpus: 2 } }),
    key({ task: { ...task, mem: 2 } }),
    key({ task: { ...task, disk: 2 } }),
    key({ task: { ...task, gpus: 2 } }),
    key({ task: { ...task, ports: [{}] } }),
    key({ task: { ...task, ports: [{ hostPort: 80 }] } }),
    key({ task: { ...task, ports: [{ hostPort: 80, protocol: 'udp' }] } }),
    key({ placement: 'spread' }),
    key({ timeout: 'PT1H' }),
    key({ constraints: [['rack', 'EQUALS', 'r1']] }),
  ];
  assert.equal(new Set(different).size, different.length);
  for (const operator of ['EQUALS', 'LIKE', 'UNLIKE', 'IS', 'IN'] as const)
    assert.equal(key({ constraints: [['rack', operator, 'x']] }), key({ constraints: [['rack', operator, 'x']] }, 'b'), operator);
  for (const operator of ['UNIQUE', 'CLUSTER', 'GROUP_BY', 'MAX_PER'] as const)
    assert.notEqual(key({ constraints: [['rack', operator, '2']] }), key({ constraints: [['rack', operator, '2']] }, 'b'), operator);
});

test.run();
