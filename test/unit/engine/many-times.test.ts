/** More nominal times than one decision should hold. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { TIMES_AT_ONCE } from '../../../src/engine/limits.ts';
import type { Verdict } from '../../../src/engine/records.ts';
import type { JobRecord } from '../../../src/job/job.ts';
import type { JobSpec } from '../../../src/job/spec.ts';
import { EngineRig } from '../../support/engine-rig.ts';

const test = suite('many-times');

const EVERY_SECOND = '* * * * * *';
const MANY = 4 * TIMES_AT_ONCE;

/** A leader that has led for a while, with nothing to launch on, and a job of every second that another node's clock dates far back. */
function datedBack(rig = new EngineRig({ offline: true }), changes: Partial<JobRecord<JobSpec>> = {}): EngineRig {
  rig.advance(2 * 3_600_000);
  const at = rig.now - (MANY - 1) * 1_000;
  rig.define({ name: 'j', schedule: EVERY_SECOND }, { createdAt: at, scheduledSince: at, ...changes });
  return rig;
}

/** How many of the job's nominal times are still to be decided. */
function left(rig: EngineRig): number {
  return Math.floor((rig.now - (rig.state('j')?.cursor ?? 0)) / 1_000);
}

/** What became of the nominal times: verdicts with their counts; the one run aside. */
function verdicts(rig: EngineRig): unknown[] {
  return rig.verdicts('j').map(({ verdict, count }) => [verdict, count]);
}

test('of a schedule that is dated far back some times are decided at once, and the rest in the next decisions', () => {
  const rig = datedBack();
  assert.equal(left(rig), 3 * TIMES_AT_ONCE);
  rig.decide();
  assert.equal(left(rig), 3 * TIMES_AT_ONCE, 'a moment later');
  rig.advance(1);
  assert.equal(left(rig), 2 * TIMES_AT_ONCE);
  rig.advance(10);
  assert.equal(left(rig), 0);
  assert.deepEqual([rig.story('j'), verdicts(rig)], ['1 pending', [['skipped', MANY - 1]]], 'each once');
});

test('meanwhile others are decided as they come due', () => {
  const rig = new EngineRig({ offline: true });
  rig.define({ name: 'other', schedule: EVERY_SECOND, overlap: 'allow' });
  datedBack(rig);
  const before = rig.runs('other').length;
  rig.now += 1_000;
  rig.decide();
  assert.ok(left(rig) > TIMES_AT_ONCE, 'it is behind');
  assert.equal(rig.runs('other').length, before + 1);
});

test('what is left when the leader ends was missed in the outage', () => {
  const rig = datedBack();
  rig.failOver();
  assert.equal(left(rig), 0);
  const reasons = rig.verdicts('j').map(({ reason, count }) => [reason.code, count]);
  assert.deepEqual(reasons, [
    ['overlap', TIMES_AT_ONCE - 1],
    ['no-leader', MANY - TIMES_AT_ONCE - 1],
    ['overlap', 1],
  ]);
});

test('a suspension that came after them is recorded after them', () => {
  const rig = new EngineRig({ offline: true });
  const now = rig.now + 2 * 3_600_000;
  datedBack(rig, { suspension: { from: now - 100_000, to: now - 50_000, by: 'ann' } });
  assert.deepEqual(verdicts(rig), [['skipped', TIMES_AT_ONCE - 1]]);
  rig.advance(10);
  assert.deepEqual(verdicts(rig), [
    ['skipped', MANY - 102],
    ['suspended', 50],
    ['skipped', 51],
  ]);
});

test('what was left of a schedule that is replaced meanwhile says so', () => {
  const rig = datedBack();
  rig.define({ name: 'j', schedule: '0 0 1 1 *' });
  const all = rig.verdicts('j').reduce((sum, { count = 0 }) => sum + count, rig.runs('j').length);
  assert.equal(all, MANY - 1);
  assert.equal(rig.verdicts('j').at(-1)?.reason.code, 'edited');
});

