/** Jobs on which the engine fails: who is put aside, for how long, and that nothing of theirs is lost. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { LONGEST_QUARANTINE_MS, QUARANTINE_MS, QUARANTINED_JOBS, RESERVE_AFTER_MS } from '../../../src/engine/limits.ts';
import { EngineFailure, failureOf, readQuarantine, withFailure } from '../../../src/engine/quarantine.ts';
import type { QuarantineRecord, RunRecord } from '../../../src/engine/records.ts';
import { EngineRig } from '../../support/engine-rig.ts';

const test = suite('quarantine');

const NOW = Date.parse('2026-03-01T00:00:00Z');
const hourly = 'R/2026-03-01T01:00:00Z/PT1H';
const once = { retry: { attempts: 1 } };

const failure = (job?: string): EngineFailure => new EngineFailure(job, new Error('oh'));
const entry = (key: string, value: unknown): { key: string; value: string; modRevision: bigint } => ({
  key,
  value: JSON.stringify(value),
  modRevision: 1n,
});
const stored = (record: QuarantineRecord, definition = { uid: 'u', version: 1 }): ReturnType<typeof entry>[] => [
  entry('jobs/a', definition),
  entry('quarantine', record),
];

test('a job is left alone for a minute, twice as long each time, an hour at the most', () => {
  const pauses: number[] = [];
  let record: QuarantineRecord = {};
  for (let now = NOW, tries = 0; tries < 9; tries++) {
    record = withFailure(record, failure('a'), { now, definition: 'u.1' });
    pauses.push(((record['a']?.until ?? 0) - now) / QUARANTINE_MS);
    now = record['a']?.until ?? now;
  }
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
  assert.equal(record['a']?.failures, 9);
});

test('a job that went well for an hour, or was edited, begins at a minute again', () => {
  const twice = (then: { now: number; definition?: string }): number | undefined => {
    const first = withFailure({}, failure('a'), { now: NOW, definition: 'u.1' });
    return withFailure(first, failure('a'), { definition: undefined, ...then })['a']?.failures;
  };
  assert.equal(twice({ now: NOW + QUARANTINE_MS + LONGEST_QUARANTINE_MS - 1, definition: 'u.1' }), 2);
  assert.equal(twice({ now: NOW + QUARANTINE_MS + LONGEST_QUARANTINE_MS, definition: 'u.1' }), 1);
  assert.equal(twice({ now: NOW + QUARANTINE_MS, definition: 'u.2' }), 1);
  assert.equal(twice({ now: NOW + QUARANTINE_MS }), 1);
});

test('nobody is blamed who is not known, and not everybody', () => {
  const full = Object.fromEntries(
    Array.from({ length: QUARANTINED_JOBS }, (_, i) => [`j${i}`, { problem: 'oh', at: NOW, failures: 1, until: NOW + 1 }]),
  );
  assert.equal(withFailure(full, failure(), { now: NOW, definition: undefined }), full);
  assert.equal(withFailure(full, failure('a'), { now: NOW, definition: undefined }), full);
  assert.equal(withFailure(full, failure('j1'), { now: NOW, definition: undefined })['j1']?.failures, 2, 'one that is in it already');
  const later = { now: NOW + 1 + LONGEST_QUARANTINE_MS, definition: undefined };
  assert.deepEqual(Object.keys(withFailure(full, failure('a'), later)), ['a'], 'the old ones are forgotten');
});

test('what is said of an error is bounded', () => {
  const record = withFailure({}, new EngineFailure('a', new Error('x'.repeat(10_000))), { now: NOW, definition: undefined });
  assert.equal(record['a']?.problem.length, 501);
});

test('a job may have the name of something that every object has', () => {
  for (const job of ['constructor', 'toString', '__proto__']) {
    assert.equal(failureOf({}, job), undefined);
    const record = JSON.parse(JSON.stringify(withFailure({}, failure(job), { now: NOW, definition: 'u.1' }))) as QuarantineRecord;
    assert.equal(failureOf(record, job)?.failures, 1, job);
    assert.deepEqual([...readQuarantine([entry(`jobs/${job}`, { uid: 'u', version: 1 }), entry('quarantine', record)], NOW).held], [job]);
  }
});

test('it holds until its time, and for the definition it failed on', () => {
  const record = withFailure({}, failure('a'), { now: NOW, definition: 'u.1' });
  const held = (now: number, definition?: { uid: string; version: number }): string[] => [
    ...readQuarantine(stored(record, definition), now).held,
  ];
  assert.deepEqual(held(NOW), ['a']);
  assert.deepEqual(held(NOW + QUARANTINE_MS - 1), ['a']);
  assert.deepEqual(held(NOW + QUARANTINE_MS), []);
  assert.deepEqual(held(NOW, { uid: 'u', version: 2 }), []);
  assert.deepEqual(held(NOW, { uid: 'v', version: 1 }), []);
  assert.deepEqual(held(NOW - LONGEST_QUARANTINE_MS), [], 'a clock that was set back holds nobody for longer');
  assert.deepEqual([...readQuarantine([entry('quarantine', record)], NOW).held], [], 'it was deleted');
  assert.equal(readQuarantine(stored(record), NOW).until, NOW + QUARANTINE_MS);
});

test('a record that can not be read holds nobody', () => {
  const damaged = [{ key: 'quarantine', value: '{', modRevision: 1n }];
  assert.deepEqual(readQuarantine(damaged, NOW), { record: {}, held: new Set(), until: undefined });
});

test('a record that can not be read is told of', () => {
  const rig = new EngineRig();
  rig.store.set('quarantine', '{');
  rig.failOver();
  assert.ok(rig.facts.some((fact) => fact.type === 'unusable-record' && fact.key === 'quarantine'));
});

/** What the leader does when the engine fails: the failure is stored, and another leader begins. */
function isolate(rig: EngineRig, error: unknown): void {
  assert.ok(error instanceof EngineFailure);
  const { job } = error;
  assert.ok(job !== undefined);
  const before = readQuarantine(
    [...rig.store].map(([key, value]) => ({ key, value, modRevision: 1n })),
    rig.now,
  ).record;
  const record = withFailure(before, error, { now: rig.now, definition: rig.engine.definitionOf(job) });
  rig.store.set('quarantine', JSON.stringify(record));
  rig.failOver();
}

