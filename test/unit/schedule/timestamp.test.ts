import assert from 'node:assert/strict';
import { test } from 'uvu';
import { parseTimestamp } from '../../../src/schedule/timestamp.ts';

const HOUR = 3_600_000;

test('a date and time is read with its offset, or as local without one', () => {
  const wall = Date.UTC(2026, 0, 2, 3, 4, 5, 670);
  assert.deepEqual(parseTimestamp('2026-01-02T03:04:05.67'), { wall, offset: undefined });
  assert.deepEqual(parseTimestamp('2026-01-02T03:04:05,670Z'), { wall, offset: 0 });
  assert.deepEqual(parseTimestamp('2026-01-02T03:04:05.670+05:45'), { wall, offset: 5.75 * HOUR });
  assert.deepEqual(parseTimestamp('2026-01-02T03:04:05.670-0930'), { wall, offset: -9.5 * HOUR });
  assert.deepEqual(parseTimestamp('2026-01-02T03:04:05.670-15'), { wall, offset: -15 * HOUR });
  assert.deepEqual(parseTimestamp('2026-01-02T23:59:59+15:59'), {
    wall: Date.UTC(2026, 0, 2, 23, 59, 59),
    offset: 15 * HOUR + 59 * 60_000,
  });
  assert.deepEqual(parseTimestamp('2026-01-02'), { wall: Date.UTC(2026, 0, 2), offset: undefined });
  assert.deepEqual(parseTimestamp('2024-02-29T23:59'), { wall: Date.UTC(2024, 1, 29, 23, 59), offset: undefined });
});

test('what is not a date and time comes back as the reason', () => {
  const texts = [
    '',
    '2026',
    '2026-1-2',
    '2026-W01-1',
    '2026-001',
    '2026-01-02T',
    '2026-01-02T03',
    '2026-01-02T03:04:05.1234',
    '2026-01-02t03:04z',
    ' 2026-01-02',
  ];
  for (const text of texts) assert.deepEqual(parseTimestamp(text), { reason: `${JSON.stringify(text)} is not an ISO 8601 date and time` });
  assert.deepEqual(parseTimestamp('2100-02-29'), { reason: 'day 29 is outside 01-28 of 2100-02' });
  assert.deepEqual(parseTimestamp('2026-00-01'), { reason: 'month 00 is outside 01-12' });
  assert.deepEqual(parseTimestamp('2026-01-01T00:00+01:60'), { reason: 'offset +01:60 is outside -15:59 to +15:59' });
});

test.run();
