import assert from 'node:assert/strict';
import { test } from 'uvu';
import { MAX_OPERATIONS } from '../../../src/store/port.ts';
import { EngineRig } from '../../support/engine-rig.ts';

const hourly = 'R/2026-03-01T01:00:00Z/PT1H';

function diamond(changes: Record<string, unknown> = {}): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 'root', schedule: hourly });
  rig.define({ name: 'left', after: ['root'] });
  rig.define({ name: 'right', after: ['root'] });
  rig.define({ name: 'join', after: ['left', 'right'], ...changes });
  rig.advanceTo('2026-03-01T01:00:00Z');
  return rig;
}

test('a join runs once per flow, when all its parents have spoken', () => {
  const rig = diamond();
  rig.finish('root.1.1');
  assert.deepEqual(rig.taskIds(), ['root.1.1', 'left.1.1', 'right.1.1']);
  rig.finish('left.1.1');
  assert.equal(rig.runs('join').length, 0);
  rig.finish('right.1.1');
  assert.equal(rig.story('join'), '1 launching');
  const run = rig.run('join', 1);
  assert.equal(run?.flow, 'root#1');
  assert.deepEqual(run?.trigger, { type: 'parents', parents: { left: 1, right: 1 } });
  assert.equal(rig.state('join')?.tokens, undefined, 'tokens are spent');
});

test('a leader change between two parents neither loses nor repeats a token', () => {
  const rig = diamond();
  rig.finish('root.1.1');
  rig.finish('left.1.1');
  rig.failOver(1000);
  rig.finish('right.1.1');
  rig.failOver(1000);
  assert.equal(rig.story('join'), '1 launching');
});

test('flows of one root do not mix', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root', schedule: hourly, overlap: 'allow' });
  rig.define({ name: 'a', after: ['root'], overlap: 'allow' });
  rig.define({ name: 'b', after: ['root'], overlap: 'allow' });
  rig.define({ name: 'join', after: ['a', 'b'], overlap: 'allow' });
  rig.advanceTo('2026-03-01T02:00:00Z');
  rig.finish('root.2.1');
  rig.finish('root.1.1');
  rig.finish('a.1.1');
  rig.finish('b.2.1');
  assert.equal(rig.runs('join').length, 0, 'a spoke in one flow and b in the other');
  rig.finish('b.1.1');
  assert.equal(rig.runs('join').length, 1);
});

test('a failed parent makes its child skipped, and so on down, and every job of the flow has an outcome', () => {
  const rig = diamond();
  rig.define({ name: 'last', after: ['join'] });
  rig.define({ name: 'root', schedule: hourly, retry: { attempts: 1 } });
  rig.finish('root.1.1');
  rig.finish('left.1.1');
  for (const attempt of [1, 2, 3]) {
    rig.advance(700_000);
    rig.finish(`right.1.${attempt}`, 1);
  }
  assert.equal(rig.story('right'), '1 failed');
  assert.equal(rig.story('join'), '1 skipped');
  assert.equal(rig.story('last'), '1 skipped');
  assert.deepEqual(rig.run('join', 1)?.reason?.data, { jobs: ['right'] });
  assert.equal(rig.run('last', 1)?.reason?.code, 'upstream');
});

test('edges on failure and on completion are met by what they name', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root', schedule: hourly, retry: { attempts: 1 } });
  rig.define({ name: 'alarm', after: [{ job: 'root', on: 'failure' }] });
  rig.define({ name: 'always', after: [{ job: 'root', on: 'completion' }] });
  rig.define({ name: 'then', after: ['root'] });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.finish('root.1.1', 2);
  assert.equal(rig.story('alarm'), '1 launching');
  assert.equal(rig.story('always'), '1 launching');
  assert.equal(rig.story('then'), '1 skipped');
});

test('a job triggered in the middle starts a flow of what hangs from it, and does not wait for others', () => {
  const rig = diamond();
  rig.request({ type: 'run', job: 'left' });
  rig.finish('left.1.1');
  assert.equal(rig.story('join'), '1 launching');
  assert.equal(rig.run('join', 1)?.flow, 'left#1');
});

test('join latest runs when each parent has completed since its last run, and takes all tokens', () => {
  const rig = new EngineRig();
  rig.define({ name: 'a', schedule: 'R/2026-03-01T01:00:00Z/PT1H' });
  rig.define({ name: 'b', schedule: 'R/2026-03-01T01:30:00Z/PT2H' });
  rig.define({ name: 'both', after: ['a', 'b'], join: 'latest' });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.finish('a.1.1');
  rig.advanceTo('2026-03-01T01:30:00Z');
  rig.failOver();
  rig.finish('b.1.1');
  assert.equal(rig.story('both'), '1 launching');
  assert.equal(rig.run('both', 1)?.flow, 'both#1', 'it starts a flow of its own');
  rig.finish('both.1.1');
  rig.advanceTo('2026-03-01T02:00:00Z');
  rig.finish('a.2.1');
  assert.equal(rig.runs('both').length, 1, 'b has not completed again');
});

test('dependent runs queue behind each other by default', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root', schedule: 'R/2026-03-01T00:01:00Z/PT1M' });
  rig.define({ name: 'child', after: ['root'] });
  rig.advanceTo('2026-03-01T00:01:00Z');
  rig.finish('root.1.1');
  rig.advanceTo('2026-03-01T00:02:00Z');
  rig.finish('root.2.1');
  assert.equal(rig.story('child'), '1 launching, 2 queued');
});

