/** The real durations, in virtual time: cycles, filters, retries, time-outs. */

import { test } from 'uvu';
import assert from 'node:assert/strict';
import { brief } from './rig.ts';
import { VirtualRig } from './virtual-rig.ts';

for (const [seconds, least, most] of [
  [0, 0, 1_000],
  [0.5, 1_000, 2_000],
  [1, 1_000, 2_000],
  [3, 3_000, 4_000],
  [10, 10_000, 11_000],
  [undefined, 5_000, 6_000],
] as const) {
  test(`declined with refuse_seconds ${seconds}, an agent is offered again after ${least} to ${most} ms`, async () => {
    const rig = await new VirtualRig().begin();
    const [first] = rig.offers;
    assert.ok(first);
    const from = rig.clock.monotonic();
    rig.call({
      type: 'DECLINE',
      decline: { offer_ids: [first.offer.id], ...(seconds === undefined ? {} : { filters: { refuse_seconds: seconds } }) },
    });
    await rig.clock.advance(12_000);
    const waited = (rig.offers[1]?.at ?? 0) - from;
    assert.ok(waited > least && waited <= most, `${waited} ms`);
  });
}

test('an empty ACCEPT without filters refuses for the default time', async () => {
  const rig = await new VirtualRig().begin();
  const [first] = rig.offers;
  assert.ok(first);
  rig.call({ type: 'ACCEPT', accept: { offer_ids: [first.offer.id] } });
  await rig.clock.advance(12_000);
  const waited = (rig.offers[1]?.at ?? 0) - first.at;
  assert.ok(waited > 5_000 && waited <= 6_000, `${waited} ms`);
});

test('the first offer and one after REVIVE come within 40 ms, others with the cycle', async () => {
  const rig = await new VirtualRig().begin();
  const [first] = rig.offers;
  assert.ok(first && first.at <= 40);
  rig.call({ type: 'DECLINE', decline: { offer_ids: [first.offer.id], filters: { refuse_seconds: 1_000 } } });
  await rig.clock.advance(5_000);
  assert.equal(rig.offers.length, 1);
  rig.call({ type: 'REVIVE' });
  await rig.clock.advance(40);
  assert.equal(rig.offers.length, 2);
});

test('an offer is rescinded when its time-out has passed, and not sooner', async () => {
  const rig = await new VirtualRig({ offerTimeoutMs: 8_000 }).begin();
  const [first] = rig.offers;
  await rig.clock.advance(8_100);
  const rescind = rig.events.find(({ event }) => event.type === 'RESCIND');
  assert.equal(rescind?.at, (first?.at ?? 0) + 8_000);
});

test('heartbeats come every 15 s from the subscription on, whatever else comes', async () => {
  const rig = await new VirtualRig().begin();
  rig.launch([{ id: 't', command: 'sleep 20' }]);
  await rig.advanceAcknowledging(46_000);
  const beats = rig.events.filter(({ event }) => event.type === 'HEARTBEAT').map(({ at }) => at);
  assert.deepEqual(
    beats.map((at) => at - (beats[0] ?? 0)),
    [0, 15_000, 30_000, 45_000],
  );
});

test('an update that is not acknowledged comes again after 10, 30 and 70 s, at last every 10 minutes, and hides the rest', async () => {
  const rig = await new VirtualRig().begin();
  rig.launch([{ id: 't', command: 'sleep 2' }]);
  await rig.clock.advance(3 * 3_600_000);
  const seen = rig.statuses('t');
  assert.ok(seen.every(({ status }) => status.state === 'TASK_STARTING' && status.uuid === seen[0]?.status.uuid));
  const gaps = seen.slice(1).map(({ at }, index) => (at - (seen[index]?.at ?? 0)) / 1_000);
  assert.deepEqual(gaps.slice(0, 10), [10, 20, 40, 80, 160, 320, 600, 600, 600, 600]);
});

test('resources of a task that ended behind an unacknowledged update are free after its retry', async () => {
  const rig = await new VirtualRig().begin();
  rig.launch([{ id: 't', command: 'sleep 2', cpus: 1 }]);
  await rig.clock.advance(9_000);
  assert.equal(rig.offers.length, 2);
  await rig.clock.advance(4_000);
  assert.deepEqual(
    rig.offers[2]?.offer.resources.map(({ name, scalar }) => [name, scalar?.value]),
    [
      ['cpus', 1],
      ['mem', 32],
    ],
  );
});

