import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { EngineRig } from '../../support/engine-rig.ts';

const test = suite('definitions under a leader');

const at = (text: string): number => Date.parse(`2026-03-01T${text}Z`);

/** A job of every second from one o'clock, decided when three seconds of it have passed, just as its definition is replaced. */
function edited(changes: { schedule?: string; command?: string; since?: string; suspendedFrom?: string }): EngineRig {
  const rig = new EngineRig();
  const spec = { name: 'j', schedule: 'R/2026-03-01T01:00:00Z/PT1S', overlap: 'allow' } as const;
  rig.define({ ...spec, task: { command: 'old' } });
  rig.advanceTo(at('00:59:59'));
  rig.now = at('01:00:03');
  rig.define(
    {
      ...spec,
      ...(changes.schedule ? { schedule: changes.schedule } : {}),
      ...(changes.suspendedFrom ? { suspended: true } : {}),
      task: { command: changes.command ?? 'old' },
    },
    {
      ...(changes.since ? { scheduledSince: at(changes.since) } : {}),
      ...(changes.suspendedFrom ? { suspension: { from: at(changes.suspendedFrom), by: 'ada' } } : {}),
    },
  );
  return rig;
}

const times = (rig: EngineRig): string[] =>
  rig.runs('j').map(({ trigger }) => (trigger.type === 'schedule' ? new Date(trigger.scheduledFor).toISOString().slice(11, 19) : ''));

const commands = (rig: EngineRig): unknown[] => rig.launches.map(({ task }) => task.command);

test('what was due before a definition is replaced runs as the old one says', () => {
  const rig = edited({ command: 'new' });
  assert.deepEqual(times(rig), ['01:00:00', '01:00:01', '01:00:02', '01:00:03']);
  assert.deepEqual(commands(rig), ['old', 'old', 'old', 'old']);
  rig.advance(1_000);
  assert.deepEqual(commands(rig).slice(4), ['new']);
});

test('an old schedule counts up to the moment that the new one was set, and not beyond', () => {
  const rig = edited({ schedule: 'R/2026-03-01T02:00:00Z/PT1H', since: '01:00:02' });
  assert.deepEqual(times(rig), ['01:00:00', '01:00:01']);
  assert.deepEqual(rig.verdicts('j'), []);
});

test('a time at which a schedule is set belongs to the new one', () => {
  const rig = edited({ schedule: 'R/2026-03-01T01:00:02Z/PT1H', since: '01:00:02', command: 'new' });
  assert.deepEqual(times(rig), ['01:00:00', '01:00:01', '01:00:02']);
  assert.deepEqual(commands(rig), ['old', 'old', 'new']);
});

test('what came due before a job was suspended runs, and what came due after does not', () => {
  const rig = edited({ suspendedFrom: '01:00:02' });
  assert.deepEqual(times(rig), ['01:00:00', '01:00:01']);
});

test('an edit of a suspended job leaves what passed in its suspension to the end of it', () => {
  const rig = edited({ suspendedFrom: '01:00:02' });
  const suspension = { from: at('01:00:02'), by: 'ada' };
  const spec = { name: 'j', schedule: 'R/2026-03-01T01:00:00Z/PT1S', overlap: 'allow' } as const;
  rig.now = at('01:00:06');
  rig.define({ ...spec, suspended: true, task: { command: 'new' } }, { suspension });
  assert.deepEqual(rig.verdicts('j'), []);
  rig.now = at('01:00:08');
  rig.define(spec, { suspension: { ...suspension, to: rig.now } });
  assert.deepEqual([rig.verdicts('j')[0]?.verdict, rig.verdicts('j')[0]?.count], ['suspended', 6]);
  assert.deepEqual(times(rig), ['01:00:00', '01:00:01', '01:00:08']);
});

