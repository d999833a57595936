import assert from 'node:assert/strict';
import { test } from 'uvu';
import { compileSchedule } from '../../../src/schedule/compile-schedule.ts';
import { CronItemError } from '../../../src/schedule/cron-field.ts';
import { ScheduleError } from '../../../src/schedule/errors.ts';
import type { Schedule } from '../../../src/schedule/schedule.ts';

const ANCHOR = Date.UTC(2026, 0, 1, 10, 30);

function compile(text: string, timeZone?: string): Schedule {
  return compileSchedule({ text, seed: 'group.job', anchor: ANCHOR, ...(timeZone === undefined ? {} : { timeZone }) });
}

/** The next two nominal times after the start of 2026 in UTC. */
const ACCEPTED: readonly (readonly [text: string, first: string, second: string])[] = [
  ['0 3 * * *', '2026-01-01T03:00:00Z', '2026-01-02T03:00:00Z'],
  ['  0   3 *\t* *  ', '2026-01-01T03:00:00Z', '2026-01-02T03:00:00Z'],
  ['15 0 3 * * *', '2026-01-01T03:00:15Z', '2026-01-02T03:00:15Z'],
  ['* * * * *', '2026-01-01T00:01:00Z', '2026-01-01T00:02:00Z'],
  ['* * * * * *', '2026-01-01T00:00:01Z', '2026-01-01T00:00:02Z'],
  ['*/20 * * * *', '2026-01-01T00:20:00Z', '2026-01-01T00:40:00Z'],
  ['50/4 * * * *', '2026-01-01T00:50:00Z', '2026-01-01T00:54:00Z'],
  ['5,5,1-6/5 * * * *', '2026-01-01T00:01:00Z', '2026-01-01T00:05:00Z'],
  ['05 03 01 02 *', '2026-02-01T03:05:00Z', '2027-02-01T03:05:00Z'],
  ['0 0 * feb-Mar sun', '2026-02-01T00:00:00Z', '2026-02-08T00:00:00Z'],
  ['0 0 * * 7', '2026-01-04T00:00:00Z', '2026-01-11T00:00:00Z'],
  ['0 0 * * 0,7', '2026-01-04T00:00:00Z', '2026-01-11T00:00:00Z'],
  ['0 0 * * 6-7', '2026-01-03T00:00:00Z', '2026-01-04T00:00:00Z'],
  ['0 0 * * SUN#1', '2026-01-04T00:00:00Z', '2026-02-01T00:00:00Z'],
  ['0 0 * * 7#1', '2026-01-04T00:00:00Z', '2026-02-01T00:00:00Z'],
  ['0 0 * apr/2 *', '2026-04-01T00:00:00Z', '2026-04-02T00:00:00Z'],
  ['7-7 * * * *', '2026-01-01T00:07:00Z', '2026-01-01T01:07:00Z'],
  ['*/60 * * * *', '2026-01-01T01:00:00Z', '2026-01-01T02:00:00Z'],
  ['0 0 */31 * *', '2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z'],
  ['0 0 ? * MON', '2026-01-05T00:00:00Z', '2026-01-12T00:00:00Z'],
  ['0 0 13 * ?', '2026-01-13T00:00:00Z', '2026-02-13T00:00:00Z'],
  ['0 0 13 * FRI', '2026-01-02T00:00:00Z', '2026-01-09T00:00:00Z'],
  ['0 0 31 2 MON', '2026-02-02T00:00:00Z', '2026-02-09T00:00:00Z'],
  ['0 0 L * *', '2026-01-31T00:00:00Z', '2026-02-28T00:00:00Z'],
  ['0 0 L,15 * *', '2026-01-15T00:00:00Z', '2026-01-31T00:00:00Z'],
  ['0 0 1W * *', '2026-02-02T00:00:00Z', '2026-03-02T00:00:00Z'],
  ['0 0 1W 8 *', '2026-08-03T00:00:00Z', '2027-08-02T00:00:00Z'],
  ['0 0 15w * *', '2026-01-15T00:00:00Z', '2026-02-16T00:00:00Z'],
  ['0 0 31W 5 *', '2026-05-29T00:00:00Z', '2027-05-31T00:00:00Z'],
  ['0 0 31W * *', '2026-01-30T00:00:00Z', '2026-03-31T00:00:00Z'],
  ['0 0 LW * *', '2026-01-30T00:00:00Z', '2026-02-27T00:00:00Z'],
  ['0 0 * * 5L', '2026-01-30T00:00:00Z', '2026-02-27T00:00:00Z'],
  ['0 0 * * FRIL', '2026-01-30T00:00:00Z', '2026-02-27T00:00:00Z'],
  ['0 0 * * 5#3', '2026-01-16T00:00:00Z', '2026-02-20T00:00:00Z'],
  ['0 0 * * MON#1,MON#3', '2026-01-05T00:00:00Z', '2026-01-19T00:00:00Z'],
  ['0 0 * * MON#1,TUE#1', '2026-01-05T00:00:00Z', '2026-01-06T00:00:00Z'],
  ['0 0 * * MON#5', '2026-03-30T00:00:00Z', '2026-06-29T00:00:00Z'],
  ['0 0 29 2 *', '2028-02-29T00:00:00Z', '2032-02-29T00:00:00Z'],
  ['@yearly', '2027-01-01T00:00:00Z', '2028-01-01T00:00:00Z'],
  ['@annually', '2027-01-01T00:00:00Z', '2028-01-01T00:00:00Z'],
  ['@monthly', '2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z'],
  ['@weekly', '2026-01-04T00:00:00Z', '2026-01-11T00:00:00Z'],
  ['@daily', '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z'],
  ['@midnight', '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z'],
  ['@hourly', '2026-01-01T01:00:00Z', '2026-01-01T02:00:00Z'],
  ['R/2026-01-01T03:00:00Z/P1D', '2026-01-01T03:00:00Z', '2026-01-02T03:00:00Z'],
  ['R/2026-01-01T03:00:00+02:00/P1D', '2026-01-01T01:00:00Z', '2026-01-02T01:00:00Z'],
  ['R/2026-01-01T03:00:00-0330/P1D', '2026-01-01T06:30:00Z', '2026-01-02T06:30:00Z'],
  ['R/2026-01-01T03:00+02/P1D', '2026-01-01T01:00:00Z', '2026-01-02T01:00:00Z'],
  ['R/2026-01-01T03:00/P1D', '2026-01-01T03:00:00Z', '2026-01-02T03:00:00Z'],
  ['R/2026-01-02/P1W', '2026-01-02T00:00:00Z', '2026-01-09T00:00:00Z'],
  ['R/2026-01-01T03:00:00.250Z/PT1.5S', '2026-01-01T03:00:00.250Z', '2026-01-01T03:00:01.750Z'],
  ['R//PT1H', '2026-01-01T10:30:00Z', '2026-01-01T11:30:00Z'],
  [' R//PT1H ', '2026-01-01T10:30:00Z', '2026-01-01T11:30:00Z'],
  ['R5//PT1H', '2026-01-01T10:30:00Z', '2026-01-01T11:30:00Z'],
  ['R2//2026-01-01T10:45:00Z', '2026-01-01T10:30:00Z', '2026-01-01T10:45:00Z'],
  ['R/2026-01-01T03:00:00Z/2026-01-01T03:20:00Z', '2026-01-01T03:00:00Z', '2026-01-01T03:20:00Z'],
  ['R/2026-01-01T03:00:00Z/2026-01-01T03:00:01Z', '2026-01-01T03:00:00Z', '2026-01-01T03:00:01Z'],
  ['R999999999999999//PT1H', '2026-01-01T10:30:00Z', '2026-01-01T11:30:00Z'],
  ['R/0001-01-01T00:00:00Z/P1D', '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z'],
  ['R/2000-01-01T00:00:00Z/PT1S', '2026-01-01T00:00:01Z', '2026-01-01T00:00:02Z'],
];