test('a fan-out and join of 1,000 is handed on in steps that fit, also over a failover in the middle', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root', schedule: hourly });
  const names = Array.from({ length: 1000 }, (_, i) => `c${String(i).padStart(4, '0')}`);
  for (const name of names) rig.define({ name, after: ['root'] });
  rig.define({ name: 'join', after: names });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.status('root.1.1', 'running');
  const before = new Map(rig.store);
  const steps = rig.steps.length;
  rig.status('root.1.1', 'finished', { exitCode: 0 });
  const handing = rig.steps.slice(steps);
  assert.ok(handing.length > 5);
  for (const step of handing) assert.ok(step.writes.length <= MAX_OPERATIONS);

  // The process dies after the first three of those steps were committed.
  rig.store.clear();
  for (const [key, value] of before) rig.store.set(key, value);
  for (const { key, value } of handing.slice(0, 3).flatMap((step) => step.writes)) {
    if (value === undefined) rig.store.delete(key);
    else rig.store.set(key, value);
  }
  rig.failOver();
  for (const name of names) assert.equal(rig.runs(name).length, 1, name);
  for (const name of names) {
    const run = rig.run(name, 1);
    rig.finish(run?.attempts.at(-1)?.taskId ?? '');
  }
  assert.equal(rig.story('join'), '1 launching');
});

test('an edge removed while a flow waits for it lets the flow go on', () => {
  const rig = diamond();
  rig.finish('root.1.1');
  rig.finish('left.1.1');
  rig.define({ name: 'join', after: ['left'] });
  assert.equal(rig.story('join'), '1 launching');
});

test('a parent deleted while a flow waits for it lets the flow go on', () => {
  const rig = diamond();
  rig.finish('root.1.1');
  rig.finish('left.1.1');
  rig.define({ name: 'join', after: ['left'] });
  rig.undefine('right');
  assert.equal(rig.story('join'), '1 launching');
});

test('a suspended dependent job is skipped and its flow ends', () => {
  const rig = diamond();
  rig.define({ name: 'left', after: ['root'], suspended: true }, { suspension: { from: rig.now, by: 'ada' } });
  rig.finish('root.1.1');
  rig.finish('right.1.1');
  assert.equal(rig.run('left', 1)?.reason?.code, 'suspended');
  assert.equal(rig.story('join'), '1 skipped');
});

function failedInTheMiddle(): EngineRig {
  const rig = diamond();
  rig.define({ name: 'last', after: ['join'] });
  rig.define({ name: 'right', after: ['root'], retry: { attempts: 1 } });
  rig.finish('root.1.1');
  rig.finish('left.1.1');
  rig.finish('right.1.1', 1);
  assert.equal(rig.story('last'), '1 skipped');
  return rig;
}

test('a run that is run again from its failure lets its flow go on', () => {
  const rig = failedInTheMiddle();
  rig.request({ type: 'retry', job: 'right', run: 1 });
  assert.equal(rig.story('right'), '1 launching');
  rig.failOver();
  rig.finish('right.1.2');
  assert.equal(rig.story('join'), '1 launching');
  rig.finish('join.1.1');
  assert.equal(rig.story('last'), '1 launching');
  assert.deepEqual(rig.state('right')?.totals, { succeeded: 1, failed: 0, killed: 0, skipped: 0, missed: 0 });
});

test('a run marked as succeeded lets its flow go on', () => {
  const rig = failedInTheMiddle();
  rig.request({ type: 'mark', job: 'right', run: 1 });
  assert.equal(rig.story('right'), '1 succeeded');
  assert.equal(rig.run('right', 1)?.reason?.code, 'marked');
  assert.equal(rig.story('join'), '1 launching');
});

test('a second failure of a run that is run again changes nothing below it', () => {
  const rig = failedInTheMiddle();
  rig.request({ type: 'retry', job: 'right', run: 1 });
  rig.finish('right.1.2', 1);
  assert.equal(rig.story('right'), '1 failed');
  assert.equal(rig.story('join'), '1 skipped');
  assert.equal(rig.state('join')?.totals.skipped, 1);
});

test('a run is not run again when a child may have run for it and that is not kept any more', () => {
  for (const [on, type] of [
    ['completion', 'retry'],
    ['failure', 'mark'],
  ] as const) {
    const rig = new EngineRig();
    rig.define({ name: 'root', retry: { attempts: 1 }, overlap: 'allow' });
    rig.define({ name: 'child', after: [{ job: 'root', on }], keepRuns: 1 });
    for (const run of [1, 2]) {
      rig.request({ type: 'run', job: 'root' });
      rig.finish(`root.${run}.1`, 1);
      rig.finish(`child.${run}.1`);
    }
    assert.equal(rig.story('child'), '2 succeeded');
    rig.request({ type, job: 'root', run: 1 });
    assert.equal(rig.story('root'), '1 failed, 2 failed');
    const refused = rig.facts.findLast((fact) => fact.type === 'request-taken');
    assert.equal(refused?.type === 'request-taken' && refused.result, 'forgotten');
    rig.request({ type: 'retry', job: 'root', run: 2 });
    rig.finish('root.2.2');
    assert.deepEqual([rig.story('root'), rig.story('child')], ['1 failed, 2 succeeded', '2 succeeded'], 'what is kept tells');
  }
});

test('a child that was skipped runs after all, though that is not kept any more', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root', retry: { attempts: 1 }, overlap: 'allow' });
  rig.define({ name: 'child', after: ['root'], keepRuns: 1 });
  for (const run of [1, 2]) {
    rig.request({ type: 'run', job: 'root' });
    rig.finish(`root.${run}.1`, 1);
  }
  rig.request({ type: 'retry', job: 'root', run: 1 });
  rig.finish('root.1.2');
  assert.equal(rig.story('child'), '2 skipped, 3 launching');
});

test.run();
