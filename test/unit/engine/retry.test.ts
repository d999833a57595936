import assert from 'node:assert/strict';
import { test } from 'uvu';
import type { Attempt, Fault } from '../../../src/engine/records.ts';
import { retryDelayMs } from '../../../src/engine/retry.ts';
import type { RetryPolicy } from '../../../src/job/job.ts';

const policy: RetryPolicy = { attempts: 5, delayMs: 1000, factor: 3, maxDelayMs: 20_000, jitter: 0, on: undefined };

/** Attempts that ended by these faults, oldest first. */
function attempts(faults: readonly Fault[], last: Partial<Attempt> = {}): Attempt[] {
  return faults.map((fault, index) => {
    const number = index + 1;
    const isLast = number === faults.length;
    return { number, taskId: `j.1.${number}`, agentId: 'a', hostname: 'a', address: '', createdAt: 0, fault, ...(isLast ? last : {}) };
  });
}

const task = (count: number): Fault[] => Array.from({ length: count }, () => 'task');
const infrastructure = (count: number): Fault[] => Array.from({ length: count }, () => 'infrastructure');

test('the delay grows by its factor up to the longest, and ends with the attempts', () => {
  const delays = [1, 2, 3, 4, 5].map((count) => retryDelayMs(policy, attempts(task(count))));
  assert.deepEqual(delays, [1000, 3000, 9000, 20_000, undefined]);
});

test('however often it fails, a delay that grows beyond all numbers is the longest, and none stays none', () => {
  const many = { ...policy, attempts: 1_000, factor: 100 };
  assert.equal(retryDelayMs(many, attempts(task(900))), 20_000);
  for (const count of [1, 156, 157, 900]) assert.equal(retryDelayMs({ ...many, delayMs: 0 }, attempts(task(count))), 0);
});

test('what the infrastructure did has delays and a bound of its own', () => {
  const delays = Array.from({ length: 10 }, (_, index) => retryDelayMs(policy, attempts(infrastructure(index + 1))));
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, undefined]);
});

test('neither kind of failure counts for the other', () => {
  assert.equal(retryDelayMs(policy, attempts([...infrastructure(9), 'task'])), 1000);
  assert.equal(retryDelayMs({ ...policy, attempts: 1 }, attempts([...task(1), ...infrastructure(2)])), 2000);
});

test('only the exit codes that are named are worth another attempt', () => {
  const some = { ...policy, on: [75, 111] };
  assert.equal(retryDelayMs(some, attempts(task(1), { exitCode: 111 })), 1000);
  assert.equal(retryDelayMs(some, attempts(task(1), { exitCode: 1 })), undefined);
  assert.equal(retryDelayMs(some, attempts(task(1))), undefined, 'a task that ended without a code has none of them');
  assert.equal(retryDelayMs(some, attempts(infrastructure(1))), 1000, 'the infrastructure has no exit codes');
});

test('what can not be run as defined is not tried again', () => {
  assert.equal(retryDelayMs(policy, attempts(task(1), { reason: { code: 'rejected', text: '' } })), undefined);
});

test('jitter comes after the longest delay: a wait may be longer than that by its share', () => {
  const delays = Array.from({ length: 200 }, (_, run) => {
    const known = { taskId: `job.${run}.1` };
    return retryDelayMs({ ...policy, delayMs: 20_000, jitter: 0.5 }, attempts(task(1), known)) as number;
  });
  assert.ok(Math.max(...delays) > 20_000 && Math.max(...delays) <= 30_000);
});

test('jitter spreads the delay evenly to either side, by whole milliseconds', () => {
  const delays = Array.from({ length: 2000 }, (_, run) =>
    retryDelayMs({ ...policy, jitter: 0.25 }, attempts(task(1), { taskId: `job.${run}.1` })),
  ) as number[];
  assert.ok(delays.every((delay) => Number.isInteger(delay) && delay >= 750 && delay <= 1250));
  const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
  assert.ok(Math.abs(mean - 1000) < 20, `mean ${mean}`);
  assert.ok(Math.min(...delays) < 760 && Math.max(...delays) > 1240);
});

test.run();
