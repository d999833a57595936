/** Away from transitions cron-parser's own iteration is right: random expressions are compared with it, forwards and backwards. */

import assert from 'node:assert/strict';
import { CronExpressionParser } from 'cron-parser';
import fc from 'fast-check';
import { test } from 'uvu';
import { compileSchedule } from '../../../src/schedule/compile-schedule.ts';
import { DAY } from './wall-clock.ts';

const CASES = 2500;
const ZONES = [
  'UTC',
  'America/New_York',
  'Europe/Berlin',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Sydney',
  'America/Sao_Paulo',
  'Pacific/Kiritimati',
];
/** Days of 2026 and 2027 around which none of these zones changes its offset for weeks. */
const QUIET = [Date.UTC(2026, 0, 10), Date.UTC(2026, 5, 10), Date.UTC(2027, 6, 5), Date.UTC(2027, 11, 5)];
const QUIET_LENGTH = 30 * DAY;

function fieldOf(min: number, max: number): fc.Arbitrary<string> {
  const value = fc.integer({ min, max });
  const pair = fc.tuple(value, value).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  const step = fc.integer({ min: 1, max: Math.max(2, Math.floor((max - min) / 2)) });
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    { weight: 3, arbitrary: value.map(String) },
    fc.uniqueArray(value, { minLength: 2, maxLength: 4 }).map((values) => values.join(',')),
    pair.map(([a, b]) => `${a}-${b}`),
    step.map((s) => `*/${s}`),
    fc.tuple(pair, step).map(([[a, b], s]) => `${a}-${b}/${s}`),
  );
}

const dayOfMonth = fc.oneof({ weight: 4, arbitrary: fieldOf(1, 28) }, { weight: 1, arbitrary: fc.constantFrom('L', '?', '31', '29,30') });
const month = fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, fieldOf(1, 12), fc.constantFrom('JAN-MAR', 'JUN,JUL', 'DEC'));
const dayOfWeek = fc.oneof({ weight: 4, arbitrary: fieldOf(0, 6) }, fc.constantFrom('?', 'MON-FRI', 'SAT', '5L', '1#1', '5#3', '2#5', '7'));
const expression = fc
  .tuple(fc.option(fieldOf(0, 59), { nil: undefined, freq: 4 }), fieldOf(0, 59), fieldOf(0, 23), dayOfMonth, month, dayOfWeek)
  .map(([second, minute, hour, day, months, weekday]) => {
    // Only with a month that has the day, since expressions that never come due are refused.
    const mayLackDay = (day === '31' || day === '29,30') && (weekday === '*' || weekday === '?');
    return [second, minute, hour, day, mayLackDay ? '*' : months, weekday].filter((field) => field !== undefined).join(' ');
  });
const instant = fc.tuple(fc.constantFrom(...QUIET), fc.integer({ min: 0, max: QUIET_LENGTH })).map(([quiet, ms]) => quiet + ms);

function inQuiet(from: number, to: number): boolean {
  return QUIET.some((quiet) => Math.min(from, to) >= quiet && Math.max(from, to) <= quiet + QUIET_LENGTH);
}

test('next and previous agree with cron-parser wherever no clock changes', () => {
  let compared = 0;
  fc.assert(
    fc.property(expression, fc.constantFrom(...ZONES), instant, (text, timeZone, at) => {
      const schedule = compileSchedule({ text, timeZone, seed: '', anchor: 0 });
      const next = schedule.next(at);
      const previous = schedule.previous(at);
      if (next !== undefined && inQuiet(at, next)) {
        const theirs = CronExpressionParser.parse(text, { currentDate: new Date(at), tz: timeZone });
        assert.equal(next, theirs.next().getTime(), `next of ${text} in ${timeZone} after ${new Date(at).toISOString()}`);
        compared += 1;
      }
      // Its prev() treats the second that an instant lies in as not yet begun, so it is asked from the next whole one.
      const whole = Math.ceil(at / 1000) * 1000;
      if (previous !== undefined && inQuiet(previous, whole)) {
        const theirs = CronExpressionParser.parse(text, { currentDate: new Date(whole), tz: timeZone });
        assert.equal(previous, theirs.prev().getTime(), `previous of ${text} in ${timeZone} before ${new Date(at).toISOString()}`);
        compared += 1;
      }
    }),
    { numRuns: CASES },
  );
  assert.ok(compared > 2000, `only ${compared} answers could be compared`);
});

test.run();