const REFUSED: readonly (readonly [text: string, message: string])[] = [
  ['', 'it is empty; allowed are cron expressions'],
  ['   ', 'it is empty'],
  ['5', 'it has 1 field; allowed are 5 (minute hour day-of-month month day-of-week) or 6 (second first), a nickname'],
  ['* *', 'it has 2 fields; allowed are 5'],
  ['* * * *', 'it has 4 fields; allowed are 5'],
  ['* * * * * * *', 'it has 7 fields; allowed are 5 (minute hour day-of-month month day-of-week) or 6 (second first), and no year'],
  ['P1D', 'a repeating interval, which begins with R'],
  ['60 * * * *', 'the minute field reads "60": 60 is outside 0-59; allowed are 0-59, *, lists'],
  ['61 * * * * *', 'the second field reads "61": 61 is outside 0-59'],
  ['0 24 * * *', 'the hour field reads "24": 24 is outside 0-23'],
  ['0 0 0 * *', 'the day-of-month field reads "0": 0 is outside 1-31'],
  ['0 0 32 * *', 'the day-of-month field reads "32": 32 is outside 1-31'],
  ['0 0 * 13 *', 'the month field reads "13": 13 is outside 1-12; allowed are 1-12, JAN-DEC'],
  ['0 0 * * 8', 'the day-of-week field reads "8": 8 is outside 0-7; allowed are 0-7 (0 and 7 are Sunday)'],
  ['1,,2 * * * *', 'the minute field reads "": there is nothing between two commas'],
  ['1, * * * *', 'there is nothing between two commas'],
  ['5-1 * * * *', 'the minute field reads "5-1": the range 5-1 runs backwards'],
  ['0 0 * * FRI-MON', 'the range FRI-MON runs backwards'],
  ['0 22-30 * * *', 'the hour field reads "22-30": 22-30 is outside 0-23'],
  ['0 0 0-5 * *', 'the day-of-month field reads "0-5": 0-5 is outside 1-31'],
  ['1-3-2 * * * *', `"1-3-2" can't be read`],
  ['3-2-3 * * * *', `"3-2-3" can't be read`],
  ['X-0 * * * *', `"X-0" can't be read`],
  ['0 0 * DEC-JAN *', 'the range DEC-JAN runs backwards'],
  ['0 0 */32 * *', 'the step 32 is wider than the field, 1-31'],
  ['1/2X * * * *', 'the step "2X" is not a whole number from 1 up'],
  ['1/X2 * * * *', 'the step "X2" is not a whole number from 1 up'],
  ['*/0 * * * *', 'the step "0" is not a whole number from 1 up'],
  ['*/61 * * * *', 'the step 61 is wider than the field, 0-59'],
  ['*/x * * * *', 'the step "X" is not a whole number from 1 up'],
  ['1/2/3 * * * *', '"1/2/3" has more than one step'],
  ['-5 * * * *', 'the minute field reads "-5"'],
  ['1.5 * * * *', `"1.5" can't be read`],
  ['MON * * * *', `the minute field reads "MON": "MON" can't be read`],
  ['0 0 * FOO *', `the month field reads "FOO": "FOO" can't be read`],
  ['0 0 * * THURS', `"THURS" can't be read`],
  ['? * * * *', '? stands alone in the day-of-month or the day-of-week field'],
  ['0 0 ?/2 * *', '? stands alone in the day-of-month or the day-of-week field'],
  ['L * * * *', 'the minute field reads "L"'],
  ['0 0 3L * *', 'the day-of-month field reads "3L"'],
  ['0 0 L-3 * *', 'the day-of-month field reads "L-3"'],
  ['0 0 * * L', 'the day-of-week field reads "L"'],
  ['0 0 0W * *', 'the day-of-month field reads "0W": 0 is outside 1-31'],
  ['0 0 32W * *', '32 is outside 1-31'],
  ['0 0 1-5W * *', 'the day-of-month field reads "1-5W"'],
  ['0 0 15WX * *', 'the day-of-month field reads "15WX"'],
  ['0 0 W * *', 'the day-of-month field reads "W"'],
  ['0 0 * * 1W', 'the day-of-week field reads "1W"'],
  ['0 0 * * MON#6', '"MON#6" is not a weekday, # and a number from 1 to 5'],
  ...['8#1', 'X1#1', '1X#1', 'MON#12', 'MON#61', 'MON#1#2'].map(
    (item) => [`0 0 * * ${item}`, `"${item}" is not a weekday, # and a number from 1 to 5`] as const,
  ),
  ['0 0 * * #1', '"#1" is not a weekday, # and a number from 1 to 5'],
  ['0 0 1#1 * *', 'the day-of-month field reads "1#1"'],
  ['H(5 * * * *', '"H(5" can\'t be read; H stands alone or as H(a-b), H/step, H(a-b)/step'],
  ['H(9-5) * * * *', 'the minute field reads "H(9-5)": the range 9-5 runs backwards'],
  ['0 H(0-24) * * *', 'the hour field reads "H(0-24)": 0-24 is outside 0-23'],
  ['0 0 H(0-5) * *', 'the day-of-month field reads "H(0-5)": 0-5 is outside 1-31'],
  ['3H5 * * * *', `the minute field reads "3H5": "3H5" can't be read; allowed`],
  ['H/0 * * * *', 'the step 0 is not between 1 and 60'],
  ['H(0-9)/20 * * * *', 'the step 20 is not between 1 and 10, the number of values in 0-9'],
  ['H5 * * * *', '"H5" can\'t be read; H stands alone'],
  ['0 0 31 2 *', 'it never comes due: no day is day-of-month 31, month 2, day-of-week *'],
  ['0 0 30,31 FEB ?', 'it never comes due'],
  ['0 0 31W 4 *', 'it never comes due'],
  ['@reboot', '@reboot names no time; allowed are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly'],
  ['@every 5m', '@every is not supported; write a repeating interval, such as R//PT5M'],
  ['@fortnightly', 'it is no known nickname; allowed are @yearly'],
  ['@daily 5', 'it is no known nickname'],
  ['CRON_TZ=UTC 0 0 * * *', "a zone is not part of the expression; it is the job's timeZone"],
  ['TZ=UTC 0 0 * * *', "a zone is not part of the expression; it is the job's timeZone"],
  ['0 0 TZ=1 * *', 'the day-of-month field reads "TZ=1"'],
  [`${'0,'.repeat(600)}0 * * * *`, `Schedule "${'0,'.repeat(30)}…": it has more than 1000 characters`],
  [`* * * *${' '.repeat(994)}*`, 'it has more than 1000 characters'],
  ['R', 'it has 1 parts between slashes, not 3; allowed is R[n]/[start]/period'],
  ['R/PT1H', 'it has 2 parts between slashes, not 3'],
  ['R5', 'not 3'],
  ['R///PT1H', 'it has 4 parts between slashes, not 3'],
  ['r5//PT1H', 'a repeating interval begins with a capital R'],
  ['r//PT1H', 'a repeating interval begins with a capital R'],
  ['R-1//PT1H', '"R-1" is not R and a number of times; allowed is R (without end), R0, R1'],
  ['RR5//PT1H', '"RR5" is not R and a number of times'],
  ['R1.5//PT1H', '"R1.5" is not R and a number of times'],
  ['R1000000000000000//PT1H', 'the number of times has more than 15 digits'],
  ['R/P1D/2026-01-01T00:00:00Z', 'the period comes last'],
  ['R//P1DX', 'Duration "P1DX"'],
  ['R//PT1H30', 'Duration "PT1H30": its last number has no unit; allowed is'],
  ['R//-PT1H', '"-PT1H" is not an ISO 8601 date and time'],
  ['R//PT0S', 'the period PT0S is shorter than a second; allowed are periods of PT1S and more'],
  ['R//P0D', 'the period P0D is shorter than a second'],
  ['R//PT0.999S', 'the period PT0.999S is shorter than a second'],
  ['R//', '"" is not an ISO 8601 date and time'],
  ['R/2026-02-29T00:00:00Z/P1D', 'day 29 is outside 01-28 of 2026-02'],
  ['R/2026-02-00T00:00:00Z/P1D', 'day 00 is outside 01-28 of 2026-02'],
  ['R/2026-13-01T00:00:00Z/P1D', 'month 13 is outside 01-12'],
  ['R/0000-01-01T00:00:00Z/P1D', 'year 0000 is outside 0001-9999'],
  ['R/2026-01-01T24:00:00Z/P1D', 'hour 24 is outside 00-23'],
  ['R/2026-01-01T00:60:00Z/P1D', 'minute 60 is outside 00-59'],
  ['R/2026-01-01T00:00:60Z/P1D', 'second 60 is outside 00-59'],
  ['R/2026-01-01T00:00:00+16:00/P1D', 'offset +16:00 is outside -15:59 to +15:59'],
  ['R/0001-01-01T00:00:00+01:00/P1D', 'is outside the years 0001 to 9999'],
  ['R/9999-12-31T23:30:00-01:00/P1D', 'is outside the years 0001 to 9999'],
  ['R/2026-01-01Z/P1D', '"2026-01-01Z" is not an ISO 8601 date and time; allowed is a date and time such as 2026-01-01T03:00:00Z'],
  ['R/20260101T000000Z/P1D', '"20260101T000000Z" is not an ISO 8601 date and time'],
  ['R/2026-01-01 00:00:00Z/P1D', 'is not an ISO 8601 date and time'],
  [
    'R/2026-01-02T00:00:00Z/2026-01-01T00:00:00Z',
    'the end 2026-01-01T00:00:00.000Z is not at least a second after the start 2026-01-02T00:00:00.000Z',
  ],
];

