/** Properties of random schedules asked near random transitions of every zone, and far from any. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'uvu';
import { compileSchedule } from '../../../src/schedule/compile-schedule.ts';
import type { Schedule } from '../../../src/schedule/schedule.ts';
import { DAY, transitionsOf } from './wall-clock.ts';

const RUNS = 3000;
const STEPS = 8;
const ZONES = Intl.supportedValuesOf('timeZone');

const value = (min: number, max: number): fc.Arbitrary<string> => fc.integer({ min, max }).map(String);
const field = (min: number, max: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant('*'),
    value(min, max),
    fc.uniqueArray(value(min, max), { minLength: 2, maxLength: 4 }).map((all) => all.join(',')),
    fc.constant('H'),
  );
const cron = fc
  .tuple(
    fc.constantFrom('', '0 ', '* ', '*/13 ', '5,59 '),
    field(0, 59),
    fc.oneof(field(0, 4), field(0, 23)),
    fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, fc.constantFrom('L', 'LW', '15W', '1,15', '31')),
    fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, fc.constantFrom('3,10', '*/2')),
    fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, fc.constantFrom('SUN', '1-5', '5L', 'SUN#1', '0#2')),
  )
  .map(([second, ...fields]) => `${second}${fields.join(' ')}`);
const period = fc.constantFrom(
  'PT1S',
  'PT30S',
  'PT37M',
  'PT1H',
  'PT24H',
  'P1D',
  'P2D',
  'P1W',
  'P1M',
  'P3M',
  'P1Y',
  'P1DT1H',
  'P1M2DT3H4M5.678S',
);
const interval = fc
  .tuple(
    fc.constantFrom('R', 'R40', 'R500000000'),
    fc.integer({ min: Date.UTC(2015, 0, 1), max: Date.UTC(2025, 0, 1) }),
    fc.boolean(),
    period,
  )
  .map(
    ([repetitions, start, local, length]) => `${repetitions}/${new Date(start).toISOString().slice(0, local ? -1 : undefined)}/${length}`,
  );

const knownTransitions = new Map<string, readonly number[]>();

/** An instant within a day and a half of a transition of the zone, or anywhere where it has none. */
function instantNear(timeZone: string, choice: number): number {
  let transitions = knownTransitions.get(timeZone);
  if (transitions === undefined) {
    transitions = transitionsOf(timeZone, Date.UTC(2020, 0, 1), Date.UTC(2040, 0, 1));
    knownTransitions.set(timeZone, transitions);
  }
  const transition = transitions[Math.floor(choice * transitions.length)] ?? Date.UTC(2020 + choice * 20, 3, 4);
  return transition + Math.floor((((choice * 1e6) % 1) - 0.5) * 3 * DAY);
}

const situation = fc.record({
  text: fc.oneof(cron, interval),
  timeZone: fc.constantFrom(...ZONES),
  choice: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});

function forAll(check: (schedule: Schedule, at: number, name: string) => void): void {
  fc.assert(
    fc.property(situation, ({ text, timeZone, choice }) => {
      const schedule = compileSchedule({ text, timeZone, seed: `job-${choice}`, anchor: 0 });
      const at = instantNear(timeZone, choice);
      check(schedule, at, `${text} in ${timeZone} at ${new Date(at).toISOString()}`);
    }),
    { numRuns: RUNS },
  );
}

function timesAfter(schedule: Schedule, at: number): number[] {
  const times: number[] = [];
  for (let time = schedule.next(at); time !== undefined && times.length < STEPS; time = schedule.next(time)) times.push(time);
  return times;
}

test('the next time is later and the previous one earlier than what was asked', () => {
  forAll((schedule, at, name) => {
    const next = schedule.next(at);
    const previous = schedule.previous(at);
    assert.ok(next === undefined || next > at, name);
    assert.ok(previous === undefined || previous < at, name);
  });
});

test('next and previous undo each other on nominal times', () => {
  forAll((schedule, at, name) => {
    const times = timesAfter(schedule, at);
    for (const [index, time] of times.entries()) {
      if (index > 0) assert.equal(schedule.previous(time), times[index - 1], name);
    }
    const previous = schedule.previous(at);
    if (previous === undefined) return;
    const following = schedule.next(previous);
    assert.ok(following === undefined || following >= at, name);
    assert.equal(following === at ? schedule.next(at) : following, times[0], name);
  });
});

test('asked again from anywhere between two times, the answer is the same', () => {
  forAll((schedule, at, name) => {
    const times = timesAfter(schedule, at);
    for (const [index, time] of times.entries()) {
      const before = times[index - 1] ?? at;
      for (const part of [0, 0.01, 0.5, 0.99]) {
        const asked = Math.floor(before + (time - before) * part);
        if (asked < time) assert.equal(schedule.next(asked), time, name);
        if (asked > before && index > 0) assert.equal(schedule.previous(asked), before, name);
      }
      assert.equal(schedule.next(time - 1), time, name);
      assert.equal(schedule.previous(time + 1), time, name);
    }
  });
});

test('a count agrees with walking, whole and in parts', () => {
  forAll((schedule, at, name) => {
    const times = timesAfter(schedule, at);
    const last = times.at(-1) ?? at + DAY;
    assert.equal(schedule.count(at, last, 1000), times.length, name);
    assert.equal(schedule.count(at, last, 3), Math.min(3, times.length), name);
    const middle = Math.floor((at + last) / 2);
    const parts = schedule.count(at, middle, Number.POSITIVE_INFINITY) + schedule.count(middle, last, Number.POSITIVE_INFINITY);
    assert.equal(parts, times.length, name);
    const year = at + 365 * DAY;
    const newest = schedule.previous(year + 1);
    const whole = schedule.count(at, year, Number.POSITIVE_INFINITY);
    if (newest !== undefined && newest > at) assert.equal(whole, schedule.count(at, newest, Number.POSITIVE_INFINITY), name);
    else assert.equal(whole, 0, name);
  });
});

test('a schedule compiled anew agrees with one that has been asked', () => {
  forAll((schedule, at, name) => {
    const repeating = `R/2020-02-29T01:30/P1D`;
    const used = compileSchedule({ text: repeating, timeZone: 'Europe/Rome', seed: '', anchor: 0 });
    used.next(at + 900 * DAY);
    used.previous(at - 900 * DAY);
    const fresh = compileSchedule({ text: repeating, timeZone: 'Europe/Rome', seed: '', anchor: 0 });
    assert.equal(used.next(at), fresh.next(at), name);
    const first = schedule.next(at);
    schedule.next(at + 4000 * DAY);
    schedule.previous(at - 4000 * DAY);
    assert.equal(schedule.next(at), first, name);
  });
});

test.run();
