import assert from 'node:assert/strict';
import { test } from 'uvu';
import { ChangeHistory } from '../../../src/store/change-history.ts';
import type { ChangeBatch } from '../../../src/store/port.ts';

const batch = (revision: bigint, length: number): ChangeBatch => ({
  revision,
  changes: [{ key: 'k', value: 'x'.repeat(length - 1), revision }],
});

test('what is above the limit of length goes, the oldest first, and whoever has not read it is told so', () => {
  const history = new ChangeHistory({ floor: 0n, limit: 1_000, lengthLimit: 100 });
  for (let revision = 1n; revision <= 12n; revision += 1n) history.append(batch(revision, 10));
  assert.equal(history.floor, 0n, 'there is some slack');
  history.append(batch(13n, 10));
  assert.equal(history.floor, 3n);
  assert.equal(history.after(3n)?.revision, 4n);
  assert.throws(() => history.after(2n), { code: 'compacted' });
});

test('the newest batch is kept, whatever its length', () => {
  const history = new ChangeHistory({ floor: 0n, limit: 1_000, lengthLimit: 100 });
  history.append(batch(1n, 50));
  history.append(batch(2n, 5_000));
  assert.equal(history.floor, 1n);
  assert.equal(history.after(1n)?.revision, 2n);
  history.append(batch(3n, 20));
  assert.equal(history.floor, 2n);
  assert.equal(history.after(2n)?.revision, 3n);
  for (let revision = 4n; revision <= 8n; revision += 1n) history.append(batch(revision, 20));
  assert.equal(history.floor, 2n, 'what went counts no more');
});

test('how many there are is bounded too, and what is compacted counts no more', () => {
  const history = new ChangeHistory({ floor: 0n, limit: 10, lengthLimit: 1_000_000 });
  for (let revision = 1n; revision <= 2_000n; revision += 1n) history.append(batch(revision, 10));
  assert.ok(history.floor >= 900n);
  history.compact(1_999n);
  assert.equal(history.floor, 1_999n);
  assert.equal(history.after(1_999n)?.revision, 2_000n);
});

test.run();
