/** Flows whose graph is edited while they go on, and flows of runs that come to life again. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import type { JobRecord } from '../../../src/job/job.ts';
import type { JobSpec } from '../../../src/job/spec.ts';
import { EngineRig, type SpecInput } from '../../support/engine-rig.ts';

const test = suite('edited flows');

const hourly = 'R/2026-03-01T01:00:00Z/PT1H';
const once = { retry: { attempts: 1 } };

/** A root whose run has succeeded, and `left` and `right` launched after it; `join` waits for both. */
function diamond(join: Partial<SpecInput> = {}): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 'root', schedule: hourly, ...once });
  rig.define({ name: 'left', after: ['root'], ...once });
  rig.define({ name: 'right', after: ['root'], ...once });
  rig.define({ name: 'join', after: ['left', 'right'], ...join });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.finish('root.1.1');
  return rig;
}

/** The job runs after others from now on, and in the same moment a task is over. */
function editAsEnds(rig: EngineRig, edit: Pick<SpecInput, 'name' | 'after'>, taskId: string): void {
  const before = JSON.parse(rig.store.get(`jobs/${edit.name}`) ?? '') as JobRecord<JobSpec>;
  const record = { ...before, version: before.version + 1, spec: { ...before.spec, ...edit } } as JobRecord<JobSpec>;
  const status = { taskId, agentId: 'a1', state: 'finished', ack: 'x', exitCode: 0 } as const;
  rig.store.set(`jobs/${edit.name}`, JSON.stringify(record));
  rig.decide([
    { type: 'job', name: edit.name, record },
    { type: 'executor', event: { type: 'status', status } },
  ]);
}

const parentsOf = (rig: EngineRig, job: string): unknown => {
  const trigger = rig.run(job, 1)?.trigger;
  return trigger?.type === 'parents' ? trigger.parents : trigger;
};

test('a run that was handed on says so no more', () => {
  const rig = diamond();
  assert.equal(rig.run('root', 1)?.handover, undefined);
});

test('a leader that dies while it hands on leaves no parent counted twice', () => {
  const rig = new EngineRig({ maxOperations: 60 });
  rig.define({ name: 'root', schedule: hourly });
  rig.define({ name: 'p1', after: ['root'] });
  rig.define({ name: 'p2', after: ['root'] });
  const names = Array.from({ length: 200 }, (_, index) => `c${1000 + index}`);
  for (const name of names) rig.define({ name, after: ['p1', 'p2'] });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.finish('root.1.1');
  rig.status('p1.1.1', 'running');
  const status = { taskId: 'p1.1.1', agentId: 'a1', state: 'finished', ack: 'x', exitCode: 0 } as const;
  const before = rig.steps.length;
  rig.decide([{ type: 'executor', event: { type: 'status', status } }], 3);
  assert.equal(rig.steps.length, before + 3);
  assert.ok((rig.run('p1', 1)?.handover ?? '') > 'c1', 'it got as far as that');
  rig.failOver();
  for (const name of names) assert.deepEqual([rig.runs(name).length, rig.state(name)?.tokens?.['root#1']], [0, { spoken: 1, of: 2 }], name);
  rig.finish('p2.1.1');
  for (const name of names) assert.equal(rig.runs(name).length, 1, name);
});

test('a parent that is added as the last of the others ends is waited for', () => {
  const rig = diamond();
  rig.finish('left.1.1');
  rig.define({ name: 'slow', after: ['right'], ...once });
  editAsEnds(rig, { name: 'join', after: ['left', 'right', 'slow'] }, 'right.1.1');
  assert.deepEqual([rig.story('join'), rig.state('join')?.tokens], ['', { 'root#1': { spoken: 2, of: 3 } }]);
  rig.finish('slow.1.1');
  assert.equal(rig.story('join'), '1 launching');
});

test('a latest token that an edit makes worthless counts for nothing, also as another parent ends', () => {
  const rig = new EngineRig();
  for (const name of ['a', 'b']) rig.define({ name, ...once });
  rig.define({ name: 'c', after: [{ job: 'a', on: 'completion' }, 'b'], join: 'latest' });
  for (const job of ['a', 'b']) rig.request({ type: 'run', job });
  rig.finish('a.1.1', 1);
  assert.deepEqual(rig.state('c')?.latest, { a: { run: 1, outcome: 'failed' } });
  editAsEnds(rig, { name: 'c', after: ['a', 'b'] }, 'b.1.1');
  assert.deepEqual([rig.story('c'), rig.state('c')?.latest], ['', { b: { run: 1, outcome: 'succeeded' } }]);
});