/** Puts a job into quarantine as if the engine had failed on it. */
const failOn = (rig: EngineRig, job: string): void => isolate(rig, new EngineFailure(job, new Error('oh')));

/** The new leader that the end of a quarantine brings. */
function letGo(rig: EngineRig): void {
  rig.advance(QUARANTINE_MS);
  rig.failOver();
}

/** Whatever is stored of a job. */
const remains = (rig: EngineRig, job: string): string[][] =>
  [...rig.store].filter(([key]) => key.split('/')[1] === job).sort(([a], [b]) => (a < b ? -1 : 1));

test('an engine that fails says on which job, and the next one gets on without it', () => {
  const rig = new EngineRig();
  rig.define({ name: 'bad', schedule: hourly });
  rig.define({ name: 'good', schedule: hourly });
  rig.advanceTo('2026-03-01T01:00:00Z');
  const damaged = { ...rig.run('bad', 1), state: 'running', attempts: [] };
  rig.store.set('runs/bad/1', JSON.stringify(damaged));
  let error: unknown;
  try {
    rig.failOver();
    rig.request({ type: 'kill', job: 'bad', run: 1 });
  } catch (thrown) {
    error = thrown;
  }
  assert.match(String(error), /^EngineFailure: the engine failed on the job bad: TypeError/);
  const before = remains(rig, 'bad');
  isolate(rig, error);
  rig.finish('good.1.1');
  rig.advanceTo('2026-03-01T01:00:30Z');
  assert.equal(rig.story('good'), '1 succeeded');
  assert.deepEqual(remains(rig, 'bad'), before);
  assert.equal(rig.engine.gauges().quarantined, 1);
});

