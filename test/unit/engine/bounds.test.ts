import assert from 'node:assert/strict';
import { test } from 'uvu';
import { ATTEMPTS_UNMEASURED, OPEN_BACKFILLS, OPEN_FLOWS, OPEN_RUNS } from '../../../src/engine/limits.ts';
import { MAX_TRANSACTION_BYTES } from '../../../src/store/port.ts';
import { EngineRig } from '../../support/engine-rig.ts';

test('a run whose record is full is not tried again, whatever its policy says', () => {
  const rig = new EngineRig();
  rig.define({ name: 'chatty', retry: { attempts: 1_000, delay: 'PT0S' } });
  rig.request({ type: 'run', job: 'chatty' });
  let attempts = 0;
  while (rig.run('chatty', 1)?.state === 'launching') {
    attempts += 1;
    rig.status(`chatty.1.${attempts}`, 'failed', { exitCode: 1, message: 'ü'.repeat(2_000) });
  }
  const run = rig.run('chatty', 1);
  assert.equal(run?.state, 'failed');
  assert.ok(attempts > ATTEMPTS_UNMEASURED && attempts < 1_000, `${attempts} attempts`);
  assert.match(
    run?.reason?.text ?? '',
    new RegExp(`^exited with code 1: ü+…; not tried again, as its record is full after ${attempts} attempts$`),
  );
  assert.ok(Buffer.byteLength(rig.store.get('runs/chatty/1') ?? '') < MAX_TRANSACTION_BYTES);
  rig.request({ type: 'retry', job: 'chatty', run: 1 });
  assert.equal(rig.run('chatty', 1)?.state, 'failed');
  assert.deepEqual(
    rig.facts.flatMap((fact) => (fact.type === 'request-taken' ? [fact.result] : [])),
    ['chatty#1', 'full'],
  );
});

test('a run with many short attempts has all that its policy gives it', () => {
  const rig = new EngineRig();
  rig.define({ name: 'brief', retry: { attempts: 300, delay: 'PT0S' } });
  rig.request({ type: 'run', job: 'brief' });
  for (let attempt = 1; attempt <= 300; attempt++) rig.finish(`brief.1.${attempt}`, 1);
  assert.equal(rig.run('brief', 1)?.state, 'failed');
  assert.equal(rig.run('brief', 1)?.reason?.text, 'exited with code 1');
});

/** A root whose flows all wait for a child that hangs. */
function withHangingParent(flows: number): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 'root', overlap: 'allow' });
  rig.define({ name: 'quick', after: ['root'], overlap: 'allow' });
  rig.define({ name: 'hanging', after: ['root'] });
  rig.define({ name: 'join', after: ['quick', 'hanging'] });
  for (let flow = 1; flow <= flows; flow++) {
    rig.request({ type: 'run', job: 'root' });
    rig.finish(`root.${flow}.1`);
    rig.finish(`quick.${flow}.1`);
  }
  return rig;
}

test('beyond 500 flows that wait for a hanging parent the oldest is given up', () => {
  const rig = withHangingParent(OPEN_FLOWS);
  assert.equal(Object.keys(rig.state('join')?.tokens ?? {}).length, OPEN_FLOWS);
  assert.equal(rig.runs('join').length, 0);
  rig.request({ type: 'run', job: 'root' });
  rig.finish(`root.${OPEN_FLOWS + 1}.1`);
  rig.finish(`quick.${OPEN_FLOWS + 1}.1`);
  assert.equal(Object.keys(rig.state('join')?.tokens ?? {}).length, OPEN_FLOWS);
  const [skipped, ...others] = rig.runs('join');
  assert.deepEqual(others, []);
  assert.equal(skipped?.flow, 'root#1');
  assert.equal(skipped?.state, 'skipped');
  assert.equal(skipped?.reason?.code, 'too-many-flows');
  rig.finish('hanging.1.1');
  assert.equal(rig.runs('join').length, 1, 'what comes late to a flow that was given up changes nothing');
});

test('a job has 10,000 runs open at once at most: what comes due beyond is skipped, what is asked for is recorded as skipped', () => {
  const rig = new EngineRig({ offer: { cpus: 0.01 } });
  rig.define({ name: 'q', schedule: 'R/2026-03-01T00:00:01Z/PT1S', overlap: 'queue' });
  rig.advance(OPEN_RUNS * 1000);
  assert.equal(rig.runs('q').length, OPEN_RUNS);
  assert.deepEqual(rig.verdicts('q'), []);
  rig.advance(2000);
  rig.request({ type: 'run', job: 'q' });
  assert.equal(rig.runs('q').length, OPEN_RUNS + 1);
  assert.equal(rig.runs('q').at(-1)?.reason?.code, 'too-many-runs');
  const [verdict] = rig.verdicts('q');
  assert.deepEqual([verdict?.verdict, verdict?.count, verdict?.reason.code], ['skipped', 2, 'too-many-runs']);
  rig.request({ type: 'kill', job: 'q', run: 1 });
  rig.request({ type: 'run', job: 'q' });
  assert.equal(rig.runs('q').at(-1)?.state, 'queued');
});