test('a root that was deleted meanwhile counts as reaching all that waits', () => {
  const rig = diamond();
  rig.undefine('root');
  rig.finish('left.1.1');
  rig.finish('right.1.1');
  assert.equal(rig.story('join'), '1 launching');
});

test('a skipped parent meets no condition', () => {
  const rig = diamond();
  rig.define({ name: 'last', after: [{ job: 'join', on: 'completion' }] });
  rig.finish('left.1.1', 1);
  rig.finish('right.1.1');
  assert.equal(rig.story('join'), '1 skipped');
  assert.equal(rig.story('last'), '1 skipped');
});

test('of many parents that block ten are named, and that there may be more', () => {
  for (const [count, says] of [
    [9, false],
    [10, true],
  ] as const) {
    const rig = new EngineRig();
    rig.define({ name: 'root', schedule: hourly, ...once });
    const names = Array.from({ length: count }, (_, index) => `p${index}`);
    for (const name of names) rig.define({ name, after: ['root'] });
    rig.define({ name: 'join', after: names });
    rig.advanceTo('2026-03-01T01:00:00Z');
    rig.finish('root.1.1', 1);
    assert.equal(rig.run('join', 1)?.reason?.text.includes('perhaps more'), says);
  }
});

test('a parent that is added late and has spoken in the flow is heard', () => {
  const rig = diamond();
  rig.define({ name: 'extra', after: ['left'] });
  rig.finish('left.1.1');
  rig.finish('extra.1.1');
  rig.define({ name: 'join', after: ['left', 'right', 'extra'] });
  assert.equal(rig.runs('join').length, 0);
  rig.finish('right.1.1');
  assert.deepEqual(parentsOf(rig, 'join'), { left: 1, right: 1, extra: 1 });
});

test('a parent that is added after its own parents had spoken takes no part in the flow', () => {
  const rig = diamond();
  rig.define({ name: 'late', after: ['root'] });
  rig.finish('left.1.1');
  rig.define({ name: 'join', after: ['left', 'right', 'late'] });
  rig.finish('right.1.1');
  assert.deepEqual(parentsOf(rig, 'join'), { left: 1, right: 1 });
});

test('a parent that is added while someone above it has still to speak is waited for', () => {
  const rig = diamond();
  rig.finish('left.1.1');
  rig.define({ name: 'd1', after: ['right'] });
  rig.define({ name: 'd2', after: ['d1'] });
  rig.define({ name: 'join', after: ['left', 'd2'] });
  assert.deepEqual(rig.state('join')?.tokens, { 'root#1': { spoken: 1, of: 2 } });
  rig.finish('right.1.1');
  rig.finish('d1.1.1');
  assert.equal(rig.runs('join').length, 0);
  rig.finish('d2.1.1');
  assert.deepEqual(parentsOf(rig, 'join'), { left: 1, d2: 1 });
});

test('a parent that is added and holds tokens itself is waited for', () => {
  const rig = diamond();
  rig.define({ name: 'other', after: ['left', 'right'] });
  rig.finish('left.1.1');
  rig.define({ name: 'join', after: ['left', 'other'] });
  rig.finish('right.1.1');
  assert.equal(rig.runs('join').length, 0);
  rig.finish('other.1.1');
  assert.deepEqual(parentsOf(rig, 'join'), { left: 1, other: 1 });
});

test('a parent that joins the latest starts flows of its own, and is not waited for', () => {
  const rig = diamond();
  rig.define({ name: 'late', after: ['right'], join: 'latest' });
  rig.finish('left.1.1');
  rig.define({ name: 'join', after: ['left', 'late'] });
  assert.deepEqual(parentsOf(rig, 'join'), { left: 1 });
});

test('an edge whose condition is edited while a flow waits is judged by the new one', () => {
  const rig = diamond();
  rig.finish('left.1.1');
  rig.define({ name: 'join', after: [{ job: 'left', on: 'failure' }, 'right'] });
  rig.finish('right.1.1');
  assert.equal(rig.story('join'), '1 skipped');
  assert.deepEqual(rig.run('join', 1)?.reason?.data, { jobs: ['left'] });
});

