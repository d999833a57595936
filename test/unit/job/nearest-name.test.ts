import assert from 'node:assert/strict';
import fc from 'fast-check';
import { suite } from 'uvu';
import { didYouMean, nearestName } from '../../../src/job/nearest-name.ts';

const test = suite('nearest name');

const names = ['schedule', 'task', 'timeout', 'timeZone'];

for (const [slip, meant] of [
  ['scheduel', 'schedule'],
  ['Schedule', 'schedule'],
  ['taks', 'task'],
  ['timezone', 'timeZone'],
  ['time_zone', 'timeZone'],
  ['tiemout', 'timeout'],
] as const) {
  test(`${slip} is taken for ${meant}`, () => assert.equal(nearestName(slip, names), meant));
}

test('what is far from everything is taken for nothing', () => {
  assert.equal(nearestName('constraints', names), undefined);
  assert.equal(nearestName('', names), undefined);
  assert.equal(didYouMean('xyz', names), '');
  assert.equal(didYouMean('taks', names), '; did you mean "task"?');
});

/** Optimal string alignment in the plainest words: the fewest edits of single letters, swapped neighbours being one. */
function distance(a: string, b: string): number {
  const known = new Map<string, number>();
  const of = (i: number, j: number): number => {
    if (i === 0 || j === 0) return i + j;
    const key = `${i} ${j}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const costs = [of(i - 1, j) + 1, of(i, j - 1) + 1, of(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)];
    if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) costs.push(of(i - 2, j - 2) + 1);
    const least = Math.min(...costs);
    known.set(key, least);
    return least;
  };
  return of(a.length, b.length);
}

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 0, maxLength: 9 });

test('of all names the first of those that are nearest is found, if it is within a third of the letters', () => {
  fc.assert(
    fc.property(word, fc.array(word, { maxLength: 6 }), (name, candidates) => {
      const limit = Math.max(1, Math.floor(name.length / 3));
      const distances = candidates.map((candidate) => distance(name, candidate));
      const least = Math.min(...distances);
      assert.equal(nearestName(name, candidates), least <= limit ? candidates[distances.indexOf(least)] : undefined);
    }),
    { numRuns: 2000 },
  );
});

test.run();
