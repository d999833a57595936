import assert from 'node:assert/strict';
import { test } from 'uvu';
import { createMemo } from '../../../src/schedule/memo.ts';

test('a value is computed once while it is remembered, and the oldest is forgotten first', () => {
  const computed: string[] = [];
  const memo = createMemo<string>(2);
  const ask = (key: string): string =>
    memo(key, () => {
      computed.push(key);
      return key.toUpperCase();
    });
  for (const key of ['a', 'b', 'a', 'c', 'b', 'a']) assert.equal(ask(key), key.toUpperCase());
  assert.deepEqual(computed, ['a', 'b', 'c', 'a']);
});

test('a failure is passed on and not remembered', () => {
  const memo = createMemo<number>(2);
  assert.throws(() =>
    memo('a', () => {
      throw new Error('no');
    }),
  );
  assert.equal(
    memo('a', () => 1),
    1,
  );
});

test.run();