test('what came due in quarantine is caught up, and says why it was missed', () => {
  const rig = new EngineRig();
  rig.define({ name: 'a', schedule: 'R/2026-03-01T00:00:00Z/PT10S', overlap: 'allow', ...once });
  rig.advance(10_000);
  rig.finish('a.1.1');
  rig.finish('a.2.1');
  failOn(rig, 'a');
  const since = rig.now;
  rig.advance(55_000);
  assert.equal(rig.runs('a').length, 2);
  letGo(rig);
  const [verdict] = rig.verdicts('a');
  assert.equal(verdict?.reason.code, 'quarantined');
  assert.match(verdict?.reason.text ?? '', /catchUp is last: the engine failed on the job a: Error: oh$/);
  assert.equal(verdict?.from, since + 10_000);
  assert.deepEqual(rig.runs('a').at(-1)?.trigger, { type: 'schedule', scheduledFor: rig.now - 5_000, caughtUp: true });
});

test('an outage after a quarantine is an outage', () => {
  const rig = new EngineRig();
  rig.define({ name: 'a', schedule: 'R/2026-03-01T00:00:00Z/PT10M', catchUp: 'none' });
  failOn(rig, 'a');
  letGo(rig);
  rig.advance(600_000);
  rig.failOver(1_200_000);
  assert.deepEqual(
    rig.verdicts('a').map(({ verdict, reason }) => [verdict, reason.code]),
    [
      ['skipped', 'overlap'],
      ['missed', 'no-leader'],
    ],
  );
});

test('a join waits for parents that hang from a definition that can’t be read, until it can', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root' });
  rig.define({ name: 'mid', after: ['root'] });
  rig.define({ name: 'lower', after: ['mid'] });
  rig.define({ name: 'quick', after: ['root'] });
  rig.define({ name: 'join', after: ['lower', 'quick'] });
  const stored = rig.store.get('jobs/mid') as string;
  rig.store.set('jobs/mid', '{');
  rig.failOver();
  rig.request({ type: 'run', job: 'root' });
  rig.finish('root.1.1');
  rig.finish('quick.1.1');
  assert.deepEqual(rig.runs('join'), []);
  rig.store.set('jobs/mid', stored);
  rig.failOver();
  rig.finish('mid.1.1');
  assert.deepEqual(rig.runs('join'), []);
  rig.finish('lower.1.1');
  assert.equal(rig.story('join'), '1 launching');
});

test('requests wait, and statuses are not acknowledged', () => {
  const rig = new EngineRig();
  rig.define({ name: 'a', overlap: 'allow' });
  rig.request({ type: 'run', job: 'a' });
  failOn(rig, 'a');
  const id = rig.request({ type: 'run', job: 'a' });
  const before = rig.commands.length;
  rig.status('a.1.1', 'finished');
  assert.deepEqual(rig.commands.slice(before), []);
  assert.ok(rig.store.has(`requests/${id}`));
  letGo(rig);
  rig.finish('a.1.1');
  assert.equal(rig.story('a'), '1 succeeded, 2 launching');
  assert.ok(!rig.store.has(`requests/${id}`));
});

