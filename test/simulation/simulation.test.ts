/** Whole clusters from seeds: `npm run simulate` runs more of them, for longer. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { InvariantViolation } from '../invariants/violation.ts';
import { runSeed } from './run-seed.ts';

const SEEDS = 200;
const NO_FAULTS: ReadonlySet<string> = new Set();

test(`the invariants hold for an hour of ${SEEDS} seeds`, async () => {
  const failures: string[] = [];
  let hours = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcome = await runSeed({ seed: String(seed), hours: 1, off: NO_FAULTS });
    if (outcome.failure) failures.push(`seed ${seed}: ${String(outcome.failure)}\n  replay: npm run simulate -- --seed ${seed} --hours 1`);
    else hours += outcome.result.hours;
  }
  assert.deepEqual(failures, []);
  assert.ok(hours > SEEDS);
});

test('the same seed gives the same trace, byte for byte', async () => {
  const digests = new Set<string>();
  for (let times = 0; times < 2; times++) {
    const outcome = await runSeed({ seed: '7', hours: 3, off: NO_FAULTS });
    if (outcome.failure) throw outcome.failure;
    assert.ok(outcome.result.lines > 100);
    digests.add(outcome.result.digest);
  }
  assert.equal(digests.size, 1);
});

test('another seed gives another trace', async () => {
  const digests = new Set<string>();
  for (const seed of ['7', '8']) {
    const outcome = await runSeed({ seed, hours: 1, off: NO_FAULTS });
    if (!outcome.failure) digests.add(outcome.result.digest);
  }
  assert.equal(digests.size, 2);
});

test('a violation names its invariant', () => {
  const violation = new InvariantViolation('overlap', 'two at once', ['a']);
  assert.equal(violation.message, 'overlap: two at once');
  assert.equal(violation.invariant, 'overlap');
});

test.run();
