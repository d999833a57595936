/** Offers: filters, suppression, time-outs, fair shares, roles, reservations, constraints, and UPDATE_FRAMEWORK. */

import { test } from 'uvu';
import assert from 'node:assert/strict';
import { accept, amount, firstOffer, launch, pause, setup, stateOf, taskInfo, withRig } from './rig.ts';

const EU = { region: 'eu', zone: 'eu-1' };
const CYCLE = { timing: { allocationMs: 30 } };

test(
  'a filter survives a resubscription and REVIVE ends it at once',
  withRig(CYCLE, async (rig) => {
    const first = await rig.subscribe();
    const offer = await firstOffer(rig, first);
    await first.call('DECLINE', { decline: { offer_ids: [offer.id], filters: { refuse_seconds: 1000 } } });
    const second = await rig.subscribe({ frameworkId: first.frameworkId });
    await pause(120);
    assert.equal(second.offers.length, 0);
    await second.call('REVIVE');
    await firstOffer(rig, second);
  }),
);

test(
  'a filter does not hold for more than what was declined',
  withRig(CYCLE, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    const offer = await firstOffer(rig, probe);
    const task = taskInfo({ id: 't', agentId: offer.agent_id.value, cpus: 2, command: 'sleep 0.05' });
    const operations = [{ type: 'LAUNCH', launch: { task_infos: [task] } }];
    await probe.call('ACCEPT', { accept: { offer_ids: [offer.id], operations, filters: { refuse_seconds: 1000 } } });
    const whole = await firstOffer(rig, probe, (one) => one.id.value !== offer.id.value);
    assert.ok(whole.resources.some((one) => one.name === 'cpus' && one.scalar?.value === 4));
  }),
);

test(
  'SUPPRESS stops offers, keeps the ones that are held, and does not survive a resubscription',
  withRig(CYCLE, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    const held = await firstOffer(rig, probe);
    await probe.call('SUPPRESS');
    await accept(probe, [held.id.value], [[taskInfo({ id: 't', agentId: held.agent_id.value })]]);
    await stateOf(rig, probe, { id: 't', state: 'FINISHED' });
    await pause(100);
    assert.equal(probe.offers.length, 1);
    const again = await rig.subscribe({ frameworkId: probe.frameworkId });
    await firstOffer(rig, again);
  }),
);

test(
  'suppressed_roles starts without offers; SUPPRESS and REVIVE of other roles are ignored',
  withRig(CYCLE, async (rig) => {
    const probe = await rig.subscribe({ subscribe: { suppressed_roles: ['*'] } });
    assert.equal((await probe.call('REVIVE', { revive: { roles: ['other'] } })).status, 202);
    await pause(90);
    assert.equal(probe.offers.length, 0);
    await probe.call('REVIVE', { revive: { roles: ['*'] } });
    await firstOffer(rig, probe);
    assert.equal((await probe.call('SUPPRESS', { suppress: { roles: ['other'] } })).status, 202);
  }),
);

test(
  'an offer that times out is rescinded and offered anew',
  withRig({ timing: { allocationMs: 20, offerTimeoutMs: 60 } }, async (rig) => {
    const probe = await rig.subscribe();
    const offer = await firstOffer(rig, probe);
    await rig.master.until(() => probe.events.some((event) => event.type === 'RESCIND' && event.rescind.offer_id.value === offer.id.value));
    await rig.master.until(() => probe.offers.length > 1);
  }),
);

test(
  'a test can rescind an offer',
  withRig(CYCLE, async (rig) => {
    const probe = await rig.subscribe();
    const offer = await firstOffer(rig, probe);
    rig.master.rescindOffer(offer.id.value);
    await rig.master.until(() => probe.events.some(({ type }) => type === 'RESCIND'));
  }),
);

test(
  'a framework that holds an offer starves the other; declined, it goes to the other, and back',
  withRig(CYCLE, async (rig) => {
    const hoarder = await rig.subscribe({ info: { name: 'hoarder' } });
    const offer = await firstOffer(rig, hoarder);
    const waiting = await rig.subscribe({ info: { name: 'waiting' } });
    await pause(120);
    assert.equal(waiting.offers.length, 0);
    const task = taskInfo({ id: 't', agentId: offer.agent_id.value, command: 'sleep 600' });
    await accept(hoarder, [offer.id.value], [[task]]);
    const other = await firstOffer(rig, waiting);
    await waiting.call('DECLINE', { decline: { offer_ids: [other.id], filters: { refuse_seconds: 1000 } } });
    await rig.master.until(() => hoarder.offers.length > 1);
  }),
);

