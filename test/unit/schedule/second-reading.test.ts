/** The reading of schedules that the simulation's rules go by agrees with the product's, where clocks change and elsewhere. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { compileSchedule } from '../../../src/schedule/compile-schedule.ts';
import { readSchedule } from '../../invariants/read-schedule.ts';

const test = suite('second reading');

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/St_Johns'];
const FROM = ['2026-03-07T20:00:00Z', '2026-03-28T22:00:00Z', '2026-04-04T10:00:00Z', '2026-10-03T12:00:00.250Z', '2026-10-24T20:00:00Z'];
const TEXTS = [
  ...['* * * * *', '*/5 * * * *', '30 1-3 * * *', '15 2 * * *', '@daily', '@hourly', '*/20 0-22 * * *', '15,45 */7 1-23 * * *'],
  ...['15 9 15W * *', '0 9 * * MON#2', '0 0 ? JAN-DEC FRI', '30 2 29 2 *', '0 3 L * *', '0 3 LW * *', '0 3 1W * 0', '0 4 31W * *'],
  ...['*/9 * * * 0L', '0 5 13 * 5', '0 5 */2 * *', '0 5 * * */2', '0 5 5/10 2,8 *', '@weekly', '@monthly', '@yearly', '10 * * * 7'],
  ...['H * * * *', 'H H * * *', 'H/20 * * * *', 'H(0-5) * * * *', 'H H * * H', 'H H ? H H', 'H(3-50)/7 H/5 * * *'],
  ...['*/9 * L * *', '*/7 * ? * 0L', '*/6 * * * SUN#1,SUN#2', '*/8 0-22 * * SAT#1', '*/5 * LW * *', '*/10 * 15W,1W,LW * 5L'],
  ...['H H H H ?', 'H H ? * H', 'H/25 H(0-3),4-23 * * *', '45 30 */2 * * *', '5,35 */1 * * *', '*/20 */2 0-22 * * *', '*/4 1-23 * * *'],
  ...['R//PT1H', 'R5//PT90S', 'R/2026-03-01T02:30:00/P1D', 'R/2025-10-31T01:30:00Z/P1M', 'R3/2026-03-28/P1D', 'R/2020-02-29T12:00:00Z/P1Y'],
  ...['R/2026-01-31T02:15:00+05:30/P1MT30M', 'R/2026-03-01T00:00Z/P1DT1H', 'R0//PT1S', 'R/2026-03-01T00:00/2026-03-02T06:00', 'R//P1W'],
  // Within the last and the first minute of an hour that a clock may leave out or repeat.
  ...['R/2026-03-01T01:59:52.700/P1D', 'R/2026-03-01T00:59:59.999/P1D', 'R/2026-03-01T02:00:07.100/P1D', 'R/2026-03-01T01:00:00.001/P1D'],
  ...['R/2026-03-01T02:29:30/P1D', 'R/2026-03-01T02:59:59.999/P1D', 'R/2026-03-01T01:30:20.5/P1D', 'R/2014-03-08T05:29:52.700Z/P1Y'],
];

test('both name the same times, forwards and back', () => {
  for (const text of TEXTS) {
    for (const timeZone of ZONES) {
      for (const from of FROM) {
        const input = { text, timeZone, seed: `job.${text.length}`, anchor: Date.parse(from) };
        const [theirs, own] = [compileSchedule(input), readSchedule(input)];
        let at: number | undefined = input.anchor - 1;
        for (let left = 60; left > 0 && at !== undefined; left--) {
          const what: string = `${text} in ${timeZone} after ${new Date(at).toISOString()}`;
          const before: number = at;
          assert.equal(own.next(before), theirs.next(before), what);
          assert.equal(own.previous(before), theirs.previous(before), `${what}, back`);
          at = theirs.next(before);
          // Not only from one nominal time to the next.
          const between = before + 777_000;
          assert.equal(own.next(between), theirs.next(between), `${what}, and a while`);
          assert.equal(own.previous(between), theirs.previous(between), `${what}, and a while, back`);
        }
        assert.equal(
          own.count(input.anchor, input.anchor + 86_400_000, 500),
          theirs.count(input.anchor, input.anchor + 86_400_000, 500),
          text,
        );
      }
    }
  }
});

test.run();
