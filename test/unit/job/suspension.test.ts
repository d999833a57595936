import assert from 'node:assert/strict';
import { test } from 'uvu';
import { EARLIER_SPANS, newSpansFrom, resume, spansOf, suspend } from '../../../src/job/suspension.ts';

test('what is suspended is not suspended again, what is not is not resumed', () => {
  const suspended = suspend(undefined, { at: 10, by: 'ann' });
  assert.equal(suspend(suspended, { at: 20, by: 'ben' }), suspended);
  assert.equal(resume(undefined, 5), undefined);
  const resumed = resume(suspended, 30);
  assert.deepEqual(resumed, { from: 10, to: 30, by: 'ann' });
  assert.equal(resume(resumed, 40), resumed);
});

test('a new suspension keeps the spans before it, without whatever else the record held', () => {
  const stored = { ...suspend(undefined, { at: 10, by: 'ann' }), to: 20, writeId: 'w1' };
  const again = suspend(stored, { at: 30, by: 'ben' });
  assert.deepEqual(again, { from: 30, by: 'ben', earlier: [{ from: 10, to: 20, by: 'ann' }] });
  assert.deepEqual(
    spansOf(again).map(({ from, to }) => [from, to]),
    [
      [10, 20],
      [30, undefined],
    ],
  );
});

test('spans never overlap and none ends before it began, whatever the clocks say', () => {
  const first = resume(suspend(undefined, { at: 100, by: 'ann' }), 50);
  assert.deepEqual(first, { from: 100, to: 100, by: 'ann' });
  assert.equal(suspend(first, { at: 70, by: 'ben' }).from, 100);
});

test('only the newest spans are kept', () => {
  let suspension = suspend(undefined, { at: 0, by: 'ann' });
  for (let at = 1; at <= 3 * EARLIER_SPANS; at++) suspension = suspend(resume(suspension, 10 * at - 5), { at: 10 * at, by: 'ann' });
  const spans = spansOf(suspension);
  assert.equal(spans.length, EARLIER_SPANS + 1);
  assert.equal(spans[0]?.from, 20 * EARLIER_SPANS);
  assert.equal(spans.at(-1)?.from, 30 * EARLIER_SPANS);
});

test('what began since is found by the first new span', () => {
  const one = suspend(undefined, { at: 10, by: 'ann' });
  const three = suspend(resume(suspend(resume(one, 20), { at: 30, by: 'ann' }), 40), { at: 50, by: 'ann' });
  assert.equal(newSpansFrom(one, three), 30);
  assert.equal(newSpansFrom(undefined, three), 10);
  assert.equal(newSpansFrom(three, resume(three, 60)), undefined);
  assert.equal(newSpansFrom(three, undefined), undefined);
});

test.run();