test('what a replaced schedule would still have named, by a clock that is ahead, is recorded as missed', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', schedule: 'R/2026-03-01T01:00:00Z/PT1S' });
  rig.now = at('00:59:58');
  rig.define({ name: 'j', schedule: 'R/2026-03-01T02:00:00Z/PT1H' }, { scheduledSince: at('01:00:05') });
  const [verdict, ...others] = rig.verdicts('j');
  assert.deepEqual(others, []);
  assert.deepEqual(
    [verdict?.verdict, verdict?.reason.code, verdict?.reason.data, verdict?.from, verdict?.to, verdict?.count],
    ['missed', 'edited', { to: at('01:00:05') - 1 }, at('01:00:00'), at('01:00:04'), 5],
  );
});

test('a schedule that was set by a clock that is behind decides nothing a second time', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', schedule: 'R/2026-03-01T01:00:00Z/PT1H', overlap: 'allow' });
  rig.advanceTo(at('01:00:00'));
  rig.define({ name: 'j', schedule: 'R/2026-03-01T01:00:00Z/PT30M', overlap: 'allow' }, { scheduledSince: at('00:59:59') });
  assert.deepEqual(times(rig), ['01:00:00']);
  rig.advanceTo(at('01:30:00'));
  assert.deepEqual(times(rig), ['01:00:00', '01:30:00']);
});

test('a definition that is older than the one at hand is not taken', () => {
  const rig = new EngineRig();
  const old = rig.define({ name: 'j', task: { command: 'old' } });
  rig.define({ name: 'j', task: { command: 'new' } });
  rig.decide([{ type: 'job', name: 'j', record: old }]);
  rig.request({ type: 'run', job: 'j' });
  assert.deepEqual(commands(rig), ['new']);
});

test('a job that was deleted and made again between two looks is another one: what ran is killed, what was kept is gone', () => {
  const rig = new EngineRig();
  const record = rig.define({ name: 'j', overlap: 'allow' });
  rig.request({ type: 'run', job: 'j' });
  rig.finish('j.1.1', 0);
  rig.request({ type: 'run', job: 'j' });
  rig.decide([{ type: 'job', name: 'j', record: { ...record, uid: 'another' } }]);
  assert.equal(rig.run('j', 1), undefined);
  assert.deepEqual([rig.run('j', 2)?.state, rig.run('j', 2)?.kill?.reason.code], ['killing', 'job-deleted']);
  assert.deepEqual([rig.state('j')?.uid, rig.state('j')?.lastRun, rig.state('j')?.totals.succeeded], ['another', 2, 0]);
});

test('what a run of a deleted job comes to is nothing to the job made again under its name', () => {
  const rig = new EngineRig();
  const record = rig.define({ name: 'j', overlap: 'allow' });
  rig.define({ name: 'child', after: [{ job: 'j', on: 'completion' }] });
  rig.define({ name: 'latest', after: [{ job: 'j', on: 'completion' }], join: 'latest' });
  rig.request({ type: 'run', job: 'j' });
  rig.request({ type: 'run', job: 'j' });
  rig.request({ type: 'kill', job: 'j', run: 2 });
  rig.decide([{ type: 'job', name: 'j', record: { ...record, uid: 'another' } }]);
  rig.failOver();
  rig.status('j.1.1', 'killed');
  rig.status('j.2.1', 'finished');
  assert.deepEqual(rig.runs('j'), []);
  assert.deepEqual(rig.state('j')?.totals, { succeeded: 0, failed: 0, killed: 0, skipped: 0, missed: 0 });
  assert.equal(rig.state('j')?.lastSuccess, undefined);
  assert.deepEqual(
    rig.runs('child').map(({ flow }) => flow),
    ['j#1', 'j#2'],
    'whoever waits in its flow hears it yet',
  );
  assert.deepEqual(rig.runs('latest'), []);
});

