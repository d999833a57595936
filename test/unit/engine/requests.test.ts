import assert from 'node:assert/strict';
import { suite } from 'uvu';
import type { RequestBody } from '../../../src/engine/records.ts';
import { EngineRig, type SpecInput } from '../../support/engine-rig.ts';

const test = suite('requests');

/** What the engine answers to a request, as told to those who watch. */
function answer(rig: EngineRig, body: RequestBody): string {
  const id = rig.request(body);
  const fact = rig.facts.find((one) => one.type === 'request-taken' && one.id === id);
  assert.ok(fact?.type === 'request-taken' && fact.request === body.type && fact.job === body.job);
  assert.equal(rig.store.has(`requests/${id}`), false);
  return fact.result;
}

function setup(spec: Partial<SpecInput> = {}): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 'j', overlap: 'allow', retry: { attempts: 1 }, ...spec });
  return rig;
}

const backfill = { type: 'backfill', from: 0, to: 1, limit: 1 } as const;

test('what names a job or a run that is not there has no effect but its answer', () => {
  const rig = setup();
  rig.define({ name: 'gone' });
  rig.undefine('gone');
  for (const job of ['never', 'gone']) {
    assert.equal(answer(rig, { type: 'run', job }), 'no such job');
    assert.equal(answer(rig, { type: 'kill', job, run: 1 }), 'not active');
    assert.equal(answer(rig, { type: 'retry', job, run: 1 }), 'no such job');
    assert.equal(answer(rig, { ...backfill, job }), 'no such job');
  }
  assert.equal(answer(rig, { type: 'mark', job: 'never', run: 1 }), 'no such job');
  assert.equal(answer(rig, { type: 'mark', job: 'gone', run: 1 }), 'no such run');
  assert.equal(answer(rig, { type: 'retry', job: 'j', run: 1 }), 'not failed');
  assert.equal(answer(rig, { type: 'mark', job: 'j', run: 1 }), 'no such run');
  assert.equal(answer(rig, { ...backfill, job: 'j' }), 'no schedule');
  assert.deepEqual(rig.launches, []);
});

test('a run can be killed while it is active, and run again when it failed or was killed', () => {
  const rig = setup();
  assert.equal(answer(rig, { type: 'run', job: 'j' }), 'j#1');
  assert.equal(answer(rig, { type: 'retry', job: 'j', run: 1 }), 'not failed');
  assert.equal(answer(rig, { type: 'mark', job: 'j', run: 1 }), 'running');
  assert.equal(answer(rig, { type: 'kill', job: 'j', run: 1 }), 'killing');
  rig.status('j.1.1', 'killed');
  assert.equal(answer(rig, { type: 'kill', job: 'j', run: 1 }), 'not active');
  assert.equal(answer(rig, { type: 'retry', job: 'j', run: 1 }), 'running again');
  rig.finish('j.1.2', 1);
  assert.equal(rig.story('j'), '1 failed', 'it has as many attempts as the first time, and no more');
  assert.equal(answer(rig, { type: 'retry', job: 'j', run: 1 }), 'running again');
  rig.finish('j.1.3');
  assert.equal(answer(rig, { type: 'retry', job: 'j', run: 1 }), 'not failed');
  assert.equal(answer(rig, { type: 'mark', job: 'j', run: 1 }), 'succeeded');
});

test('a run that is run again has as many attempts as the first time', () => {
  const rig = setup({ retry: { attempts: 2, delay: 'PT1S' } });
  rig.request({ type: 'run', job: 'j' });
  for (const attempt of [1, 2]) {
    rig.finish(`j.1.${attempt}`, 1);
    rig.advance(2_000);
  }
  rig.request({ type: 'retry', job: 'j', run: 1 });
  rig.finish('j.1.3', 1);
  assert.equal(rig.story('j'), '1 backoff');
});

test('a suspended job runs nothing again', () => {
  const rig = setup();
  rig.request({ type: 'run', job: 'j' });
  rig.finish('j.1.1', 1);
  rig.define({ name: 'j', suspended: true }, { suspension: { from: rig.now, by: 'ada' } });
  assert.equal(answer(rig, { type: 'retry', job: 'j', run: 1 }), 'suspended');
  rig.request({ type: 'run', job: 'j' });
  assert.deepEqual(rig.run('j', 2)?.reason?.data, { by: 'ada' });
});

