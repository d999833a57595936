/** Nominal times round suspensions and outages, and backfills beside the schedule. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { DECIDED_KEY, SUSPENSION_KEY } from '../../../src/engine/keys.ts';
import type { Verdict } from '../../../src/engine/records.ts';
import { EngineRig, type SpecInput } from '../../support/engine-rig.ts';

const test = suite('suspended and missed times');

const at = (text: string): number => Date.parse(`2026-03-01T${text}:00Z`);
const hours = (instant: number): string => new Date(instant).toISOString().slice(11, 13);
const hourly = { name: 'j', schedule: 'R/2026-03-01T01:00:00Z/PT1H', overlap: 'allow' } as const;

/** `01 02-03s 04!`: a run, times that were suspended, one that was missed. */
function story(rig: EngineRig): string {
  const runs = rig.runs('j').map(({ trigger }) => [trigger.type === 'schedule' ? trigger.scheduledFor : 0, ''] as const);
  const verdicts = rig.verdicts('j').map(({ from, to, verdict }) => {
    return [from, `${to > from ? `-${hours(to)}` : ''}${verdict === 'suspended' ? 's' : '!'}`] as const;
  });
  return [...runs, ...verdicts]
    .sort(([a], [b]) => a - b)
    .map(([from, what]) => `${hours(from)}${what}`)
    .join(' ');
}

function suspendJob(rig: EngineRig, from: string, to?: string): void {
  const suspension = { from: at(from), by: 'ada', ...(to === undefined ? {} : { to: at(to) }) };
  rig.define({ ...hourly, suspended: to === undefined }, { suspension });
}

function suspendCluster(rig: EngineRig, from: string, to?: string): void {
  rig.suspend({ from: at(from), by: 'ben', ...(to === undefined ? {} : { to: at(to) }) });
}

test('suspensions of the job and of the cluster may overlap, and each time is recorded once', () => {
  const within = new EngineRig();
  within.define(hourly);
  within.advanceTo(at('01:30'));
  suspendJob(within, '01:30');
  within.advanceTo(at('02:30'));
  suspendCluster(within, '02:30');
  within.advanceTo(at('03:30'));
  suspendCluster(within, '02:30', '03:30');
  within.advanceTo(at('05:30'));
  suspendJob(within, '01:30', '05:30');
  within.advanceTo(at('06:00'));
  assert.equal(story(within), '01 02-05s 06');

  const across = new EngineRig();
  across.define(hourly);
  across.advanceTo(at('01:30'));
  suspendCluster(across, '01:30');
  across.advanceTo(at('02:30'));
  suspendJob(across, '02:30');
  across.advanceTo(at('03:30'));
  suspendCluster(across, '01:30', '03:30');
  assert.equal(story(across), '01 02s', 'the job still is, and its end decides the rest');
  across.advanceTo(at('05:30'));
  suspendJob(across, '02:30', '05:30');
  across.advanceTo(at('06:00'));
  assert.equal(story(across), '01 02s 03s 04-05s 06', 'each names whose it was');
  assert.match(across.verdicts('j')[0]?.reason.text ?? '', /by ben from .*T01:30.* to .*T03:30|by ben from .*T01:30.* to .*T02:30/);
});

interface Span {
  readonly from: string;
  readonly to?: string;
  readonly earlier?: { readonly from: string; readonly to: string };
}

/** Nobody led from half past midnight until now; the job was suspended meanwhile. */
function outage(until: string, suspension: Span, spec: Partial<SpecInput> = {}): string {
  const rig = new EngineRig();
  rig.define({ ...hourly, ...spec });
  rig.advanceTo(at('00:30'));
  const record = JSON.parse(rig.store.get('jobs/j') ?? '') as { spec: object };
  const { from, to, earlier } = suspension;
  const before = earlier ? { earlier: [{ from: at(earlier.from), to: at(earlier.to), by: 'ada' }] } : {};
  const span = { from: at(from), by: 'ada', ...(to === undefined ? {} : { to: at(to) }), ...before };
  const stored = { ...record, version: 2, suspension: span, spec: { ...record.spec, suspended: to === undefined } };
  rig.store.set('jobs/j', JSON.stringify(stored));
  rig.failOver(at(until) - rig.now);
  return story(rig);
}

test('of what was missed round a suspension only the newest runs', () => {
  assert.equal(outage('07:15', { from: '02:30', to: '04:30' }), '01-02! 03-04s 05-06! 07');
});

test('what was missed before a suspension runs when nothing came due after it', () => {
  assert.equal(outage('05:45', { from: '03:30', to: '05:30' }), '01-02! 03 04-05s');
  assert.equal(outage('06:00', { from: '03:30', to: '05:30' }), '01-03! 04-05s 06');
  assert.equal(outage('05:15', { from: '03:30' }), '01-02! 03');
});

