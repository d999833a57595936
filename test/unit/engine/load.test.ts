import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { Engine } from '../../../src/engine/engine.ts';
import { EngineRig } from '../../support/engine-rig.ts';

const test = suite('load');

const hourly = 'R/2026-03-01T01:00:00Z/PT1H';
const NO_TOTALS = { succeeded: 0, failed: 0, killed: 0, skipped: 0, missed: 0 };

/** A cluster in the middle of its work: runs in every state, verdicts, tokens, a backfill. */
function busy(): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 'b', schedule: hourly, retry: { attempts: 1 } });
  for (const name of ['k', 'j']) rig.define({ name, after: ['b'], overlap: 'queue' });
  rig.define({ name: 'join', after: ['j', 'k'] });
  rig.define({ name: 'a', schedule: 'R/2026-03-01T01:00:00Z/PT10M', overlap: 'allow', keepRuns: 20 });
  for (let hour = 1; hour <= 3; hour++) {
    rig.advanceTo(`2026-03-01T0${hour}:00:00Z`);
    rig.finish(`b.${hour}.1`);
  }
  rig.finish('k.1.1');
  for (let run = 1; run <= 12; run += 2) rig.finish(`a.${run}.1`, run % 3);
  rig.suspend({ from: rig.now, by: 'ada' });
  rig.advance(2 * 3_600_000);
  rig.suspend({ from: rig.now - 7_200_000, to: rig.now, by: 'ada' });
  rig.advance(3_600_000);
  rig.suspend({ from: rig.now, by: 'ben' });
  return rig;
}

test('in whatever order the facts are read, what is believed is the same', () => {
  const rig = busy();
  rig.failOver();
  const entries = [...rig.store].map(([key, value]) => ({ key, value, modRevision: 1n }));
  const read = (ordered: typeof entries): unknown => {
    const engine = new Engine({ term: 2n, executor: 'rig', entries: ordered, now: rig.now });
    const { steps } = engine.decide([], rig.now);
    return { steps, dump: engine.dump(), identity: engine.identity };
  };
  const known = read(entries);
  assert.deepEqual(read(entries.toReversed()), known);
  assert.deepEqual(read(entries.toSorted((a, b) => a.value.length - b.value.length)), known);
  assert.ok((rig.engine.dump().jobs.get('a')?.verdicts.length ?? 0) + (rig.engine.dump().jobs.get('b')?.verdicts.length ?? 0) >= 2);
  assert.equal(rig.engine.identity, 'rig-1');
});

test('requests are taken in the order of their ids', () => {
  const rig = new EngineRig({ offline: true });
  rig.define({ name: 'j', overlap: 'queue' });
  for (const id of ['r3', 'r1', 'r2']) rig.store.set(`requests/${id}`, JSON.stringify({ id, at: rig.now, by: 'x', type: 'run', job: 'j' }));
  rig.failOver(0, { connect: false });
  const ids = rig.runs('j').map(({ trigger }) => (trigger.type === 'request' ? trigger.id : ''));
  assert.deepEqual(ids, ['r1', 'r2', 'r3']);
  assert.deepEqual(
    [...rig.store.keys()].filter((key) => key.startsWith('requests/')),
    [],
  );
});

/** A job that was deleted while nobody led, and of which only these facts are left. */
function deleted(keys: readonly string[], state?: object): EngineRig {
  const rig = busy();
  for (const key of [...rig.store.keys()]) {
    if (!/\/a(\/|$)/.test(key)) continue;
    if (!keys.some((prefix) => key.startsWith(prefix))) rig.store.delete(key);
  }
  if (state) rig.store.set('state/a', JSON.stringify(state));
  rig.failOver();
  return rig;
}

const left = (rig: EngineRig): string[] => [...rig.store.keys()].filter((key) => /\/a(\/|$)/.test(key));

test('of a job that was deleted while nobody led everything is cleared away, and what runs is killed', () => {
  const rig = deleted(['state/', 'runs/', 'verdicts/']);
  const { lastRun } = rig.state('a') ?? {};
  assert.deepEqual(rig.state('a'), { uid: '', cursor: 0, scheduledSince: 0, lastRun, totals: NO_TOTALS });
  const alive = rig.runs('a');
  assert.ok(alive.length > 3);
  for (const run of alive) {
    assert.deepEqual([run.state, run.kill?.reason.code], ['killing', 'job-deleted']);
    rig.status(run.attempts.at(-1)?.taskId ?? '', 'killed');
  }
  assert.deepEqual(left(rig), ['state/a']);
});

test('a run that is killed as its job was deleted while nobody led is told so once', () => {
  const rig = deleted(['state/', 'runs/', 'verdicts/']);
  const told = rig.commands.flatMap((command) => (command.type === 'kill' ? [command.task.taskId] : []));
  const alive = rig.runs('a').map((run) => run.attempts.at(-1)?.taskId ?? '');
  assert.deepEqual(told.filter((taskId) => alive.includes(taskId)).sort(), alive.sort());
});

test('what is left of clearing a job away is cleared away too', () => {
  const forgotten = { uid: '', cursor: 0, scheduledSince: 0, lastRun: 9, totals: NO_TOTALS };
  assert.deepEqual(left(deleted(['verdicts/'], forgotten)), ['state/a']);
  assert.deepEqual(left(deleted([], forgotten)), ['state/a']);
  const rig = deleted(['runs/a/1', 'runs/a/3'], forgotten);
  for (const run of rig.runs('a')) rig.status(run.attempts.at(-1)?.taskId ?? '', 'killed');
  assert.deepEqual(left(rig), ['state/a']);
  assert.deepEqual(rig.state('a')?.lastRun, 9);
});

test('a job that was made again while nobody led begins anew and keeps its counter', () => {
  const rig = busy();
  const record = JSON.parse(rig.store.get('jobs/a') ?? '') as object;
  const lastRun = rig.state('a')?.lastRun ?? 0;
  rig.store.set('jobs/a', JSON.stringify({ ...record, uid: 'another', scheduledSince: rig.now }));
  rig.failOver();
  assert.deepEqual([rig.state('a')?.uid, rig.state('a')?.lastRun, rig.state('a')?.totals.succeeded], ['another', lastRun, 0]);
  assert.deepEqual(rig.verdicts('a'), []);
});

test('a deleted job that is made again while nobody led has nothing to be given up', () => {
  const rig = new EngineRig();
  const record = rig.define({ name: 'a' });
  rig.request({ type: 'run', job: 'a' });
  rig.finish('a.1.1');
  rig.undefine('a');
  rig.store.set('jobs/a', JSON.stringify({ ...record, uid: 'another' }));
  const before = rig.steps.length;
  rig.failOver();
  assert.deepEqual([rig.state('a')?.uid, rig.state('a')?.lastRun], ['another', 1]);
  assert.equal(rig.steps.slice(before).filter((step) => step.writes.some(({ key }) => key === 'state/a')).length, 1);
});

test('a queued run that nothing is in the way of any more is made ready', () => {
  const rig = new EngineRig({ offline: true });
  rig.define({ name: 'q', overlap: 'queue' });
  rig.request({ type: 'run', job: 'q' });
  rig.request({ type: 'run', job: 'q' });
  rig.store.delete('runs/q/1');
  rig.failOver(0, { connect: false });
  assert.equal(rig.story('q'), '2 pending');
});

test.run();
