/** The adapter against a master that answers as scripted; sockets are real, time stands still unless a test moves it. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { basicCredentials } from '../../../../src/executor/mesos/authenticator.ts';
import { MISCONFIGURED_RETRY_MS } from '../../../../src/executor/mesos/connection.ts';
import { staticMasters } from '../../../../src/executor/mesos/master-detector.ts';
import { MesosExecutor } from '../../../../src/executor/mesos/mesos-executor.ts';
import type { MesosOptions } from '../../../../src/executor/mesos/options.ts';
import type { ExecutorEvent, TaskStatus } from '../../../../src/executor/port.ts';
import { silentLogger } from '../../../../src/telemetry/logger.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { AGENT, executorStatus, launch, masterStatus, offer, spec, UUID } from './fixtures.ts';
import { ScriptedMaster, until } from './scripted-master.ts';

interface Rig {
  readonly clock: ManualClock;
  readonly master: ScriptedMaster;
  readonly executor: MesosExecutor;
  readonly events: ExecutorEvent[];
  of<T extends ExecutorEvent['type']>(type: T): Extract<ExecutorEvent, { type: T }>[];
  statuses(): TaskStatus[];
  start(identity?: string): Promise<void>;
}

/** Ends what a test began, also when it failed. */
const endings: (() => Promise<void>)[] = [];

test.after.each(async () => {
  for (const end of endings.splice(0)) await end();
});

async function setup(options: Partial<MesosOptions> = {}, others: readonly ScriptedMaster[] = []): Promise<Rig> {
  const clock = new ManualClock();
  const master = await ScriptedMaster.start();
  const detector = staticMasters([master.address, ...others.map((other) => other.address)]);
  const executor = new MesosExecutor({ detector, clock, logger: silentLogger, ...options });
  const events: ExecutorEvent[] = [];
  const of = <T extends ExecutorEvent['type']>(type: T): Extract<ExecutorEvent, { type: T }>[] =>
    events.filter((event): event is Extract<ExecutorEvent, { type: T }> => event.type === type);
  endings.push(async () => {
    await executor.stop();
    await Promise.all([master, ...others].map((each) => each.close()));
  });
  return {
    clock,
    master,
    executor,
    events,
    of,
    statuses: () => of('status').map((event) => event.status),
    start: async (identity) => {
      executor.start({ identity, emit: (event) => events.push(event) });
      await until('connected', () => of('connected').length > 0);
    },
  };
}