test('of what was missed round several suspensions only the newest runs, wherever that is', () => {
  const earlier = { from: '02:30', to: '03:30' };
  assert.equal(outage('07:15', { from: '05:30', to: '06:30', earlier }), '01-02! 03s 04-05! 06s 07');
  assert.equal(outage('06:45', { from: '05:30', to: '06:30', earlier }), '01-02! 03s 04! 05 06s');
  assert.equal(outage('06:45', { from: '05:30', earlier }), '01-02! 03s 04! 05');
  assert.equal(outage('05:45', { from: '03:45', to: '05:30', earlier }), '01! 02 03s 04-05s');
  assert.equal(outage('04:45', { from: '03:45', earlier }), '01! 02 03s');
  assert.equal(outage('04:45', { from: '04:00', to: '04:30', earlier }), '01! 02 03s 04s');
});

test('what a schedule named in a suspension is recorded when it is replaced in it', () => {
  const rig = new EngineRig();
  rig.define(hourly);
  rig.advanceTo(at('01:30'));
  suspendJob(rig, '01:30');
  rig.advanceTo(at('03:30'));
  const suspension = { from: at('01:30'), by: 'ada' };
  rig.define({ ...hourly, schedule: 'R/2026-03-01T00:45:00Z/PT1H', suspended: true }, { suspension });
  assert.equal(story(rig), '01 02-03s');
  rig.advanceTo(at('05:00'));
  rig.define({ ...hourly, schedule: 'R/2026-03-01T00:45:00Z/PT1H' }, { suspension: { ...suspension, to: at('05:00') } });
  rig.advanceTo(at('05:45'));
  assert.equal(story(rig), '01 02-03s 03-04s 05');
});

test('a suspension holds from its first moment until just before its last', () => {
  assert.equal(outage('05:15', { from: '02:00', to: '04:00' }), '01! 02-03s 04! 05');
});

test('all that was missed runs, or none, where the job says so', () => {
  assert.equal(outage('05:15', { from: '02:30', to: '04:30' }, { catchUp: 'all' }), '01 02 03-04s 05');
  assert.equal(outage('05:15', { from: '02:30', to: '04:30' }, { catchUp: 'none' }), '01-02! 03-04s 05!');
});

test('of what was missed round a suspension no more runs than of what was missed without one', () => {
  const rig = new EngineRig();
  rig.define({ ...hourly, schedule: 'R/2026-03-01T00:00:01Z/PT1S', catchUp: 'all' });
  rig.store.set(SUSPENSION_KEY, JSON.stringify({ from: at('01:50'), to: at('01:51'), by: 'ben' }));
  rig.failOver(at('02:00') - rig.now, { connect: false });
  rig.advance(10);
  const counts = rig.verdicts('j').map(({ verdict, count }) => [verdict, count]);
  assert.deepEqual(counts, [
    ['missed', 6_599 - (1_000 - 540)],
    ['suspended', 60],
  ]);
  assert.equal(rig.state('j')?.lastRun, 1_001, 'and the one that was due just then');
});

test('an outage begins when the last leader is known to have decided, if a job had nothing due for long before', () => {
  const rig = new EngineRig();
  rig.define({ ...hourly, catchUp: 'none' });
  rig.store.set(DECIDED_KEY, JSON.stringify({ at: at('00:40') }));
  rig.failOver(at('01:30') - rig.now);
  assert.deepEqual(rig.verdicts('j')[0]?.reason.data, { from: at('00:40'), to: at('01:30'), catchUp: 'none' });
  rig.store.set(DECIDED_KEY, JSON.stringify({ at: at('02:10') }));
  rig.failOver(at('03:30') - rig.now);
  const [, second] = rig.verdicts('j');
  assert.deepEqual(
    second?.reason.data,
    { from: at('01:00'), to: at('03:30'), catchUp: 'none' },
    'what was not decided before was not known',
  );
});

test('a process that slept tells when it fell asleep', () => {
  const rig = new EngineRig();
  rig.define({ ...hourly, catchUp: 'none' });
  rig.now = at('00:50');
  rig.decide();
  rig.now = at('01:30');
  rig.decide();
  assert.equal(rig.verdicts('j')[0]?.reason.data?.['from'], at('00:50'));
});

test('a missed time says what nobody could decide, and why it does not run', () => {
  const rig = new EngineRig();
  rig.define({ ...hourly, catchUp: 'none' });
  rig.failOver(at('01:30') - rig.now);
  const { reason } = rig.verdicts('j')[0] ?? {};
  assert.deepEqual([reason?.code, reason?.data], ['no-leader', { from: at('00:00') - 1, to: at('01:30'), catchUp: 'none' }]);
});

