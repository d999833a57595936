import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'uvu';
import { countBelow, greatestTo, hasValue, leastFrom, valueSet } from '../../../src/schedule/value-set.ts';

test('a set answers as the sorted list of its members does', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 59 })), (members) => {
      const set = valueSet(members);
      assert.equal(set.size, members.length);
      const sorted = members.toSorted((a, b) => a - b);
      for (let value = -1; value <= 60; value += 1) {
        if (value >= 0) assert.equal(leastFrom(set, value), sorted.find((member) => member >= value) ?? -1);
        if (value < 60) assert.equal(greatestTo(set, value), sorted.findLast((member) => member <= value) ?? -1);
        if (value >= 0 && value < 60) assert.equal(hasValue(set, value), members.includes(value));
        if (value >= 0) assert.equal(countBelow(set, value), members.filter((member) => member < value).length);
      }
    }),
    { numRuns: 500 },
  );
});

test.run();
