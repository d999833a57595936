import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { STEP_LENGTH } from '../../../src/engine/limits.ts';
import { StepRecorder } from '../../../src/engine/decision.ts';

const test = suite('step recorder');

test('a step holds what was true when it was closed, a write for each key, and is handed out once', () => {
  const recorder = new StepRecorder(10);
  recorder.put('a', { n: 1 });
  recorder.put('b', 2);
  recorder.put('a', { n: 3 });
  recorder.put('gone', undefined);
  recorder.close();
  recorder.command({ type: 'suppress' });
  recorder.fact({ type: 'executor', state: 'reconciled', detail: '' });

  assert.deepEqual(recorder.take(), [
    {
      writes: [
        { key: 'a', value: '{"n":3}' },
        { key: 'b', value: '2' },
        { key: 'gone', value: undefined },
      ],
      commands: [],
      facts: [],
    },
    { writes: [], commands: [{ type: 'suppress' }], facts: [{ type: 'executor', state: 'reconciled', detail: '' }] },
  ]);
  assert.deepEqual(recorder.take(), []);
});

test('an empty step is none', () => {
  const recorder = new StepRecorder(10);
  recorder.close();
  recorder.fence();
  assert.deepEqual(recorder.take(), []);
});

test('a fence holds for its step alone', () => {
  const recorder = new StepRecorder(10);
  recorder.command({ type: 'suppress' });
  recorder.fence();
  recorder.close();
  recorder.command({ type: 'revive' });
  assert.deepEqual(
    recorder.take().map((step) => step.isFenced),
    [true, undefined],
  );
});

test('a step has as many writes as a commit may have, and no more', () => {
  const recorder = new StepRecorder(2);
  recorder.put('a', 1);
  assert.equal(recorder.room, 1);
  recorder.put('b', 1);
  assert.equal(recorder.room, 0);
  recorder.close();
  assert.equal(recorder.room, 2);
  for (const key of ['a', 'b', 'c']) recorder.put(key, 1);
  assert.throws(() => recorder.close(), /a step of 3 writes/);
});

test('a step that is as long as it may be has no room, until what made it long is overwritten or deleted', () => {
  const recorder = new StepRecorder(10);
  recorder.put('a', 1, STEP_LENGTH - 1);
  assert.equal(recorder.room, 9);
  recorder.put('b', 1, 1);
  assert.equal(recorder.room, 0);
  recorder.put('a', undefined);
  assert.equal(recorder.room, 8);
  recorder.put('a', 1, STEP_LENGTH - 1);
  assert.equal(recorder.room, 0, 'a deleted value counts once');
  recorder.close();
  assert.equal(recorder.room, 10);
});

test.run();
