import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'uvu';
import { KeyIndex } from '../../../src/store/key-index.ts';

const name = fc.constantFrom('a', 'b', 'a-b', 'a.c', '0');
const key = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const step = fc.record({ key, revision: fc.bigInt(1n, 9n), isDelete: fc.boolean() });

test('it holds and lists what a plain sorted map would', () => {
  fc.assert(
    fc.property(
      fc.array(step),
      fc.array(
        fc.oneof(
          key,
          key.map((k) => `${k}/`),
          fc.constant(''),
        ),
      ),
      (steps, prefixes) => {
        const index = new KeyIndex();
        const model = new Map<string, bigint>();
        for (const { key: k, revision, isDelete } of steps) {
          if (isDelete) assert.equal(index.delete(k), model.delete(k));
          else {
            index.set({ key: k, value: '', modRevision: revision });
            model.set(k, revision);
          }
        }
        assert.equal(index.size, model.size);
        assert.deepEqual([...index.keys()].sort(), [...model.keys()].sort());
        for (const [k, revision] of model) assert.equal(index.get(k)?.modRevision, revision);
        for (const prefix of prefixes) {
          const expected = [...model.keys()].filter((k) => k.startsWith(prefix)).sort();
          assert.deepEqual(
            index.list(prefix).map((entry) => entry.key),
            expected,
          );
          assert.equal(index.get(prefix)?.modRevision, model.get(prefix));
        }
      },
    ),
  );
});

test('listing one directory among many looks at that one only', () => {
  const index = new KeyIndex();
  let looks = 0;
  for (let job = 0; job < 1_000; job += 1) {
    for (let run = 0; run < 10; run += 1) {
      const k = `runs/j${job}/${run}`;
      index.set({
        get key() {
          looks += 1;
          return k;
        },
        value: '',
        modRevision: 1n,
      });
    }
  }
  looks = 0;
  assert.equal(index.list('runs/j500/').length, 10);
  assert.ok(looks < 40, `${looks} keys were looked at`);
});

test.run();
