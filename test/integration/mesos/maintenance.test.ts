// limit: 120s
/** An operator plans maintenance; a node tells Mesos whether its tasks are over by then, and the operator reads it there. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { send } from '../../mesos-master/probe.ts';
import { until } from '../../support/until.ts';
import { type NodeRig, withNode } from './node-rig.ts';

const machine = { hostname: 'one', ip: '127.0.0.1' };

async function plan({ master }: NodeRig, startsInMs: number): Promise<void> {
  const unavailability = { start: { nanoseconds: (Date.now() + startsInMs) * 1e6 }, duration: { nanoseconds: 3.6e12 } };
  const body = { windows: [{ machine_ids: [machine], unavailability }] };
  assert.equal((await send({ address: master.address, path: '/maintenance/schedule', body })).status, 200);
}

async function answers({ master }: NodeRig): Promise<readonly string[]> {
  const { body } = await send({ address: master.address, path: '/maintenance/status', method: 'GET' });
  const { draining_machines: machines = [] } = JSON.parse(body) as { draining_machines?: { statuses?: { status: string }[] }[] };
  return machines.flatMap(({ statuses = [] }) => statuses.map(({ status }) => status));
}

async function awaitAnswer(rig: NodeRig, wanted: string): Promise<void> {
  let seen: readonly string[] = [];
  const isSo = async (): Promise<boolean> => (seen = await answers(rig)).join() === wanted;
  await until(isSo, { limitMs: 20_000, what: () => `Mesos to have heard ${wanted}; it has ${seen.join()}` });
}

const logLine = (rig: NodeRig, pattern: RegExp): Promise<void> =>
  until(() => rig.node.log.some((line) => pattern.test(line)), { limitMs: 10_000, what: `a log line like ${pattern}` });

test('a plan that a timeout meets is agreed to; a task without one is named as in the way', async () => {
  await withNode({ master: { agents: [{ hostname: 'one' }] } }, async (rig) => {
    await rig.run({ name: 'bounded', task: { image: 'busybox', command: 'sleep 600' }, timeout: 'PT10M' });
    await rig.awaitState('bounded', 'running');
    await plan(rig, 3_600_000);
    await awaitAnswer(rig, 'ACCEPT');
    await plan(rig, 300_000);
    await awaitAnswer(rig, 'DECLINE');
    await logLine(rig, /"tasks":\["bounded\.1\.1"\].*tasks may still run there then/);
    await rig.node.post('/v1/runs/bounded/1/kill', {});
    await rig.awaitState('bounded', 'killed');

    await plan(rig, 7_200_000);
    await rig.run({ name: 'endless', task: { image: 'busybox', command: 'sleep 600' } });
    await rig.awaitState('endless', 'running');
    await plan(rig, 86_400_000);
    await awaitAnswer(rig, 'DECLINE');
    await logLine(rig, /"tasks":\["endless\.1\.1"\]/);
    const calls = rig.master.calls.filter(({ type }) => type.endsWith('INVERSE_OFFERS'));
    assert.ok(calls.every((call) => (call.accept_inverse_offers ?? call.decline_inverse_offers)?.filters?.refuse_seconds === 60));
  });
});

test('a run for which all agents are about to be taken down says what it waits for, and goes on when the plan is dropped', async () => {
  await withNode({ master: { agents: [{ hostname: 'one' }] } }, async (rig) => {
    await plan(rig, 60_000);
    await rig.run({ name: 'a', task: { image: 'busybox', command: 'true' } });
    let text = '';
    const isTold = async (): Promise<boolean> => {
      // Before the leader has made the run there is no answer.
      text = (await rig.node.get<{ text?: string }>('/v1/runs/a/1/why')).body.text ?? '';
      return text.endsWith('lacked time before the agent’s maintenance');
    };
    await until(isTold, { limitMs: 20_000, what: () => `the reason why it waits; ${text}` });
    assert.equal(rig.master.launchCount('a.1.1'), 0);
    assert.equal((await send({ address: rig.master.address, path: '/maintenance/schedule', body: {} })).status, 200);
    // A newcomer lifts what was declined for a minute.
    await rig.run({ name: 'b', task: { image: 'busybox', command: 'true' } });
    await rig.awaitState('a', 'succeeded');
  });
});

test.run();