test(
  'one role gets the whole agent; the other role gets it when it is declined',
  withRig(CYCLE, async (rig) => {
    const probe = await rig.subscribe({ info: { roles: ['etl', 'web'] } });
    const offer = await firstOffer(rig, probe);
    await pause(90);
    assert.equal(probe.offers.length, 1);
    await probe.call('DECLINE', { decline: { offer_ids: [offer.id], filters: { refuse_seconds: 1000 } } });
    const other = await firstOffer(rig, probe, (one) => one.id.value !== offer.id.value);
    assert.deepEqual(new Set([offer, other].map((one) => one.allocation_info?.role)), new Set(['etl', 'web']));
  }),
);

const RESERVED = {
  agents: [{ resources: { cpus: 4, mem: 4096 }, reserved: [{ role: 'etl', cpus: 2, mem: 1024 }] }],
  timing: CYCLE.timing,
};

test(
  'reserved resources come beside the common ones to their role, and not to others',
  withRig(RESERVED, async (rig) => {
    const other = await rig.subscribe({ info: { roles: ['web'] } });
    const common = await firstOffer(rig, other);
    assert.deepEqual(
      common.resources.map((one) => [one.name, one.role, one.scalar?.value]),
      [
        ['cpus', '*', 4],
        ['mem', '*', 4096],
      ],
    );
    await other.call('TEARDOWN');
    const etl = await rig.subscribe({ info: { roles: ['etl'] } });
    const whole = await firstOffer(rig, etl, (offer) => offer.resources.length === 4);
    assert.deepEqual(whole.resources.map((one) => `${one.name} ${one.role} ${one.scalar?.value} ${one.allocation_info?.role}`).sort(), [
      'cpus * 4 etl',
      'cpus etl 2 etl',
      'mem * 4096 etl',
      'mem etl 1024 etl',
    ]);
  }),
);

test(
  'a task takes reserved and common resources by role, by reservations, and split over two entries',
  withRig(RESERVED, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true, info: { roles: ['etl'] } });
    const offer = await firstOffer(rig, probe, (one) => one.resources.length === 4);
    const agentId = offer.agent_id.value;
    const tasks = [
      taskInfo({ id: 'role', agentId, resources: [amount('cpus', 0.5, { role: 'etl' }), amount('mem', 32)] }),
      taskInfo({ id: 'refined', agentId, resources: [amount('cpus', 0.5, { reservations: [{ type: 'STATIC', role: 'etl' }] })] }),
      taskInfo({ id: 'split', agentId, resources: [amount('cpus', 4), amount('cpus', 1, { role: 'etl' })] }),
      taskInfo({ id: 'whole', agentId, resources: [amount('cpus', 5)] }),
    ];
    await accept(
      probe,
      [offer.id.value],
      tasks.map((task) => [task]),
    );
    for (const id of ['role', 'refined', 'split']) await stateOf(rig, probe, { id, state: 'FINISHED' });
    await stateOf(rig, probe, { id: 'whole', state: 'ERROR' });
  }),
);

test(
  'with RESERVATION_REFINEMENT reservations are listed, dynamic ones with their principal',
  withRig({ agents: [{ resources: { cpus: 1 }, reserved: [{ role: 'etl', type: 'DYNAMIC', principal: 'p', cpus: 2 }] }] }, async (rig) => {
    const capabilities = [{ type: 'MULTI_ROLE' }, { type: 'RESERVATION_REFINEMENT' }];
    const probe = await rig.subscribe({ info: { roles: ['etl'], capabilities } });
    const offer = await firstOffer(rig, probe);
    assert.deepEqual(
      offer.resources.map((one) => [one.role, one.reservations]),
      [
        [undefined, undefined],
        [undefined, [{ type: 'DYNAMIC', role: 'etl', principal: 'p' }]],
      ],
    );
  }),
);

const HIERARCHY = {
  agents: [
    {
      resources: { cpus: 1, mem: 512 },
      reserved: [
        { role: 'eng', cpus: 2 },
        { role: 'eng/batch', type: 'DYNAMIC', principal: 'p', refines: [{ type: 'STATIC', role: 'eng' }], cpus: 4 },
      ],
    },
  ],
} as const;
const REFINED = [{ type: 'MULTI_ROLE' }, { type: 'RESERVATION_REFINEMENT' }];