const FROM_ONE = 'R/2026-03-01T00:00:01Z/PT1S';

/** Nobody led for an hour and 23 minutes; what jobs of every second missed is decided by who leads then, in its first decision. */
function afterOutage(jobs: number, catchUp: 'last' | 'all'): EngineRig {
  const rig = new EngineRig({ offline: true });
  for (let index = 0; index < jobs; index++) rig.define({ name: `j${index}`, schedule: FROM_ONE, catchUp, keepRuns: 1000 });
  rig.failOver(5_000_500, { connect: false });
  return rig;
}

/** The runs of all jobs that are there. */
function total(rig: EngineRig, jobs: number): number {
  return Array.from({ length: jobs }, (_, index) => rig.runs(`j${index}`).length).reduce((sum, count) => sum + count, 0);
}

test('what several jobs catch up is made in as many decisions as it takes, 1,000 of each in all', () => {
  const rig = afterOutage(3, 'all');
  const loadedAt = rig.now;
  assert.equal(total(rig, 3), TIMES_AT_ONCE);
  rig.advance(1);
  assert.equal(total(rig, 3), 2 * TIMES_AT_ONCE, 'the next decision');
  rig.advance(100);
  for (let index = 0; index < 3; index++) {
    const times = rig.runs(`j${index}`).map(({ trigger }) => (trigger.type === 'schedule' ? trigger.scheduledFor : 0));
    assert.deepEqual([times.length, new Set(times).size, times.at(-1)], [1000, 1000, loadedAt - 500]);
    const [{ reason, count }, ...others] = rig.verdicts(`j${index}`) as [Verdict];
    assert.deepEqual([reason.data?.['to'], count, others], [loadedAt, 4000, []], 'the outage ended when the term began');
  }
});

test('what is left of a catch-up when its leader ends is caught up by the next one', () => {
  const rig = afterOutage(2, 'all');
  rig.failOver(0, { connect: false });
  rig.advance(10);
  assert.deepEqual([rig.runs('j0').length, rig.runs('j1').length], [1000, 1000]);
});

test('what very many jobs missed is decided some at a time, and all of it by the same outage', () => {
  const rig = afterOutage(200, 'last');
  const loadedAt = rig.now;
  const first = total(rig, 200);
  assert.ok(first > 0 && first < 100, `${first} in the first decision`);
  rig.decide();
  assert.equal(total(rig, 200), 2 * first, 'the next one is due at once');
  rig.advance(0);
  assert.equal(total(rig, 200), 200);
  for (let index = 0; index < 200; index++) assert.equal(rig.verdicts(`j${index}`)[0]?.reason.data?.['to'], loadedAt);
});

test('what a job missed goes before what was asked for meanwhile, whosever turn it is', () => {
  const rig = new EngineRig({ offline: true });
  for (let index = 0; index < 200; index++) rig.define({ name: `j${index}`, schedule: FROM_ONE });
  rig.store.set('requests/r1', JSON.stringify({ id: 'r1', at: rig.now, by: 'ann', type: 'run', job: 'j99' }));
  rig.failOver(10_000, { connect: false });
  assert.equal(rig.run('j99', 1)?.trigger.type, 'schedule');
  assert.equal(rig.run('j99', 2)?.state, 'skipped');
});

test('a suspension of the whole cluster that ends is recorded of some jobs at a time', () => {
  const rig = new EngineRig({ offline: true });
  for (let index = 0; index < 200; index++) rig.define({ name: `j${index}`, schedule: FROM_ONE });
  const from = rig.now;
  rig.suspend({ from, by: 'ann' });
  rig.advance(10_000);
  const recorded = (): number => Array.from({ length: 200 }, (_, index) => rig.verdicts(`j${index}`).length).reduce((a, b) => a + b, 0);
  rig.suspend({ from, to: rig.now, by: 'ann' });
  assert.ok(recorded() > 0 && recorded() < 100, `${recorded()} in the first decision`);
  rig.advance(0);
  assert.equal(recorded(), 200);
});

test.run();