test('a job that is edited to wait for others only takes no part in the flow yet', () => {
  const rig = diamond();
  rig.define({ name: 'other', after: ['right'] });
  rig.finish('left.1.1');
  rig.define({ name: 'join', after: ['right', 'other'] });
  assert.equal(rig.state('join')?.tokens, undefined);
  rig.finish('right.1.1');
  assert.deepEqual(rig.state('join')?.tokens, { 'root#1': { spoken: 1, of: 2 } });
  rig.finish('other.1.1');
  assert.equal(rig.story('join'), '1 launching');
});

test('a job that is edited to join the latest forgets what it heard in flows', () => {
  const rig = diamond();
  rig.finish('left.1.1');
  rig.define({ name: 'join', after: ['left', 'right'], join: 'latest' });
  assert.equal(rig.state('join')?.tokens, undefined);
});

test('a job whose definition can not be used takes no part until it is mended, and is in nobody’s way', () => {
  const rig = diamond();
  rig.finish('left.1.1');
  rig.define({ name: 'join', after: ['left', 'right'], schedule: 'never' });
  rig.define({ name: 'other', after: ['right'] });
  rig.finish('right.1.1');
  assert.deepEqual([rig.runs('join').length, rig.story('other')], [0, '1 launching']);
  rig.define({ name: 'join', after: ['left', 'right'] });
  assert.deepEqual(parentsOf(rig, 'join'), { left: 1, right: 1 });
});

test('a parent that is run again is waited for once more by those that had heard it', () => {
  const rig = diamond();
  rig.finish('left.1.1', 1);
  assert.deepEqual(rig.state('join')?.tokens, { 'root#1': { spoken: 1, of: 2, blocked: ['left'] } });
  rig.request({ type: 'retry', job: 'left', run: 1 });
  assert.equal(rig.state('join')?.tokens, undefined, 'as a new leader would count them');
  rig.failOver();
  assert.equal(rig.state('join')?.tokens, undefined);
  rig.finish('right.1.1');
  assert.equal(rig.runs('join').length, 0);
  rig.finish('left.1.2');
  assert.equal(rig.story('join'), '1 launching');
});

test('a run of which two parents had failed comes to life when both have succeeded after all', () => {
  const rig = diamond();
  rig.finish('left.1.1', 1);
  rig.finish('right.1.1', 1);
  assert.deepEqual(rig.run('join', 1)?.reason?.data, { jobs: ['left', 'right'] });
  rig.request({ type: 'mark', job: 'right', run: 1 });
  assert.equal(rig.story('join'), '1 skipped');
  rig.request({ type: 'retry', job: 'left', run: 1 });
  rig.finish('left.1.2');
  assert.equal(rig.story('join'), '1 launching');
  assert.deepEqual(parentsOf(rig, 'join'), { left: 1, right: 1 });
});

test('a run that comes to life and has never run is of the definition that it runs with', () => {
  const rig = diamond();
  rig.finish('left.1.1');
  rig.finish('right.1.1', 1);
  rig.define({ name: 'join', after: ['left', 'right'], task: { command: 'new' } });
  rig.request({ type: 'mark', job: 'right', run: 1 });
  assert.equal(rig.launches.at(-1)?.task.command, 'new');
  assert.equal(rig.run('join', 1)?.jobVersion, 2);
});

test('a run that more parents blocked than are named stays skipped while the word of any of them is forgotten', () => {
  for (const keepRuns of [1, 2]) {
    const rig = new EngineRig();
    const names = Array.from({ length: 11 }, (_, index) => `p${String(index).padStart(2, '0')}`);
    rig.define({ name: 'root' });
    for (const name of names) rig.define({ name, after: ['root'], keepRuns, ...once });
    rig.define({ name: 'join', after: names });
    rig.request({ type: 'run', job: 'root' });
    rig.finish('root.1.1');
    for (const name of names) rig.finish(`${name}.1.1`, 1);
    rig.request({ type: 'run', job: 'p10' });
    rig.finish('p10.2.1', 1);
    for (const job of names.slice(0, 10)) rig.request({ type: 'mark', job, run: 1 });
    assert.equal(rig.run('join', 1)?.state, 'skipped');
    rig.request({ type: 'mark', job: 'p10', run: 1 });
    assert.equal(rig.run('join', 1)?.state, keepRuns === 1 ? 'skipped' : 'launching');
  }
});

