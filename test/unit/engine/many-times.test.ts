/** More nominal times than one decision should hold. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { TIMES_AT_ONCE } from '../../../src/engine/limits.ts';
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

test.run();
