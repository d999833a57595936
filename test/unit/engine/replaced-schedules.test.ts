/** What becomes of nominal times round the replacement of a schedule, whoever had decided what by then. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { AHEAD_TIMES } from '../../../src/engine/limits.ts';
import type { JobRecord } from '../../../src/job/job.ts';
import type { JobSpec } from '../../../src/job/spec.ts';
import { EngineRig, type SpecInput } from '../../support/engine-rig.ts';

const test = suite('replaced-schedules');

const at = (text: string): number => Date.parse(`2026-03-01T${text}Z`);
const EVERY_TEN = 'R/2026-03-01T00:00:10Z/PT10S';

/** An old schedule of every ten seconds, decided up to 00:00:20. */
function decidedTo20(): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 'j', schedule: EVERY_TEN, overlap: 'allow' });
  rig.advanceTo(at('00:00:20.002'));
  return rig;
}

function replace(rig: EngineRig, schedule: string | undefined, since: string): void {
  rig.define({ name: 'j', overlap: 'allow', ...(schedule === undefined ? {} : { schedule }) }, { scheduledSince: at(since) });
}

/** Stored while nobody leads. */
function replaceUnseen(rig: EngineRig, spec: SpecInput, changes: Partial<JobRecord<JobSpec>>): void {
  const record = JSON.parse(rig.store.get(`jobs/${spec.name}`) ?? '') as JobRecord<JobSpec>;
  const full = { task: { command: 'true' }, ...spec };
  rig.store.set(`jobs/${spec.name}`, JSON.stringify({ ...record, spec: full, version: record.version + 1, ...changes }));
}

const times = (rig: EngineRig): string[] =>
  rig.runs('j').map(({ trigger }) => (trigger.type === 'schedule' ? new Date(trigger.scheduledFor).toISOString().slice(14, 23) : ''));

test('a time that comes before what the old schedule had decided is decided all the same', () => {
  const rig = decidedTo20();
  replace(rig, 'R1//PT1H', '00:00:19.997');
  assert.deepEqual(times(rig), ['00:10.000', '00:20.000', '00:19.997']);
  rig.advance(7_200_000);
  assert.deepEqual([times(rig).length, rig.verdicts('j')], [3, []]);
});

test('so it is by a leader that comes to the new schedule when its predecessor had decided by the old one', () => {
  const rig = decidedTo20();
  replaceUnseen(rig, { name: 'j', schedule: 'R1//PT1H', overlap: 'allow' }, { scheduledSince: at('00:00:19.997') });
  rig.failOver();
  assert.deepEqual(times(rig), ['00:10.000', '00:20.000', '00:19.997']);
});

test('what both schedules name is decided once, by whichever leader, and counts once', () => {
  const rig = decidedTo20();
  rig.define({ name: 'j', schedule: 'R/2026-03-01T00:00:15Z/PT5S', overlap: 'allow' }, { scheduledSince: at('00:00:15'), suspension });
  rig.failOver();
  assert.deepEqual(times(rig), ['00:10.000', '00:20.000', '00:15.000']);
  rig.advanceTo(at('00:00:31'));
  assert.deepEqual(times(rig).slice(3), ['00:25.000', '00:30.000']);
});

const suspension = { from: at('00:00:01'), to: at('00:00:02'), by: 'ada' };

test('an edit that is taken back at once decides nothing twice', () => {
  for (const between of ['R/2026-03-01T00:00:05Z/PT1H', undefined]) {
    const rig = decidedTo20();
    replace(rig, between, '00:00:19.997');
    replace(rig, EVERY_TEN, '00:00:19.998');
    rig.failOver();
    rig.advanceTo(at('00:00:30'));
    assert.deepEqual(times(rig), ['00:10.000', '00:20.000', '00:30.000']);
  }
});

test('a verdict that comes before one of the old schedule is kept in its place', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', schedule: EVERY_TEN });
  rig.advanceTo(at('00:00:20.002'));
  rig.define({ name: 'j', schedule: 'R1/2026-03-01T00:00:19.998Z/PT1H' }, { scheduledSince: at('00:00:19.997') });
  assert.deepEqual(
    rig.verdicts('j').map(({ from, to, count }) => [from - at('00:00:20'), to - at('00:00:20'), count]),
    [
      [-2, -2, 1],
      [0, 0, 1],
    ],
  );
});

test('of more times than are kept the oldest can not be told apart any more, and that is said', () => {
  const rig = new EngineRig({ offline: true });
  rig.define({ name: 'j', schedule: '* * * * * *', overlap: 'allow' });
  rig.advanceTo(at('00:05:00'));
  const runs = rig.runs('j').length;
  rig.define({ name: 'j', schedule: '* * * * * *', timeZone: 'Europe/Berlin', overlap: 'allow' }, { scheduledSince: at('00:01:00') });
  assert.equal(rig.runs('j').length, runs);
  assert.equal(rig.state('j')?.ahead?.length, AHEAD_TIMES);
  const [verdict] = rig.verdicts('j');
  assert.deepEqual([verdict?.from, verdict?.to, verdict?.reason.code], [at('00:01:00'), at('00:03:20'), 'edited']);
  rig.advance(1_000);
  assert.equal(rig.runs('j').length, runs + 1);
});

test('however many jobs are edited at once, each old schedule is decided up to its end', () => {
  const rig = new EngineRig({ offline: true });
  const names = Array.from({ length: 25 }, (_, index) => `j${index}`);
  for (const name of names) rig.define({ name, schedule: '* * * * * *', overlap: 'allow' });
  rig.now += 50_000;
  const events = names.map((name) => {
    const record = JSON.parse(rig.store.get(`jobs/${name}`) ?? '') as JobRecord<JobSpec>;
    const next = { ...record, spec: { ...record.spec, schedule: '0 0 1 1 *' }, version: 2, scheduledSince: rig.now };
    return { type: 'job', name, record: next } as const;
  });
  rig.decide(events, Infinity, rig.now);
  for (const name of names) assert.deepEqual([rig.runs(name).length, rig.verdicts(name)], [50, []], name);
});

test('a job that named no time leaves no verdict when it is given a schedule while nobody leads', () => {
  const rig = new EngineRig();
  rig.define({ name: 'parent' });
  rig.define({ name: 'child', after: ['parent'] });
  rig.define({ name: 'hand' });
  rig.define({ name: 'once', schedule: 'R1/2026-03-01T00:00:05Z/PT1H' });
  rig.advance(10_000);
  for (const name of ['child', 'hand', 'once']) replaceUnseen(rig, { name, schedule: '0 3 * * *' }, { scheduledSince: rig.now + 5_000 });
  rig.failOver(3_600_000);
  for (const name of ['child', 'hand', 'once']) assert.deepEqual(rig.verdicts(name), [], name);
});

test('what was suspended when nobody led for a moment is recorded as suspended', () => {
  const rig = new EngineRig();
  const spec = { name: 'j', schedule: '0 * * * *', suspended: true };
  const suspended = { from: at('00:30:00'), by: 'ada' };
  rig.define({ ...spec, suspended: false });
  rig.advanceTo(at('00:30:00'));
  rig.define(spec, { suspension: suspended });
  rig.advanceTo(at('05:30:00'));
  replaceUnseen(rig, { ...spec, schedule: '30 * * * *' }, { scheduledSince: rig.now + 1_000 });
  rig.failOver(2_000);
  const [verdict, ...others] = rig.verdicts('j');
  assert.deepEqual([verdict?.verdict, verdict?.from, verdict?.count, others], ['suspended', at('01:00:00'), 5, []]);
});

test.run();
