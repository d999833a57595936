import assert from 'node:assert/strict';
import { test } from 'uvu';
import { createMemo } from '../../../src/schedule/memo.ts';

test('a value is computed once while it is remembered, and what nobody asks for is forgotten first', () => {
  const computed: string[] = [];
  const memo = createMemo<string>(4);
  const ask = (key: string): string =>
    memo(key, () => {
      computed.push(key);
      return key.toUpperCase();
    });
  for (const key of ['a', 'b', 'a', 'c', 'a', 'd', 'a', 'b']) assert.equal(ask(key), key.toUpperCase());
  assert.deepEqual(computed, ['a', 'b', 'c', 'd', 'b']);
});

test('half of what it may hold is remembered for certain', () => {
  const computed: string[] = [];
  const memo = createMemo<string>(4);
  for (const key of ['a', 'b', 'c', 'a', 'b']) memo(key, () => (computed.push(key), key));
  assert.deepEqual(computed, ['a', 'b', 'c']);
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