/** What becomes of a join that was skipped for its parent, when it is edited and the parent marked as succeeded. */
function revivedAfter(changes: Partial<SpecInput>): string {
  const rig = diamond();
  rig.finish('left.1.1');
  rig.finish('right.1.1', 1);
  const suspension = changes.suspended ? { suspension: { from: rig.now, by: 'ada' } } : {};
  rig.define({ name: 'join', after: ['left', 'right'], ...changes }, suspension);
  rig.request({ type: 'mark', job: 'right', run: 1 });
  return rig.story('join');
}

test('a skipped run comes to life for its flow only, and not in a suspended job', () => {
  assert.equal(revivedAfter({}), '1 launching');
  assert.equal(revivedAfter({ suspended: true }), '1 skipped');
  assert.equal(revivedAfter({ join: 'latest' }), '1 skipped');
});

test('a run that was skipped for another reason than its parents stays skipped', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root', schedule: hourly, ...once });
  rig.define({ name: 'child', after: [{ job: 'root', on: 'completion' }], overlap: 'forbid' });
  rig.request({ type: 'run', job: 'child' });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.finish('root.1.1', 1);
  assert.equal(rig.story('child'), '1 launching, 2 skipped');
  rig.request({ type: 'retry', job: 'root', run: 1 });
  rig.finish('root.1.2');
  assert.equal(rig.story('child'), '1 launching, 2 skipped');
});

/** Two scheduled parents of a job that joins the latest, of which `a` has succeeded. */
function latest(): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 'a', schedule: 'R1/2026-03-01T01:00:00Z/PT1H' });
  rig.define({ name: 'b', schedule: 'R1/2026-03-01T01:00:00Z/PT1H', ...once });
  rig.define({ name: 'c', schedule: 'R1/2026-03-01T02:00:00Z/PT1H' });
  rig.define({ name: 'both', after: ['a', 'b'], join: 'latest' });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.finish('a.1.1');
  assert.deepEqual(rig.state('both')?.latest, { a: { run: 1, outcome: 'succeeded' } });
  return rig;
}

test('the latest of a parent counts only if it satisfies its edge, and is named by the run', () => {
  const rig = latest();
  rig.finish('b.1.1', 1);
  assert.equal(rig.runs('both').length, 0);
  rig.request({ type: 'mark', job: 'b', run: 1 });
  assert.deepEqual(parentsOf(rig, 'both'), { a: 1, b: 1 });
  assert.equal(rig.state('both')?.latest, undefined);
});

test('a job that joins the latest runs at once when what it still waited for is a parent no more', () => {
  const rig = latest();
  rig.define({ name: 'both', after: ['a'], join: 'latest' });
  assert.deepEqual(parentsOf(rig, 'both'), { a: 1 });
});

test('of what a job that joins the latest has, what is of a parent no more is dropped and the rest stays', () => {
  const rig = latest();
  rig.define({ name: 'both', after: ['a', 'b', 'c'], join: 'latest' });
  rig.finish('b.1.1');
  assert.deepEqual(Object.keys(rig.state('both')?.latest ?? {}), ['a', 'b']);
  rig.define({ name: 'both', after: ['b', 'c'], join: 'latest' });
  assert.deepEqual(Object.keys(rig.state('both')?.latest ?? {}), ['b']);
});

test('what a job that joins the latest has of other parents stays, and of those that are none any more is dropped', () => {
  const rig = latest();
  rig.define({ name: 'both', after: ['a', 'c'], join: 'latest' });
  assert.deepEqual(rig.state('both')?.latest, { a: { run: 1, outcome: 'succeeded' } });
  rig.define({ name: 'both', after: ['b', 'c'], join: 'latest' });
  assert.equal(rig.state('both')?.latest, undefined);
  assert.equal(rig.runs('both').length, 0);
});

test('the latest of a parent that its edge, as it is now, does not ask for is dropped', () => {
  const rig = new EngineRig();
  for (const name of ['p', 'q']) rig.define({ name, ...once });
  const wants = (on: 'completion' | 'success'): SpecInput => ({ name: 'a', after: [{ job: 'p', on }, 'q'], join: 'latest' });
  rig.define(wants('completion'));
  rig.request({ type: 'run', job: 'p' });
  rig.finish('p.1.1', 1);
  assert.deepEqual(Object.keys(rig.state('a')?.latest ?? {}), ['p']);
  rig.define(wants('success'));
  assert.equal(rig.state('a')?.latest, undefined);
  rig.request({ type: 'run', job: 'q' });
  rig.finish('q.1.1');
  assert.equal(rig.story('a'), '');
  rig.request({ type: 'run', job: 'p' });
  rig.finish('p.2.1');
  assert.equal(rig.story('a'), '1 launching');
});

