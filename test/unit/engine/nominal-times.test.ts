import assert from 'node:assert/strict';
import { test } from 'uvu';
import { EngineRig } from '../../support/engine-rig.ts';

const at = (text: string): number => Date.parse(text);

const iso = (instant: number): string => new Date(instant).toISOString();

test('a scheduled job runs at each nominal time and carries it', () => {
  const rig = new EngineRig({ start: '2026-03-01T00:00:00Z' });
  rig.define({ name: 'tick', schedule: 'R/2026-03-01T00:00:10Z/PT10S' });
  rig.advanceTo('2026-03-01T00:00:10Z');
  rig.finish('tick.1.1');
  rig.advanceTo('2026-03-01T00:00:20Z');
  assert.deepEqual(rig.taskIds(), ['tick.1.1', 'tick.2.1']);
  assert.equal(rig.story('tick'), '1 succeeded, 2 launching');
  assert.deepEqual(rig.run('tick', 2)?.trigger, { type: 'schedule', scheduledFor: at('2026-03-01T00:00:20Z') });
  assert.equal(rig.launches[1]?.env['KAIROS_SCHEDULED_FOR'], '2026-03-01T00:00:20.000Z');
});

test('nominal times before the schedule was set are not the job’s', () => {
  const rig = new EngineRig({ start: '2026-03-01T12:00:00Z' });
  rig.define({ name: 'daily', schedule: 'R/2020-01-01T03:00:00Z/P1D' });
  rig.advance(3_600_000);
  assert.equal(rig.runs('daily').length, 0);
  assert.equal(rig.verdicts('daily').length, 0);
});

test('an empty start means the moment the schedule was set, and that is the first run', () => {
  const rig = new EngineRig();
  rig.define({ name: 'now', schedule: 'R2//PT1H' });
  assert.equal(rig.story('now'), '1 launching');
  rig.finish('now.1.1');
  rig.advance(10 * 3_600_000);
  rig.finish('now.2.1');
  rig.advance(10 * 3_600_000);
  assert.equal(rig.story('now'), '1 succeeded, 2 succeeded');
});

test('overlap forbid skips, and equal skips are one verdict that names the run in the way', () => {
  const rig = new EngineRig();
  rig.define({ name: 'slow', schedule: 'R/2026-03-01T00:01:00Z/PT1M' });
  rig.advanceTo('2026-03-01T00:04:00Z');
  assert.equal(rig.story('slow'), '1 launching');
  const [verdict, ...others] = rig.verdicts('slow');
  assert.equal(others.length, 0);
  assert.equal(verdict?.verdict, 'skipped');
  assert.equal(verdict?.from, at('2026-03-01T00:02:00Z'));
  assert.equal(verdict?.to, at('2026-03-01T00:04:00Z'));
  assert.equal(verdict?.count, 3);
  assert.deepEqual(verdict?.reason.data, { run: 1 });
  assert.equal(rig.state('slow')?.totals.skipped, 3);
});

test('overlap queue lets a run wait for the one before', () => {
  const rig = new EngineRig();
  rig.define({ name: 'q', schedule: 'R/2026-03-01T00:01:00Z/PT1M', overlap: 'queue' });
  rig.advanceTo('2026-03-01T00:03:00Z');
  assert.equal(rig.story('q'), '1 launching, 2 queued, 3 queued');
  rig.finish('q.1.1');
  assert.equal(rig.story('q'), '1 succeeded, 2 launching, 3 queued');
});

test('overlap allow runs side by side', () => {
  const rig = new EngineRig();
  rig.define({ name: 'a', schedule: 'R/2026-03-01T00:01:00Z/PT1M', overlap: 'allow' });
  rig.advanceTo('2026-03-01T00:02:00Z');
  assert.equal(rig.story('a'), '1 launching, 2 launching');
});