test('a run of a deleted job that was waiting is nothing to those who come after the job made again under its name', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root' });
  const record = rig.define({ name: 'j', after: ['root'] });
  rig.define({ name: 'k', after: ['root'] });
  rig.define({ name: 'child', after: [{ job: 'j', on: 'completion' }] });
  rig.define({ name: 'join', after: [{ job: 'j', on: 'completion' }, 'k'] });
  rig.request({ type: 'run', job: 'j' });
  rig.request({ type: 'run', job: 'root' });
  rig.finish('root.1.1', 0);
  rig.finish('k.1.1', 0);
  assert.equal(rig.story('j'), '1 launching, 2 queued');
  rig.decide([{ type: 'job', name: 'j', record: { ...record, uid: 'another' } }]);
  assert.equal(rig.story('j'), '1 killing');
  assert.deepEqual(rig.runs('child'), []);
  assert.deepEqual(
    rig.runs('join').map(({ flow, trigger }) => [flow, trigger]),
    [['root#1', { type: 'parents', parents: { k: 1 } }]],
    'it waits no more',
  );
});

test('a deleted job leaves nothing but its counter, in steps that fit, however much was kept', () => {
  const rig = new EngineRig({ maxOperations: 60 });
  rig.define({ name: 'j', schedule: 'R/2026-03-01T01:00:00Z/PT1S', keepRuns: 200 });
  for (let run = 1; run <= 70; run++) {
    rig.advanceTo(at('01:00:00') + (run - 1) * 3_000);
    rig.advance(1_000);
    rig.finish(`j.${run}.1`);
  }
  assert.ok(rig.runs('j').length + rig.verdicts('j').length > 120);
  rig.undefine('j');
  assert.deepEqual(
    [...rig.store.keys()].filter((key) => key.includes('/j')),
    ['state/j'],
  );
  assert.deepEqual(rig.state('j'), {
    uid: '',
    cursor: 0,
    scheduledSince: 0,
    lastRun: 70,
    totals: { succeeded: 0, failed: 0, killed: 0, skipped: 0, missed: 0 },
  });
  const written = rig.steps.length;
  rig.advance(3_600_000);
  rig.undefine('j');
  rig.undefine('never there');
  assert.deepEqual(
    rig.steps.slice(written).flatMap((step) => step.writes),
    [],
  );
});

test('what waited when its job was deleted is over, for that reason', () => {
  const rig = new EngineRig({ offline: true });
  rig.define({ name: 'j' });
  rig.request({ type: 'run', job: 'j' });
  rig.undefine('j');
  const ended = rig.facts.find((fact) => fact.type === 'run-ended');
  assert.deepEqual(ended?.type === 'run-ended' && [ended.outcome, ended.reason?.code], ['killed', 'job-deleted']);
});

test('a definition that can not be used is told, and its job can not be run until it is mended', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', schedule: 'every day' });
  const told = rig.facts.find((fact) => fact.type === 'unusable-record');
  assert.match(JSON.stringify(told), /"key":"jobs\/j","problem":"ScheduleError: .*every day/);
  const results = (): string[] => rig.facts.flatMap((fact) => (fact.type === 'request-taken' ? [fact.result] : []));
  rig.request({ type: 'run', job: 'j' });
  rig.define({ name: 'j' });
  rig.request({ type: 'run', job: 'j' });
  assert.deepEqual(results(), ['no such job', 'j#1']);
});

test('an edit that nobody led at leaves a verdict on what the old schedule named until then', () => {
  const rig = new EngineRig();
  const start = rig.now;
  const record = rig.define({ name: 'u', schedule: 'R/2026-03-01T01:00:00Z/PT1H' });
  const since = start + 7_200_000;
  const next = { ...record, spec: { ...record.spec, schedule: 'R/2026-03-01T05:00:00Z/PT1H' }, version: 2 };
  rig.store.set('jobs/u', JSON.stringify({ ...next, scheduledSince: since }));
  rig.failOver(3 * 3_600_000);
  const [verdict] = rig.verdicts('u');
  assert.deepEqual([verdict?.from, verdict?.to, verdict?.count, verdict?.verdict], [at('01:00:00'), at('01:00:00'), 1, 'missed']);
  assert.deepEqual(verdict?.reason.data, { to: since - 1 });
});