test(
  'what is reserved for a role is for the roles below it too, and not the other way round',
  withRig({ ...HIERARCHY, timing: { allocationMs: 30 } }, async (rig) => {
    const cpusOf = async (role: string, capabilities = REFINED): Promise<readonly number[]> => {
      const probe = await rig.subscribe({ info: { roles: [role], capabilities } });
      const offer = await firstOffer(rig, probe);
      assert.equal(offer.allocation_info?.role, role);
      assert.ok(offer.resources.every((one) => one.allocation_info?.role === role));
      await probe.call('TEARDOWN');
      return offer.resources
        .filter(({ name }) => name === 'cpus')
        .map((one) => one.scalar?.value ?? 0)
        .sort((a, b) => a - b);
    };
    assert.deepEqual(await cpusOf('eng/batch'), [1, 2, 4]);
    assert.deepEqual(await cpusOf('eng/batch/nightly'), [1, 2, 4]);
    assert.deepEqual(await cpusOf('eng'), [1, 2]);
    assert.deepEqual(await cpusOf('eng/other'), [1, 2]);
    assert.deepEqual(await cpusOf('engine'), [1]);
    // A stack has no words in the older form.
    assert.deepEqual(await cpusOf('eng/batch', [{ type: 'MULTI_ROLE' }]), [1, 2]);
  }),
);

test(
  'a task takes refined reservations with their whole stack only',
  withRig(HIERARCHY, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true, info: { roles: ['eng/batch'], capabilities: REFINED } });
    const offer = await firstOffer(rig, probe);
    const stack = [
      { type: 'STATIC', role: 'eng' },
      { type: 'DYNAMIC', role: 'eng/batch', principal: 'p' },
    ];
    const tasks = (
      [
        ['whole', stack],
        ['part', stack.slice(1)],
      ] as const
    ).map(([id, reservations]) =>
      taskInfo({ id, agentId: offer.agent_id.value, resources: [amount('cpus', 4, { reservations }), amount('mem', 32)] }),
    );
    await accept(
      probe,
      [offer.id.value],
      tasks.map((task) => [task]),
    );
    await stateOf(rig, probe, { id: 'whole', state: 'FINISHED' });
    const { message } = await stateOf(rig, probe, { id: 'part', state: 'ERROR' });
    assert.match(
      message ?? '',
      /^Total resources cpus\(allocated: eng\/batch\)\(reservations: \[\(DYNAMIC,eng\/batch,p\)\]\):4; .* is more than available/,
    );
  }),
);

test(
  'without MULTI_ROLE there is no allocation_info',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe({ info: { roles: undefined, role: 'etl', capabilities: [] } });
    const offer = await firstOffer(rig, probe);
    assert.equal(offer.allocation_info, undefined);
    assert.ok(offer.resources.every((one) => one.allocation_info === undefined && one.role === '*'));
  }),
);

test(
  'offers show attributes of every type, the domain and planned maintenance',
  withRig(
    { agents: [{ name: 'a', attributes: { rack: 'a', cpu_ghz: 2.5, pr: [[1, 10]] }, domain: EU }], domain: EU, ...CYCLE },
    async (rig) => {
      const probe = await rig.subscribe();
      const offer = await firstOffer(rig, probe);
      assert.deepEqual(offer.attributes, [
        { name: 'rack', type: 'TEXT', text: { value: 'a' } },
        { name: 'cpu_ghz', type: 'SCALAR', scalar: { value: 2.5 } },
        { name: 'pr', type: 'RANGES', ranges: { range: [{ begin: 1, end: 10 }] } },
      ]);
      assert.deepEqual(offer.domain, { fault_domain: { region: { name: 'eu' }, zone: { name: 'eu-1' } } });
      rig.master.agent('a').planMaintenance({ startMs: 1_000, durationMs: 500 });
      const next = await firstOffer(rig, probe, (one) => one.id.value !== offer.id.value);
      assert.deepEqual(next.unavailability, { start: { nanoseconds: 1e9 }, duration: { nanoseconds: 5e8 } });
    },
  ),
);

