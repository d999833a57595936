/** The DST rule spelled out for zones that have caught schedulers out: what is due on the days of a change, by hand. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { compileSchedule } from '../../../src/schedule/compile-schedule.ts';

interface Row {
  readonly zone: string;
  readonly what: string;
  readonly text: string;
  readonly from: string;
  readonly due: readonly string[];
}

const ROWS: readonly Row[] = [
  // 8 March 2026: 02:00 -05:00 becomes 03:00 -04:00, at 07:00Z.
  {
    zone: 'America/New_York',
    what: 'a time in the gap',
    text: '30 2 * * *',
    from: '2026-03-07T12:00Z',
    due: ['2026-03-08T07:00Z', '2026-03-09T06:30Z'],
  },
  {
    zone: 'America/New_York',
    what: 'two times in the gap',
    text: '0,45 2 * * *',
    from: '2026-03-07T12:00Z',
    due: ['2026-03-08T07:00Z', '2026-03-09T06:00Z', '2026-03-09T06:45Z'],
  },
  {
    zone: 'America/New_York',
    what: 'the gap and its end',
    text: '30 2,3 * * *',
    from: '2026-03-08T00:00Z',
    due: ['2026-03-08T07:00Z', '2026-03-08T07:30Z'],
  },
  {
    zone: 'America/New_York',
    what: 'the gap beside a time at its end',
    text: '0 2,3 * * *',
    from: '2026-03-08T00:00Z',
    due: ['2026-03-08T07:00Z', '2026-03-09T06:00Z'],
  },
  {
    zone: 'America/New_York',
    what: 'every second hour over the gap',
    text: '0 */2 * * *',
    from: '2026-03-08T04:30Z',
    due: ['2026-03-08T05:00Z', '2026-03-08T07:00Z', '2026-03-08T08:00Z'],
  },
  {
    zone: 'America/New_York',
    what: 'every hour over the gap',
    text: '30 * * * *',
    from: '2026-03-08T06:00Z',
    due: ['2026-03-08T06:30Z', '2026-03-08T07:30Z', '2026-03-08T08:30Z'],
  },
  {
    zone: 'America/New_York',
    what: 'a second in the gap',
    text: '15 30 2 * * *',
    from: '2026-03-08T00:00Z',
    due: ['2026-03-08T07:00Z', '2026-03-09T06:30:15Z'],
  },
  {
    zone: 'America/New_York',
    what: 'a repeating day in the gap',
    text: 'R/2026-03-07T02:30/P1D',
    from: '2026-03-07T00:00Z',
    due: ['2026-03-07T07:30Z', '2026-03-08T07:00Z', '2026-03-09T06:30Z'],
  },
  {
    zone: 'America/New_York',
    what: 'a repeating start in the gap',
    text: 'R/2026-03-08T02:30/P1D',
    from: '2026-03-07T00:00Z',
    due: ['2026-03-08T07:00Z', '2026-03-09T06:30Z'],
  },
  {
    zone: 'America/New_York',
    what: 'repeating exact hours over the gap',
    text: 'R/2026-03-07T02:30/PT24H',
    from: '2026-03-07T00:00Z',
    due: ['2026-03-07T07:30Z', '2026-03-08T07:30Z', '2026-03-09T07:30Z'],
  },
  // 1 November 2026: 02:00 -04:00 becomes 01:00 -05:00, at 06:00Z.
  {
    zone: 'America/New_York',
    what: 'a time in the repeated hour',
    text: '30 1 * * *',
    from: '2026-10-31T12:00Z',
    due: ['2026-11-01T05:30Z', '2026-11-02T06:30Z'],
  },
  {
    zone: 'America/New_York',
    what: 'the repeated hour, asked in its second pass',
    text: '30 1 * * *',
    from: '2026-11-01T06:10Z',
    due: ['2026-11-02T06:30Z'],
  },
  {
    zone: 'America/New_York',
    what: 'steps within a fixed repeated hour',
    text: '*/30 1 * * *',
    from: '2026-11-01T00:00Z',
    due: ['2026-11-01T05:00Z', '2026-11-01T05:30Z', '2026-11-02T06:00Z'],
  },
  {
    zone: 'America/New_York',
    what: 'every hour over the repeated one',
    text: '30 * * * *',
    from: '2026-11-01T05:00Z',
    due: ['2026-11-01T05:30Z', '2026-11-01T06:30Z', '2026-11-01T07:30Z'],
  },
  {
    zone: 'America/New_York',
    what: 'all 24 hours written out',
    text: '30 0-23 * * *',
    from: '2026-11-01T05:00Z',
    due: ['2026-11-01T05:30Z', '2026-11-01T06:30Z', '2026-11-01T07:30Z'],
  },
  {
    zone: 'America/New_York',
    what: 'a repeating day in the repeated hour',
    text: 'R/2026-10-31T01:30/P1D',
    from: '2026-10-31T00:00Z',
    due: ['2026-10-31T05:30Z', '2026-11-01T05:30Z', '2026-11-02T06:30Z'],
  },
  {
    zone: 'America/New_York',
    what: 'a repeating start given in the second pass',
    text: 'R/2026-11-01T01:30-05:00/P1D',
    from: '2026-10-31T00:00Z',
    due: ['2026-11-01T06:30Z', '2026-11-02T06:30Z'],
  },
  // 29 March 2026: 02:00 becomes 03:00 at 01:00Z; 25 October 2026: 03:00 becomes 02:00 at 01:00Z.
  {
    zone: 'Europe/Berlin',
    what: 'a time in the gap',
    text: '30 2 * * *',
    from: '2026-03-28T12:00Z',
    due: ['2026-03-29T01:00Z', '2026-03-30T00:30Z'],
  },
  {
    zone: 'Europe/Berlin',
    what: 'a time in the repeated hour',
    text: '30 2 * * *',
    from: '2026-10-24T12:00Z',
    due: ['2026-10-25T00:30Z', '2026-10-26T01:30Z'],
  },
  {
    zone: 'Europe/Berlin',
    what: 'a day and a half over the gap',
    text: 'R/2026-03-28T00:00/P1DT12H',
    from: '2026-03-27T00:00Z',
    due: ['2026-03-27T23:00Z', '2026-03-29T11:00Z', '2026-03-30T22:00Z'],
  },
  // 30 minutes: 4 October 2026 02:00 +10:30 becomes 02:30 +11, at 15:30Z of the 3rd; 5 April 2026 02:00 +11 becomes 01:30 +10:30, at 15:00Z of the 4th.
  {
    zone: 'Australia/Lord_Howe',
    what: 'a time in the half-hour gap',
    text: '15 2 * * *',
    from: '2026-10-03T00:00Z',
    due: ['2026-10-03T15:30Z', '2026-10-04T15:15Z'],
  },
  {
    zone: 'Australia/Lord_Howe',
    what: 'every hour over the half-hour gap',
    text: '0 * * * *',
    from: '2026-10-03T14:00Z',
    due: ['2026-10-03T14:30Z', '2026-10-03T16:00Z', '2026-10-03T17:00Z'],
  },
  {
    zone: 'Australia/Lord_Howe',
    what: 'every quarter over the half-hour gap',
    text: '*/15 * * * *',
    from: '2026-10-03T15:00Z',
    due: ['2026-10-03T15:15Z', '2026-10-03T15:30Z', '2026-10-03T15:45Z'],
  },
  {
    zone: 'Australia/Lord_Howe',
    what: 'a time in the repeated half hour',
    text: '45 1 * * *',
    from: '2026-04-04T00:00Z',
    due: ['2026-04-04T14:45Z', '2026-04-05T15:15Z'],
  },
  {
    zone: 'Australia/Lord_Howe',
    what: 'every hour over the repeated half hour',
    text: '40 * * * *',
    from: '2026-04-04T14:00Z',
    due: ['2026-04-04T14:40Z', '2026-04-04T15:10Z', '2026-04-04T16:10Z'],
  },
  // Midnight itself: 8 March 2026 00:00 becomes 01:00 at 05:00Z; 1 November 2026 01:00 becomes 00:00 at 05:00Z.
  {
    zone: 'America/Havana',
    what: 'a midnight in the gap',
    text: '@daily',
    from: '2026-03-07T12:00Z',
    due: ['2026-03-08T05:00Z', '2026-03-09T04:00Z'],
  },
  {
    zone: 'America/Havana',
    what: 'a midnight that comes twice',
    text: '@daily',
    from: '2026-10-31T12:00Z',
    due: ['2026-11-01T04:00Z', '2026-11-02T05:00Z'],
  },
  {
    zone: 'America/Havana',
    what: 'an end of day beside a repeated midnight',
    text: '59 23 * * *',
    from: '2026-10-31T12:00Z',
    due: ['2026-11-01T03:59Z', '2026-11-02T04:59Z'],
  },
  // 24 April 2026 00:00 becomes 01:00 at 22:00Z of the 23rd; 29 October 2026 24:00 becomes 23:00 at 21:00Z.
  {
    zone: 'Africa/Cairo',
    what: 'a midnight in the gap',
    text: '0 0 * * *',
    from: '2026-04-23T12:00Z',
    due: ['2026-04-23T22:00Z', '2026-04-24T21:00Z'],
  },
  {
    zone: 'Africa/Cairo',
    what: 'a late evening that comes twice',
    text: '30 23 * * *',
    from: '2026-10-29T12:00Z',
    due: ['2026-10-29T20:30Z', '2026-10-30T21:30Z'],
  },
  {
    zone: 'Africa/Cairo',
    what: 'a weekday whose midnight is in the gap',
    text: '0 0 * * FRI',
    from: '2026-04-20T12:00Z',
    due: ['2026-04-23T22:00Z', '2026-04-30T21:00Z'],
  },
  {
    zone: 'Africa/Cairo',
    what: 'the midnight after the repeated evening',
    text: '0 0 * * *',
    from: '2026-10-29T12:00Z',
    due: ['2026-10-29T22:00Z', '2026-10-30T22:00Z'],
  },
  // 6 September 2026 00:00 becomes 01:00 at 04:00Z; 4 April 2026 24:00 becomes 23:00 at 03:00Z of the 5th.
  {
    zone: 'America/Santiago',
    what: 'a midnight in the gap',
    text: '0 0 * * *',
    from: '2026-09-05T12:00Z',
    due: ['2026-09-06T04:00Z', '2026-09-07T03:00Z'],
  },
  {
    zone: 'America/Santiago',
    what: 'the last hour of a day twice',
    text: '15 23 * * SAT',
    from: '2026-04-04T00:00Z',
    due: ['2026-04-05T02:15Z', '2026-04-12T03:15Z'],
  },
  {
    zone: 'America/Santiago',
    what: 'a month that begins in the gap',
    text: 'R/2024-08-08T00:00/P1M',
    from: '2024-08-10T00:00Z',
    due: ['2024-09-08T04:00Z', '2024-10-08T03:00Z'],
  },
  // A day that never was: 30 December 2011, left out at 10:00Z.
  {
    zone: 'Pacific/Apia',
    what: 'noon of the day left out',
    text: '0 12 * * *',
    from: '2011-12-29T12:00Z',
    due: ['2011-12-29T22:00Z', '2011-12-30T10:00Z', '2011-12-30T22:00Z'],
  },
  {
    zone: 'Pacific/Apia',
    what: 'a repeating day over the day left out',
    text: 'R/2011-12-29T12:00/P1D',
    from: '2011-12-29T12:00Z',
    due: ['2011-12-29T22:00Z', '2011-12-30T10:00Z', '2011-12-30T22:00Z'],
  },
  {
    zone: 'Pacific/Apia',
    what: 'every hour over the day left out',
    text: '0 * * * *',
    from: '2011-12-30T08:30Z',
    due: ['2011-12-30T09:00Z', '2011-12-30T10:00Z', '2011-12-30T11:00Z'],
  },
];

for (const { zone, what, text, from, due } of ROWS) {
  test(`${zone}, ${what}: ${text} from ${from}`, () => {
    const schedule = compileSchedule({ text, timeZone: zone, seed: '', anchor: 0 });
    const times: number[] = [];
    for (let at: number | undefined = Date.parse(from); times.length < due.length; ) {
      at = schedule.next(at);
      if (at === undefined) break;
      times.push(at);
    }
    const expected = due.map((time) => Date.parse(time));
    assert.deepEqual(iso(times), iso(expected));
    assert.deepEqual(iso(backwards(expected)), iso(expected));
    assert.equal(schedule.count(Date.parse(from), expected.at(-1) ?? 0, 100), expected.length);

    function backwards(forwards: readonly number[]): number[] {
      let at: number | undefined = (forwards.at(-1) ?? 0) + 1;
      return forwards
        .map(() => {
          at = schedule.previous(at ?? Number.NaN);
          return at ?? Number.NaN;
        })
        .reverse();
    }
  });
}

function iso(times: readonly number[]): readonly string[] {
  return times.map((time) => new Date(time).toISOString());
}

test.run();
