/** A task that is launched and never begins. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { INFRASTRUCTURE_FAILURES, LAUNCH_TIMEOUT_MS } from '../../../src/engine/limits.ts';
import { EngineRig } from '../../support/engine-rig.ts';

const test = suite('launch-timeout');

/** One task on its way, of which the executor has said so. */
function staging(): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 'j', retry: { attempts: 1 } });
  // Not when everything is asked about anyway.
  rig.advance(1_000);
  rig.request({ type: 'run', job: 'j' });
  rig.status('j.1.1', 'staging');
  return rig;
}

/** How often the executor was asked about tasks. */
function asked(rig: EngineRig): number {
  return rig.commands.filter((command) => command.type === 'reconcile' && command.tasks.length > 0).length;
}

const kills = (rig: EngineRig): number => rig.commands.filter((command) => command.type === 'kill').length;

test('a task that has not begun in time is ended, and tried again as an infrastructure failure', () => {
  const rig = staging();
  rig.advance(LAUNCH_TIMEOUT_MS - 1);
  rig.status('j.1.1', 'staging');
  assert.deepEqual([rig.story('j'), kills(rig)], ['1 launching', 0]);
  const before = asked(rig);
  rig.advance(1);
  assert.deepEqual([asked(rig), rig.story('j')], [before + 1, '1 launching'], 'it is asked about when its time is up');
  rig.status('j.1.1', 'staging');
  assert.deepEqual([rig.story('j'), kills(rig)], ['1 killing', 1]);
  rig.status('j.1.1', 'killed');
  assert.deepEqual([rig.story('j'), rig.run('j', 1)?.lost], ['1 backoff', 1]);
  const [attempt] = rig.run('j', 1)?.attempts ?? [];
  assert.deepEqual([attempt?.fault, attempt?.reason?.code], ['infrastructure', 'launch-timeout']);
  rig.advance(60_000);
  assert.deepEqual(rig.taskIds(), ['j.1.1', 'j.1.2']);
});

test('it is tried again as often as other infrastructure failures', () => {
  const rig = staging();
  for (let number = 1; number <= INFRASTRUCTURE_FAILURES; number++) {
    rig.advance(LAUNCH_TIMEOUT_MS);
    rig.status(`j.1.${number}`, 'staging');
    rig.status(`j.1.${number}`, 'killed');
    rig.advance(60_000);
  }
  assert.deepEqual([rig.story('j'), rig.run('j', 1)?.reason?.code], ['1 failed', 'launch-timeout']);
});

test('a new leader asks first, and ends only what has not begun', () => {
  const rig = staging();
  rig.failOver(2 * LAUNCH_TIMEOUT_MS);
  assert.deepEqual([rig.story('j'), kills(rig)], ['1 launching', 0]);
  rig.status('j.1.1', 'running');
  assert.equal(rig.story('j'), '1 running');
  rig.finish('j.1.1');
  rig.request({ type: 'run', job: 'j' });
  rig.failOver(2 * LAUNCH_TIMEOUT_MS);
  rig.status('j.2.1', 'staging');
  assert.equal(rig.story('j'), '1 succeeded, 2 killing');
});

test('what is being killed for it is killed on by the next leader, with the same outcome', () => {
  const rig = staging();
  rig.advance(LAUNCH_TIMEOUT_MS);
  rig.status('j.1.1', 'staging');
  rig.failOver();
  assert.equal(kills(rig), 2);
  rig.status('j.1.1', 'failed', { exitCode: 137 });
  assert.deepEqual([rig.story('j'), rig.run('j', 1)?.attempts[0]?.fault], ['1 backoff', 'infrastructure']);
});

test('a task that begins while it is told to end, and finishes first, has succeeded', () => {
  const rig = staging();
  rig.advance(LAUNCH_TIMEOUT_MS);
  rig.status('j.1.1', 'staging');
  rig.status('j.1.1', 'running');
  assert.equal(rig.story('j'), '1 killing');
  rig.status('j.1.1', 'finished', { exitCode: 0 });
  assert.equal(rig.story('j'), '1 succeeded');
});

test('a person’s kill of what is being killed for it is final', () => {
  const rig = staging();
  rig.advance(LAUNCH_TIMEOUT_MS);
  rig.status('j.1.1', 'staging');
  rig.request({ type: 'kill', job: 'j', run: 1 });
  rig.status('j.1.1', 'killed');
  assert.equal(rig.story('j'), '1 killed');
});

test('a task that has begun may take its time', () => {
  const rig = staging();
  rig.status('j.1.1', 'starting');
  rig.advance(10 * LAUNCH_TIMEOUT_MS);
  rig.status('j.1.1', 'staging');
  assert.deepEqual([rig.story('j'), kills(rig)], ['1 running', 0]);
});

test('nothing is ended while the executor says nothing: it may run', () => {
  const rig = staging();
  rig.executor({ type: 'disconnected', reason: 'test', final: false });
  rig.advance(10 * LAUNCH_TIMEOUT_MS);
  assert.deepEqual([rig.story('j'), kills(rig)], ['1 launching', 0]);
});

test.run();
