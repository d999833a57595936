import assert from 'node:assert/strict';
import { test } from 'uvu';
import { EngineRig } from '../../support/engine-rig.ts';

function launched(task: Record<string, unknown> = {}): Readonly<Record<string, string>> {
  const rig = new EngineRig();
  rig.define({ name: 'etl.load', schedule: 'R1/2026-03-01T01:00:00Z/PT1H', owner: 'data@example.com', task: { command: 'x', ...task } });
  rig.advanceTo('2026-03-01T01:00:00Z');
  return rig.launches[0]?.env ?? {};
}

test('a task is told who it is, for when, in which flow, and in whose term', () => {
  const env = launched({ cpus: 0.5, mem: 64 });
  assert.equal(env['KAIROS_JOB'], 'etl.load');
  assert.equal(env['KAIROS_RUN'], '1');
  assert.equal(env['KAIROS_ATTEMPT'], '1');
  assert.equal(env['KAIROS_SCHEDULED_FOR'], '2026-03-01T01:00:00.000Z');
  assert.equal(env['KAIROS_FLOW'], 'etl.load#1');
  assert.equal(env['KAIROS_TERM'], '1');
  assert.equal(env['KAIROS_HOST'], 'a1.test');
  assert.equal(env['KAIROS_CPUS'], '0.5');
  assert.equal(env['KAIROS_MEM'], '64');
});

test('the names of Chronos are there too', () => {
  const env = launched();
  assert.equal(env['CHRONOS_JOB_NAME'], 'etl.load');
  assert.equal(env['CHRONOS_JOB_OWNER'], 'data@example.com');
  assert.equal(env['CHRONOS_JOB_RUN_TIME'], String(Date.parse('2026-03-01T01:00:00Z')));
  assert.equal(env['CHRONOS_JOB_RUN_ATTEMPT'], '0');
});

test('the job’s own variables come through, and can not pass for ours', () => {
  const env = launched({ env: { A: 'b', HOST: 'mine', CHRONOS_JOB_NAME: 'forged' } });
  assert.equal(env['A'], 'b');
  assert.equal(env['HOST'], 'mine');
  assert.equal(env['CHRONOS_JOB_NAME'], 'etl.load');
});

test('chosen ports are told in the order of the definition', () => {
  const env = launched({ ports: [{ hostPort: 31005 }, { hostPort: 0 }] });
  assert.equal(env['KAIROS_PORT0'], '31005');
  assert.equal(env['KAIROS_PORT1'], '31000');
});

test.run();
