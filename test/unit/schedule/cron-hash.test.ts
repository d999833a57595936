import assert from 'node:assert/strict';
import { test } from 'uvu';
import { compileSchedule } from '../../../src/schedule/compile-schedule.ts';
import { normalizeCron } from '../../../src/schedule/cron-expression.ts';

const JOBS = 12_000;

/** One field of `text` as each of many jobs has it. */
function valuesOf(text: string, field: number): readonly (readonly number[])[] {
  return Array.from({ length: JOBS }, (_, job) =>
    (normalizeCron(text, `warehouse.load-${job}`).split(' ')[field] ?? '').split(',').map(Number),
  );
}

test('H is the same whenever it is asked, and differs between jobs and between fields', () => {
  assert.equal(normalizeCron('H H * * *', 'a'), normalizeCron('H H * * *', 'a'));
  assert.notEqual(normalizeCron('H H * * *', 'a'), normalizeCron('H H * * *', 'b'));
  const equal = Array.from({ length: 1000 }, (_, job) => normalizeCron('H H H * * *', `job-${job}`).split(' ')).filter(
    ([second, minute]) => second === minute,
  );
  assert.ok(equal.length < 50, `${equal.length} of 1000 jobs have the same second and minute`);
});

test('H is known for a few names, so that no release moves a job', () => {
  assert.equal(normalizeCron('H H H H H', 'warehouse.load'), '0 19 4 10 6 3');
  assert.equal(normalizeCron('H/15 H(0-5) * * *', 'warehouse.load'), '0 4,19,34,49 4 * * *');
  assert.equal(normalizeCron('H H H H H', 'Grüße, 東京'), '0 10 15 10 4 6');
});

test('H spreads jobs evenly over every field', () => {
  const fields: readonly (readonly [field: number, min: number, max: number])[] = [
    [0, 0, 59],
    [1, 0, 59],
    [2, 0, 23],
    [3, 1, 28],
    [4, 1, 12],
    [5, 0, 6],
  ];
  for (const [field, min, max] of fields) {
    const counts = new Map<number, number>();
    for (const [value = -1] of valuesOf('H H H H H H', field)) counts.set(value, (counts.get(value) ?? 0) + 1);
    const even = JOBS / (max - min + 1);
    for (let value = min; value <= max; value += 1) {
      const count = counts.get(value) ?? 0;
      assert.ok(count > even * 0.6 && count < even * 1.4, `field ${field}: ${value} for ${count} jobs, ${even} would be even`);
    }
    assert.equal(counts.size, max - min + 1);
  }
});

test('H with a step keeps the step and begins at any of its first values', () => {
  const starts = new Set<number>();
  for (const values of valuesOf('H/15 * * * *', 1)) {
    const [first = -1] = values;
    assert.deepEqual(values, [first, first + 15, first + 30, first + 45]);
    starts.add(first);
  }
  assert.deepEqual(
    [...starts].toSorted((a, b) => a - b),
    Array.from({ length: 15 }, (_, value) => value),
  );
});

test('H within a range stays within it, with a step and without', () => {
  for (const [value = -1] of valuesOf('H(40-49) * * * *', 1)) assert.ok(value >= 40 && value <= 49);
  for (const values of valuesOf('H(0-29)/10 * * * *', 1)) {
    const [first = -1] = values;
    assert.ok(first >= 0 && first < 10);
    assert.deepEqual(values, [first, first + 10, first + 20]);
  }
  assert.equal(normalizeCron('0 0 H(31-31) * *', 'any'), '0 0 0 31 * *');
});

test('H may stand in a list and beside names that contain the letter', () => {
  const [, minute, , , , weekday] = normalizeCron('H(0-4),30 0 * * thu,H(1-1)', 'a').split(' ');
  assert.match(minute ?? '', /^[0-4],30$/);
  assert.equal(weekday, 'THU,1');
});

test('white space around an expression, and a nickname, have no meaning', () => {
  assert.equal(normalizeCron('  0 0 * * * ', 'a'), '0 0 0 * * *');
  assert.equal(normalizeCron(' @daily ', 'a'), '0 0 0 * * *');
});

test('H comes due in every month', () => {
  for (let job = 0; job < 100; job += 1) {
    const schedule = compileSchedule({ text: 'H H H * *', seed: `job-${job}`, anchor: 0 });
    assert.equal(schedule.count(Date.UTC(2026, 0, 1) - 1, Date.UTC(2027, 0, 1) - 1, 100), 12);
  }
});

test.run();