test('a job has a hundred backfills at once at most', () => {
  const rig = new EngineRig();
  rig.define({ name: 'b', schedule: 'R/2026-03-01T00:01:00Z/PT1M' });
  rig.advanceTo('2026-03-01T00:05:00Z');
  const range = { from: Date.parse('2026-03-01T00:01:00Z'), to: Date.parse('2026-03-01T00:04:00Z') };
  for (let i = 0; i <= OPEN_BACKFILLS; i++) rig.request({ type: 'backfill', job: 'b', ...range, limit: 1 });
  const results = rig.facts.flatMap((fact) => (fact.type === 'request-taken' ? [fact.result] : []));
  assert.equal(results.at(-2), 'started');
  assert.equal(results.at(-1), 'too many backfills');
  assert.equal(Object.keys(rig.state('b')?.backfills ?? {}).length, OPEN_BACKFILLS);
});

/** What each step writes, in bytes. */
const stepBytes = (rig: EngineRig): number[] =>
  rig.steps.map(({ writes }) => writes.reduce((sum, { value }) => sum + Buffer.byteLength(value ?? ''), 0));

/** A definition of 60 kB: as large as they may be. */
const large = (name: string): { name: string; task: { command: string; env: Record<string, string> } } => ({
  ...{ name, task: { command: 'true', env: { A: 'x'.repeat(60_000) } } },
});

test('what is launched in one step fits a transaction, however large the definitions are', () => {
  const rig = new EngineRig({ offline: true });
  for (let job = 0; job < 25; job++) {
    rig.define(large(`j${job}`));
    rig.request({ type: 'run', job: `j${job}` });
  }
  rig.connect();
  assert.equal(rig.launches.length, 25);
  assert.ok(Math.max(...stepBytes(rig)) < MAX_TRANSACTION_BYTES, `${Math.max(...stepBytes(rig))} bytes`);
});

test('what is launched in one step fits a transaction, however much is known of earlier attempts, in whatever script', () => {
  const rig = new EngineRig({ exclusive: false });
  rig.define({ name: 'j', overlap: 'allow', retry: { attempts: 1_000, delay: 'PT0S' } });
  rig.request({ type: 'run', job: 'j' });
  rig.request({ type: 'run', job: 'j' });
  for (let launched = 0; rig.runs('j').some(({ state }) => state !== 'failed'); ) {
    rig.offer();
    const tasks = rig.taskIds().slice(launched);
    launched += tasks.length;
    assert.ok(tasks.length > 0, 'who does not fit beside another is launched in a step of its own');
    for (const task of tasks) rig.status(task, 'failed', { exitCode: 1, message: '失'.repeat(500) });
  }
  assert.ok(Math.max(...stepBytes(rig)) < MAX_TRANSACTION_BYTES / 2, `${Math.max(...stepBytes(rig))} bytes`);
});

test('what is handed on in one step fits a transaction, however large the children are', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root' });
  for (let job = 0; job < 30; job++) rig.define({ ...large(`j${job}`), after: ['root'] });
  rig.request({ type: 'run', job: 'root' });
  rig.finish('root.1.1');
  assert.equal(rig.launches.length, 31);
  assert.ok(Math.max(...stepBytes(rig)) < MAX_TRANSACTION_BYTES, `${Math.max(...stepBytes(rig))} bytes`);
});

test('what waits and why fits a transaction, however much constraints say', () => {
  const rig = new EngineRig({ exclusive: false });
  for (let job = 0; job < 25; job++) {
    const constraints = Array.from({ length: 50 }, (_, i): [string, string, string] => [`a${i}`, 'EQUALS', `${job}${'x'.repeat(1_000)}`]);
    rig.define({ name: `j${job}`, constraints } as never);
    rig.request({ type: 'run', job: `j${job}` });
  }
  rig.offer();
  rig.advance(20_000);
  const waiting = rig.store.get('executor/waiting') ?? '';
  assert.ok(waiting.length > 40_000 && Buffer.byteLength(waiting) < MAX_TRANSACTION_BYTES, `${waiting.length} characters`);
});

test.run();
