/** Planned maintenance: the schedule of machines, unavailability on offers, inverse offers and their answers, machines down and up. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { send, type Probe, type RawAnswer } from '../../mesos-master/probe.ts';
import type { InverseOfferJson } from '../../mesos-master/wire/event.ts';
import { firstOffer, launch, pause, stateOf, withRig, type Rig } from './rig.ts';

const CYCLE = {
  timing: { allocationMs: 30 },
  agents: [
    { name: 'a', hostname: 'one' },
    { name: 'b', hostname: 'two' },
  ],
};
const SOON = { start: { nanoseconds: 4e15 }, duration: { nanoseconds: 3.6e12 } };
const machine = (hostname: string): object => ({ hostname, ip: '127.0.0.1' });

function post(rig: Rig, path: string, body: unknown): Promise<RawAnswer> {
  return send({ address: rig.master.address, path, body });
}

function schedule(rig: Rig, ...hostnames: readonly string[]): Promise<RawAnswer> {
  const windows = hostnames.length === 0 ? [] : [{ machine_ids: hostnames.map(machine), unavailability: SOON }];
  return post(rig, '/maintenance/schedule', { windows });
}

async function status(rig: Rig): Promise<unknown> {
  return JSON.parse((await send({ address: rig.master.address, path: '/maintenance/status', method: 'GET' })).body) as unknown;
}

function inverseOf(probe: Probe): readonly InverseOfferJson[] {
  return probe.events.flatMap((event) => (event.type === 'INVERSE_OFFERS' ? event.inverse_offers.inverse_offers : []));
}

function rescindedOf(probe: Probe): readonly string[] {
  return probe.events.flatMap((event) =>
    event.type === 'RESCIND_INVERSE_OFFER' ? [event.rescind_inverse_offer.inverse_offer_id.value] : [],
  );
}

const answerOf = (ids: readonly string[], seconds?: number): object => ({
  inverse_offer_ids: ids.map((value) => ({ value })),
  ...(seconds === undefined ? {} : { filters: { refuse_seconds: seconds } }),
});

test(
  'a schedule takes offers back, sends them again with the plan, and asks whoever has something there',
  withRig(CYCLE, async (rig) => {
    const probe = await rig.subscribe();
    await rig.master.until(() => probe.offers.length === 2);
    const before = probe.offers.find((offer) => offer.hostname === 'one')!;
    assert.equal((await schedule(rig, 'ONE')).status, 200);
    await rig.master.until(() => inverseOf(probe).length > 0);
    assert.ok(probe.events.some((event) => event.type === 'RESCIND' && event.rescind.offer_id.value === before.id.value));
    const again = probe.offers.find((offer) => offer.hostname === 'one' && offer.id.value !== before.id.value)!;
    assert.deepEqual(again.unavailability, SOON);
    const [inverse] = inverseOf(probe);
    assert.deepEqual(Object.keys(inverse!), ['id', 'url', 'framework_id', 'agent_id', 'unavailability']);
    assert.deepEqual([inverse!.agent_id.value, inverse!.framework_id.value], [rig.master.agent('a').id, probe.frameworkId]);
    assert.deepEqual(inverse!.unavailability, SOON);
    const types = probe.events.map((event) => event.type);
    assert.ok(types.lastIndexOf('OFFERS') < types.indexOf('INVERSE_OFFERS'), 'after the offers of the same allocation');
    await pause(100);
    assert.equal(inverseOf(probe).length, 1, 'one that is out is not sent again');
  }),
);

test(
  'who has nothing on the agent is not asked; who has only tasks and suppressed its offers is',
  withRig(CYCLE, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    await launch(rig, probe, { id: 't', cpus: 4, mem: 4096, command: 'sleep 60', until: 'RUNNING' });
    await probe.call('SUPPRESS');
    const idle = await rig.subscribe({ subscribe: { suppressed_roles: ['*'] } });
    await schedule(rig, 'one', 'two');
    await rig.master.until(() => inverseOf(probe).length > 0);
    await pause(100);
    assert.deepEqual(
      inverseOf(probe).map((one) => one.agent_id.value),
      [probe.statusesOf('t')[0]!.agent_id!.value],
    );
    assert.equal(inverseOf(idle).length, 0);
  }),
);

test(
  'answers are noted for the operator, hold for their filter, and change nothing else',
  withRig({ ...CYCLE, timing: { allocationMs: 30, defaultRefuseMs: 60_000 } }, async (rig) => {
    const probe = await rig.subscribe();
    await schedule(rig, 'one');
    await rig.master.until(() => inverseOf(probe).length === 1);
    assert.deepEqual(await status(rig), { draining_machines: [{ id: machine('one') }] });
    assert.equal(
      (await probe.call('DECLINE_INVERSE_OFFERS', { decline_inverse_offers: answerOf([inverseOf(probe)[0]!.id.value], 0.15) })).status,
      202,
    );
    const told = (await status(rig)) as { draining_machines: { statuses: { status: string; framework_id: { value: string } }[] }[] };
    assert.deepEqual(
      told.draining_machines[0]!.statuses.map((one) => [one.status, one.framework_id.value]),
      [['DECLINE', probe.frameworkId]],
    );
    await rig.master.until(() => inverseOf(probe).length === 2);
    await probe.call('ACCEPT_INVERSE_OFFERS', { accept_inverse_offers: answerOf([inverseOf(probe)[1]!.id.value]) });
    const last = (await status(rig)) as typeof told;
    assert.deepEqual(
      last.draining_machines[0]!.statuses.map((one) => one.status),
      ['ACCEPT'],
    );
    await pause(120);
    assert.equal(inverseOf(probe).length, 2, 'the default filter holds');
    await probe.call('REVIVE');
    await rig.master.until(() => inverseOf(probe).length === 3);
  }),
);

test(
  'an answer to one that is not out is ignored; one without its body is refused',
  withRig(CYCLE, async (rig) => {
    const probe = await rig.subscribe();
    const answer = await probe.call('ACCEPT_INVERSE_OFFERS', { accept_inverse_offers: answerOf(['never']) });
    assert.deepEqual([answer.status, answer.body], [202, '']);
    const refused = await probe.call('DECLINE_INVERSE_OFFERS');
    assert.deepEqual(
      [refused.status, refused.body],
      [400, "Failed to validate scheduler::Call: Expecting 'decline_inverse_offers' to be present"],
    );
  }),
);

test(
  'a new schedule takes the question back and asks again; none takes it back for good',
  withRig(CYCLE, async (rig) => {
    const probe = await rig.subscribe();
    await schedule(rig, 'one');
    await rig.master.until(() => inverseOf(probe).length === 1);
    await schedule(rig, 'one', 'two');
    await rig.master.until(() => inverseOf(probe).length === 3);
    assert.deepEqual(rescindedOf(probe), [inverseOf(probe)[0]!.id.value]);
    await schedule(rig);
    await rig.master.until(() => rescindedOf(probe).length === 3);
    await pause(100);
    assert.equal(inverseOf(probe).length, 3);
    assert.equal((await firstOffer(rig, probe, (offer) => rig.master.state!.offers.has(offer.id.value))).unavailability, undefined);
  }),
);

test(
  'an agent that is lost takes its question along, and a takeover leaves none to the old subscription',
  withRig(CYCLE, async (rig) => {
    const probe = await rig.subscribe();
    await schedule(rig, 'one');
    await rig.master.until(() => inverseOf(probe).length === 1);
    const next = await rig.subscribe({ frameworkId: probe.frameworkId });
    await rig.master.until(() => inverseOf(next).length === 1);
    assert.deepEqual(rescindedOf(probe), []);
    await rig.master.agent('a').kill();
    await rig.master.until(() => rescindedOf(next).length === 1);
  }),
);

test(
  'the schedule outlives the master, and agents that return are in it',
  withRig(CYCLE, async (rig) => {
    await schedule(rig, 'two');
    await rig.master.restartMaster({ agentsAfterMs: 5 });
    const probe = await rig.subscribe();
    await rig.master.until(() => inverseOf(probe).length > 0);
    assert.equal(inverseOf(probe)[0]!.agent_id.value, rig.master.agent('b').id);
    const read = await send({ address: rig.master.address, path: '/maintenance/schedule', method: 'GET' });
    assert.deepEqual(JSON.parse(read.body), { windows: [{ machine_ids: [machine('two')], unavailability: SOON }] });
  }),
);

test(
  'a machine that is taken down loses its tasks and keeps its agents away until it is up again',
  withRig(CYCLE, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    const early = await post(rig, '/machine/down', [machine('one')]);
    assert.deepEqual(
      [early.status, early.body],
      [400, `Machine '${JSON.stringify(machine('one'))}' is not part of a maintenance schedule`],
    );
    await schedule(rig, 'one', 'two');
    const { agent_id } = await launch(rig, probe, { id: 't', command: 'sleep 60', until: 'RUNNING' });
    assert.equal((await post(rig, '/machine/down', [machine('one'), machine('two')])).status, 200);
    const lost = await stateOf(rig, probe, { id: 't', state: 'LOST' });
    const host = lost.message!.split(' ')[1]!;
    assert.equal(lost.message, `Agent ${host} removed: Operator initiated 'Machine DOWN'`);
    assert.deepEqual([lost.reason, lost.agent_id], ['REASON_AGENT_REMOVED', agent_id]);
    assert.deepEqual(await status(rig), { down_machines: [machine('one'), machine('two')] });
    assert.match((await schedule(rig)).body, /is deactivated and cannot be removed from the schedule$/);
    assert.equal((await post(rig, '/machine/up', [machine('one')])).status, 200);
    const offers = probe.offers.length;
    // Its process ended; its port is still held.
    await rig.master.agent('a').kill();
    await rig.master.agent('a').replace();
    await rig.master.until(() => probe.offers.length > offers);
    assert.equal(probe.offers.at(-1)!.unavailability, undefined);
  }),
);

test(
  'schedules that make no sense are refused in the master’s words',
  withRig(CYCLE, async (rig) => {
    const refusal = async (windows: unknown): Promise<string> => {
      const { status: code, body } = await post(rig, '/maintenance/schedule', { windows });
      assert.equal(code, 400);
      return body;
    };
    assert.equal(await refusal([{ machine_ids: [], unavailability: SOON }]), 'List of machines in the maintenance window is empty');
    assert.equal(await refusal([{ machine_ids: [{}], unavailability: SOON }]), "Both 'hostname' and 'ip' for a machine are empty");
    const twice = await refusal([{ machine_ids: [machine('one'), machine('ONE')], unavailability: SOON }]);
    assert.match(twice, /appears more than once in the schedule$/);
    const negative = { ...SOON, duration: { nanoseconds: -1 } };
    assert.equal(await refusal([{ machine_ids: [machine('one')], unavailability: negative }]), "Unavailability 'duration' is negative");
    assert.match(await refusal([{ machine_ids: [machine('one')] }]), /Missing required fields: windows\[0\]\.unavailability/);
    assert.equal((await post(rig, '/maintenance/schedule', '{')).status, 400);
    assert.equal((await send({ address: rig.master.address, path: '/machine/up', method: 'GET' })).status, 405);
  }),
);

test.run();
