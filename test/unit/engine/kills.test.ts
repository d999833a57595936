/** A task that is told to end, and told again for another reason while it takes its time. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { EngineRig, type SpecInput } from '../../support/engine-rig.ts';

const test = suite('kills');

/** A run that has been told to end by its time-out, and has attempts left. */
function timedOut(spec: Partial<SpecInput> = {}): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 'a', timeout: 'PT10S', killGrace: 'PT1H', retry: { attempts: 3, delay: 'PT1S' }, ...spec });
  rig.request({ type: 'run', job: 'a' });
  rig.status('a.1.1', 'running');
  rig.advance(10_000);
  assert.equal(rig.run('a', 1)?.kill?.reason.code, 'timeout');
  return rig;
}

test('a person’s kill of a run that is being killed for its time-out is final', () => {
  const rig = timedOut();
  const { at } = rig.run('a', 1)?.kill ?? {};
  rig.advance(1_000);
  rig.request({ type: 'kill', job: 'a', run: 1 });
  assert.deepEqual([rig.run('a', 1)?.kill?.reason.code, rig.run('a', 1)?.kill?.at], ['kill-request', at]);
  assert.equal(rig.commands.filter(({ type }) => type === 'kill').length, 1, 'it was told already');
  rig.status('a.1.1', 'killed');
  rig.advance(60_000);
  assert.equal(rig.story('a'), '1 killed');
});

test('a job that is deleted while its run is being killed for its time-out runs no more', () => {
  const rig = timedOut();
  rig.undefine('a');
  rig.status('a.1.1', 'killed');
  rig.advance(60_000);
  assert.deepEqual(rig.taskIds(), ['a.1.1']);
});

test('a run that is being killed for its time-out is replaced like any other', () => {
  const rig = timedOut({ overlap: 'replace' });
  rig.request({ type: 'run', job: 'a' });
  rig.status('a.1.1', 'killed');
  assert.equal(rig.story('a'), '1 killed, 2 launching');
});

test('a person’s kill is not turned into a time-out, nor into another kill', () => {
  const rig = new EngineRig();
  rig.define({ name: 'a', timeout: 'PT10S', killGrace: 'PT1H', retry: { attempts: 3 }, overlap: 'replace' });
  rig.request({ type: 'run', job: 'a' });
  rig.status('a.1.1', 'running');
  rig.request({ type: 'kill', job: 'a', run: 1 });
  rig.request({ type: 'run', job: 'a' });
  rig.advance(20_000);
  assert.equal(rig.run('a', 1)?.kill?.reason.code, 'kill-request');
});

for (const state of ['staging', 'killing'] as const) {
  test(`a task whose agent was cut off and answers that it is ${state} is in reach again`, () => {
    const rig = new EngineRig();
    rig.define({ name: 'a', unreachableTimeout: 'PT1M', killGrace: 'PT1H' });
    rig.request({ type: 'run', job: 'a' });
    rig.status('a.1.1', 'unreachable');
    rig.advance(30_000);
    rig.status('a.1.1', state);
    assert.equal(rig.run('a', 1)?.attempts[0]?.unreachableSince, undefined);
    rig.advance(60_000);
    assert.equal(rig.run('a', 1)?.attempts.length, 1);
    assert.equal(rig.run('a', 1)?.endedAt, undefined);
  });
}

test.run();
