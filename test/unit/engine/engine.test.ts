import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { Engine } from '../../../src/engine/engine.ts';
import type { ExecutorIdentity } from '../../../src/engine/records.ts';
import { EngineRig } from '../../support/engine-rig.ts';

const test = suite('engine');

const START = Date.parse('2026-03-01T00:00:00Z');
const HOUR = 3_600_000;

/** The identity that an engine of this kind makes out in what is stored. */
function identityFor(executor: string, stored?: ExecutorIdentity): string | undefined {
  const entries = stored ? [{ key: 'executor/identity', value: JSON.stringify(stored), modRevision: 1n }] : [];
  return new Engine({ term: 1n, executor, entries, now: START }).identity;
}

test('an identity is that of its own kind of executor', () => {
  assert.equal(identityFor('mesos', { kind: 'mesos', identity: 'f1' }), 'f1');
  assert.equal(identityFor('docker', { kind: 'mesos', identity: 'f1' }), undefined);
  assert.equal(identityFor('mesos'), undefined);
  assert.equal(
    identityFor('mesos', { kind: 'docker', identity: 'd1', others: { mesos: 'f1' } }),
    'f1',
    'of a kind that was left and is come back to',
  );
});

test('what is under way is counted', () => {
  const rig = new EngineRig();
  for (const name of ['a', 'b', 'c', 'gone']) rig.define({ name, overlap: 'queue' });
  rig.undefine('gone');
  rig.request({ type: 'run', job: 'a' });
  rig.request({ type: 'run', job: 'a' });
  rig.request({ type: 'run', job: 'a' });
  rig.executor({ type: 'disconnected', reason: 'x', final: false });
  rig.request({ type: 'run', job: 'b' });
  const since = rig.now;
  rig.now += 5;
  rig.request({ type: 'run', job: 'c' });
  assert.deepEqual(rig.engine.gauges(), {
    jobs: 3,
    quarantined: 0,
    pending: 2,
    pendingSince: since,
    runs: { launching: 1, queued: 2, pending: 2 },
  });
});

test('it says what it believes, and a new leader believes the same', () => {
  const rig = new EngineRig();
  rig.define({ name: 'root', schedule: 'R/2026-03-01T01:00:00Z/PT1H', retry: { attempts: 1 } });
  for (const name of ['m', 'l']) rig.define({ name, after: ['root'] });
  for (const name of ['k', 'j']) rig.define({ name, after: ['l', 'm'] });
  for (const name of ['h', 'g', 'gone']) rig.define({ name, task: { command: 'true', cpus: 2000 } });
  rig.undefine('gone');
  rig.advanceTo('2026-03-01T01:00:00Z');
  for (const job of ['h', 'g', 'g']) rig.request({ type: 'run', job });
  rig.advanceTo('2026-03-01T02:00:00Z');
  rig.finish('root.1.1');
  rig.finish('l.1.1');
  const live = rig.engine.dump();
  assert.equal(live.term, 1n);
  assert.deepEqual([...live.jobs.keys()], ['g', 'gone', 'h', 'j', 'k', 'l', 'm', 'root']);
  assert.deepEqual(live.pending, [['g#1', 'h#1']]);
  assert.deepEqual([live.joining, live.busy, live.handovers], [['j', 'k'], ['m'], 0]);
  const root = live.jobs.get('root');
  assert.deepEqual([root?.version, root?.open, root?.kept[0]?.outcome], [1, [], 'succeeded']);
  assert.deepEqual([root?.verdicts, root?.dueAt], [[Date.parse('2026-03-01T02:00:00Z')], Date.parse('2026-03-01T03:00:00Z')]);
  assert.equal(live.jobs.get('m')?.open[0]?.state, 'launching');
  assert.deepEqual(live.jobs.get('gone')?.version, undefined);
  assert.deepEqual([live.jobs.get('j')?.kept, live.jobs.get('j')?.verdicts], [[], []]);
  rig.failOver();
  assert.deepEqual({ ...rig.engine.dump(), term: 1n }, live);
});

test('a burst is decided in parts that fill a commit each, and it says that more is due', () => {
  const rig = new EngineRig({ maxOperations: 60, offline: true });
  const names = Array.from({ length: 30 }, (_, index) => `j${index}`);
  for (const name of names) rig.define({ name, schedule: 'R/2026-03-01T01:00:00Z/PT1H' });
  const created = (steps: readonly { writes: readonly { key: string }[] }[]): number =>
    steps.flatMap((step) => step.writes).filter(({ key }) => key.startsWith('runs/')).length;
  const at = START + HOUR;
  const first = rig.engine.decide([], at);
  assert.deepEqual([created(first.steps), first.isBehind, first.wakeAt], [27, true, at]);
  const second = rig.engine.decide([], at + 4);
  assert.deepEqual([created(second.steps), second.isBehind], [3, false]);
});

test('it asks to be woken for whatever comes first, or not at all', () => {
  const offline = new EngineRig({ offline: true });
  const bare = offline.engine.decide([], START);
  assert.deepEqual([bare.wakeAt, bare.isBehind], [undefined, false]);
  offline.define({ name: 'j', schedule: 'R/2026-03-01T01:00:00Z/PT1H' });
  assert.equal(offline.engine.decide([], START).wakeAt, START + HOUR);
  const online = new EngineRig();
  assert.equal(online.engine.decide([], START).wakeAt, START + 600_000, 'to ask the executor again');
  online.define({ name: 'j', schedule: 'R/2026-03-01T01:00:00Z/PT1H' });
  assert.equal(online.engine.decide([], START).wakeAt, START + 600_000);
  online.define({ name: 'k', schedule: 'R/2026-03-01T00:01:00Z/PT1H' });
  assert.equal(online.engine.decide([], START).wakeAt, START + 60_000);
});

/** A job of every second that runs nothing it missed, decided this late. */
function decidedLate(ms: number): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 's', schedule: 'R4/2026-03-01T00:10:00Z/PT1S', catchUp: 'none', overlap: 'allow' });
  rig.now = Date.parse('2026-03-01T00:10:00Z') + ms;
  rig.decide();
  return rig;
}

test('woken a little late it decides what came due as if in time, woken much later as after an outage', () => {
  assert.equal(decidedLate(2_000).runs('s').length, 3);
  assert.equal(decidedLate(5_000).runs('s').length, 4);
  assert.equal(decidedLate(5_001).runs('s').length, 0);
  assert.equal(decidedLate(5_001).verdicts('s')[0]?.count, 4);
});

test('after its clock stepped back what comes due is decided in time', () => {
  const rig = new EngineRig({ start: '2026-03-01T10:00:00Z' });
  rig.now -= HOUR;
  rig.define({ name: 'k', schedule: 'R/2026-03-01T09:30:00Z/PT1H', catchUp: 'none' });
  rig.advanceTo('2026-03-01T09:30:00Z');
  assert.equal(rig.story('k'), '1 launching');
});

test('a request that is told of twice counts once, as long as its removal was not seen', () => {
  const rig = new EngineRig();
  rig.define({ name: 'hand', overlap: 'allow' });
  const request = { id: 'r1', at: rig.now, by: 'x', type: 'run', job: 'hand' } as const;
  rig.decide([{ type: 'request', request }]);
  rig.decide([{ type: 'request', request }]);
  assert.equal(rig.runs('hand').length, 1);
  rig.decide([{ type: 'request-gone', id: 'r1' }]);
  rig.decide([{ type: 'request', request }]);
  assert.equal(rig.runs('hand').length, 2);
});

test.run();