test('timers, suspensions and edits of the graph pass it by', () => {
  const rig = new EngineRig();
  rig.define({ name: 'p', ...once });
  rig.define({ name: 'q', ...once });
  rig.define({ name: 'a', after: ['p', 'q'], ...once });
  rig.define({ name: 'b', schedule: 'R/2026-03-01T00:00:01Z/PT1S' });
  rig.define({ name: 'root' });
  for (const name of ['p', 'q']) rig.define({ name, after: ['root'], ...once });
  rig.request({ type: 'run', job: 'root' });
  rig.finish('root.1.1');
  rig.finish('p.1.1', 1);
  for (const job of ['a', 'b']) failOn(rig, job);
  const before = ['a', 'b'].map((job) => remains(rig, job));
  rig.suspend({ from: rig.now, by: 'ada' });
  rig.advance(5_000);
  rig.suspend({ from: rig.now - 5_000, to: rig.now, by: 'ada' });
  rig.define({ name: 'more', after: ['q'] });
  rig.request({ type: 'retry', job: 'p', run: 1 });
  assert.deepEqual(
    ['a', 'b'].map((job) => remains(rig, job)),
    before,
  );
  rig.finish('p.1.2');
  rig.finish('q.1.1');
  letGo(rig);
  assert.equal(rig.story('a'), '1 launching');
});

test('parents owe it their tokens, over any number of leaders, and pay when it is let go', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root', ...once });
  for (const name of ['a', 'b', 'c']) rig.define({ name, after: ['root'], ...once });
  rig.define({ name: 'join', after: ['a', 'b', 'c'] });
  failOn(rig, 'b');
  rig.request({ type: 'run', job: 'root' });
  rig.finish('root.1.1');
  assert.deepEqual([rig.run('root', 1)?.owed, rig.run('root', 1)?.handover], [['b'], undefined]);
  rig.finish('a.1.1');
  rig.finish('c.1.1');
  assert.deepEqual([rig.story('b'), rig.story('join')], ['', ''], 'who joins waits for it');
  const before = rig.store.get('runs/root/1');
  rig.failOver();
  assert.equal(rig.store.get('runs/root/1'), before);
  letGo(rig);
  assert.equal(rig.run('root', 1)?.owed, undefined);
  rig.finish('b.1.1');
  assert.deepEqual([rig.story('b'), rig.story('join')], ['1 succeeded', '1 launching']);
});

test('a fan-out that takes several steps owes to those of them in quarantine, wherever it stops', () => {
  const names = Array.from({ length: 60 }, (_, i) => `c${String(i).padStart(2, '0')}`);
  const aside = ['c03', 'c30', 'c59'];
  for (let survives = 1; survives < 8; survives++) {
    const rig = new EngineRig({ maxOperations: 60 });
    rig.define({ name: 'root', ...once });
    for (const name of names) rig.define({ name, after: ['root'], ...once });
    for (const name of aside) failOn(rig, name);
    rig.request({ type: 'run', job: 'root' });
    rig.status('root.1.1', 'running');
    const status = { taskId: 'root.1.1', agentId: 'a1', state: 'finished', ack: 'x' } as const;
    rig.decide([{ type: 'executor', event: { type: 'status', status } }], survives);
    rig.failOver();
    assert.deepEqual([...(rig.run('root', 1)?.owed ?? [])].sort(), aside);
    assert.equal(names.filter((name) => rig.runs(name).length === 1).length, names.length - aside.length);
    letGo(rig);
    assert.ok(names.every((name) => rig.runs(name).length === 1));
    assert.equal(rig.run('root', 1)?.owed, undefined);
  }
});

test('a run that is settled anew owes nothing of its earlier life', () => {
  const rig = new EngineRig();
  rig.define({ name: 'p', ...once });
  rig.define({ name: 'a', after: ['p'], ...once });
  failOn(rig, 'a');
  rig.request({ type: 'run', job: 'p' });
  rig.finish('p.1.1', 1);
  assert.deepEqual(rig.run('p', 1)?.owed, ['a']);
  rig.request({ type: 'retry', job: 'p', run: 1 });
  assert.equal(rig.run('p', 1)?.owed, undefined);
  rig.finish('p.1.2');
  letGo(rig);
  assert.equal(rig.story('a'), '1 launching');
});

