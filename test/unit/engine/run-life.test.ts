/** What time brings to a run, what is told of it, and what is kept. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { EngineRig, type SpecInput } from '../../support/engine-rig.ts';

const test = suite('life of a run');

const at = (text: string): number => Date.parse(`2026-03-01T${text}Z`);

/** A run at one o'clock, launched. */
function launched(spec: Partial<SpecInput> = {}): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 'j', schedule: 'R1/2026-03-01T01:00:00Z/PT1H', retry: { attempts: 2, delay: 'PT1M', jitter: 0 }, ...spec });
  rig.advanceTo(at('01:00:00'));
  return rig;
}

const kills = (rig: EngineRig): number => rig.commands.filter(({ type }) => type === 'kill').length;
const asks = (rig: EngineRig): number => rig.commands.filter(({ type }) => type === 'reconcile').length;

test('each end of an attempt and of a run is told, with what follows', () => {
  const rig = launched();
  rig.facts.length = 0;
  rig.status('j.1.1', 'failed', { exitCode: 3 });
  assert.deepEqual(
    rig.facts.filter(({ type }) => type === 'attempt-ended').map((fact) => ({ ...fact, reason: undefined })),
    [{ type: 'attempt-ended', taskId: 'j.1.1', outcome: 'failed', fault: 'task', reason: undefined, retryAt: at('01:01:00') }],
  );
  rig.advance(60_000);
  rig.facts.length = 0;
  rig.finish('j.1.2');
  assert.deepEqual(
    rig.facts.filter(({ type }) => type === 'attempt-ended' || type === 'run-ended'),
    [
      { type: 'attempt-ended', taskId: 'j.1.2', outcome: 'succeeded', reason: undefined },
      { type: 'run-ended', job: 'j', run: 1, flow: 'j#1', outcome: 'succeeded', reason: undefined },
    ],
  );
  assert.deepEqual(rig.state('j')?.lastSuccess, { run: 1, at: at('01:01:00') });
  assert.equal(rig.state('j')?.lastFailure, undefined);
});

test('the latest failure is remembered, be it of the task or a kill', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', retry: { attempts: 1 } });
  rig.request({ type: 'run', job: 'j' });
  rig.finish('j.1.1', 1);
  assert.deepEqual([rig.state('j')?.lastFailure, rig.state('j')?.lastSuccess], [{ run: 1, at: rig.now }, undefined]);
  rig.request({ type: 'run', job: 'j' });
  rig.request({ type: 'kill', job: 'j', run: 2 });
  rig.status('j.2.1', 'killed');
  assert.equal(rig.state('j')?.lastFailure?.run, 2);
  rig.request({ type: 'run', job: 'j' });
  rig.request({ type: 'run', job: 'j' });
  assert.equal(rig.state('j')?.lastFailure?.run, 2, 'a skipped run is none');
});

test('how late a scheduled run is launched is told for its first attempt', () => {
  const rig = new EngineRig({ offline: true });
  rig.define({ name: 'j', schedule: 'R1/2026-03-01T01:00:00Z/PT1H', retry: { delay: 'PT1M', jitter: 0 } });
  rig.define({ name: 'hand' });
  rig.advanceTo(at('01:00:00'));
  rig.request({ type: 'run', job: 'hand' });
  rig.advance(7_000);
  rig.connect();
  rig.finish('j.1.1', 1);
  rig.advance(60_000);
  const told = rig.facts.flatMap((fact) => (fact.type === 'attempt-launched' ? [[fact.taskId, fact.latenessMs] as const] : []));
  assert.deepEqual(Object.fromEntries(told), { 'j.1.1': 7_000, 'j.1.2': undefined, 'hand.1.1': undefined });
});

test('a launch carries its time-out if it has one', () => {
  assert.equal(launched({ timeout: 'PT2M' }).launches[0]?.timeoutMs, 120_000);
  assert.equal('timeoutMs' in (launched().launches[0] ?? {}), false);
});

test('a time-out is counted from the start', () => {
  const rig = launched({ timeout: 'PT2M' });
  rig.advance(25_000);
  rig.status('j.1.1', 'running');
  rig.advance(119_999);
  assert.equal(rig.story('j'), '1 running');
  rig.advance(1);
  assert.equal(rig.story('j'), '1 killing');
  assert.deepEqual(rig.run('j', 1)?.kill?.reason.data, { timeoutMs: 120_000 });
});

test('a run with a time-out and on an agent that is cut off ends by whichever comes first', () => {
  const states = (timeout: string): unknown[] => {
    const rig = launched({ timeout, unreachableTimeout: 'PT10M' });
    rig.status('j.1.1', 'running');
    rig.status('j.1.1', 'unreachable');
    return [300_000, 300_000].map((ms) => {
      rig.advance(ms);
      return rig.run('j', 1)?.state;
    });
  };
  assert.deepEqual(states('PT5M'), ['killing', 'backoff']);
  assert.deepEqual(states('PT20M'), ['running', 'backoff']);
});

test('an attempt that was given up says since when its agent was cut off', () => {
  const rig = launched({ unreachableTimeout: 'PT10M' });
  rig.status('j.1.1', 'running');
  rig.advance(5_000);
  rig.status('j.1.1', 'unreachable');
  rig.advance(600_000);
  const reason = rig.run('j', 1)?.attempts[0]?.reason;
  assert.deepEqual([reason?.code, reason?.data], ['infrastructure', { since: at('01:00:05') }]);
});