test('acknowledged, the next update comes some ten milliseconds later, and the three come in order', async () => {
  const rig = await new VirtualRig().begin();
  rig.launch([{ id: 't' }, { id: 'd', docker: true }]);
  await rig.advanceAcknowledging(2_000);
  for (const id of ['t', 'd']) {
    assert.deepEqual(
      rig.statuses(id).map(({ status }) => status.state),
      ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED'],
    );
  }
  const [starting, running, finished] = rig.statuses('t').map(({ at }) => at);
  assert.ok((starting ?? 0) - 25 >= 320 && (starting ?? 0) - 25 < 360);
  assert.ok((running ?? 0) - (starting ?? 0) >= 15 && (running ?? 0) - (starting ?? 0) <= 50);
  assert.ok((finished ?? 0) - (running ?? 0) >= 140);
});

for (const phase of [0, 4_000, 14_000]) {
  test(`an agent stopped ${phase} ms into a ping is unreachable 75 to 90 s later`, async () => {
    const rig = await new VirtualRig().begin();
    await rig.clock.advance(phase);
    const from = rig.clock.monotonic();
    rig.agent.stop();
    await rig.clock.advance(95_000);
    const failure = rig.events.find(({ event }) => event.type === 'FAILURE');
    const waited = (failure?.at ?? 0) - from;
    assert.ok(waited >= 75_000 && waited <= 90_001, `${waited} ms`);
  });
}

test('a framework whose connection closed is removed when its failover_timeout has passed', async () => {
  const rig = await new VirtualRig().begin({ failover_timeout: 3 });
  const { id } = rig.framework;
  rig.closeStream();
  await rig.clock.advance(2_990);
  assert.ok(rig.master.frameworks.has(id));
  await rig.clock.advance(20);
  assert.ok(rig.master.completed.has(id));
});

test('of a burst of 200 on an agent that starts 2.6 a second, those past a minute fail; of small batches none', async () => {
  const burst = await new VirtualRig({}, 2.6).begin();
  const ids = Array.from({ length: 200 }, (_, index) => `t${index}`);
  burst.launch(ids.map((id) => ({ id })));
  await burst.advanceAcknowledging(90_000);
  const failed = ids.filter((id) => burst.statuses(id).at(-1)?.status.state === 'TASK_FAILED');
  assert.ok(failed.length > 20 && failed.length < 60, `${failed.length} failed`);
  const [late] = burst.statuses(failed[0] ?? '');
  assert.equal(late && brief(late.status), 'FAILED AGENT EXECUTOR_REGISTRATION_TIMEOUT Executor did not register within 1mins');
  assert.ok(failed.every((id) => burst.history.count('start', id) === 0));

  const calm = await new VirtualRig({}, 2.6).begin();
  calm.launch(ids.slice(0, 10).map((id) => ({ id })));
  await calm.advanceAcknowledging(10_000);
  assert.ok(ids.slice(0, 10).every((id) => calm.statuses(id).at(-1)?.status.state === 'TASK_FINISHED'));
});

test('a kill takes the whole grace where TERM is ignored: 5 s by default, the task’s own, or the call’s', async () => {
  const rig = await new VirtualRig().begin();
  const grace = (seconds: number): { readonly grace_period: { readonly nanoseconds: number } } => ({
    grace_period: { nanoseconds: seconds * 1e9 },
  });
  const own = { kill_policy: grace(20) };
  rig.launch([
    { id: 'default', docker: true, command: 'sleep 100' },
    { id: 'own', docker: true, command: 'sleep 100', more: own },
    { id: 'given', docker: true, command: 'sleep 100', more: own },
  ]);
  await rig.advanceAcknowledging(2_000);
  const from = rig.clock.monotonic();
  rig.call({ type: 'KILL', kill: { task_id: { value: 'default' } } });
  rig.call({ type: 'KILL', kill: { task_id: { value: 'own' } } });
  rig.call({ type: 'KILL', kill: { task_id: { value: 'given' }, kill_policy: grace(1) } });
  rig.call({ type: 'KILL', kill: { task_id: { value: 'own' }, kill_policy: grace(1) } });
  await rig.advanceAcknowledging(25_000);
  const took = (id: string): number => Math.round(((rig.statuses(id).at(-1)?.at ?? 0) - from) / 1_000);
  assert.deepEqual([took('default'), took('own'), took('given')], [5, 20, 1]);
});

test.run();