for (const [what, key] of [
  ['definition', 'jobs/a'],
  ['state', 'state/a'],
  ['run', 'runs/a/1'],
] as const) {
  for (const damage of ['{', 'null', '{}'])
    test(`a job whose ${what} is ${damage} is left alone`, () => {
      const rig = new EngineRig();
      rig.define({ name: 'a', schedule: hourly, keepRuns: 5 });
      rig.define({ name: 'b', schedule: hourly });
      rig.advanceTo('2026-03-01T01:00:00Z');
      rig.finish('a.1.1');
      rig.advanceTo('2026-03-01T02:00:00Z');
      rig.store.set(key, damage);
      const before = remains(rig, 'a');
      const commands = rig.commands.length;
      rig.failOver();
      rig.advance(60_000);
      assert.deepEqual(remains(rig, 'a'), before);
      assert.deepEqual(
        rig.commands.slice(commands).filter(({ type }) => type === 'kill' || type === 'forget'),
        [],
      );
      assert.equal(rig.story('b'), '1 launching');
      assert.ok(rig.facts.some((fact) => fact.type === 'unusable-record' && fact.key.split('/')[1] === 'a'));
    });
}

test('runs without their job’s state are left alone: it would count them anew', () => {
  const rig = new EngineRig();
  rig.define({ name: 'a' });
  rig.request({ type: 'run', job: 'a' });
  rig.store.delete('state/a');
  rig.failOver();
  assert.deepEqual([rig.story('a'), rig.state('a')], ['1 launching', undefined]);
  assert.equal(rig.engine.gauges().quarantined, 1);
});

/** A run of `bad` whose definition has been damaged since it was launched, on the agent a1; the engine has failed on it. */
function damagedOnAgent(): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 'bad', timeout: 'PT1M' });
  rig.request({ type: 'run', job: 'bad' });
  rig.status('bad.1.1', 'running');
  const run = rig.run('bad', 1);
  rig.store.set('runs/bad/1', JSON.stringify({ ...run, spec: { ...run?.spec, timeout: 'nonsense' } }));
  failOn(rig, 'bad');
  return rig;
}

test('a task of a job in quarantine is in the way of every plan to take its agent down', () => {
  const rig = damagedOnAgent();
  rig.executor({ type: 'inverse-offers', inverseOffers: [{ id: 'i', agentId: 'a1', lastsMs: 3_600_000 }] });
  const answer = rig.commands.findLast((command) => command.type === 'answer-inverse-offers');
  assert.deepEqual(answer?.answers, [{ id: 'i', inTheWay: ['bad.1.1'] }]);
});

test('what a job in quarantine holds makes no room that an agent could be kept for', () => {
  const rig = damagedOnAgent();
  rig.define({ name: 'big', task: { command: 'x', cpus: 8 } });
  rig.executor({ type: 'agent-lost', agentId: 'a1' });
  const small = { resources: { cpus: 7.95, mem: 100_000, disk: 0, gpus: 0, ports: [] } };
  rig.offer('a1', small);
  rig.request({ type: 'run', job: 'big' });
  rig.advance(RESERVE_AFTER_MS);
  rig.offer('a1', { resources: { ...small.resources, cpus: 0.01 } });
  assert.equal(rig.story('big'), '1 pending');
});

test('a job in quarantine is not looked at when the clock steps back', () => {
  const rig = damagedOnAgent();
  rig.now -= 1_000;
  rig.decide();
  assert.equal(rig.engine.gauges().quarantined, 1);
});

test('a run that does not say which attempts there were puts its job aside', () => {
  const rig = new EngineRig();
  for (const name of ['bad', 'good']) rig.define({ name });
  rig.request({ type: 'run', job: 'bad' });
  const { attempts: _lost, ...run } = rig.run('bad', 1) as RunRecord;
  rig.store.set('runs/bad/1', JSON.stringify(run));
  rig.failOver();
  rig.request({ type: 'run', job: 'good' });
  assert.deepEqual([rig.story('bad'), rig.story('good')], ['1 launching', '1 launching']);
});

test.run();
