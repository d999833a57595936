/** What breaks between Kairos and its tasks: masters, agents, messages, and other schedulers. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { ScriptedRunner } from '../../mesos-master/runner/scripted.ts';
import { until } from '../../support/until.ts';
import { withMesos } from './mesos-rig.ts';

test('a new leader takes over: the old one is told for good, the task goes on and ends at the new one', async () => {
  await withMesos({}, async ({ master, lead }) => {
    const old = await lead();
    await old.launch('a.1.1', { command: 'sleep 0.5' });
    await old.awaitState('a.1.1', 'running');
    const heir = await lead(old.identity);
    await until(() => old.down?.final === true, { what: 'the old leader to be told' });
    assert.equal(heir.identity, old.identity);
    await heir.awaitState('a.1.1', 'finished');
    assert.equal(master.launchCount('a.1.1'), 1);
  });
});

test("a predecessor's last launch shows itself in the heir's reconciliation, though nobody told the heir of it", async () => {
  await withMesos({}, async ({ master, lead }) => {
    const old = await lead();
    await old.launch('a.1.1', { command: 'sleep 60' });
    await until(() => master.launchCount('a.1.1') === 1);
    const heir = await lead(old.identity);
    await heir.awaitState('a.1.1', 'running');
    assert.ok(heir.reconciled > 0);
  });
});

test('a launch of a deposed leader is not performed', async () => {
  await withMesos({}, async ({ master, lead }) => {
    const old = await lead();
    const offer = await old.anOffer();
    await lead(old.identity);
    old.launchOn(offer, [{ taskId: 'a.1.1' }]);
    await until(() => old.down?.final === true);
    assert.equal(master.launchCount('a.1.1'), 0);
  });
});

test('a task that never was is answered as unknown, one whose agent is named wrong is not', async () => {
  await withMesos({}, async ({ lead }) => {
    const leader = await lead();
    const { agentId, address } = await leader.anOffer();
    leader.executor.perform({ type: 'reconcile', tasks: [{ taskId: 'never.1.1', agentId, address }] });
    await leader.awaitState('never.1.1', 'unknown');
    leader.executor.perform({ type: 'reconcile', tasks: [{ taskId: 'odd.1.1', agentId: 'no-such-agent', address }] });
    await leader.awaitState('odd.1.1', 'unreachable');
  });
});

test('a master that restarts is found again; tasks are spoken for when their agent is back, and not before', async () => {
  await withMesos({}, async ({ master, lead }) => {
    const leader = await lead();
    await leader.launch('a.1.1', { command: 'sleep 60' });
    await leader.awaitState('a.1.1', 'running');
    leader.statuses.length = 0;
    await master.restartMaster({ agentsAfterMs: 2_500 });
    await until(() => leader.connected === 2 && leader.reconciled === 2, { what: 'reconciled within the bound, in spite of the silence' });
    assert.deepEqual(leader.states('a.1.1'), []);
    await leader.awaitState('a.1.1', 'running');
    assert.equal(leader.identity, leader.events.find((event) => event.type === 'connected')?.identity);
  });
});

test('a task that ends while the master is down is not lost', async () => {
  await withMesos({}, async ({ master, lead }) => {
    const leader = await lead();
    await leader.launch('a.1.1', { command: 'sleep 0.2; exit 4' });
    await leader.awaitState('a.1.1', 'running');
    await master.restartMaster({ downMs: 400, agentsAfterMs: 300 });
    const status = await leader.awaitState('a.1.1', 'failed');
    assert.equal(status.exitCode, 4);
  });
});

test('when the leading master dies the next one is found through any of the others', async () => {
  await withMesos({ masters: 3 }, async ({ master, lead }) => {
    const leader = await lead();
    await leader.launch('a.1.1', { command: 'sleep 2' });
    await leader.awaitState('a.1.1', 'running');
    await master.killMaster();
    await until(() => leader.connected === 2, { what: 'subscribed to the next master' });
    await leader.awaitState('a.1.1', 'finished');
    assert.equal(master.launchCount('a.1.1'), 1);
  });
});

test('a frozen master is noticed by its silence alone', async () => {
  await withMesos({ masters: 2, timing: { heartbeatMs: 200 } }, async ({ master, lead }) => {
    const leader = await lead();
    master.freezeMaster();
    await until(() => leader.down !== undefined, { what: 'the silence to be noticed' });
    assert.match(leader.down?.reason ?? '', /nothing heard/);
    await until(() => leader.connected === 2, { what: 'subscribed to the other master' });
  });
});

test('an agent that is cut off makes its task unreachable, not over; it comes back and ends with its own exit', async () => {
  await withMesos({}, async ({ master, lead }) => {
    const leader = await lead();
    await leader.launch('a.1.1', { command: 'sleep 1.2; exit 5' });
    await leader.awaitState('a.1.1', 'running');
    master.agent('agent-0').stop();
    await leader.awaitState('a.1.1', 'unreachable');
    await until(() => leader.events.some((event) => event.type === 'agent-lost'), { what: 'the agent to be told lost' });
    await systemClock.sleep(1_000);
    assert.ok(!leader.states('a.1.1').includes('failed'));
    master.agent('agent-0').resume();
    const status = await leader.awaitState('a.1.1', 'failed');
    assert.deepEqual([status.exitCode, status.ack === undefined], [5, false]);
  });
});

test('an agent whose process restarts keeps its tasks', async () => {
  await withMesos({}, async ({ master, lead }) => {
    const leader = await lead();
    await leader.launch('a.1.1', { command: 'sleep 0.6' });
    await leader.awaitState('a.1.1', 'running');
    await master.agent('agent-0').kill();
    await master.agent('agent-0').restart();
    await leader.awaitState('a.1.1', 'finished');
    assert.equal(master.launchCount('a.1.1'), 1);
  });
});

test('an agent marked gone loses its tasks', async () => {
  await withMesos({}, async ({ master, lead }) => {
    const leader = await lead();
    await leader.launch('a.1.1', { command: 'sleep 60' });
    await leader.awaitState('a.1.1', 'running');
    master.agent('agent-0').markGone();
    const status = await leader.awaitState('a.1.1', 'lost');
    assert.equal(status.reason, 'agent-gone');
  });
});

test('an agent that is drained loses its tasks by nobody’s fault of theirs', async () => {
  await withMesos({}, async ({ master, lead }) => {
    const leader = await lead();
    await leader.launch('a.1.1', { command: 'sleep 60' });
    await leader.awaitState('a.1.1', 'running');
    master.agent('agent-0').drain({ maxGraceMs: 0 });
    const status = await leader.awaitState('a.1.1', 'lost');
    assert.equal(status.reason, 'agent-draining');
  });
});

test('an agent that is replaced may still run its tasks for nobody: they are unreachable', async () => {
  await withMesos({}, async ({ master, lead }) => {
    const leader = await lead();
    await leader.launch('a.1.1', { command: 'sleep 60' });
    await leader.awaitState('a.1.1', 'running');
    await master.agent('agent-0').kill();
    await master.agent('agent-0').replace();
    const status = await leader.awaitState('a.1.1', 'unreachable');
    assert.equal(status.reason, 'agent-removed');
  });
});

test('an ACCEPT whose answer is lost was performed: the next subscription finds its task', async () => {
  await withMesos({}, async ({ master, lead }) => {
    const leader = await lead();
    master.faults.onCalls({ type: 'lose-answer' }, { match: (call) => call.type === 'ACCEPT' });
    await leader.launch('a.1.1', { command: 'sleep 60' });
    await until(() => leader.connected === 2, { what: 'a new subscription' });
    await leader.awaitState('a.1.1', 'running');
    assert.equal(master.launchCount('a.1.1'), 1);
  });
});

test('an ACCEPT that is lost on its way was not: its task is answered as unknown', async () => {
  await withMesos({}, async ({ master, lead }) => {
    const leader = await lead();
    master.faults.onCalls({ type: 'lose-request' }, { match: (call) => call.type === 'ACCEPT' });
    await leader.launch('a.1.1', { command: 'sleep 60' });
    await leader.awaitState('a.1.1', 'unknown');
    assert.equal(master.launchCount('a.1.1'), 0);
  });
});

test('a status that is lost comes again, one that comes twice does no harm', async () => {
  await withMesos({}, async ({ master, lead }) => {
    const leader = await lead();
    const isUpdate = (event: { type: string }): boolean => event.type === 'UPDATE';
    master.faults.onEvents({ type: 'drop' }, { match: isUpdate });
    master.faults.onEvents({ type: 'duplicate' }, { match: isUpdate, count: 2 });
    await leader.launch('a.1.1');
    await leader.awaitState('a.1.1', 'finished');
  });
});

test('a status that is not acknowledged is told to the next leader', async () => {
  await withMesos({}, async ({ lead }) => {
    const old = await lead();
    old.acknowledges = false;
    await old.launch('a.1.1', { command: 'exit 7' });
    await old.awaitState('a.1.1', 'starting');
    await old.executor.stop();
    const heir = await lead(old.identity);
    const status = await heir.awaitState('a.1.1', 'failed');
    assert.equal(status.exitCode, 7);
  });
});

test('an offer that is rescinded is void', async () => {
  await withMesos({}, async ({ master, lead }) => {
    const leader = await lead();
    const offer = await leader.anOffer();
    master.rescindOffer(offer.id);
    await until(() => !leader.offers.has(offer.id), { what: 'the rescind' });
    leader.launchOn(offer, [{ taskId: 'a.1.1' }]);
    const status = await leader.awaitState('a.1.1', 'not-launched');
    assert.equal(status.reason, 'offer-invalid');
  });
});

test('an executor that dies loses its task', async () => {
  await withMesos({}, async ({ master, lead }) => {
    const leader = await lead();
    await leader.launch('a.1.1', { command: 'sleep 60' });
    await leader.awaitState('a.1.1', 'running');
    master.agent('agent-0').loseExecutor(leader.identity ?? '', 'a.1.1');
    const status = await leader.awaitState('a.1.1', 'lost');
    assert.equal(status.reason, 'executor-terminated');
  });
});

test('an image that does not exist is told apart from a registry that does not answer', async () => {
  const pull =
    "Failed to launch container: Failed to run 'docker -H unix:///var/run/docker.sock pull a/b:1': exited with status 1; stderr=";
  const endings: Record<string, string> = {
    'missing.1.1': `${pull}'Error response from daemon: manifest for a/b:1 not found: manifest unknown'`,
    'down.1.1': `${pull}'Error response from daemon: Get "https://r/v2/": dial tcp: lookup r: no such host'`,
  };
  const runner = new ScriptedRunner(systemClock, (run) => ({
    end: { how: 'launch-failed', message: endings[run.info.task_id.value] ?? '' },
  }));
  await withMesos({ runner }, async ({ lead }) => {
    const leader = await lead();
    await leader.launch('missing.1.1');
    assert.equal((await leader.awaitState('missing.1.1', 'rejected')).reason, 'image-missing');
    await leader.launch('down.1.1');
    assert.equal((await leader.awaitState('down.1.1', 'not-launched')).reason, 'registry-unavailable');
  });
});

test.run();