test('overlap replace kills what runs; only the newest waiting run follows', () => {
  const rig = new EngineRig();
  rig.define({ name: 'r', schedule: 'R/2026-03-01T00:01:00Z/PT1M', overlap: 'replace' });
  rig.advanceTo('2026-03-01T00:01:00Z');
  rig.status('r.1.1', 'running');
  rig.advanceTo('2026-03-01T00:03:00Z');
  assert.equal(rig.story('r'), '1 killing, 2 skipped, 3 queued');
  assert.ok(rig.commands.some((command) => command.type === 'kill' && command.task.taskId === 'r.1.1'));
  rig.status('r.1.1', 'killed');
  assert.equal(rig.story('r'), '1 killed, 2 skipped, 3 launching');
  assert.equal(rig.run('r', 1)?.reason?.code, 'replaced');
});

test('after an outage the newest missed time runs and the older are one verdict', () => {
  const rig = new EngineRig();
  rig.define({ name: 'm', schedule: 'R/2026-03-01T00:01:00Z/PT1M' });
  rig.failOver(10 * 60_000 + 30_000);
  assert.equal(rig.story('m'), '1 launching');
  const run = rig.run('m', 1);
  assert.deepEqual(run?.trigger, { type: 'schedule', scheduledFor: at('2026-03-01T00:10:00Z'), caughtUp: true });
  const [verdict] = rig.verdicts('m');
  assert.equal(verdict?.verdict, 'missed');
  assert.equal(verdict?.reason.code, 'no-leader');
  assert.equal(verdict?.count, 9);
});

test('catchUp none records all missed times and runs none of them', () => {
  const rig = new EngineRig();
  rig.define({ name: 'n', schedule: 'R/2026-03-01T00:01:00Z/PT1M', catchUp: 'none' });
  rig.failOver(5 * 60_000);
  assert.equal(rig.runs('n').length, 1, 'the time that is due right now is not missed');
  assert.equal(rig.verdicts('n')[0]?.count, 4);
});

test('catchUp all runs each missed time, oldest first, one after the other', () => {
  const rig = new EngineRig();
  rig.define({ name: 'all', schedule: 'R/2026-03-01T00:01:00Z/PT1M', catchUp: 'all' });
  rig.failOver(3 * 60_000 + 1);
  assert.equal(rig.story('all'), '1 launching, 2 queued, 3 queued');
  const times = rig.runs('all').map((run) => (run.trigger.type === 'schedule' ? run.trigger.scheduledFor : 0));
  assert.deepEqual(times, [at('2026-03-01T00:01:00Z'), at('2026-03-01T00:02:00Z'), at('2026-03-01T00:03:00Z')]);
});

test('catchUp all launches the oldest first, also where overlap is allowed', () => {
  const rig = new EngineRig({ offer: { cpus: 0.1 } });
  rig.define({ name: 'all', schedule: 'R/2026-03-01T00:01:00Z/PT1M', catchUp: 'all', overlap: 'allow' });
  rig.failOver(12.5 * 60_000);
  for (let run = 1; run < 12; run++) rig.finish(`all.${run}.1`);
  assert.deepEqual(
    rig.taskIds(),
    Array.from({ length: 12 }, (_, index) => `all.${index + 1}.1`),
  );
});

test('catchUp all is bounded: the newest 1,000 run, the older are missed', () => {
  const rig = new EngineRig();
  rig.define({ name: 'many', schedule: 'R/2026-03-01T00:00:01Z/PT1S', catchUp: 'all', keepRuns: 1000 });
  rig.failOver(5_000_500);
  assert.equal(rig.runs('many').length, 1000);
  assert.equal(rig.verdicts('many')[0]?.count, 4000);
});

test('a process that was paused catches up as after an outage', () => {
  const rig = new EngineRig();
  rig.define({ name: 'p', schedule: 'R/2026-03-01T00:01:00Z/PT1M' });
  rig.now += 30 * 60_000;
  rig.decide();
  assert.equal(rig.runs('p').length, 1);
  assert.equal(rig.verdicts('p')[0]?.verdict, 'missed');
});

test('what came due while the leader was busy is late, not missed', () => {
  const rig = new EngineRig();
  rig.define({ name: 'p', schedule: 'R/2026-03-01T00:00:20Z/PT20S', overlap: 'allow', catchUp: 'none' });
  rig.now += 50_000;
  rig.decide([], Infinity, rig.now);
  assert.equal(rig.runs('p').length, 2);
  assert.deepEqual(rig.verdicts('p'), []);
});

