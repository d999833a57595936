/**
 * Every transition of every IANA zone from 2020 to 2040: cron and repeating schedules are compared with a wall clock read minute
 * by minute through Intl, and asked again from everywhere near the transition.
 */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { compileSchedule } from '../../../src/schedule/compile-schedule.ts';
import type { Schedule } from '../../../src/schedule/schedule.ts';
import { DAY, dueWhenRead, dueWhenReached, HOUR, MINUTE, type Observation, readingsOf, transitionsOf, wallClock } from './wall-clock.ts';

const FROM = Date.UTC(2020, 0, 1);
const TO = Date.UTC(2040, 0, 1);
const AROUND = 5 * HOUR;

const hourOf = (wall: number): number => Math.floor(wall / HOUR) % 24;
const minuteOf = (wall: number): number => Math.floor(wall / MINUTE) % 60;

interface Case {
  readonly text: string;
  readonly rule: 'reached' | 'read';
  readonly names: (wall: number) => boolean;
}

/** Some schedules that are the same everywhere, and some that aim at what the clock skips or repeats. */
function casesAt(wallBefore: number, wallAfter: number): readonly Case[] {
  const aimed = [wallBefore, wallBefore - 30 * MINUTE, wallBefore + 17 * MINUTE, wallAfter, wallAfter - MINUTE].map((wall): Case => {
    const [hour, minute] = [hourOf(wall), minuteOf(wall)];
    return { text: `${minute} ${hour} * * *`, rule: 'reached', names: (at) => hourOf(at) === hour && minuteOf(at) === minute };
  });
  return [
    ...aimed,
    { text: '*/20 0-22 * * *', rule: 'reached', names: (wall) => minuteOf(wall) % 20 === 0 && hourOf(wall) <= 22 },
    { text: '0 */2 * * *', rule: 'reached', names: (wall) => minuteOf(wall) === 0 && hourOf(wall) % 2 === 0 },
    { text: '10,40 * * * *', rule: 'read', names: (wall) => [10, 40].includes(minuteOf(wall)) },
    { text: '@hourly', rule: 'read', names: (wall) => minuteOf(wall) === 0 },
  ];
}

function sequence(schedule: Schedule, from: number, to: number): number[] {
  const times: number[] = [];
  for (let at = schedule.next(from); at !== undefined && at <= to; at = schedule.next(at)) {
    assert.ok(at > (times.at(-1) ?? from), 'next(t) > t');
    times.push(at);
  }
  return times;
}

/** Wherever one asks from, the answers are those of the sequence. */
function assertSameFromEverywhere(schedule: Schedule, times: readonly number[], { from, to }: { from: number; to: number }): void {
  for (let at = from; at < to; at += 7 * MINUTE + 13_333) {
    const next = times.find((time) => time > at);
    if (next !== undefined) assert.equal(schedule.next(at), next);
    const previous = times.findLast((time) => time < at);
    if (previous !== undefined) assert.equal(schedule.previous(at), previous);
    assert.equal(schedule.count(from, at, 1000), times.filter((time) => time <= at).length);
  }
  for (const [index, time] of times.entries()) {
    const next = times[index + 1];
    if (next === undefined) continue;
    assert.equal(schedule.previous(next), time);
    assert.equal(schedule.next(time), next);
    assert.equal(schedule.count(time, next, 10), 1);
  }
}

function checkCron(timeZone: string, transition: number, observation: Observation): number {
  const { from, readings } = observation;
  const to = from + (readings.length - 1) * MINUTE;
  const index = (transition - from) / MINUTE;
  const cases = casesAt((readings[index - 1] ?? 0) + MINUTE, readings[index] ?? 0);
  for (const { text, rule, names } of cases) {
    const schedule = compileSchedule({ text, timeZone, seed: '', anchor: 0 });
    const times = sequence(schedule, from, to);
    const expected = rule === 'read' ? dueWhenRead(observation, names) : dueWhenReached(observation, names);
    assert.deepEqual(times, expected, `${text} in ${timeZone} around ${new Date(transition).toISOString()}`);
    assertSameFromEverywhere(schedule, times, { from, to });
  }
  return cases.length;
}

function checkRepeating(timeZone: string, transition: number, observation: Observation): void {
  const { from, readings } = observation;
  const to = from + (readings.length - 1) * MINUTE;
  const wall = (readings[(transition - from) / MINUTE - 1] ?? 0) + 15 * MINUTE;
  const start = new Date(wall - 3 * 7 * DAY).toISOString().slice(0, -5);
  const daily = compileSchedule({ text: `R/${start}/P1D`, timeZone, seed: '', anchor: 0 });
  const named = (at: number): boolean => (at - wall) % DAY === 0;
  const times = sequence(daily, from, to);
  assert.deepEqual(times, dueWhenReached(observation, named), `daily from ${start} in ${timeZone}`);
  assertSameFromEverywhere(daily, times, { from, to });
  const exact = compileSchedule({ text: `R/${start}/PT37M`, timeZone, seed: '', anchor: 0 });
  const every37 = sequence(exact, from, to);
  assert.ok(every37.every((time, index) => index === 0 || time - (every37[index - 1] ?? 0) === 37 * MINUTE));
  assertSameFromEverywhere(exact, every37, { from, to });
}

test('every transition of every zone in 2020-2040: next, previous and count follow the wall clock, from wherever they are asked', () => {
  let transitions = 0;
  let schedules = 0;
  for (const timeZone of Intl.supportedValuesOf('timeZone')) {
    for (const transition of transitionsOf(timeZone, FROM, TO)) {
      const from = transition - AROUND;
      const observation = { from, readings: readingsOf(timeZone, from, transition + AROUND) };
      schedules += checkCron(timeZone, transition, observation);
      checkRepeating(timeZone, transition, observation);
      transitions += 1;
    }
  }
  assert.ok(transitions > 4000, `only ${transitions} transitions were found`);
  assert.ok(schedules > 9 * 4000);
});

test('daily and yearly wall times are kept in every zone over the years', () => {
  for (const timeZone of Intl.supportedValuesOf('timeZone')) {
    const read = wallClock(timeZone);
    const schedules = ['0 12 1 * *', 'R/2020-01-01T12:00/P1M'].map((text) => compileSchedule({ text, timeZone, seed: '', anchor: 0 }));
    const [cron, repeating] = schedules.map((schedule) => sequence(schedule, FROM + DAY, Date.UTC(2024, 0, 1)));
    assert.deepEqual(cron, repeating);
    for (const time of cron ?? []) assert.equal(hourOf(read(time)) * 60 + minuteOf(read(time)), 720, `${timeZone} ${time}`);
  }
});

test.run();
