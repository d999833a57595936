import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'uvu';
import { durationToMs, formatDuration, parseDuration } from '../../../src/schedule/duration.ts';
import { ScheduleError } from '../../../src/schedule/errors.ts';

const DAY = 86_400_000;

const ACCEPTED: readonly (readonly [text: string, months: number, days: number, milliseconds: number])[] = [
  ['P1Y2M3W4DT5H6M7.5S', 14, 25, 18_367_500],
  ['PT30S', 0, 0, 30_000],
  ['PT1H', 0, 0, 3_600_000],
  ['PT90M', 0, 0, 5_400_000],
  ['P1D', 0, 1, 0],
  ['P2W', 0, 14, 0],
  ['P1M', 1, 0, 0],
  ['PT1M', 0, 0, 60_000],
  ['P1Y', 12, 0, 0],
  ['P1DT12H', 0, 1, 43_200_000],
  ['P007D', 0, 7, 0],
  ['PT0.001S', 0, 0, 1],
  ['PT1,25S', 0, 0, 1250],
  ['PT0S', 0, 0, 0],
  ['P0D', 0, 0, 0],
  ['P9999Y', 119_988, 0, 0],
  ['P18M', 18, 0, 0],
  ['P52W', 0, 364, 0],
];

const REFUSED: readonly (readonly [text: string, message: RegExp])[] = [
  ['', /^Duration "": it is empty; allowed is P\[nY\]/],
  ['P', /^Duration "P": it has no part after P or T; allowed/],
  ['PT', /^Duration "PT": it has no part after P or T; allowed/],
  ['P1DT', /^Duration "P1DT": it has no part after P or T/],
  ['-PT1H', /^Duration "-PT1H": a sign is not allowed/],
  ['P-1D', /^Duration "P-1D": a sign is not allowed/],
  ['+P1D', /a sign is not allowed/],
  [' PT1H', /^Duration " PT1H": it has white space around it/],
  ['PT1H\n', /it has white space around it/],
  ['xPT1H', /^Duration "xPT1H": it does not begin with P/],
  ['30s', /^Duration "30s": it does not begin with P/],
  ['R/P1D', /it does not begin with P/],
  ['PT1H30', /^Duration "PT1H30": its last number has no unit/],
  ['P1H', /^Duration "P1H": hours, minutes and seconds come after a T/],
  ['PT0.5H', /^Duration "PT0.5H": only seconds may have decimals/],
  ['P1.5D', /^Duration "P1.5D": only seconds may have decimals/],
  ['PT1.0005S', /^Duration "PT1.0005S": seconds have more than 3 decimals/],
  ['P1D2D', /it is not an ISO 8601 duration/],
  ['PT1S1H', /it is not an ISO 8601 duration/],
  ['P1DPT1H', /it is not an ISO 8601 duration/],
  ['pt1h', /it does not begin with P/],
  ['P1d', /it is not an ISO 8601 duration/],
  ['P0001-01-01T00:00:00', /a sign is not allowed/],
  ['P1234567890D', /^Duration "P1234567890D": a number has more than 9 digits/],
  ['P10000Y', /^Duration "P10000Y": it is too long; allowed are durations of at most 9999 years/],
  ['P999999999D', /it is too long/],
  ['P9999YT0.001S', /it is too long/],
  ['1-2', /it does not begin with P/],
  ['xP-1D', /it does not begin with P/],
  ['PT0.25H', /only seconds may have decimals/],
  ['P12H', /hours, minutes and seconds come after a T/],
];

for (const [text, months, days, milliseconds] of ACCEPTED) {
  test(`${text} is read`, () => {
    assert.deepEqual(parseDuration(text), { text, months, days, milliseconds });
  });
}

for (const [text, message] of REFUSED) {
  test(`${JSON.stringify(text)} is refused with a message that says why`, () => {
    assert.throws(
      () => parseDuration(text),
      (error) => error instanceof ScheduleError && error.field === 'duration' && message.test(error.message),
    );
  });
}

test('of a long text a refusal shows the beginning', () => {
  assert.throws(() => parseDuration('P'.repeat(101)), { message: new RegExp(`^Duration "${'P'.repeat(100)}…": `) });
  assert.throws(() => parseDuration('P'.repeat(100)), { message: new RegExp(`^Duration "${'P'.repeat(100)}": `) });
});

test('a fixed duration counts a day as 24 hours and a week as 7 days', () => {
  assert.equal(durationToMs(parseDuration('PT30S')), 30_000);
  assert.equal(durationToMs(parseDuration('P1WT1H')), 7 * DAY + 3_600_000);
});

test('years and months are refused where a fixed length is needed', () => {
  for (const text of ['P1M', 'P1Y', 'P1MT1H']) {
    assert.throws(() => durationToMs(parseDuration(text)), {
      message: `Duration "${text}": years and months have no fixed length; allowed here are weeks, days, hours, minutes and seconds, as in P30D`,
    });
  }
});

test('milliseconds are written as a duration', () => {
  const written = [0, 1, 999.6, 1500, 60_000, 3_600_000, DAY, DAY + 1, 90_061_001].map(formatDuration);
  assert.deepEqual(written, ['PT0S', 'PT0.001S', 'PT1S', 'PT1.5S', 'PT1M', 'PT1H', 'P1D', 'P1DT0.001S', 'P1DT1H1M1.001S']);
});

test('a number that is no duration is refused', () => {
  for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) assert.throws(() => formatDuration(ms), /^ScheduleError: Duration/);
});

test('what is written is read back as the same length', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 * DAY }), (ms) => {
      assert.equal(durationToMs(parseDuration(formatDuration(ms))), ms);
    }),
  );
});

test.run();