for (const [text, first, second] of ACCEPTED) {
  test(`${text} is accepted and names its first two times of 2026`, () => {
    const schedule = compile(text);
    const one = schedule.next(Date.UTC(2026, 0, 1)) ?? Number.NaN;
    const two = schedule.next(one) ?? Number.NaN;
    assert.deepEqual(
      [new Date(one).toISOString(), new Date(two).toISOString()],
      [first, second].map((at) => new Date(at).toISOString()),
    );
    assert.equal(schedule.kind, text.trim().startsWith('R') ? 'repeating' : 'cron');
  });
}

for (const [text, message] of REFUSED) {
  test(`${JSON.stringify(text.slice(0, 60))} is refused with a message that says why`, () => {
    assert.throws(
      () => compile(text),
      (error) => {
        assert.ok(error instanceof ScheduleError);
        assert.equal(error.field, 'schedule');
        assert.equal(error.code, 'E_SCHEDULE');
        assert.ok(error.message.startsWith('Schedule "'), error.message);
        assert.ok(error.message.includes(message), error.message);
        return true;
      },
    );
  });
}

test('an expression of a thousand characters is read', () => {
  assert.equal(compile(`* * * *${' '.repeat(992)}*`).next(0), 60_000);
});

test('a year is mentioned only to those who may have written one', () => {
  const form = 'allowed are 5 (minute hour day-of-month month day-of-week) or 6 (second first)';
  assert.throws(() => compile('* * * * * * * *'), { message: `Schedule "* * * * * * * *": it has 8 fields; ${form}` });
});