test('an edit that nobody led at and that was set by a clock that is behind leaves no verdict', () => {
  const rig = new EngineRig();
  const record = rig.define({ name: 'u', schedule: 'R/2026-03-01T01:00:00Z/PT1H' });
  const next = { ...record, spec: { ...record.spec, schedule: 'R/2026-03-01T05:00:00Z/PT1H' }, version: 2 };
  rig.store.set('jobs/u', JSON.stringify({ ...next, scheduledSince: rig.now - 1_000 }));
  rig.failOver(3_600_000);
  assert.deepEqual(rig.verdicts('u'), []);
});

test('a backfill that a suspended job holds back goes on when the job is resumed', () => {
  const rig = new EngineRig({ start: '2026-03-05T00:30:00Z' });
  const spec = { name: 'day', schedule: 'R/2026-03-01T00:00:00Z/P1D', overlap: 'allow' } as const;
  rig.define({ ...spec, suspended: true }, { suspension: { from: rig.now, by: 'ada' } });
  const range = { from: Date.parse('2026-03-01T00:00:00Z'), to: Date.parse('2026-03-02T00:00:00Z') };
  rig.request({ type: 'backfill', job: 'day', ...range, limit: 5 });
  assert.equal(rig.runs('day').length, 0);
  rig.define({ ...spec, suspended: false }, { suspension: { from: rig.now, to: rig.now, by: 'ada' } });
  assert.equal(rig.runs('day').length, 2);
});

test('a run is what its definition says, also where it was created after the end of a schedule with an empty start', () => {
  const spec = { name: 'j', schedule: 'R//2026-03-02T00:00:00Z', overlap: 'allow' } as const;
  const rig = new EngineRig();
  rig.define(spec);
  rig.finish('j.1.1');
  rig.advanceTo('2026-03-02T00:00:10Z');
  rig.request({ type: 'run', job: 'j', env: { A: 'b' } });
  rig.define({ ...spec, priority: 7 });
  rig.status('j.2.1', 'running');
  rig.failOver();
  rig.finish('j.2.1');
  rig.finish('j.3.1');
  assert.equal(rig.story('j'), '1 succeeded, 2 succeeded, 3 succeeded');
});

test('what waits for its turn goes side by side once overlap is allowed, whoever leads', () => {
  for (const isSeen of [true, false]) {
    const rig = new EngineRig({ maxOperations: 60 });
    const record = rig.define({ name: 'j', overlap: 'queue' });
    for (let i = 0; i < 100; i++) rig.request({ type: 'run', job: 'j' });
    assert.equal(rig.runs('j').filter(({ state }) => state === 'queued').length, 99);
    const before = rig.steps.length;
    if (isSeen) rig.define({ name: 'j', overlap: 'allow' });
    else rig.store.set('jobs/j', JSON.stringify({ ...record, version: 2, spec: { ...record.spec, overlap: 'allow' } }));
    if (!isSeen) rig.failOver();
    assert.ok(rig.steps.slice(before).every(({ writes }) => writes.length <= 60));
    assert.ok(rig.runs('j').every(({ state }) => state === 'launching'));
  }
});

test('what waits goes on when a definition that can not be used is mended', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', overlap: 'queue' });
  for (let i = 0; i < 3; i++) rig.request({ type: 'run', job: 'j' });
  rig.define({ name: 'j', overlap: 'queue', schedule: 'every day' });
  rig.finish('j.1.1');
  assert.equal(rig.story('j'), '1 succeeded, 2 queued, 3 queued');
  rig.define({ name: 'j', overlap: 'forbid' });
  assert.equal(rig.story('j'), '1 succeeded, 2 launching, 3 queued');
});

test.run();