test('a leader that slept after it was done, or was busy for minutes, was gone', () => {
  for (const [sleepMs, busyMs] of [
    [50_000, 20_000],
    [90_000, 90_000],
  ] as const) {
    const rig = new EngineRig();
    rig.define({ name: 'p', schedule: 'R/2026-03-01T00:00:20Z/PT20S', overlap: 'allow', catchUp: 'none' });
    const freeAt = rig.now + busyMs;
    rig.now += sleepMs;
    rig.decide([], Infinity, freeAt);
    assert.equal(rig.runs('p').length, 0);
    assert.equal(rig.verdicts('p')[0]?.reason.code, 'no-leader');
  }
});

test('ten years of outage on a job of every second take no walk', () => {
  const rig = new EngineRig();
  rig.define({ name: 's', schedule: 'R/2026-03-01T00:00:01Z/PT1S' });
  rig.failOver(10 * 365 * 86_400_000);
  assert.equal(rig.runs('s').length, 1);
  assert.equal(rig.verdicts('s')[0]?.count, undefined, 'more than are counted');
});

test('the starting deadline holds for a nominal time decided late', () => {
  const rig = new EngineRig();
  rig.define({ name: 'd', schedule: 'R1/2026-03-01T01:00:00Z/PT1H', startingDeadline: 'PT5M' });
  rig.failOver(3_600_000 + 6 * 60_000);
  assert.equal(rig.runs('d').length, 0);
  assert.equal(rig.verdicts('d')[0]?.reason.code, 'deadline');
});

test('the starting deadline holds while waiting for an offer', () => {
  const rig = new EngineRig({ offer: { cpus: 0.01 } });
  rig.define({ name: 'd', schedule: 'R1/2026-03-01T01:00:00Z/PT1H', startingDeadline: 'PT5M' });
  rig.advanceTo('2026-03-01T01:04:59Z');
  assert.equal(rig.story('d'), '1 pending');
  rig.advanceTo('2026-03-01T01:05:00Z');
  assert.equal(rig.story('d'), '1 missed');
  assert.equal(rig.run('d', 1)?.reason?.code, 'deadline');
});

test('nominal times in a suspension are recorded as suspended, with who did it', () => {
  const rig = new EngineRig();
  const spec = { name: 'sus', schedule: 'R/2026-03-01T01:00:00Z/PT1H' };
  rig.define(spec);
  rig.advanceTo('2026-03-01T01:30:00Z');
  rig.finish('sus.1.1');
  rig.define({ ...spec, suspended: true }, { suspension: { from: rig.now, by: 'ada' } });
  rig.advanceTo('2026-03-01T04:30:00Z');
  assert.equal(rig.runs('sus').length, 1);
  const from = at('2026-03-01T01:30:00Z');
  rig.define({ ...spec, suspended: false }, { suspension: { from, to: rig.now, by: 'ada' } });
  const [verdict] = rig.verdicts('sus');
  assert.equal(verdict?.verdict, 'suspended');
  assert.equal(verdict?.count, 3);
  assert.match(verdict?.reason.text ?? '', /by ada/);
  rig.advanceTo('2026-03-01T05:00:00Z');
  assert.equal(rig.runs('sus').length, 2);
});

