import assert from 'node:assert/strict';
import { test } from 'uvu';
import { EngineRig } from '../../support/engine-rig.ts';

const hourly = 'R/2026-03-01T01:00:00Z/PT1H';

test('a run by hand carries the request, and the request is gone in the same step', () => {
  const rig = new EngineRig();
  rig.define({ name: 'hand' });
  const id = rig.request({ type: 'run', job: 'hand', env: { DAY: 'monday' } });
  assert.deepEqual(rig.run('hand', 1)?.trigger, { type: 'request', id, by: 'tester' });
  assert.equal(rig.launches[0]?.env['DAY'], 'monday');
  const step = rig.steps.find((one) => one.writes.some(({ key }) => key === `requests/${id}`));
  assert.ok(step?.writes.some(({ key }) => key === 'runs/hand/1'));
});

test('a request stored while nobody led is taken by the next leader, once', () => {
  const rig = new EngineRig();
  rig.define({ name: 'hand' });
  const request = { id: 'req1', at: rig.now, by: 'x', type: 'run' as const, job: 'hand' };
  rig.store.set('requests/req1', JSON.stringify(request));
  rig.failOver();
  rig.decide([{ type: 'request', request }]);
  assert.equal(rig.runs('hand').length, 1);
  assert.equal(rig.store.has('requests/req1'), false);
});

test('a run by hand of a busy job that forbids overlap is recorded as skipped', () => {
  const rig = new EngineRig();
  rig.define({ name: 'hand' });
  rig.request({ type: 'run', job: 'hand' });
  rig.request({ type: 'run', job: 'hand' });
  assert.equal(rig.story('hand'), '1 launching, 2 skipped');
  assert.equal(rig.run('hand', 2)?.reason?.code, 'overlap');
});

test('a suspended job starts nothing, by hand either', () => {
  const rig = new EngineRig();
  rig.define({ name: 'hand', suspended: true }, { suspension: { from: rig.now, by: 'ada' } });
  rig.request({ type: 'run', job: 'hand' });
  assert.equal(rig.story('hand'), '1 skipped');
});

test('a run keeps the definition it was created with', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', schedule: 'R1/2026-03-01T01:00:00Z/PT1H', task: { command: 'old' }, retry: { delay: 'PT1S', jitter: 0 } });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.define({ name: 'j', schedule: 'R1/2026-03-01T01:00:00Z/PT1H', task: { command: 'new' } });
  rig.finish('j.1.1', 1);
  rig.failOver();
  rig.advance(1000);
  assert.deepEqual(
    rig.launches.map((launch) => launch.task.command),
    ['old', 'old'],
  );
});

test('deleting a job kills what runs, gives up what waits, and keeps the run counter', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', schedule: hourly, overlap: 'queue' });
  rig.advanceTo('2026-03-01T02:00:00Z');
  rig.status('j.1.1', 'running');
  rig.undefine('j');
  assert.ok(rig.commands.some((command) => command.type === 'kill'));
  rig.status('j.1.1', 'killed');
  assert.equal(rig.runs('j').length, 0);
  assert.equal(rig.state('j')?.lastRun, 2);
  rig.define({ name: 'j' });
  rig.request({ type: 'run', job: 'j' });
  assert.equal(rig.story('j'), '3 launching', 'no task id comes twice');
});

test('a job deleted and made again while nobody led starts afresh', () => {
  const rig = new EngineRig();
  const record = rig.define({ name: 'j', schedule: hourly });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.finish('j.1.1');
  rig.store.set('jobs/j', JSON.stringify({ ...record, uid: 'another', scheduledSince: rig.now + 60_000 }));
  rig.failOver(120_000);
  assert.equal(rig.runs('j').length, 0);
  assert.equal(rig.state('j')?.totals.succeeded, 0);
  rig.advanceTo('2026-03-01T02:00:00Z');
  assert.equal(rig.story('j'), '2 launching');
});

test('only keepRuns runs that are over are kept, and the executor may forget the others', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', schedule: 'R/2026-03-01T00:01:00Z/PT1M', keepRuns: 3 });
  for (let run = 1; run <= 6; run++) {
    rig.advance(60_000);
    rig.finish(`j.${run}.1`);
  }
  assert.equal(rig.story('j'), '4 succeeded, 5 succeeded, 6 succeeded');
  const forgotten = rig.commands.flatMap((command) => (command.type === 'forget' ? command.tasks.map((task) => task.taskId) : []));
  assert.deepEqual(forgotten, ['j.1.1', 'j.2.1', 'j.3.1']);
  assert.equal(rig.state('j')?.totals.succeeded, 6);
});

function backfilled(overlap: 'forbid' | 'allow', limit: number): EngineRig {
  const rig = new EngineRig({ start: '2026-03-05T00:30:00Z' });
  rig.define({ name: 'day', schedule: 'R/2026-03-01T00:00:00Z/P1D', overlap, startingDeadline: 'PT1H' });
  const range = { from: Date.parse('2026-03-01T00:00:00Z'), to: Date.parse('2026-03-04T00:00:00Z') };
  rig.request({ type: 'backfill', job: 'day', ...range, limit });
  return rig;
}

test('a backfill runs each nominal time of its range, oldest first, as many at once as it may', () => {
  const rig = backfilled('allow', 2);
  assert.equal(rig.story('day'), '1 launching, 2 launching');
  rig.finish('day.1.1');
  rig.failOver();
  rig.finish('day.2.1');
  rig.finish('day.3.1');
  assert.equal(rig.story('day'), '1 succeeded, 2 succeeded, 3 succeeded, 4 launching');
  rig.finish('day.4.1');
  const times = rig.runs('day').map((run) => (run.trigger.type === 'schedule' ? new Date(run.trigger.scheduledFor).getUTCDate() : 0));
  assert.deepEqual(times, [1, 2, 3, 4]);
  assert.equal(rig.state('day')?.backfills, undefined);
});

test('a backfill of a job that forbids overlap runs one at a time, and the schedule goes before it', () => {
  const rig = backfilled('forbid', 3);
  assert.equal(rig.story('day'), '1 launching, 2 queued, 3 queued');
  rig.advanceTo('2026-03-06T00:00:00Z');
  assert.equal(rig.story('day'), '1 launching, 2 queued, 3 queued, 4 queued');
  rig.finish('day.1.1');
  assert.equal(rig.run('day', 4)?.state, 'launching');
});

test('an unreadable record is left alone and told', () => {
  const rig = new EngineRig();
  rig.store.set('jobs/bad', '{');
  rig.failOver();
  assert.ok(rig.facts.some((fact) => fact.type === 'unusable-record' && fact.key === 'jobs/bad'));
  assert.equal(rig.store.get('jobs/bad'), '{');
});

test.run();
