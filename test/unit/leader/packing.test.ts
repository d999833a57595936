import assert from 'node:assert/strict';
import { test } from 'uvu';
import type { Step } from '../../../src/engine/decision.ts';
import { packSteps } from '../../../src/leader/packing.ts';
import { DEFAULT_COMMIT_LIMITS, MAX_OPERATIONS, MAX_TRANSACTION_BYTES } from '../../../src/store/port.ts';

const step = (...keys: string[]): Step => ({ writes: keys.map((key) => ({ key, value: `v-${key}` })), commands: [], facts: [] });
const wide = (count: number, prefix: string): Step => step(...Array.from({ length: count }, (_, i) => `${prefix}${i}`));

test('small steps share a transaction, in order', () => {
  const batches = packSteps([step('a'), step('b'), step('c')], DEFAULT_COMMIT_LIMITS);
  assert.equal(batches.length, 1);
  assert.deepEqual(
    batches[0]?.writes.map(({ key }) => key),
    ['a', 'b', 'c'],
  );
  assert.equal(batches[0]?.steps.length, 3);
});

test('a step is never split', () => {
  const batches = packSteps([wide(MAX_OPERATIONS - 1, 'a'), wide(2, 'b'), wide(MAX_OPERATIONS, 'c')], DEFAULT_COMMIT_LIMITS);
  assert.deepEqual(
    batches.map((batch) => batch.writes.length),
    [MAX_OPERATIONS - 1, 2, MAX_OPERATIONS],
  );
});

test('a key that several steps write is written once, with its last value', () => {
  const first: Step = { writes: [{ key: 'k', value: '1' }], commands: [], facts: [] };
  const last: Step = { writes: [{ key: 'k', value: undefined }], commands: [], facts: [] };
  const [batch] = packSteps([first, step('x'), last], DEFAULT_COMMIT_LIMITS);
  assert.deepEqual(batch?.writes, [
    { key: 'k', value: undefined },
    { key: 'x', value: 'v-x' },
  ]);
});

test('bytes count as well as operations', () => {
  const large = (key: string): Step => ({ writes: [{ key, value: 'x'.repeat(MAX_TRANSACTION_BYTES * 0.6) }], commands: [], facts: [] });
  assert.equal(packSteps([large('a'), large('b')], DEFAULT_COMMIT_LIMITS).length, 2);
});

test('a step of commands alone goes with its neighbours, in its place', () => {
  const act: Step = { writes: [], commands: [{ type: 'revive' }], facts: [] };
  const [batch] = packSteps([step('a'), act, step('b')], DEFAULT_COMMIT_LIMITS);
  assert.equal(batch?.steps[1], act);
});

test('nothing packs to nothing', () => {
  assert.deepEqual(packSteps([], DEFAULT_COMMIT_LIMITS), []);
});

test.run();
