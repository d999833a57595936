/** Why a starting deadline passed. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import type { Reason } from '../../../src/engine/records.ts';
import { EngineRig, type RigOptions } from '../../support/engine-rig.ts';

const test = suite('missed-deadlines');

const WHEN = 'the starting deadline, 2026-03-01T00:05:00.000Z, passed while';

/** A run by hand at midnight that is to start within five minutes. */
function waiting(options: RigOptions = {}, prepare: (rig: EngineRig) => void = () => undefined): EngineRig {
  const rig = new EngineRig(options);
  prepare(rig);
  rig.define({ name: 'j', startingDeadline: 'PT5M', overlap: 'queue' });
  rig.request({ type: 'run', job: 'j' });
  return rig;
}

function reasonOf(rig: EngineRig, run = 1): Reason | undefined {
  rig.advance(600_000);
  assert.equal(rig.run('j', run)?.state, 'missed');
  return rig.run('j', run)?.reason;
}

test('a deadline that passes in a suspension says who suspended the cluster', () => {
  const rig = waiting({}, (one) => one.suspend({ from: one.now, by: 'ann' }));
  const { text, data } = reasonOf(rig) ?? {};
  assert.equal(text, `${WHEN} waiting for an offer: the whole cluster was suspended by ann at 2026-03-01T00:00:00.000Z`);
  assert.deepEqual(data?.['heldBy'], { code: 'suspended', by: 'ann', from: Date.parse('2026-03-01T00:00:00Z') });
});

test('a deadline that passes without a connection to the executor says so', () => {
  const { text, data } = reasonOf(waiting({ offline: true })) ?? {};
  assert.equal(text, `${WHEN} waiting for an offer: the leader had no connection to the executor`);
  assert.deepEqual(data?.['heldBy'], { code: 'no-executor' });
  const lost = waiting({ offer: { cpus: 0 } });
  lost.executor({ type: 'disconnected', reason: 'test', final: false });
  assert.deepEqual(reasonOf(lost)?.data?.['heldBy'], { code: 'no-executor' });
});

test('a deadline that passes before the executor has told what is alive says so', () => {
  const rig = waiting({ offline: true });
  rig.executor({ type: 'connected', identity: 'rig-1', exclusive: true });
  assert.deepEqual(reasonOf(rig)?.data?.['heldBy'], { code: 'reconciling' });
});

test('a deadline that passes while nobody leads says so', () => {
  const rig = waiting({ offer: { cpus: 0 } });
  rig.failOver(600_000);
  const { text, data } = reasonOf(rig) ?? {};
  assert.equal(text, `${WHEN} waiting for an offer: nobody could launch anything until 2026-03-01T00:10:00.000Z, as there was no leader`);
  assert.deepEqual(data?.['heldBy'], { code: 'no-leader', until: Date.parse('2026-03-01T00:10:00Z') });
});

test('where offers come and lack something, that is told as ever', () => {
  const { text, data } = reasonOf(waiting({ offer: { cpus: 0 } })) ?? {};
  assert.match(text ?? '', /waiting for an offer: the nearest of 1 offers, of a1.test, lacked cpus/);
  assert.equal(data?.['heldBy'], undefined);
});

test('where more deadlines pass at once than are decided at once, each says what was lacking, and none is launched', () => {
  const rig = new EngineRig({ exclusive: false, offer: { cpus: 0.01 }, maxOperations: 10 });
  rig.define({ name: 'j', startingDeadline: 'PT5M', overlap: 'allow' });
  for (let run = 1; run <= 30; run++) rig.request({ type: 'run', job: 'j' });
  rig.offer();
  rig.advance(299_000);
  rig.now += 1_000;
  rig.offer('roomy', { resources: { cpus: 9, mem: 9_000, disk: 9_000, gpus: 0, ports: [] } });
  assert.ok(rig.runs('j').some(({ state }) => state === 'pending'));
  rig.advance(0);
  assert.deepEqual(rig.taskIds(), []);
  for (const { state, reason } of rig.runs('j')) {
    assert.equal(state, 'missed');
    assert.match(reason?.text ?? '', /the nearest of . offers, of a1.test, lacked cpus/);
  }
});

test('a run that waits for an earlier one says both', () => {
  const rig = waiting();
  rig.request({ type: 'run', job: 'j' });
  rig.suspend({ from: rig.now, by: 'ann' });
  const { text } = reasonOf(rig, 2) ?? {};
  assert.equal(text, `${WHEN} waiting for an earlier run; and the whole cluster was suspended by ann at 2026-03-01T00:00:00.000Z`);
});

test.run();
