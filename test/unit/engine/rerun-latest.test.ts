/** What a job that joins the latest hears of a parent that is run again. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { QUARANTINE_MS } from '../../../src/engine/limits.ts';
import { EngineFailure, withFailure } from '../../../src/engine/quarantine.ts';
import { EngineRig } from '../../support/engine-rig.ts';

const test = suite('rerun latest');

const once = { retry: { attempts: 1 } };

/** A parent whose first run has failed, and a job that joins its latest. */
function failed(on: 'success' | 'failure' | 'completion', hears: (rig: EngineRig) => void = () => undefined): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 'a', overlap: 'allow', ...once });
  rig.define({ name: 'l', after: [{ job: 'a', on }], join: 'latest', overlap: 'allow' });
  hears(rig);
  rig.request({ type: 'run', job: 'a' });
  rig.finish('a.1.1', 1);
  return rig;
}

test('a parent that is run again satisfies the edge of who joins the latest once', () => {
  for (const [on, stories] of [
    ['failure', ['1 launching', '1 launching', '1 launching']],
    ['completion', ['1 launching', '1 launching', '1 launching']],
    ['success', ['', '', '1 launching']],
  ] as const) {
    const rig = failed(on);
    const told = [rig.story('l')];
    rig.request({ type: 'retry', job: 'a', run: 1 });
    rig.failOver();
    rig.finish('a.1.2', 1);
    told.push(rig.story('l'));
    rig.failOver();
    rig.request({ type: 'mark', job: 'a', run: 1 });
    told.push(rig.story('l'));
    assert.deepEqual(told, stories, on);
  }
});

test('a run that was killed and is then marked as succeeded is heard of once', () => {
  const rig = failed('completion');
  rig.request({ type: 'run', job: 'a' });
  rig.request({ type: 'kill', job: 'a', run: 2 });
  rig.status('a.2.1', 'killed');
  assert.equal(rig.story('l'), '1 launching, 2 launching');
  rig.request({ type: 'mark', job: 'a', run: 2 });
  assert.equal(rig.story('l'), '1 launching, 2 launching');
});

test('a run that was skipped and is marked as succeeded has its first word then', () => {
  const rig = new EngineRig();
  rig.define({ name: 'a', overlap: 'forbid' });
  rig.define({ name: 'l', after: [{ job: 'a', on: 'completion' }], join: 'latest' });
  for (let i = 0; i < 2; i++) rig.request({ type: 'run', job: 'a' });
  assert.equal(rig.run('a', 2)?.state, 'skipped');
  rig.request({ type: 'mark', job: 'a', run: 2 });
  assert.equal(rig.story('l'), '1 launching');
});

test('a token that was not taken yet says what became of the run in the end', () => {
  const rig = failed('completion');
  rig.define({ name: 'b', ...once });
  rig.define({ name: 'l', after: [{ job: 'a', on: 'completion' }, 'b'], join: 'latest', overlap: 'allow' });
  rig.request({ type: 'run', job: 'a' });
  rig.finish('a.2.1', 1);
  assert.deepEqual(rig.state('l')?.latest, { a: { run: 2, outcome: 'failed' } });
  rig.request({ type: 'mark', job: 'a', run: 2 });
  assert.deepEqual(rig.state('l')?.latest, { a: { run: 2, outcome: 'succeeded' } });
  rig.request({ type: 'mark', job: 'a', run: 1 });
  assert.deepEqual(rig.state('l')?.latest, { a: { run: 2, outcome: 'succeeded' } });
});

/** Puts a job into quarantine, as if the engine had failed on it. */
function setAside(rig: EngineRig, job: string): void {
  const definition = rig.engine.definitionOf(job);
  const record = withFailure({}, new EngineFailure(job, new Error('oh')), { now: rig.now, definition });
  rig.store.set('quarantine', JSON.stringify(record));
  rig.failOver();
}

test('who was in quarantine when the run failed hears of its second failure, and only once', () => {
  const rig = failed('failure', (before) => setAside(before, 'l'));
  rig.request({ type: 'retry', job: 'a', run: 1 });
  assert.deepEqual(rig.run('a', 1)?.failedBefore, ['l']);
  rig.finish('a.1.2', 1);
  rig.advance(QUARANTINE_MS);
  rig.failOver();
  assert.equal(rig.story('l'), '1 launching');
  rig.request({ type: 'retry', job: 'a', run: 1 });
  assert.deepEqual(rig.run('a', 1)?.failedBefore, []);
  rig.finish('a.1.3', 1);
  assert.equal(rig.story('l'), '1 launching');
});

test.run();