/** Moves time on until something is so that needs both time and sockets. */
async function advanceUntil(clock: ManualClock, what: string, isSo: () => boolean): Promise<void> {
  for (let step = 0; step < 1_000 && !isSo(); step += 1) {
    await clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.ok(isSo(), what);
}

test('it subscribes with the headers and the framework that a master accepts', async () => {
  const rig = await setup({ framework: { name: 'k', roles: ['etl'], principal: 'alice' }, authenticator: basicCredentials('alice', 's3') });
  await rig.start();
  const [call] = rig.master.callsOf('SUBSCRIBE');
  assert.equal(call!.headers['content-type'], 'application/json');
  assert.equal(call!.headers.accept, 'application/json');
  assert.equal(call!.headers['mesos-stream-id'], undefined);
  assert.equal(call!.headers.authorization, `Basic ${Buffer.from('alice:s3').toString('base64')}`);
  assert.equal('framework_id' in call!.body, false);
  const info = call!.body.subscribe!.framework_info;
  assert.deepEqual([info.user, info.name, info.roles, info.checkpoint, info.failover_timeout], ['root', 'k', ['etl'], true, 604_800]);
  assert.deepEqual(
    info.capabilities.map((capability) => capability.type),
    ['MULTI_ROLE', 'PARTITION_AWARE', 'TASK_KILLING_STATE', 'RESERVATION_REFINEMENT', 'REGION_AWARE'],
  );
  assert.deepEqual(rig.events, [{ type: 'connected', identity: 'framework-0000', exclusive: false }]);
});

test('a known identity is put into both places that Mesos compares', async () => {
  const rig = await setup();
  await rig.start('framework-0042');
  const { body } = rig.master.callsOf('SUBSCRIBE')[0]!;
  assert.equal(body.framework_id!.value, 'framework-0042');
  assert.equal(body.subscribe!.framework_info.id?.value, 'framework-0042');
  assert.equal(rig.of('connected')[0]!.identity, 'framework-0042');
});

test('a launch becomes one ACCEPT, an operation per task, with the stream id; its statuses come back and are acknowledged', async () => {
  const rig = await setup();
  await rig.start();
  rig.master.send({ type: 'OFFERS', offers: { offers: [offer('o1'), offer('o2')] } });
  await until('offers', () => rig.of('offers').length > 0);
  rig.executor.perform({ type: 'launch', offerIds: ['o1', 'o2'], tasks: [launch('a.1.1'), launch('b.1.1', { task: spec({ cpus: 6 }) })] });
  await until('ACCEPT', () => rig.master.callsOf('ACCEPT').length > 0);
  const call = rig.master.callsOf('ACCEPT')[0]!;
  assert.equal(call.headers['mesos-stream-id'], 'stream-1');
  assert.equal(call.body.framework_id?.value, 'framework-0000');
  const accept = call.body.accept!;
  assert.deepEqual(accept.offer_ids, [{ value: 'o1' }, { value: 'o2' }]);
  assert.deepEqual(accept.filters, { refuse_seconds: 0 });
  const infos = accept.operations.map((operation) => operation.launch.task_infos);
  assert.deepEqual(
    infos.map((tasks) => tasks.map((task) => task.task_id.value)),
    [['a.1.1'], ['b.1.1']],
  );
  assert.equal(infos[1]![0]!.resources.filter((entry) => entry.name === 'cpus').length, 2, 'six cpus are cut out of two offers of four');
  rig.master.status(executorStatus('a.1.1', 'TASK_RUNNING', { data: 'W10=' }));
  await until('status', () => rig.statuses().length > 0);
  assert.deepEqual(rig.statuses()[0], { taskId: 'a.1.1', agentId: AGENT, state: 'running', at: 1795339394935, ack: UUID });
  rig.executor.perform({ type: 'acknowledge', taskId: 'a.1.1', agentId: AGENT, ack: UUID });
  await until('ACKNOWLEDGE', () => rig.master.callsOf('ACKNOWLEDGE').length > 0);
  assert.deepEqual(rig.master.callsOf('ACKNOWLEDGE')[0]!.body.acknowledge, {
    agent_id: { value: AGENT },
    task_id: { value: 'a.1.1' },
    uuid: UUID,
  });
});

test('a launch on an offer that is gone is told not launched, and what is left of its offers goes back', async () => {
  const rig = await setup();
  await rig.start();
  rig.master.send({ type: 'OFFERS', offers: { offers: [offer('o1'), offer('o2')] } });
  rig.master.send({ type: 'RESCIND', rescind: { offer_id: { value: 'o1' } } });
  await until('rescinded', () => rig.of('rescinded').length > 0);
  rig.executor.perform({ type: 'launch', offerIds: ['o1', 'o2'], tasks: [launch('a.1.1')] });
  const [status] = rig.statuses();
  assert.deepEqual([status!.state, status!.reason, status!.ack], ['not-launched', 'offer-invalid', undefined]);
  await until('DECLINE', () => rig.master.callsOf('DECLINE').length > 0);
  assert.deepEqual(rig.master.callsOf('DECLINE')[0]!.body.decline, { offer_ids: [{ value: 'o2' }], filters: { refuse_seconds: 0 } });
  assert.equal(rig.master.callsOf('ACCEPT').length, 0);
});

test('a task that Mesos would refuse is refused here, and those beside it are launched', async () => {
  const rig = await setup();
  await rig.start();
  rig.master.send({ type: 'OFFERS', offers: { offers: [offer('o1')] } });
  await until('offers', () => rig.of('offers').length > 0);
  const tasks = [launch('a/b'), launch('big.1.1', { task: spec({ mem: 5_000 }) }), launch('c.1.1')];
  rig.executor.perform({ type: 'launch', offerIds: ['o1'], tasks });
  await until('ACCEPT', () => rig.master.callsOf('ACCEPT').length > 0);
  assert.deepEqual(
    rig.statuses().map(({ taskId, state, reason }) => [taskId, state, reason]),
    [
      ['a/b', 'rejected', 'task-invalid'],
      ['big.1.1', 'not-launched', 'insufficient-resources'],
    ],
  );
  assert.equal(rig.master.callsOf('ACCEPT')[0]!.body.accept!.operations.length, 1);
});

test('reconciliation asks in order and says so when it is done', async () => {
  const rig = await setup();
  await rig.start();
  rig.executor.perform({ type: 'reconcile', tasks: [{ taskId: 'a.1.1', agentId: AGENT, address: '' }] });
  await until('RECONCILE', () => rig.master.callsOf('RECONCILE').length === 3);
  const asked = rig.master.callsOf('RECONCILE').map((call) => call.body.reconcile!.tasks);
  assert.deepEqual(asked.slice(0, 2), [[], [{ task_id: { value: 'a.1.1' }, agent_id: { value: AGENT } }]]);
  rig.master.status(masterStatus('a.1.1', 'TASK_GONE', { message: 'Reconciliation: Task is unknown to the agent' }));
  rig.master.status(masterStatus(asked[2]![0]!.task_id.value, 'TASK_UNKNOWN', { agent_id: asked[2]![0]!.agent_id }));
  await until('reconciled', () => rig.of('reconciled').length > 0);
  assert.deepEqual(
    rig.events.slice(1).map((event) => (event.type === 'status' ? event.status.state : event.type)),
    ['unknown', 'reconciled'],
  );
});

test('calls reach the master in the order they were performed', async () => {
  const rig = await setup();
  await rig.start();
  rig.master.send({ type: 'OFFERS', offers: { offers: [offer('o1'), offer('o2')] } });
  await until('offers', () => rig.of('offers').length > 0);
  rig.executor.perform({ type: 'launch', offerIds: ['o1'], tasks: [launch('a.1.1')] });
  rig.executor.perform({ type: 'kill', task: { taskId: 'a.1.1', agentId: AGENT, address: '' }, graceMs: 1_500 });
  rig.executor.perform({ type: 'reconcile', tasks: [] });
  rig.executor.perform({ type: 'suppress' });
  rig.executor.perform({ type: 'decline', offerIds: ['o2', 'unheard-of'], refuseMs: 2_500 });
  rig.executor.perform({ type: 'revive' });
  await until('REVIVE', () => rig.master.callsOf('REVIVE').length > 0);
  assert.deepEqual(
    rig.master.calls.map((call) => call.type),
    ['SUBSCRIBE', 'ACCEPT', 'KILL', 'RECONCILE', 'RECONCILE', 'SUPPRESS', 'DECLINE', 'REVIVE'],
  );
  assert.deepEqual(rig.master.callsOf('KILL')[0]!.body.kill, {
    task_id: { value: 'a.1.1' },
    agent_id: { value: AGENT },
    kill_policy: { grace_period: { nanoseconds: 1_500_000_000 } },
  });
  assert.deepEqual(rig.master.callsOf('DECLINE')[0]!.body.decline, { offer_ids: [{ value: 'o2' }], filters: { refuse_seconds: 2.5 } });
});

test('when the stream ends it subscribes again with the same id, and nothing held before counts', async () => {
  const rig = await setup();
  await rig.start();
  rig.master.send({ type: 'OFFERS', offers: { offers: [offer('o1')] } });
  await until('offers', () => rig.of('offers').length > 0);
  rig.master.endStream('cut');
  await until('disconnected', () => rig.of('disconnected').length > 0);
  assert.equal(rig.of('disconnected')[0]!.final, false);
  rig.executor.perform({ type: 'launch', offerIds: ['o1'], tasks: [launch('a.1.1')] });
  assert.equal(rig.statuses()[0]!.state, 'not-launched');
  await advanceUntil(rig.clock, 'connected again', () => rig.of('connected').length === 2);
  assert.equal(rig.master.callsOf('SUBSCRIBE')[1]!.body.framework_id?.value, 'framework-0000');
  rig.executor.perform({ type: 'revive' });
  await until('REVIVE', () => rig.master.callsOf('REVIVE').length > 0);
  assert.equal(rig.master.callsOf('REVIVE')[0]!.headers['mesos-stream-id'], 'stream-2');
});

test('three heartbeats that do not come end the stream, on the monotonic clock', async () => {
  const rig = await setup();
  await rig.start();
  await rig.clock.advance(30_000);
  rig.master.send({ type: 'HEARTBEAT' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await rig.clock.advance(44_000);
  assert.equal(rig.of('disconnected').length, 0);
  await rig.clock.advance(2_000);
  assert.match(rig.of('disconnected')[0]?.reason ?? '', /nothing heard from .* for 45 s/);
  await advanceUntil(rig.clock, 'connected again', () => rig.of('connected').length === 2);
});

test('a framework that was removed is never made anew by itself', async () => {
  const rig = await setup();
  await rig.start('framework-0001');
  rig.master.send({ type: 'ERROR', error: { message: 'Framework has been removed' } });
  await until('disconnected', () => rig.of('disconnected').length > 0);
  const [event] = rig.of('disconnected');
  assert.equal(event!.final, true);
  assert.match(event!.reason, /removed this framework.*does not become a new framework/);
  await rig.clock.advance(600_000);
  assert.equal(rig.master.callsOf('SUBSCRIBE').length, 1);
});

test('when another scheduler has taken over it steps back for good, told by the stream or by a call', async () => {
  for (const how of ['stream', 'call']) {
    const rig = await setup();
    await rig.start();
    if (how === 'stream') rig.master.send({ type: 'ERROR', error: { message: 'Framework failed over' } });
    else {
      rig.master.script = (_call, response) => {
        response
          .writeHead(400)
          .end("The stream ID 'stream-1' included in this request didn't match the stream ID currently associated with f");
        return true;
      };
      rig.executor.perform({ type: 'revive' });
    }
    await until('disconnected', () => rig.of('disconnected').length > 0);
    assert.equal(rig.of('disconnected')[0]!.final, true, how);
    await rig.clock.advance(600_000);
    assert.equal(rig.master.callsOf('SUBSCRIBE').length, 1, how);
  }
});

test('a master that answers with another framework id is not believed', async () => {
  const rig = await setup();
  rig.master.script = (call, response) => {
    if (call.type !== 'SUBSCRIBE') return false;
    response.writeHead(200, { 'mesos-stream-id': 's' });
    const text = JSON.stringify({ type: 'SUBSCRIBED', subscribed: { framework_id: { value: 'framework-0002' } } });
    response.write(`${text.length}\n${text}`);
    return true;
  };
  rig.executor.start({ identity: 'framework-0001', emit: (event) => rig.events.push(event) });
  await until('disconnected', () => rig.of('disconnected').length > 0);
  assert.equal(rig.of('disconnected')[0]!.final, true);
  assert.equal(rig.of('connected').length, 0);
});

test('a call without an answer ends the subscription: what it did is settled by the next one', async () => {
  const rig = await setup();
  await rig.start();
  rig.master.send({ type: 'OFFERS', offers: { offers: [offer('o1')] } });
  await until('offers', () => rig.of('offers').length > 0);
  rig.master.script = (call, response) => {
    if (call.type !== 'ACCEPT') return false;
    response.destroy();
    return true;
  };
  rig.executor.perform({ type: 'launch', offerIds: ['o1'], tasks: [launch('a.1.1')] });
  await until('disconnected', () => rig.of('disconnected').length > 0);
  assert.match(rig.of('disconnected')[0]!.reason, /no answer to ACCEPT/);
  await advanceUntil(rig.clock, 'connected again', () => rig.of('connected').length === 2);
  assert.deepEqual(rig.statuses(), [], 'nothing is claimed of a task whose launch may have happened');
  assert.equal(rig.master.callsOf('ACCEPT').length, 1, 'an ACCEPT is never sent twice');
});

test('launches still waiting to be sent when the subscription ends are told not launched', async () => {
  const rig = await setup();
  await rig.start();
  rig.master.send({ type: 'OFFERS', offers: { offers: [offer('o1'), offer('o2', { agent_id: { value: 'other' } })] } });
  await until('offers', () => rig.of('offers').length > 0);
  rig.master.script = (call) => call.type === 'ACCEPT';
  rig.executor.perform({ type: 'launch', offerIds: ['o1'], tasks: [launch('a.1.1')] });
  rig.executor.perform({ type: 'launch', offerIds: ['o2'], tasks: [launch('b.1.1', { agentId: 'other' })] });
  await until('the first ACCEPT', () => rig.master.callsOf('ACCEPT').length === 1);
  rig.master.endStream('clean');
  await until('disconnected', () => rig.of('disconnected').length > 0);
  assert.deepEqual(
    rig.statuses().map(({ taskId, state, reason }) => [taskId, state, reason]),
    [['b.1.1', 'not-launched', 'disconnected']],
  );
});

test('an ACCEPT that Mesos can not read is refused as a whole, and its offer goes back', async () => {
  const rig = await setup();
  await rig.start();
  rig.master.send({ type: 'OFFERS', offers: { offers: [offer('o1')] } });
  await until('offers', () => rig.of('offers').length > 0);
  rig.master.script = (call, response) => {
    if (call.type !== 'ACCEPT') return false;
    response.writeHead(400).end('Failed to convert JSON into Call protobuf: Missing required fields');
    return true;
  };
  rig.executor.perform({ type: 'launch', offerIds: ['o1'], tasks: [launch('a.1.1')] });
  await until('DECLINE', () => rig.master.callsOf('DECLINE').length > 0);
  assert.equal(rig.statuses()[0]!.state, 'rejected');
  assert.equal(rig.of('disconnected').length, 0);
});

test('a redirect is followed to the leader, where the calls go too', async () => {
  const leader = await ScriptedMaster.start();
  const rig = await setup({}, [leader]);
  rig.master.script = (_call, response) => {
    response.writeHead(307, { location: `//${leader.address}/master/api/v1/scheduler` }).end();
    return true;
  };
  await rig.start();
  rig.executor.perform({ type: 'revive' });
  await until('REVIVE', () => leader.callsOf('REVIVE').length > 0);
  assert.deepEqual(
    rig.master.calls.map((call) => call.type),
    ['SUBSCRIBE'],
  );
});

test('a master that is down, starting or behind is left for the next one, with pauses', async () => {
  const next = await ScriptedMaster.start();
  const rig = await setup({}, [next]);
  const answers = [404, 503, 307];
  rig.master.script = (_call, response) => {
    const status = answers.shift() ?? 503;
    response.writeHead(status, status === 307 ? { location: '//127.0.0.1:1/master/api/v1/scheduler' } : {}).end();
    return true;
  };
  next.script = (_call, response) => {
    if (answers.length === 0) return false;
    response.destroy();
    return true;
  };
  rig.executor.start({ identity: undefined, emit: (event) => rig.events.push(event) });
  await advanceUntil(rig.clock, 'connected', () => rig.of('connected').length === 1);
  assert.equal(
    rig.of('disconnected').every((event) => !event.final),
    true,
  );
  assert.equal(next.callsOf('SUBSCRIBE').length, 3);
});

test('wrong credentials are told clearly and tried again slowly, without a word each time', async () => {
  const rig = await setup();
  rig.master.script = (_call, response) => {
    response.writeHead(401).end('401 Unauthorized.');
    return true;
  };
  rig.executor.start({ identity: undefined, emit: (event) => rig.events.push(event) });
  await until('disconnected', () => rig.of('disconnected').length > 0);
  assert.match(rig.of('disconnected')[0]!.reason, /credentials \(401\); check principal and secret/);
  await rig.clock.advance(MISCONFIGURED_RETRY_MS / 2);
  assert.equal(rig.master.calls.length, 1);
  await advanceUntil(rig.clock, 'tried again', () => rig.master.calls.length === 3);
  assert.equal(rig.of('disconnected').length, 1);
});

test('a lost agent voids its offers and is told; a lost executor is not', async () => {
  const rig = await setup();
  await rig.start();
  rig.master.send({ type: 'OFFERS', offers: { offers: [offer('o1')] } });
  rig.master.send({ type: 'FAILURE', failure: { agent_id: { value: AGENT }, executor_id: { value: 'a.1.1' }, status: 9 } });
  rig.master.send({ type: 'FAILURE', failure: { agent_id: { value: AGENT } } });
  await until('agent-lost', () => rig.of('agent-lost').length > 0);
  assert.deepEqual(rig.of('agent-lost'), [{ type: 'agent-lost', agentId: AGENT }]);
  rig.executor.perform({ type: 'launch', offerIds: ['o1'], tasks: [launch('a.1.1')] });
  assert.equal(rig.statuses()[0]!.reason, 'offer-invalid');
});

test('inverse offers are told and answered, unless they were rescinded', async () => {
  const rig = await setup();
  await rig.start();
  const start = { nanoseconds: (rig.clock.now() + 60_000) * 1e6 };
  const inverse = (id: string): object => ({ id: { value: id }, agent_id: { value: AGENT }, unavailability: { start } });
  rig.master.send({ type: 'INVERSE_OFFERS', inverse_offers: { inverse_offers: [inverse('i1'), inverse('i2')] } });
  rig.master.send({ type: 'RESCIND_INVERSE_OFFER', rescind_inverse_offer: { inverse_offer_id: { value: 'i1' } } });
  rig.master.status(executorStatus('a.1.1', 'TASK_RUNNING'));
  await until('all heard', () => rig.statuses().length > 0);
  const [told] = rig.of('inverse-offers');
  assert.deepEqual(told!.inverseOffers, [
    { id: 'i1', agentId: AGENT, lastsMs: 60_000 },
    { id: 'i2', agentId: AGENT, lastsMs: 60_000 },
  ]);
  const answers = told!.inverseOffers.map(({ id }) => ({ id, inTheWay: [] }));
  rig.executor.perform({ type: 'answer-inverse-offers', answers });
  await until('an answer', () => rig.master.callsOf('ACCEPT_INVERSE_OFFERS').length > 0);
  assert.deepEqual(rig.master.callsOf('ACCEPT_INVERSE_OFFERS')[0]!.body.accept_inverse_offers?.inverse_offer_ids, [{ value: 'i2' }]);
});

test('a duplicate task id refused at launch does not touch the task that has the id', async () => {
  const rig = await setup();
  await rig.start();
  const refusal = { message: 'Task has duplicate ID: a.1.1', reason: 'REASON_TASK_INVALID' };
  rig.master.status(masterStatus('a.1.1', 'TASK_ERROR', refusal));
  rig.master.status(executorStatus('a.1.1', 'TASK_RUNNING'));
  await until('status', () => rig.statuses().length > 0);
  assert.equal(rig.statuses()[0]!.state, 'running');
});

test('events that are new to this version, or ask nothing of us, do not disturb it', async () => {
  const rig = await setup();
  await rig.start();
  rig.master.send({ type: 'OF_THE_FUTURE', of_the_future: {} });
  rig.master.send({ type: 'INVERSE_OFFERS', inverse_offers: { inverse_offers: [] } });
  rig.master.send({ type: 'OFFERS', offers: {} });
  rig.master.send({ type: 'MESSAGE' });
  rig.master.status(executorStatus('a.1.1', 'TASK_RUNNING'));
  await until('status', () => rig.statuses().length > 0);
  assert.equal(rig.of('disconnected').length, 0);
});

test('offers of agents near their maintenance last no time, and when declined stay away for longer', async () => {
  const rig = await setup();
  await rig.start();
  const unavailability = { start: { nanoseconds: rig.clock.now() * 1_000_000 } };
  rig.master.send({ type: 'OFFERS', offers: { offers: [offer('o1', { unavailability }), offer('o2')] } });
  await until('offers', () => rig.of('offers').length > 0);
  assert.deepEqual(
    rig.of('offers').flatMap((event) => event.offers.map(({ id, lastsMs }) => [id, lastsMs])),
    [
      ['o1', 0],
      ['o2', undefined],
    ],
  );
  rig.executor.perform({ type: 'decline', offerIds: ['o1', 'o2'], refuseMs: 5_000 });
  await until('both declined', () => rig.master.callsOf('DECLINE').length === 2);
  assert.deepEqual(
    rig.master.callsOf('DECLINE').map(({ body }) => body.decline),
    [
      { offer_ids: [{ value: 'o2' }], filters: { refuse_seconds: 5 } },
      { offer_ids: [{ value: 'o1' }], filters: { refuse_seconds: 60 } },
    ],
  );
});

test('offers of agents whose maintenance is later say how long they last', async () => {
  const rig = await setup();
  await rig.start();
  const unavailability = { start: { nanoseconds: (rig.clock.now() + 3_600_000) * 1_000_000 } };
  rig.master.send({ type: 'OFFERS', offers: { offers: [offer('o1', { unavailability }), offer('o2')] } });
  await until('offers', () => rig.of('offers').length > 0);
  const lasts = rig.of('offers').flatMap((event) => event.offers.map(({ lastsMs }) => lastsMs));
  assert.equal(lasts[1], undefined);
  assert.ok(Math.abs((lasts[0] ?? 0) - 3_600_000) < 5_000);
});

test('a damaged stream is given up, not misread', async () => {
  const rig = await setup();
  await rig.start();
  rig.master.sendRaw('garbage');
  await until('disconnected', () => rig.of('disconnected').length > 0);
  assert.match(rig.of('disconnected')[0]!.reason, /not a number/);
  await advanceUntil(rig.clock, 'connected again', () => rig.of('connected').length === 2);
});

test('after stop nothing is told any more, and it can be started again', async () => {
  const rig = await setup();
  await rig.start();
  await rig.executor.stop();
  const told = rig.events.length;
  rig.executor.perform({ type: 'revive' });
  await rig.clock.advance(60_000);
  assert.equal(rig.events.length, told);
  assert.equal(rig.clock.pending, 0);
  rig.events.length = 0;
  await rig.start('framework-0000');
});

test.run();
