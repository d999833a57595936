import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { suite } from 'uvu';
import { TimerHeap } from '../../../src/engine/timer-heap.ts';

const test = suite('timer heap');

type Entry = readonly [key: string, at: number];

function heapOf(entries: readonly Entry[]): TimerHeap {
  const heap = new TimerHeap();
  for (const [key, at] of entries) heap.set(key, at);
  return heap;
}

/** Empties the heap, up to an instant. */
function popped(heap: TimerHeap, now = Infinity): string[] {
  const keys: string[] = [];
  for (let key = heap.popDue(now); key !== undefined; key = heap.popDue(now)) keys.push(key);
  return keys;
}

/** What the heap is held to: keys in the order of their instants, and where those are equal the shorter first, then by name. */
function sorted(model: ReadonlyMap<string, number>): string[] {
  return [...model].sort(([a, ta], [b, tb]) => ta - tb || a.length - b.length || (a < b ? -1 : 1)).map(([key]) => key);
}

test('an empty heap has nothing to give', () => {
  const heap = new TimerHeap();

  assert.deepEqual([heap.size, heap.earliest, heap.first, heap.inOrder(), heap.popDue(Infinity)], [0, undefined, undefined, [], undefined]);
});

test('keys come in the order of their instants, not of their arrival', () => {
  const heap = heapOf([
    ['b', 2],
    ['a', 3],
    ['c', 1],
  ]);

  assert.deepEqual([heap.size, heap.first, heap.earliest], [3, 'c', 1]);
  assert.deepEqual(popped(heap), ['c', 'b', 'a']);
});

test('of keys at one instant the one that sorts first comes first, whenever it came', () => {
  assert.deepEqual(
    popped(
      heapOf([
        ['b', 1],
        ['c', 1],
        ['a', 1],
      ]),
    ),
    ['a', 'b', 'c'],
  );
  assert.deepEqual(
    popped(
      heapOf([
        ['a', 1],
        ['b', 1],
        ['c', 1],
      ]),
    ),
    ['a', 'b', 'c'],
  );
});

test('of a job’s runs at one instant the one with the lower number comes first', () => {
  const ids = [11, 2, 100, 1, 10, 9].map((number): Entry => [`j#${number}`, 1]);

  assert.deepEqual(popped(heapOf(ids)), ['j#1', 'j#2', 'j#9', 'j#10', 'j#11', 'j#100']);
});

test('a key is due at its instant and not before', () => {
  const heap = heapOf([
    ['a', 10],
    ['b', 11],
  ]);

  assert.equal(heap.popDue(9), undefined);
  assert.equal(heap.popDue(10), 'a');
  assert.equal(heap.popDue(10), undefined);
  assert.deepEqual([heap.size, heap.first], [1, 'b']);
});

test('an instant can be asked for, moved and taken away', () => {
  const heap = heapOf([
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ]);
  heap.set('a', 4);
  heap.set('c', 0);
  heap.set('b', undefined);
  heap.set('never there', undefined);

  assert.deepEqual([heap.at('a'), heap.at('b'), heap.at('c')], [4, undefined, 0]);
  assert.deepEqual(popped(heap), ['c', 'a']);
  assert.equal(heap.at('a'), undefined);
});

test('what is no instant is refused, and changes nothing', () => {
  const heap = heapOf([['a', 1]]);

  for (const at of [NaN, Infinity, -Infinity]) assert.throws(() => heap.set('a', at), /the timer of a can't be set/);
  assert.deepEqual([heap.size, heap.at('a')], [1, 1]);
});

const step = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'j#1', 'j#2', 'j#10', 'j#11', 'j#100', 'k#2'),
  at: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
});

test('whatever is set and taken away in whatever order, it is in order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const heap = new TimerHeap();
      const model = new Map<string, number>();
      for (const { key, at } of steps) {
        heap.set(key, at);
        if (at === undefined) model.delete(key);
        else model.set(key, at);
        const [first] = sorted(model);
        assert.equal(heap.first, first);
        assert.equal(heap.earliest, first === undefined ? undefined : model.get(first));
        assert.equal(heap.size, model.size);
      }
      assert.deepEqual(heap.inOrder(), sorted(model));
      assert.deepEqual(
        popped(heap, 10),
        sorted(model).filter((key) => (model.get(key) ?? 0) <= 10),
      );
      assert.deepEqual(
        popped(heap),
        sorted(model).filter((key) => (model.get(key) ?? 0) > 10),
      );
    }),
  );
});

test.run();