test('a job that is edited to join flows forgets the latest it had', () => {
  const rig = latest();
  rig.define({ name: 'both', after: ['a', 'b'] });
  assert.equal(rig.state('both')?.latest, undefined);
});

test('a parent whose deletion is heard of before its child’s says nothing to it any more', () => {
  const rig = new EngineRig();
  rig.define({ name: 'parent' });
  rig.define({ name: 'child', after: [{ job: 'parent', on: 'completion' }] });
  rig.suspend({ from: rig.now, by: 'ann' });
  rig.request({ type: 'run', job: 'parent' });
  assert.equal(rig.run('parent', 1)?.state, 'pending');
  for (const name of ['parent', 'child']) rig.store.delete(`jobs/${name}`);
  rig.decide(['parent', 'child'].map((name) => ({ type: 'job', name, record: undefined })));
  assert.equal(rig.state('child')?.lastRun ?? 0, 0, 'a run was made for a parent that nobody knows any more');
  assert.equal(rig.runs('parent').length, 0);
});

test('who blocks a flow is told in one order, whoever spoke first', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root' });
  for (const name of ['a', 'b', 'hanging']) rig.define({ name, after: ['root'], retry: { attempts: 1 } });
  rig.define({ name: 'join', after: ['a', 'b', 'hanging'] });
  rig.request({ type: 'run', job: 'root' });
  rig.finish('root.1.1');
  rig.finish('b.1.1', 1);
  rig.finish('a.1.1', 1);
  assert.deepEqual(rig.state('join')?.tokens?.['root#1']?.blocked, ['a', 'b']);
  const { steps } = rig;
  const before = steps.length;
  rig.failOver();
  const written = steps.slice(before).flatMap((step) => step.writes.map(({ key }) => key));
  assert.ok(!written.includes('state/join'), 'a new leader counted otherwise');
});

test('a parent that is cut off its root while it runs still speaks in the flow', () => {
  for (const exitCode of [0, 1]) {
    const rig = new EngineRig();
    rig.define({ name: 'root' });
    rig.define({ name: 'cut', after: ['root'], ...once });
    rig.define({ name: 'child', after: ['cut'] });
    rig.define({ name: 'last', after: ['child'] });
    rig.request({ type: 'run', job: 'root' });
    rig.finish('root.1.1');
    rig.define({ name: 'cut', schedule: 'R/2027-01-01T00:00:00Z/P1D', ...once });
    rig.finish('cut.1.1', exitCode);
    if (exitCode === 0) rig.finish('child.1.1');
    const expected = exitCode === 0 ? ['1 succeeded', '1 launching'] : ['1 skipped', '1 skipped'];
    assert.deepEqual([rig.story('child'), rig.story('last')], expected);
    assert.equal(rig.run('last', 1)?.flow, 'root#1');
  }
});

test('what hangs from a parent that was cut off its root while it ran takes part in the flow', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root' });
  rig.define({ name: 'cut', after: ['root'] });
  rig.define({ name: 'via', after: ['cut'] });
  rig.define({ name: 'all', after: ['cut', 'via'] });
  rig.request({ type: 'run', job: 'root' });
  rig.finish('root.1.1');
  rig.define({ name: 'cut' });
  rig.finish('cut.1.1');
  assert.equal(rig.story('all'), '');
  rig.finish('via.1.1');
  assert.equal(rig.story('all'), '1 launching');
});

test('a join waits for a parent that was cut off its root while it ran', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root' });
  rig.define({ name: 'cut', after: ['root'] });
  rig.define({ name: 'other', after: ['root'] });
  rig.define({ name: 'join', after: ['cut', 'other'] });
  rig.request({ type: 'run', job: 'root' });
  rig.finish('root.1.1');
  rig.define({ name: 'cut', schedule: 'R/2027-01-01T00:00:00Z/P1D' });
  rig.finish('other.1.1');
  assert.equal(rig.story('join'), '');
  rig.failOver();
  rig.finish('cut.1.1');
  assert.equal(rig.story('join'), '1 launching');
  assert.deepEqual(parentsOf(rig, 'join'), { cut: 1, other: 1 });
});

test.run();
