import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { ActiveFlows } from '../../../src/engine/active-flows.ts';

const test = suite('active flows');

const tokens = { spoken: 1, of: 2 };

test('a flow goes on until all that entered it have left', () => {
  const flows = new ActiveFlows();
  flows.enter('a#1');
  flows.enter('a#1');
  flows.enter('b#1');
  flows.leave('a#1');
  assert.deepEqual([flows.has('a#1'), flows.has('b#1'), flows.has('c#1')], [true, true, false]);
  flows.leave('a#1');
  assert.deepEqual([flows.has('a#1'), flows.has('b#1')], [false, true]);
});

test('a job waits in the flows it holds tokens of, counted once while it does', () => {
  const flows = new ActiveFlows();
  const one = { 'a#1': tokens };
  const two = { 'a#1': tokens, 'a#2': tokens };
  flows.replace(undefined, one);
  flows.replace(one, two);
  flows.replace(two, two);
  assert.deepEqual([flows.has('a#1'), flows.has('a#2')], [true, true]);
  flows.replace(two, { 'a#2': tokens });
  assert.deepEqual([flows.has('a#1'), flows.has('a#2')], [false, true]);
  flows.replace({ 'a#2': tokens }, undefined);
  assert.equal(flows.has('a#2'), false);
});

test.run();