test('a kill on an agent that is cut off is repeated until the attempt is given up', () => {
  const rig = launched({ unreachableTimeout: 'PT15S' });
  rig.status('j.1.1', 'running');
  rig.status('j.1.1', 'unreachable');
  rig.request({ type: 'kill', job: 'j', run: 1 });
  rig.advance(10_000);
  assert.deepEqual([rig.story('j'), kills(rig)], ['1 killing', 2]);
  rig.advance(5_000);
  assert.deepEqual([rig.story('j'), kills(rig)], ['1 killed', 2]);
});

test('a kill is repeated no sooner than its grace is over, and what killed it first stays the reason', () => {
  const rig = launched({ killGrace: 'PT40S', timeout: 'PT30S' });
  rig.status('j.1.1', 'running');
  rig.request({ type: 'kill', job: 'j', run: 1 });
  rig.advance(39_999);
  assert.equal(kills(rig), 1);
  rig.advance(1);
  assert.equal(kills(rig), 2);
  rig.request({ type: 'kill', job: 'j', run: 1 });
  rig.undefine('j');
  assert.equal(kills(rig), 2);
  assert.equal(rig.run('j', 1)?.kill?.reason.code, 'kill-request');
});

test('a launch that nobody heard of is asked about every half minute, one that is cut off too', () => {
  const rig = launched({ unreachableTimeout: 'PT10M' });
  const before = asks(rig);
  rig.advance(29_999);
  assert.equal(asks(rig), before);
  rig.advance(1);
  assert.equal(asks(rig), before + 1);
  rig.status('j.1.1', 'unreachable');
  rig.advance(30_000);
  assert.deepEqual([asks(rig), rig.story('j')], [before + 2, '1 launching']);
  rig.status('j.1.1', 'running');
  rig.advance(60_000);
  assert.equal(asks(rig), before + 2);
});

test('a run by hand has its starting deadline from when it was asked for, and one that was launched has none any more', () => {
  const rig = new EngineRig({ offline: true });
  rig.define({ name: 'j', startingDeadline: 'PT1M', overlap: 'queue', retry: { delay: 'PT2M', jitter: 0 } });
  rig.request({ type: 'run', job: 'j' });
  rig.request({ type: 'run', job: 'j' });
  rig.advance(59_999);
  assert.equal(rig.story('j'), '1 pending, 2 queued');
  rig.connect();
  rig.finish('j.1.1', 1);
  rig.advance(1);
  assert.equal(rig.story('j'), '1 backoff, 2 missed');
  assert.deepEqual(rig.run('j', 2)?.reason?.data, { deadline: rig.now, state: 'queued' });
  rig.advance(119_999);
  assert.equal(rig.story('j'), '1 launching, 2 missed');
});

test('what the nearest offer lacked is said of a run that missed its deadline', () => {
  const rig = new EngineRig({ offer: { cpus: 1 } });
  rig.define({ name: 'j', startingDeadline: 'PT1M', task: { command: 'true', cpus: 2 } });
  rig.request({ type: 'run', job: 'j' });
  rig.advance(60_000);
  const { reason } = rig.run('j', 1) ?? {};
  const nearest = { agentId: 'a1', hostname: 'a1.test', lacks: [{ what: 'cpus', wanted: 2, offered: 1 }] };
  assert.deepEqual(reason?.data, { deadline: rig.now, state: 'pending', nearest });
});

test('a run that is replaced says by which, and was killed if it had been tried', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', overlap: 'replace', retry: { delay: 'PT5M' } });
  rig.request({ type: 'run', job: 'j' });
  rig.finish('j.1.1', 1);
  rig.request({ type: 'run', job: 'j' });
  assert.equal(rig.story('j'), '1 killed, 2 launching');
  assert.deepEqual(rig.run('j', 1)?.reason?.data, { run: 2 });
});

test('what came due before the cluster was suspended is decided, and what came due after is not', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', schedule: 'R/2026-03-01T01:00:00Z/PT1S', overlap: 'allow' });
  rig.advanceTo(at('00:59:59'));
  rig.now = at('01:00:03');
  rig.suspend({ from: at('01:00:02'), by: 'ada' });
  assert.equal(rig.runs('j').length, 2);
  rig.suspend({ from: at('01:00:02'), to: at('01:00:03'), by: 'ada' });
  assert.equal(rig.runs('j').length, 3);
  assert.equal(rig.state('j')?.totals.skipped, 0);
});

test('a hundred verdicts are kept, different ones apart, and each is told', () => {
  const rig = new EngineRig();
  rig.define({ name: 'j', schedule: 'R/2026-03-01T01:00:00Z/PT1M', overlap: 'forbid' });
  for (let run = 1; run <= 102; run++) {
    rig.advanceTo(at('01:00:00') + (run - 1) * 120_000);
    rig.advance(60_000);
    rig.finish(`j.${run}.1`);
  }
  const verdicts = rig.verdicts('j');
  assert.equal(verdicts.length, 100);
  assert.equal(verdicts[0]?.from, at('01:05:00'));
  assert.equal(rig.state('j')?.totals.skipped, 102);
  const [told] = rig.facts.filter((fact) => fact.type === 'verdict');
  assert.deepEqual(told?.type === 'verdict' && [told.job, told.added, told.verdict.from], ['j', 1, at('01:01:00')]);
});

test.run();