test('what is wrong with an item is kept as the cause', () => {
  const thrown = (text: string): ScheduleError => {
    try {
      compile(text);
    } catch (error) {
      return error as ScheduleError;
    }
    throw new Error('it was read');
  };
  const item = thrown('0 0 * FOO *').cause;
  assert.ok(item instanceof CronItemError && item.item === 'FOO' && item.cause instanceof Error, 'down to what the parser said');
  assert.equal('cause' in thrown('* *'), false);
  assert.equal((thrown('R//P1DX').cause as ScheduleError).field, 'duration');
});

test('an unknown time zone is refused as such', () => {
  for (const timeZone of ['Mars/Olympus', '', '+02:00', 'Z', 'local', 'Europe/Berlin ', '../etc']) {
    assert.throws(
      () => compile('@daily', timeZone),
      (error) => error instanceof ScheduleError && error.field === 'timeZone' && /is not known; allowed are IANA names/.test(error.message),
    );
  }
});

test('of a long name of a zone a refusal shows the beginning', () => {
  const name = 'A'.repeat(100);
  assert.throws(() => compile('@daily', name), new RegExp(`Time zone "${name}" is`));
  assert.throws(() => compile('@daily', `${name}A`), new RegExp(`Time zone "${name}…" is`));
});

test('the zone is UTC unless one is given', () => {
  assert.equal(compile('0 3 * * *').next(ANCHOR), compile('0 3 * * *', 'UTC').next(ANCHOR));
});

