import assert from 'node:assert/strict';
import { test } from 'uvu';
import { OpenRuns } from '../../../src/engine/open-runs.ts';
import type { RunRecord } from '../../../src/engine/records.ts';

function run(number: number, changes: Partial<RunRecord> = {}): RunRecord {
  const trigger = { type: 'parents', parents: {} } as const;
  return {
    job: 'j',
    number,
    flow: `root#${number}`,
    trigger,
    state: 'queued',
    createdAt: 0,
    jobVersion: 1,
    attempts: [],
    lost: 0,
    ...changes,
  };
}

test('it counts what is queued and what has a task', () => {
  const open = new OpenRuns();
  open.set(run(1));
  open.set(run(2));
  open.set(run(1, { state: 'launching' }));
  assert.deepEqual([open.size, open.alive, open.queued], [2, 1, 1]);
  open.set(run(1, { state: 'backoff' }));
  open.delete(2);
  open.delete(3);
  assert.deepEqual([open.size, open.alive, open.queued], [1, 0, 0]);
});

test('few or many, a run is found by its flow as long as it is open', () => {
  const open = new OpenRuns();
  for (let number = 1; number <= 40; number++) {
    open.set(run(number));
    assert.equal(open.inFlow(`root#${number}`)?.number, number);
    assert.equal(open.inFlow('root#0'), undefined);
  }
  open.set(run(40, { state: 'launching' }));
  assert.equal(open.inFlow('root#40')?.state, 'launching');
  for (let number = 1; number < 40; number++) {
    open.delete(number);
    assert.equal(open.inFlow(`root#${number}`), undefined);
    assert.equal(open.inFlow('root#40')?.number, 40);
  }
});

test('what was over and comes back stands where it stood', () => {
  const open = new OpenRuns();
  for (const number of [1, 3, 4]) open.set(run(number));
  open.set(run(2, { firstAttempt: 1 }));
  const numbers = [...open.values()].map(({ number }) => number);
  assert.deepEqual(numbers, [1, 2, 3, 4]);
});

test.run();
