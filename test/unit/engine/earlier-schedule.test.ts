/** What a state still knows of the schedule before, by itself: edits as they happen are in replaced-schedules and in the simulation. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { beginningOf, ownSchedule, scheduleBefore, scheduleInState } from '../../../src/engine/earlier-schedule.ts';
import type { JobState } from '../../../src/engine/records.ts';
import type { Slot } from '../../../src/engine/world.ts';
import { compileSchedule } from '../../../src/schedule/compile-schedule.ts';

const test = suite('earlier-schedule');
const HOUR = 3_600_000;
const START = Date.parse('2026-01-01T00:00:00Z');
const HOURLY = { text: 'R/2026-01-01T00:00:00Z/PT1H' };

/** The job's schedule names every half hour. */
function slotOf(state: Partial<JobState>): Slot {
  const schedule = compileSchedule({ text: 'R/2026-01-01T00:00:00Z/PT30M', seed: 'etl', anchor: START });
  return { name: 'etl', job: { schedule }, state: { cursor: 0, scheduledSince: START, ...state } } as unknown as Slot;
}

const hours = (...numbers: number[]): number[] => numbers.map((number) => START + number * HOUR);

test('a state keeps the schedule and its time zone, and nothing where there is none', () => {
  assert.deepEqual(scheduleInState({ name: 'etl', schedule: '0 3 * * *', timeZone: 'Europe/Berlin' } as never), {
    schedule: { text: '0 3 * * *', timeZone: 'Europe/Berlin' },
  });
  assert.deepEqual(scheduleInState({ name: 'etl', schedule: '@daily' } as never), { schedule: { text: '@daily' } });
  assert.deepEqual(scheduleInState({ name: 'etl' } as never), {});
});

test('it is read in its zone and from its anchor', () => {
  const berlin = scheduleBefore(slotOf({ schedule: { text: '0 3 * * *', timeZone: 'Europe/Berlin' } }));
  assert.equal(berlin?.next(START), START + 2 * HOUR);
  const open = scheduleBefore(slotOf({ schedule: { text: 'R//PT1H' }, scheduledSince: START + 5 }));
  assert.equal(open?.next(START), START + 5);
  assert.equal(scheduleBefore(slotOf({})), undefined);
  assert.equal(scheduleBefore({ name: 'etl', state: undefined } as unknown as Slot), undefined);
});

test('a new schedule begins when it was set, where the old one has decided nothing after that', () => {
  const slot = slotOf({ schedule: HOURLY, cursor: START + 2 * HOUR });
  assert.deepEqual(beginningOf(slot, START + 2 * HOUR + 1), { cursor: START + 2 * HOUR });
});

test('what the old one had decided by then, the moment itself included, is kept in order', () => {
  const slot = slotOf({ schedule: HOURLY, cursor: START + 4 * HOUR });
  assert.deepEqual(beginningOf(slot, START + 2 * HOUR), { cursor: START + 2 * HOUR - 1, ahead: hours(2, 3, 4) });
});

test('so is what a schedule before that one had decided, from the new beginning on', () => {
  const slot = slotOf({ schedule: HOURLY, cursor: START + 3 * HOUR, ahead: hours(1.5, 2.5, 3, 7.5) });
  assert.deepEqual(beginningOf(slot, START + 2.5 * HOUR), { cursor: START + 2.5 * HOUR - 1, ahead: hours(2.5, 3, 7.5) });
});

test('of more than a hundred times the newest are kept, and the new schedule begins after the others', () => {
  const slot = slotOf({ schedule: HOURLY, cursor: START + 300 * HOUR });
  const { cursor, ahead } = beginningOf(slot, START + 10 * HOUR);
  assert.equal(cursor, START + 200 * HOUR);
  assert.deepEqual(
    ahead,
    Array.from({ length: 100 }, (_, index) => START + (201 + index) * HOUR),
  );
});

test('a hundred are kept, all of them', () => {
  const { cursor, ahead } = beginningOf(slotOf({ schedule: HOURLY, cursor: START + 109 * HOUR }), START + 10 * HOUR);
  assert.equal(cursor, START + 10 * HOUR - 1);
  assert.equal(ahead?.length, 100);
});

test('an old schedule that had not begun by then has decided nothing', () => {
  const slot = slotOf({ schedule: { text: 'R2/2026-01-01T05:00:00Z/PT1H' }, cursor: START + HOUR });
  assert.deepEqual(beginningOf(slot, START + HOUR), { cursor: START + HOUR - 1 });
});

test('of a schedule that is not known nobody can tell what it has decided', () => {
  assert.deepEqual(beginningOf(slotOf({ cursor: START + 4 * HOUR }), START + 2 * HOUR), { cursor: START + 4 * HOUR });
  assert.deepEqual(beginningOf(slotOf({ cursor: START }), START + 2 * HOUR), { cursor: START + 2 * HOUR - 1 });
});

test('times that were decided are none of the schedule’s own', () => {
  const own = ownSchedule(slotOf({ ahead: hours(1, 1.5, 3) }));
  assert.equal(own?.next(START + 0.5 * HOUR), START + 2 * HOUR);
  assert.equal(own?.next(START + 2 * HOUR), START + 2.5 * HOUR);
  assert.equal(own?.previous(START + 2 * HOUR), START + 0.5 * HOUR);
  assert.equal(own?.previous(START + 0.5 * HOUR), START);
  assert.equal(own?.previous(START), undefined);
  assert.equal(ownSchedule({ name: 'etl', job: undefined, state: undefined } as unknown as Slot), undefined);
});

test('nor do they count, unless the schedule does not name them at all', () => {
  const own = ownSchedule(slotOf({ ahead: [...hours(1, 1.5), START + 2 * HOUR + 1, ...hours(3)] }));
  // 0.5, 2, 2.5 of 0.5, 1, 1.5, 2, 2.5
  assert.equal(own?.count(START, START + 2.5 * HOUR, 100), 3);
  assert.equal(own?.count(START + HOUR, START + 3 * HOUR, 100), 2);
  assert.equal(own?.count(START, START + 2.5 * HOUR, 2), 2);
  const plain = ownSchedule(slotOf({}));
  assert.equal(plain?.count(START, START + 2.5 * HOUR, 100), 5);
});

test('a schedule of which all that is left was decided has no next time', () => {
  const schedule = compileSchedule({ text: 'R2/2026-01-01T01:00:00Z/PT1H', seed: 'etl', anchor: START });
  const slot = { ...slotOf({ ahead: hours(1, 2) }), job: { schedule } } as unknown as Slot;
  assert.equal(ownSchedule(slot)?.next(START), undefined);
  assert.equal(ownSchedule(slot)?.previous(START + 9 * HOUR), undefined);
});

test.run();
