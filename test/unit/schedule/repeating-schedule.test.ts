import assert from 'node:assert/strict';
import { test } from 'uvu';
import { compileSchedule } from '../../../src/schedule/compile-schedule.ts';
import type { Schedule } from '../../../src/schedule/schedule.ts';

const DAY = 86_400_000;
const ANCHOR = Date.UTC(2026, 0, 1);

function compile(text: string, timeZone = 'UTC'): Schedule {
  return compileSchedule({ text, timeZone, seed: '', anchor: ANCHOR });
}

/** The dates of the nominal times, the start first. */
function dates(text: string, count: number): string[] {
  const schedule = compile(text);
  const found: string[] = [];
  let at: number | undefined = Number.NEGATIVE_INFINITY;
  while (found.length < count) {
    at = schedule.next(at);
    if (at === undefined) break;
    found.push(new Date(at).toISOString().slice(0, 10));
  }
  return found;
}

test('months clamp to their last day and never drift, because each is counted from the start', () => {
  assert.deepEqual(dates('R/2026-01-31/P1M', 6), ['2026-01-31', '2026-02-28', '2026-03-31', '2026-04-30', '2026-05-31', '2026-06-30']);
  assert.deepEqual(dates('R/2027-12-30/P1M', 4), ['2027-12-30', '2028-01-30', '2028-02-29', '2028-03-30']);
  assert.deepEqual(dates('R/2026-01-31/P1M1D', 4), ['2026-01-31', '2026-03-01', '2026-04-02', '2026-05-03']);
});

test('years from a leap day keep to February', () => {
  assert.deepEqual(dates('R/2024-02-29/P1Y', 5), ['2024-02-29', '2025-02-28', '2026-02-28', '2027-02-28', '2028-02-29']);
});

test('R without a number goes on, R0 has no time, R1 has its start, R3 has three', () => {
  assert.equal(dates('R//P1D', 50).length, 50);
  assert.deepEqual(dates('R0//P1D', 5), []);
  assert.deepEqual(dates('R1//P1D', 5), ['2026-01-01']);
  assert.deepEqual(dates('R3//P1D', 5), ['2026-01-01', '2026-01-02', '2026-01-03']);
});

test('a bounded interval is over after its last time, in every direction', () => {
  const schedule = compile('R3//P1D');
  const last = ANCHOR + 2 * DAY;
  assert.equal(schedule.next(last), undefined);
  assert.equal(schedule.next(last + 1000 * DAY), undefined);
  assert.equal(schedule.previous(last + 1000 * DAY), last);
  assert.equal(schedule.previous(ANCHOR), undefined);
  assert.equal(schedule.count(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 100), 3);
  assert.equal(compile('R0//P1D').previous(last), undefined);
  assert.equal(compile('R0//P1D').count(0, last, 100), 0);
});

test('a range counts what lies after its beginning and up to its end, and no further than the limit', () => {
  const schedule = compile('R//PT1H');
  const hours = (n: number): number => ANCHOR + n * 3_600_000;
  assert.equal(schedule.count(hours(0), hours(3), 100), 3);
  assert.equal(schedule.count(hours(0) - 1, hours(3), 100), 4);
  assert.equal(schedule.count(hours(0), hours(3), 2), 2);
  assert.equal(schedule.count(hours(0), hours(3), 0), 0);
  assert.equal(schedule.count(hours(0), hours(3), -1), 0);
  assert.equal(schedule.count(hours(2), hours(2), 100), 0);
  assert.equal(schedule.count(hours(3), hours(0), 100), 0);
  assert.equal(schedule.count(hours(-9), hours(-1), 100), 0);
  assert.equal(schedule.count(hours(0), hours(3), Number.POSITIVE_INFINITY), 3);
});

test('an end instead of a period stands for the exact time between', () => {
  const schedule = compile('R/2026-03-28T02:30/2026-03-29T02:30', 'Europe/Berlin');
  const start = Date.UTC(2026, 2, 28, 1, 30);
  const end = Date.UTC(2026, 2, 29, 1);
  assert.equal(schedule.next(start), end);
  assert.equal(schedule.next(end), end + (end - start));
});

test('the days of a start with an offset follow the wall clock of the zone', () => {
  const schedule = compile('R/2026-03-28T10:00:00+09:00/P1D', 'Europe/Berlin');
  assert.equal(schedule.next(0), Date.UTC(2026, 2, 28, 1));
  assert.equal(schedule.next(Date.UTC(2026, 2, 29, 12)), Date.UTC(2026, 2, 30, 0));
});