test('equal cron schedules share one object, whatever the job and the spelling', () => {
  const of = (text: string, seed: string): Schedule => compileSchedule({ text, seed, anchor: 0, timeZone: 'Europe/Berlin' });
  assert.equal(of('@daily', 'a'), of('0  0 * * *', 'b'));
  assert.notEqual(of('@daily', 'a'), compile('@daily'));
});

test('a schedule stays within the years 1 to 9999', () => {
  const cron = compile('@yearly');
  assert.equal(cron.next(Date.UTC(9999, 0, 1)), undefined);
  assert.equal(cron.next(Number.POSITIVE_INFINITY), undefined);
  assert.equal(cron.next(Number.NEGATIVE_INFINITY), -62_135_596_800_000);
  assert.equal(cron.previous(-62_135_596_800_000), undefined);
  assert.equal(cron.previous(-62_135_596_799_999), -62_135_596_800_000);
  assert.equal(cron.count(Number.NEGATIVE_INFINITY, -62_135_596_800_000, 10), 1);
  assert.equal(compile('@yearly', 'America/New_York').previous(-62_135_596_799_999), undefined, 'there it is still the year 0');
  assert.equal(cron.previous(Number.POSITIVE_INFINITY), Date.UTC(9999, 0, 1));
  const repeating = compile('R/9999-12-31T00:00:00Z/P1D');
  assert.equal(repeating.next(Date.UTC(9999, 11, 31)), undefined);
  assert.equal(repeating.previous(Number.POSITIVE_INFINITY), Date.UTC(9999, 11, 31));
  assert.equal(compile('R/9999-12-31T23:59:59.999Z/P1D').next(0), 253_402_300_799_999);
});

test('instants between milliseconds are understood', () => {
  const schedule = compile('* * * * * *');
  assert.equal(schedule.next(999.5), 1000);
  assert.equal(schedule.next(1000.5), 2000);
  assert.equal(schedule.previous(1000.5), 1000);
  assert.equal(schedule.previous(1000), 0);
});

test.run();