test('a starting deadline is kept to the millisecond when a time is decided late', () => {
  const late = (ms: number): EngineRig => {
    const rig = new EngineRig();
    rig.define({ ...hourly, startingDeadline: 'PT5M' });
    rig.failOver(at('01:05') + ms - rig.now);
    return rig;
  };
  assert.equal(story(late(-1)), '01');
  assert.equal(late(0).runs('j').length, 1);
  assert.equal(late(1).runs('j').length, 0);
  assert.deepEqual(late(1).verdicts('j')[0]?.reason.data, { deadlineMs: 300_000 });
});

test('the reason of several times whose deadline has passed holds of each', () => {
  const rig = new EngineRig();
  rig.define({ ...hourly, catchUp: 'all', startingDeadline: 'PT5M' });
  rig.failOver(at('10:30') - rig.now);
  const [{ count, reason }] = rig.verdicts('j') as [Verdict];
  assert.deepEqual([count, reason.text], [10, 'the starting deadline of PT5M had passed when it could be decided']);
});

test('a cluster is resumed into a job that is suspended until later', () => {
  const rig = new EngineRig();
  rig.define(hourly);
  rig.advanceTo(at('00:30'));
  suspendCluster(rig, '00:30');
  suspendJob(rig, '00:30');
  rig.advanceTo(at('02:30'));
  suspendCluster(rig, '00:30', '02:30');
  assert.equal(rig.runs('j').length, 0);
  rig.advanceTo(at('03:30'));
  suspendJob(rig, '00:30', '03:30');
  rig.advanceTo(at('04:00'));
  assert.equal(story(rig), '01-03s 04');
});

/** Days of March, asked for on the fifth. */
function backfilled(spec: Partial<SpecInput>, limits: readonly number[]): EngineRig {
  const rig = new EngineRig({ start: '2026-03-05T00:30:00Z', maxOperations: 60 });
  rig.define({ name: 'day', schedule: 'R/2026-01-01T00:00:00Z/P1D', ...spec });
  rig.advanceTo('2026-03-06T00:00:00Z');
  const range = { from: Date.parse('2026-03-01T00:00:00Z'), to: Date.parse('2026-03-03T00:00:00Z') };
  for (const limit of limits) rig.request({ type: 'backfill', job: 'day', ...range, limit });
  return rig;
}

test('a backfill has its own limit, whatever else is open', () => {
  const rig = backfilled({ overlap: 'allow' }, [1, 2]);
  assert.equal(rig.story('day'), '1 launching, 2 launching, 3 launching, 4 launching');
  assert.equal(Object.keys(rig.state('day')?.backfills ?? {}).length, 2);
  for (let run = 2; run <= 7; run++) rig.finish(`day.${run}.1`);
  assert.equal(rig.runs('day').length, 7);
  assert.equal(rig.state('day')?.backfills, undefined);
  assert.equal(rig.run('day', 1)?.state, 'launching');
});

test('a backfill waits its turn where overlap is forbidden, and has no starting deadline', () => {
  const rig = backfilled({ overlap: 'forbid', startingDeadline: 'PT1H' }, [2]);
  assert.equal(rig.story('day'), '1 launching, 2 queued, 3 queued');
  rig.finish('day.1.1');
  rig.advance(7_200_000);
  assert.equal(rig.story('day'), '1 succeeded, 2 launching, 3 queued');
});

test('a backfill of many is made in steps that fit', () => {
  const rig = new EngineRig({ start: '2026-03-05T00:30:00Z', maxOperations: 60 });
  rig.define({ name: 'day', schedule: 'R/2025-01-01T00:00:00Z/P1D', overlap: 'allow' });
  rig.request({ type: 'backfill', job: 'day', from: Date.parse('2025-01-01T00:00:00Z'), to: rig.now, limit: 100 });
  assert.equal(rig.runs('day').length, 100);
});

test('runs that waited already when their job was suspended go on', () => {
  const rig = new EngineRig();
  const spec = { name: 'q', overlap: 'queue' } as const;
  rig.define(spec);
  for (let count = 0; count < 2; count++) rig.request({ type: 'run', job: 'q' });
  rig.define({ ...spec, suspended: true }, { suspension: { from: rig.now, by: 'ada' } });
  rig.request({ type: 'run', job: 'q' });
  rig.finish('q.1.1');
  assert.equal(rig.story('q'), '1 succeeded, 2 launching, 3 skipped');
});

test.run();