test('an empty start keeps the wall time that it had in the zone', () => {
  const anchor = Date.UTC(2026, 2, 28, 9);
  const schedule = compileSchedule({ text: 'R//P1D', timeZone: 'Europe/Berlin', seed: '', anchor });
  assert.equal(schedule.next(0), anchor);
  assert.equal(schedule.next(anchor), Date.UTC(2026, 2, 29, 8));
});

test('hours are counted exactly from a start in the second pass of a repeated hour', () => {
  const start = Date.UTC(2026, 9, 25, 1, 30);
  const schedule = compile('R/2026-10-25T01:30:00Z/PT1H', 'Europe/Berlin');
  assert.equal(schedule.next(start), start + 3_600_000);
});

test('the newest time after a very long outage is found without walking', () => {
  // Walking would be 960 million steps for each call: it would outlast the limit that every test file has.
  const outage = Date.UTC(2056, 5, 1, 12, 0, 0, 500);
  for (const text of ['R/2026-01-01T00:00:00Z/PT1S', 'R/2026-01-01T00:00/PT1S', '* * * * * *', '* * 0-22 * * *']) {
    const schedule = compile(text, 'America/New_York');
    for (let call = 0; call < 1000; call += 1) assert.equal(schedule.previous(outage), outage - 500);
    assert.ok(schedule.count(ANCHOR, outage, Number.POSITIVE_INFINITY) > 900_000_000);
  }
});

test('a count over thirty years is exact', () => {
  const until = Date.UTC(2056, 0, 1);
  const seconds = (until - ANCHOR) / 1000;
  assert.equal(compile('R//PT1S').count(ANCHOR, until, Number.POSITIVE_INFINITY), seconds);
  assert.equal(compile('* * * * * *', 'America/New_York').count(ANCHOR, until, Number.POSITIVE_INFINITY), seconds);
  assert.equal(compile('0 3 * * *', 'America/New_York').count(ANCHOR, until, Number.POSITIVE_INFINITY), seconds / 86_400);
  assert.equal(compile('30 2 * * *', 'America/New_York').count(ANCHOR, until, Number.POSITIVE_INFINITY), seconds / 86_400);
  assert.equal(compile('R/2026-01-31/P1M').count(ANCHOR, until, Number.POSITIVE_INFINITY), 360);
  assert.equal(compile('R/2026-01-31/P1M').count(ANCHOR, until, 100), 100);
});

test('a count from one middle of a month to another is exact', () => {
  const [from, to] = [Date.UTC(2026, 2, 15, 12), Date.UTC(2028, 2, 10, 12)];
  assert.equal(compile('0 3 * * *').count(from, to, Number.POSITIVE_INFINITY), (to - from) / DAY);
  assert.equal(compile('*/10 15 3 * * *').count(from, to, Number.POSITIVE_INFINITY), (6 * (to - from)) / DAY);
  assert.equal(compile('0 3 31 * *').count(from, to, Number.POSITIVE_INFINITY), 14);
  assert.equal(compile('0 3 * 3 *').count(from, to, Number.POSITIVE_INFINITY), 16 + 31 + 10);
});

test('two days that a zone made one are one nominal time', () => {
  const schedule = compile('R/2011-12-01T00:00/P1D', 'Pacific/Apia');
  const end = Date.UTC(2011, 11, 30, 10);
  assert.equal(schedule.next(end - 1), end);
  assert.equal(schedule.next(end), end + DAY);
  assert.equal(schedule.previous(end), end - DAY);
  assert.equal(schedule.count(end - 1, end, 100), 1);
  assert.equal(schedule.count(end - DAY, end + DAY, 100), 2);
  assert.equal(schedule.count(0, Date.UTC(2012, 0, 31, 9, 59), 100), 61);
  assert.equal(schedule.count(0, Date.UTC(2012, 0, 31, 9, 59), 40), 40);
  assert.equal(schedule.count(0, end, 31), 30, 'it is seen at the end of what is counted');
  const everyOther = compile('R/2011-12-01T05:00/P2D', 'Pacific/Apia');
  assert.equal(everyOther.count(0, Date.UTC(2011, 11, 31, 9, 59), 100), 16, 'on the day that was left out it had no time');
});

test.run();
