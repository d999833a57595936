/** Backfills that are cancelled. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { EngineRig, type SpecInput } from '../../support/engine-rig.ts';

const test = suite('backfills');

const DAY_MS = 86_400_000;
const MAX_OPERATIONS = 40;

/** A backfill of 60 days of a job, of which the first runs and the others wait behind it; and its id. */
function backfilled(limit: number, spec: Partial<SpecInput> = {}): { readonly rig: EngineRig; readonly id: string } {
  const rig = new EngineRig({ start: '2026-03-01T12:00:00Z', maxOperations: MAX_OPERATIONS });
  rig.define({ name: 'day', schedule: 'R/2025-01-01T00:00:00Z/P1D', overlap: 'queue', keepRuns: 1_000, ...spec });
  const id = rig.request({ type: 'backfill', job: 'day', from: rig.now - 60 * DAY_MS, to: rig.now, limit });
  rig.status('day.1.1', 'running');
  return { rig, id };
}

const lastResult = (rig: EngineRig): string | undefined =>
  rig.facts.flatMap((fact) => (fact.type === 'request-taken' ? [fact.result] : [])).at(-1);

test('a backfill that is cancelled makes no more runs, and gives up those that have not begun', () => {
  const { rig, id } = backfilled(3);
  rig.request({ type: 'cancel-backfill', job: 'day', backfill: id, kill: false });
  assert.equal(lastResult(rig), 'cancelled');
  assert.equal(rig.story('day'), '1 running, 2 skipped, 3 skipped');
  const { reason } = rig.run('day', 2) ?? {};
  assert.deepEqual(reason, {
    code: 'backfill-cancelled',
    text: `the backfill ${id} was cancelled by tester`,
    data: { by: 'tester', backfill: id },
  });
  assert.equal(rig.state('day')?.backfills, undefined);
  rig.status('day.1.1', 'finished', { exitCode: 0 });
  rig.advance(1_000);
  assert.equal(rig.story('day'), '1 succeeded, 2 skipped, 3 skipped');
});

test('a backfill of a job that is suspended waits until it is resumed', () => {
  const rig = new EngineRig({ start: '2026-03-01T12:00:00Z', maxOperations: MAX_OPERATIONS });
  const spec = { name: 'day', schedule: 'R/2025-01-01T00:00:00Z/P1D', overlap: 'queue' } as const;
  rig.define({ ...spec, suspended: true });
  const id = rig.request({ type: 'backfill', job: 'day', from: rig.now - 3 * DAY_MS, to: rig.now, limit: 2 });
  rig.advance(1_000);
  rig.failOver();
  rig.advance(1_000);
  assert.equal(rig.story('day'), '');
  assert.ok(rig.state('day')?.backfills?.[id]);
  rig.define({ ...spec, suspended: false });
  assert.equal(rig.runs('day').length, 2);
});

test('a backfill is cancelled with all its runs', () => {
  const { rig, id } = backfilled(3, { retry: { attempts: 5 } });
  rig.request({ type: 'cancel-backfill', job: 'day', backfill: id, kill: true });
  assert.equal(rig.story('day'), '1 killing, 2 skipped, 3 skipped');
  rig.status('day.1.1', 'killed');
  assert.equal(rig.story('day'), '1 killed, 2 skipped, 3 skipped');
  assert.equal(rig.run('day', 1)?.reason?.code, 'backfill-cancelled');
});

test('a run that waits for its next attempt has begun', () => {
  for (const kill of [false, true]) {
    const { rig, id } = backfilled(1, { retry: { attempts: 2, delay: 'PT1M' } });
    rig.status('day.1.1', 'failed', { exitCode: 1 });
    rig.request({ type: 'cancel-backfill', job: 'day', backfill: id, kill });
    rig.advance(120_000);
    assert.equal(rig.story('day'), kill ? '1 killed' : '1 launching');
  }
});

test('what cancels a backfill is taken after it, whatever the clocks of the nodes that were asked while nobody led', () => {
  const rig = new EngineRig({ start: '2026-03-01T12:00:00Z' });
  rig.define({ name: 'day', schedule: 'R/2025-01-01T00:00:00Z/P1D', overlap: 'queue' });
  const common = { at: rig.now, by: 'ann', job: 'day' } as const;
  const backfill = { ...common, id: 'b', type: 'backfill', from: rig.now - 5 * DAY_MS, to: rig.now, limit: 1 } as const;
  rig.store.set('requests/b', JSON.stringify(backfill));
  rig.store.set('requests/a', JSON.stringify({ ...common, id: 'a', type: 'cancel-backfill', backfill: 'b', kill: true }));
  rig.failOver();
  assert.equal(lastResult(rig), 'cancelled');
  assert.equal(rig.state('day')?.backfills, undefined);
});

test('it is cancelled in steps that fit, over a death in their midst too', () => {
  for (const survives of [Infinity, 1]) {
    const { rig, id } = backfilled(100, { keepRuns: 10 });
    const other = rig.request({ type: 'backfill', job: 'day', from: rig.now - DAY_MS, to: rig.now, limit: 1 });
    const before = rig.steps.length;
    const request = { id: 'req999999', at: rig.now, by: 'ann', type: 'cancel-backfill', job: 'day', backfill: id, kill: false } as const;
    rig.store.set(`requests/${request.id}`, JSON.stringify(request));
    rig.decide([{ type: 'request', request }], survives);
    if (survives === Infinity) assert.ok(rig.steps.length > before + 1, 'it takes more than a step');
    else rig.failOver();
    assert.equal(rig.store.has(`requests/${request.id}`), false);
    assert.deepEqual(Object.keys(rig.state('day')?.backfills ?? {}), [], 'all runs of the other are made');
    const open = rig.runs('day').filter(({ endedAt }) => endedAt === undefined);
    assert.equal(open.length, 2);
    assert.ok(open[1]?.trigger.type === 'schedule' && open[1].trigger.backfill === other);
    assert.equal(rig.runs('day').length <= 12, true);
    for (const { writes } of rig.steps) assert.ok(writes.length <= MAX_OPERATIONS);
  }
});

test('children of what is given up are skipped', () => {
  const rig = new EngineRig({ start: '2026-03-01T12:00:00Z' });
  rig.define({ name: 'day', schedule: 'R/2025-01-01T00:00:00Z/P1D', overlap: 'queue' });
  rig.define({ name: 'child', after: [{ job: 'day' }] });
  const id = rig.request({ type: 'backfill', job: 'day', from: rig.now - 5 * DAY_MS, to: rig.now, limit: 3 });
  rig.request({ type: 'cancel-backfill', job: 'day', backfill: id, kill: false });
  assert.deepEqual([rig.story('day'), rig.story('child')], ['1 launching, 2 skipped, 3 skipped', '1 skipped, 2 skipped']);
});

test('one that is over, or of another job, is not cancelled', () => {
  const { rig, id } = backfilled(3);
  rig.define({ name: 'other' });
  const result = (job: string, backfill: string): string | undefined => {
    rig.request({ type: 'cancel-backfill', job, backfill, kill: true });
    return lastResult(rig);
  };
  assert.equal(result('nobody', id), 'no such job');
  assert.equal(result('other', id), 'not active');
  assert.equal(result('day', 'x'), 'not active');
  assert.equal(rig.story('day'), '1 running, 2 queued, 3 queued');
});

test.run();