function checkSpans(whose: 'job' | 'cluster'): void {
  const rig = new EngineRig();
  const job = { name: 's', schedule: 'R/2026-03-01T01:00:00Z/PT1H', catchUp: 'all', overlap: 'allow' } as const;
  rig.define(job);
  const spans = [
    { from: at('2026-03-01T00:30:00Z'), to: at('2026-03-01T02:30:00Z'), by: 'ada' },
    { from: at('2026-03-01T03:30:00Z'), to: at('2026-03-01T04:30:00Z'), by: 'ben' },
  ];
  const suspension = { from: at('2026-03-01T05:30:00Z'), to: at('2026-03-01T06:30:00Z'), by: 'cora', earlier: spans };
  const record = JSON.parse(rig.store.get('jobs/s') ?? '{}') as object;
  if (whose === 'cluster') rig.store.set('suspension', JSON.stringify(suspension));
  else rig.store.set('jobs/s', JSON.stringify({ ...record, version: 7, suspension }));
  rig.failOver(at('2026-03-01T07:15:00Z') - rig.now);
  assert.deepEqual(
    rig.verdicts('s').map(({ verdict, from, to, count }) => [verdict, iso(from), iso(to), count]),
    [
      ['suspended', '2026-03-01T01:00:00.000Z', '2026-03-01T02:00:00.000Z', 2],
      ['suspended', '2026-03-01T04:00:00.000Z', '2026-03-01T04:00:00.000Z', 1],
      ['suspended', '2026-03-01T06:00:00.000Z', '2026-03-01T06:00:00.000Z', 1],
    ],
  );
  const times = rig.runs('s').map(({ trigger }) => (trigger.type === 'schedule' ? iso(trigger.scheduledFor) : ''));
  assert.deepEqual(times, ['2026-03-01T03:00:00.000Z', '2026-03-01T05:00:00.000Z', '2026-03-01T07:00:00.000Z']);
}

test('each of several suspensions that nobody led in is recorded', () => checkSpans('job'));

test('so are those of the whole cluster', () => checkSpans('cluster'));

test('a suspended cluster launches nothing and records its nominal times; what was asked for waits', () => {
  const rig = new EngineRig();
  rig.define({ name: 'c', schedule: 'R/2026-03-01T01:00:00Z/PT1H' });
  rig.define({ name: 'hand' });
  const from = rig.now + 60_000;
  rig.advanceTo(from);
  rig.suspend({ from, by: 'ada' });
  rig.advanceTo('2026-03-01T02:30:00Z');
  rig.request({ type: 'run', job: 'hand' });
  assert.equal(rig.launches.length, 0);
  assert.equal(rig.story('hand'), '1 pending');
  rig.failOver(60_000);
  rig.suspend({ from, to: rig.now, by: 'ada' });
  assert.deepEqual(rig.taskIds(), ['hand.1.1']);
  assert.equal(rig.verdicts('c')[0]?.verdict, 'suspended');
  assert.equal(rig.verdicts('c')[0]?.count, 2);
  rig.advanceTo('2026-03-01T03:00:00Z');
  assert.equal(rig.story('c'), '1 launching');
});

test('a changed schedule takes effect from the change, and what was due before stays decided', () => {
  const rig = new EngineRig();
  rig.define({ name: 'c', schedule: 'R/2026-03-01T01:00:00Z/PT1H' });
  rig.advanceTo('2026-03-01T01:10:00Z');
  rig.finish('c.1.1');
  rig.define({ name: 'c', schedule: 'R/2026-03-01T00:30:00Z/PT1H' });
  assert.equal(rig.runs('c').length, 1, 'half past midnight is not run after the fact');
  rig.advanceTo('2026-03-01T01:30:00Z');
  assert.equal(rig.runs('c').length, 2);
});

test('a schedule replaced while nobody led leaves a verdict for what the old one named until then', () => {
  const rig = new EngineRig();
  const record = rig.define({ name: 'u', schedule: 'R/2026-03-01T01:00:00Z/PT1H' });
  const since = rig.now + 7_200_000;
  const spec = { ...record.spec, schedule: 'R/2026-03-01T05:00:00Z/PT1H' };
  rig.store.set('jobs/u', JSON.stringify({ ...record, spec, version: 2, scheduledSince: since }));
  rig.failOver(3 * 3_600_000);
  assert.equal(rig.verdicts('u')[0]?.reason.code, 'edited');
  rig.advanceTo('2026-03-01T05:00:00Z');
  assert.equal(rig.story('u'), '1 launching');
});

test('the same time is never decided twice, whatever the clock does', () => {
  const rig = new EngineRig();
  rig.define({ name: 'k', schedule: 'R/2026-03-01T01:00:00Z/PT1H', overlap: 'allow' });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.now -= 7_200_000;
  rig.decide();
  rig.failOver();
  rig.advanceTo('2026-03-01T01:59:59Z');
  assert.equal(rig.runs('k').length, 1);
});

test.run();