test('what waits is killed at once, and can be counted as succeeded', () => {
  const rig = new EngineRig({ offline: true });
  rig.define({ name: 'j', overlap: 'allow' });
  rig.request({ type: 'run', job: 'j' });
  rig.request({ type: 'run', job: 'j' });
  assert.equal(answer(rig, { type: 'kill', job: 'j', run: 1 }), 'killed');
  assert.equal(answer(rig, { type: 'mark', job: 'j', run: 2 }), 'succeeded');
  assert.equal(rig.story('j'), '1 killed, 2 succeeded');
  assert.equal(rig.engine.gauges().pending, 0);
});

test('who asked for it is said, where it is known', () => {
  const rig = new EngineRig({ offline: true });
  rig.define({ name: 'j', overlap: 'allow' });
  for (let run = 1; run <= 4; run++) rig.request({ type: 'run', job: 'j' });
  const id = rig.request({ type: 'kill', job: 'j', run: 1 });
  rig.request({ type: 'mark', job: 'j', run: 2 });
  rig.request({ type: 'kill', job: 'j', run: 3, ...{ by: '' } });
  rig.request({ type: 'mark', job: 'j', run: 4, ...{ by: '' } });
  assert.deepEqual(
    rig.runs('j').map(({ reason }) => reason?.text),
    ['killed by tester', 'marked as succeeded by tester', 'killed by request', 'marked as succeeded by request'],
  );
  assert.deepEqual(rig.run('j', 1)?.reason?.data, { by: 'tester', request: id });
  assert.deepEqual(rig.run('j', 2)?.reason?.data, { by: 'tester' });
});

test('the environment of a request is added to that of the job', () => {
  const rig = setup({ task: { command: 'true', env: { A: '1', B: '2' } } });
  rig.request({ type: 'run', job: 'j', env: { B: '3', C: '4' } });
  const { A, B, C } = rig.launches[0]?.env ?? {};
  assert.deepEqual([A, B, C], ['1', '3', '4']);
});

test('a run that is run again is the one it was, whatever the definition says now', () => {
  const rig = setup({ task: { command: 'old' } });
  rig.request({ type: 'run', job: 'j' });
  rig.finish('j.1.1', 1);
  rig.define({ name: 'j', task: { command: 'new' } });
  rig.failOver();
  rig.request({ type: 'retry', job: 'j', run: 1 });
  assert.equal(rig.launches.at(-1)?.task.command, 'old');
  rig.finish('j.1.2');
  assert.equal(rig.run('j', 1)?.spec, undefined, 'what succeeded is not run again');
  assert.deepEqual(rig.state('j')?.totals, { succeeded: 1, failed: 0, killed: 0, skipped: 0, missed: 0 });
});

test('a run that is run again waits for its turn where overlap is not allowed, and is told as created', () => {
  const rig = setup({ overlap: 'queue' });
  rig.request({ type: 'run', job: 'j' });
  rig.finish('j.1.1', 1);
  rig.request({ type: 'run', job: 'j' });
  rig.request({ type: 'run', job: 'j' });
  rig.facts.length = 0;
  rig.request({ type: 'retry', job: 'j', run: 1 });
  assert.equal(rig.story('j'), '1 queued, 2 launching, 3 queued');
  assert.deepEqual(
    rig.facts.filter((fact) => fact.type === 'run-created'),
    [{ type: 'run-created', job: 'j', run: 1, flow: 'j#1', trigger: 'request' }],
  );
  rig.finish('j.2.1');
  assert.equal(rig.story('j'), '1 launching, 2 succeeded, 3 queued');
  const allowed = setup();
  allowed.request({ type: 'run', job: 'j' });
  allowed.finish('j.1.1', 1);
  allowed.request({ type: 'run', job: 'j' });
  allowed.request({ type: 'retry', job: 'j', run: 1 });
  assert.equal(allowed.story('j'), '1 launching, 2 launching');
});

test.run();
