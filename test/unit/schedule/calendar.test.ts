import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'uvu';
import { DAY_MS, dateOfDay, dayOfDate, daysInMonth, plusMonths, weekdayOfDay } from '../../../src/schedule/calendar.ts';

const anyDay = fc.integer({ min: -719_528, max: 2_932_896 });

test('days and dates are those of the Gregorian calendar, from year 0 to 9999', () => {
  fc.assert(
    fc.property(anyDay, (dayNumber) => {
      const date = new Date(dayNumber * DAY_MS);
      const { year, month, day } = dateOfDay(dayNumber);
      assert.deepEqual([year, month, day], [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]);
      assert.equal(dayOfDate(year, month, day), dayNumber);
      assert.equal(weekdayOfDay(dayNumber), date.getUTCDay());
      assert.ok(day <= daysInMonth(year, month));
    }),
    { numRuns: 5000 },
  );
});

test('every day of a cycle of four hundred years follows the one before', () => {
  let before = dateOfDay(-1);
  for (let dayNumber = 0; dayNumber < 146_097; dayNumber += 1) {
    const date = dateOfDay(dayNumber);
    const isNewMonth = before.day === daysInMonth(before.year, before.month);
    assert.equal(date.day, isNewMonth ? 1 : before.day + 1);
    before = date;
  }
});

test('months are added without losing the time of day, forwards and backwards', () => {
  const wall = Date.UTC(2026, 0, 31, 23, 59, 59, 999);
  assert.equal(plusMonths(wall, 0), wall);
  assert.equal(plusMonths(wall, 1), Date.UTC(2026, 1, 28, 23, 59, 59, 999));
  assert.equal(plusMonths(wall, 25), Date.UTC(2028, 1, 29, 23, 59, 59, 999));
  assert.equal(plusMonths(wall, -2), Date.UTC(2025, 10, 30, 23, 59, 59, 999));
});

test.run();
