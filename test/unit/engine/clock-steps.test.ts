/** The clock steps back under a leader: what it does again and again goes on. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { KILL_REPEAT_MS, LAUNCH_CONFIRM_MS, RECONCILE_INTERVAL_MS, WAITING_INTERVAL_MS } from '../../../src/engine/limits.ts';
import type { WaitingRecord } from '../../../src/engine/records.ts';
import { EngineRig, type RigOptions } from '../../support/engine-rig.ts';

const test = suite('clock-steps');

const HOUR = 3_600_000;

/** One run by hand, a while after the leader has asked about everything. */
function started(options: RigOptions = {}): EngineRig {
  const rig = new EngineRig(options);
  rig.define({ name: 'j' });
  rig.advance(1_000);
  rig.request({ type: 'run', job: 'j' });
  return rig;
}

function stepBack(rig: EngineRig): void {
  rig.now -= HOUR;
  rig.decide();
}

const kills = (rig: EngineRig): number => rig.commands.filter(({ type }) => type === 'kill').length;
const questions = (rig: EngineRig): number => rig.commands.filter(({ type }) => type === 'reconcile').length;
const waiting = (rig: EngineRig): WaitingRecord => JSON.parse(rig.store.get('executor/waiting') ?? '') as WaitingRecord;

test('a kill goes on being repeated when the clock has stepped back', () => {
  const rig = started();
  rig.status('j.1.1', 'running');
  rig.request({ type: 'kill', job: 'j', run: 1 });
  stepBack(rig);
  assert.equal(kills(rig), 1);
  rig.advance(3 * KILL_REPEAT_MS);
  assert.equal(kills(rig), 4);
});

test('a new leader whose clock is behind that of the last one repeats a kill as well', () => {
  const rig = started();
  rig.status('j.1.1', 'running');
  rig.request({ type: 'kill', job: 'j', run: 1 });
  rig.failOver(-HOUR);
  const before = kills(rig);
  rig.advance(2 * KILL_REPEAT_MS);
  assert.equal(kills(rig), before + 2);
});

test('a launch that is not heard of goes on being asked about when the clock has stepped back', () => {
  const rig = started();
  const before = questions(rig);
  stepBack(rig);
  rig.advance(LAUNCH_CONFIRM_MS - 1);
  assert.equal(questions(rig), before);
  rig.advance(1);
  assert.equal(questions(rig), before + 1);
  stepBack(rig);
  rig.advance(2 * LAUNCH_CONFIRM_MS);
  assert.equal(questions(rig), before + 3);
});

test('everything alive is asked about an interval later at the latest when the clock has stepped back', () => {
  const rig = started();
  rig.status('j.1.1', 'running');
  const before = questions(rig);
  stepBack(rig);
  rig.advance(RECONCILE_INTERVAL_MS - 1);
  assert.equal(questions(rig), before);
  rig.advance(1);
  assert.equal(questions(rig), before + 1);
});

test('what waits is looked at and written down anew when the clock has stepped back', () => {
  const rig = started({ exclusive: false, offer: { cpus: 0.01 } });
  rig.offer();
  rig.advance(2 * WAITING_INTERVAL_MS);
  assert.deepEqual([waiting(rig).shapes[0]?.runs, waiting(rig).shapes[0]?.shortage?.offers], [1, 1]);
  stepBack(rig);
  rig.request({ type: 'kill', job: 'j', run: 1 });
  rig.define({ name: 'other', overlap: 'allow' });
  rig.request({ type: 'run', job: 'other' });
  rig.request({ type: 'run', job: 'other' });
  rig.offer('b1', { resources: { cpus: 0.05, mem: 1_000, disk: 0, gpus: 0, ports: [] } });
  rig.advance(2 * WAITING_INTERVAL_MS);
  const { at, shapes } = waiting(rig);
  assert.ok(at <= rig.now);
  assert.deepEqual([shapes[0]?.runs, shapes[0]?.shortage?.nearest.agentId], [2, 'b1']);
  assert.ok((shapes[0]?.shortage?.at ?? Infinity) <= rig.now);
});

test.run();