test(
  'agents of other regions are for frameworks that know regions; the master says where it is',
  withRig(
    {
      domain: EU,
      agents: [
        { name: 'near', domain: { ...EU, zone: 'eu-2' } },
        { name: 'far', domain: { region: 'us', zone: 'us-1' } },
        { name: 'mute' },
      ],
      ...CYCLE,
    },
    async (rig) => {
      const plain = await rig.subscribe();
      const [subscribed] = plain.events;
      assert.ok(subscribed?.type === 'SUBSCRIBED' && 'domain' in subscribed.subscribed.master_info);
      assert.deepEqual(subscribed.subscribed.master_info.domain, { fault_domain: { region: { name: 'eu' }, zone: { name: 'eu-1' } } });
      await rig.master.until(() => plain.offers.length === 2);
      await pause(90);
      const ids = (names: readonly string[]): string[] => names.map((name) => rig.master.agent(name).id).sort();
      assert.deepEqual(plain.offers.map((offer) => offer.agent_id.value).sort(), ids(['near', 'mute']));
      const aware = await rig.subscribe({ info: { name: 'aware', capabilities: [{ type: 'MULTI_ROLE' }, { type: 'REGION_AWARE' }] } });
      await firstOffer(rig, aware, (offer) => offer.agent_id.value === rig.master.agent('far').id);
    },
  ),
);

test('an agent with a domain would wait for ever at a master without one, so a test that asks for it is told', async () => {
  await assert.rejects(setup({ agents: [{ domain: EU }] }), /never registers/);
});

test(
  'agents with gpus are for frameworks that know them',
  withRig({ agents: [{ resources: { cpus: 1, mem: 64, gpus: 2 } }], ...CYCLE }, async (rig) => {
    const plain = await rig.subscribe();
    await pause(90);
    assert.equal(plain.offers.length, 0);
    const capabilities = [{ type: 'MULTI_ROLE' }, { type: 'GPU_RESOURCES' }];
    await firstOffer(rig, await rig.subscribe({ info: { name: 'gpu', capabilities } }));
  }),
);

const rackIs = (value: string): Record<string, unknown> => ({
  offer_constraints: {
    role_constraints: {
      '*': { groups: [{ attribute_constraints: [{ selector: { attribute_name: 'rack' }, predicate: { text_equals: { value } } }] }] },
    },
  },
});

test(
  'offer constraints keep agents away, and UPDATE_FRAMEWORK changes them',
  withRig({ agents: [{ attributes: { rack: 'a' } }], ...CYCLE }, async (rig) => {
    const probe = await rig.subscribe({ subscribe: rackIs('b') });
    await pause(90);
    assert.equal(probe.offers.length, 0);
    const info = { user: 'root', name: 'probe', roles: ['*'], checkpoint: true, capabilities: [{ type: 'MULTI_ROLE' }] };
    const answer = await probe.call('UPDATE_FRAMEWORK', { update_framework: { framework_info: info, ...rackIs('a') } });
    assert.deepEqual([answer.status, answer.body], [200, '']);
    await firstOffer(rig, probe);
  }),
);

test(
  'UPDATE_FRAMEWORK refuses another user or checkpoint; a SUBSCRIBE ignores them and takes the rest over',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe();
    const info = { user: 'nobody', name: 'renamed', roles: ['*'], checkpoint: true, capabilities: [{ type: 'MULTI_ROLE' }] };
    const refused = await probe.call('UPDATE_FRAMEWORK', { update_framework: { framework_info: info } });
    assert.equal(refused.status, 400);
    assert.equal(
      refused.body,
      "FrameworkInfo update is not valid: Updating 'FrameworkInfo.user' is unsupported; attempted to update from 'root' to 'nobody'",
    );
    await rig.subscribe({ frameworkId: probe.frameworkId, info: { user: 'nobody', name: 'renamed', checkpoint: false } });
    const kept = rig.master.state?.frameworks.get(probe.frameworkId)?.info;
    assert.deepEqual([kept?.user, kept?.name, kept?.checkpoint], ['root', 'renamed', true]);
  }),
);

test(
  'freed resources come as a small offer while another is held, and merge when both are given back',
  withRig(CYCLE, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    await launch(rig, probe, { id: 't', command: 'sleep 0.1', until: 'RUNNING' });
    await rig.master.until(() => probe.offers.length === 2);
    await stateOf(rig, probe, { id: 't', state: 'FINISHED' });
    const small = await firstOffer(rig, probe, (offer) => offer.resources.length === 2);
    assert.deepEqual(
      small.resources.map((one) => one.scalar?.value),
      [0.1, 32],
    );
    const held = probe.offers.slice(1).map(({ id }) => id);
    await probe.call('DECLINE', { decline: { offer_ids: held, filters: { refuse_seconds: 0 } } });
    await rig.master.until(() => probe.offers.length === 4);
    assert.ok(probe.offers[3]?.resources.some((one) => one.name === 'cpus' && one.scalar?.value === 4));
  }),
);

test.run();
