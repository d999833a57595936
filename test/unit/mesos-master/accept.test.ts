/** ACCEPT: which tasks are launched, and what is said about the others; task ids; small resources; duplicates. */

import { test } from 'uvu';
import assert from 'node:assert/strict';
import { accept, amount, brief, firstOffer, launch, stateOf, story, taskInfo, withRig, type Rig, type TaskParts } from './rig.ts';
import type { Probe } from '../../mesos-master/probe.ts';

const BIG = { agents: [{ resources: { cpus: 300, mem: 100_000, disk: 10_000, ports: [[31_000, 32_000]] as const } }] };

interface Verdict {
  readonly what: string;
  readonly tasks: readonly (Partial<TaskParts> & { readonly id: string })[];
  /** By task id: the text, or nothing for a task that runs. */
  readonly said: Readonly<Record<string, string | undefined>>;
}

const INVALID = 'ERROR MASTER TASK_INVALID ';
const LEFT = 'ports(allocated: *):[31000-32000]; cpus(allocated: *):300; mem(allocated: *):100000; disk(allocated: *):10000';
const long = 'x'.repeat(255);

const VERDICTS: readonly Verdict[] = [
  {
    what: 'another agent than the offer has',
    tasks: [{ id: 'a', agentId: 'elsewhere' }, { id: 'b' }],
    said: { a: `${INVALID}Task uses invalid agent elsewhere while agent {agent} is expected`, b: undefined },
  },
  {
    what: 'more than there is',
    tasks: [{ id: 'a', cpus: 1000 }, { id: 'b' }],
    said: {
      a: `${INVALID}Total resources cpus(allocated: *):1000; mem(allocated: *):32 required by task and its executor is more than available ${LEFT}`,
      b: undefined,
    },
  },
  {
    what: 'more than the earlier tasks left',
    tasks: [
      { id: 'a', cpus: 200 },
      { id: 'b', cpus: 200 },
    ],
    said: {
      a: undefined,
      b: `${INVALID}Total resources cpus(allocated: *):200; mem(allocated: *):32 required by task and its executor is more than available ports(allocated: *):[31000-32000]; cpus(allocated: *):100; mem(allocated: *):99968; disk(allocated: *):10000`,
    },
  },
  {
    what: 'a negative scalar, which poisons its operation',
    tasks: [{ id: 'a' }, { id: 'b', cpus: -1 }, { id: 'c', resources: [] }],
    said: Object.fromEntries(
      ['a', 'b', 'c'].map((id) => [id, `${INVALID}Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0`]),
    ),
  },
  {
    what: 'a scalar that rounds to 0',
    tasks: [{ id: 'a', cpus: 0.0001 }],
    said: { a: `${INVALID}Resource 'cpus:0' is invalid: Invalid scalar resource: value <= 0` },
  },
  {
    what: 'a literal 0, little, several entries, and a number as text',
    tasks: [
      { id: 'a', cpus: 0 },
      { id: 'b', cpus: 0.0015 },
      { id: 'c', mem: 4 },
      { id: 'd', resources: [amount('cpus', 0.1), amount('cpus', 0.2), amount('mem', '32')] },
      { id: 'e', resources: [amount('cpus', 0.1)] },
    ],
    said: { a: undefined, b: undefined, c: undefined, d: undefined, e: undefined },
  },
  { what: 'no resources', tasks: [{ id: 'a', resources: [] }], said: { a: `${INVALID}Task uses no resources` } },
  {
    what: 'no command',
    tasks: [{ id: 'a', more: { command: undefined } }],
    said: { a: `${INVALID}Task should have at least one (but not both) of CommandInfo or ExecutorInfo present` },
  },
  {
    what: 'a DOCKER container without docker',
    tasks: [{ id: 'a', more: { container: { type: 'DOCKER' } } }, { id: 'b' }],
    said: {
      a: `${INVALID}Task's \`ContainerInfo\` is invalid: DockerInfo 'docker' is not set for DOCKER typed ContainerInfo`,
      b: undefined,
    },
  },
  {
    what: 'containers that can not be',
    tasks: [
      { id: 'a', more: { container: { type: 'MESOS', volumes: [{ container_path: '/v', mode: 'RW' }] } } },
      {
        id: 'b',
        more: { container: { type: 'MESOS', volumes: [{ container_path: '/v', mode: 'RW', source: { type: 'DOCKER_VOLUME' } }] } },
      },
      { id: 'c', more: { container: { type: 'DOCKER', docker: { image: 'i', parameters: [{ key: 'name', value: 'x' }] } } } },
    ],
    said: {
      a: `${INVALID}Task's \`ContainerInfo\` is invalid: Invalid volume: Only one of them should be set: 'host_path', 'image' and 'source'`,
      b: `${INVALID}Task's \`ContainerInfo\` is invalid: Invalid volume: 'source.docker_volume' is not set for DOCKER_VOLUME volume`,
      c: `${INVALID}Task's \`ContainerInfo\` is invalid: Parameter in DockerInfo must not be 'name'`,
    },
  },
  {
    what: 'limits that can not be, and one that can',
    tasks: [
      { id: 'a', more: { limits: { cpus: { value: 0.05 } } } },
      { id: 'b', more: { limits: { mem: { value: 31 } } } },
      { id: 'c', more: { limits: { disk: { value: 1 } } } },
      { id: 'd', resources: [amount('mem', 32)], more: { limits: { cpus: { value: 1 } } } },
      { id: 'e', more: { limits: { cpus: { value: 0.1 }, mem: { value: '64' } } } },
    ],
    said: {
      a: `${INVALID}The cpu limit must be greater than or equal to the cpu request`,
      b: `${INVALID}The memory limit must be greater than or equal to the memory request`,
      c: `${INVALID}Only cpus and mem may be included in a task's resource limits`,
      d: `${INVALID}When a CPU limit is specified, a CPU request must also be specified`,
      e: undefined,
    },
  },
  {
    what: 'durations below zero',
    tasks: [
      { id: 'a', more: { kill_policy: { grace_period: { nanoseconds: -1 } } } },
      { id: 'b', more: { max_completion_time: { nanoseconds: -1 } } },
    ],
    said: {
      a: `${INVALID}Task's 'kill_policy.grace_period' must be non-negative`,
      b: `${INVALID}Task's \`max_completion_time\` must be non-negative`,
    },
  },
  {
    what: 'resources of a role that has none here',
    tasks: [
      { id: 'a', resources: [amount('cpus', 0.1, { role: 'etl' })] },
      { id: 'b', resources: [amount('cpus', 0.1, { allocation_info: { role: 'x' } })] },
      { id: 'c', resources: [amount('cpus', 0.1, { role: '*', allocation_info: { role: '*' } })] },
    ],
    said: {
      a: `${INVALID}Total resources cpus(allocated: *)(reservations: [(STATIC,etl)]):0.1 required by task and its executor is more than available ${LEFT}`,
      b: `${INVALID}Total resources cpus(allocated: x):0.1 required by task and its executor is more than available ${LEFT}`,
      c: undefined,
    },
  },
  {
    what: 'gpus where there are none',
    tasks: [{ id: 'a', resources: [amount('gpus', 1)] }],
    said: { a: `${INVALID}Total resources gpus(allocated: *):1 required by task and its executor is more than available ${LEFT}` },
  },
  ...(
    [
      ['', 'ID must not be empty'],
      ['.', "'.' is disallowed"],
      ['..', "'..' is disallowed"],
      ['a/b', "'a/b' contains invalid characters"],
      ['a\\b', "'a\\b' contains invalid characters"],
      ['a\tb', "'a\tb' contains invalid characters"],
      ['a\u007fb', "'a\u007fb' contains invalid characters"],
      [`${long}y`, 'ID must not be greater than 255 characters'],
      ['é'.repeat(128), 'ID must not be greater than 255 characters'],
      [long, undefined],
      ['é'.repeat(127), undefined],
      ['ct:1795339146198:0:my.job_name:', undefined],
      ['-a b?#%2F";@+', undefined],
    ] as const
  ).map(([id, text]) => ({
    what: `the task id ${JSON.stringify(id.slice(0, 40))} of ${Buffer.byteLength(id)} bytes`,
    tasks: [{ id }],
    said: { [id]: text === undefined ? undefined : INVALID + text },
  })),
];

for (const { what, tasks, said } of VERDICTS) {
  test(
    `verdict on ${what}`,
    withRig(BIG, async (rig) => {
      const probe = await rig.subscribe({ acknowledges: true });
      const offer = await firstOffer(rig, probe);
      const infos = tasks.map((task) => taskInfo({ agentId: offer.agent_id.value, ...task }));
      assert.equal((await accept(probe, [offer.id.value], [infos])).status, 202);
      for (const [id, text] of Object.entries(said)) {
        const status = await stateOf(rig, probe, { id, state: text === undefined ? 'FINISHED' : 'ERROR' });
        if (text !== undefined) assert.equal(brief(status), text.replace('{agent}', offer.agent_id.value));
        assert.equal(rig.master.launchCount(id), text === undefined ? 1 : 0);
        if (text !== undefined)
          assert.deepEqual([status.uuid, status.executor_id, status.container_status], [undefined, undefined, undefined]);
      }
    }),
  );
}

test(
  'a bad scalar harms only its own LAUNCH operation',
  withRig(BIG, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    const offer = await firstOffer(rig, probe);
    const agentId = offer.agent_id.value;
    await accept(probe, [offer.id.value], [[taskInfo({ id: 'bad', agentId, cpus: -1 })], [taskInfo({ id: 'good', agentId })]]);
    await stateOf(rig, probe, { id: 'good', state: 'FINISHED' });
    assert.equal(rig.master.launchCount('bad'), 0);
  }),
);

for (const aware of [true, false]) {
  const capabilities = [{ type: 'MULTI_ROLE' }, ...(aware ? [{ type: 'PARTITION_AWARE' }] : [])];
  const state = aware ? 'DROPPED' : 'LOST';
  test(
    `tasks on an offer that is not valid are TASK_${state} for a framework that is ${aware ? '' : 'not '}partition-aware`,
    withRig({}, async (rig) => {
      const probe = await rig.subscribe({ info: { capabilities } });
      const offer = await firstOffer(rig, probe);
      await accept(probe, ['bogus'], [[taskInfo({ id: 'a', agentId: offer.agent_id.value })]]);
      const status = await stateOf(rig, probe, { id: 'a', state });
      assert.equal(brief(status), `${state} MASTER INVALID_OFFERS Task launched with invalid offers: Offer bogus is no longer valid`);
    }),
  );
}

async function dropText(rig: Rig, probe: Probe, offerIds: readonly string[]): Promise<string> {
  await accept(probe, offerIds, [[taskInfo({ id: 'a', agentId: 'x' })]]);
  const status = await stateOf(rig, probe, { id: 'a', state: 'DROPPED' });
  return (status.message ?? '').replace('Task launched with invalid offers: ', '');
}

test(
  'no offer, one offer twice, and an offer of another framework',
  withRig({ agents: [{}, {}] }, async (rig) => {
    const probe = await rig.subscribe();
    const offer = await firstOffer(rig, probe);
    assert.equal(await dropText(rig, probe, []), 'No offers specified');
    const other = await rig.subscribe({ info: { name: 'other' } });
    const twice = await dropText(rig, await rig.subscribe({ frameworkId: probe.frameworkId }), [offer.id.value, offer.id.value]);
    assert.equal(twice, `Duplicate offer ${offer.id.value} in offer list`);
    const theirs = await firstOffer(rig, other);
    await accept(probe, [], []);
    const stolen = await dropText(rig, await rig.subscribe({ frameworkId: probe.frameworkId }), [theirs.id.value]);
    assert.equal(
      stolen,
      `Offer ${theirs.id.value} has invalid framework ${other.frameworkId} while framework ${probe.frameworkId} is expected`,
    );
  }),
);

test(
  'offers of two roles cannot be used together',
  withRig(
    {
      agents: [
        {
          reserved: [
            { role: 'r1', cpus: 1, mem: 64 },
            { role: 'r2', cpus: 1, mem: 64 },
          ],
          resources: {},
        },
      ],
    },
    async (rig) => {
      const probe = await rig.subscribe({ info: { roles: ['r1', 'r2'] } });
      await rig.master.until(() => probe.offers.length === 2);
      const [one, two] = probe.offers;
      const text = await dropText(rig, probe, [one?.id.value ?? '', two?.id.value ?? '']);
      const [first, second] = [one?.allocation_info?.role, two?.allocation_info?.role];
      assert.equal(
        text,
        `Aggregated offers must be allocated to the same role. Offer ${two?.id.value} uses role '${second} but another is using role '${first}`,
      );
    },
  ),
);

test(
  'two offers of one agent are summed, and failing ACCEPTs use their offers up',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    const whole = await firstOffer(rig, probe);
    const agentId = whole.agent_id.value;
    await accept(probe, [whole.id.value], [[taskInfo({ id: 'short', agentId, cpus: 1, command: 'sleep 0.05' })]]);
    const rest = await firstOffer(rig, probe, (offer) => offer.id.value !== whole.id.value);
    const freed = await firstOffer(rig, probe, (offer) => ![whole.id.value, rest.id.value].includes(offer.id.value));
    await accept(probe, [rest.id.value, freed.id.value], [[taskInfo({ id: 'all', agentId, cpus: 4, mem: 4096 })]]);
    await stateOf(rig, probe, { id: 'all', state: 'FINISHED' });
    const last = await firstOffer(rig, probe, (offer) => offer.resources.some((one) => one.name === 'cpus' && one.scalar?.value === 4));
    await accept(probe, [last.id.value, 'bogus'], [[taskInfo({ id: 'x', agentId })]]);
    await rig.master.until(() => probe.offers.at(-1)?.id.value !== last.id.value);
    assert.ok(!rig.master.state?.offers.has(last.id.value));
  }),
);

test(
  'a task without agent_id is a 400 and leaves the offer valid',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe();
    const offer = await firstOffer(rig, probe);
    const { agent_id: _, ...task } = taskInfo({ id: 'a', agentId: '' });
    const answer = await accept(probe, [offer.id.value], [[task]]);
    assert.equal(answer.status, 400);
    assert.equal(
      answer.body,
      'Failed to convert JSON into Call protobuf: Missing required fields: accept.operations[0].launch.task_infos[0].agent_id',
    );
    assert.ok(rig.master.state?.offers.has(offer.id.value));
  }),
);

test(
  'an id that is active, or over but not acknowledged, is a duplicate; the live task is untouched',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe();
    await launch(rig, probe, { id: 'dup', command: 'sleep 600', until: 'STARTING' });
    await rig.master.until(() => probe.offers.length > 1);
    const offer = probe.offers.at(-1);
    await accept(probe, [offer?.id.value ?? ''], [[taskInfo({ id: 'dup', agentId: offer?.agent_id.value ?? '' })]]);
    const status = await stateOf(rig, probe, { id: 'dup', state: 'ERROR' });
    assert.equal(status.message, 'Task has duplicate ID: dup');
    assert.equal(rig.master.launchCount('dup'), 1);
    assert.deepEqual(story(probe, 'dup')[0], 'STARTING EXECUTOR');
  }),
);

test(
  'an ACCEPT that the master is slow to perform is performed after a takeover, and reports to the new scheduler',
  withRig({}, async (rig) => {
    const old = await rig.subscribe();
    const offer = await firstOffer(rig, old);
    rig.master.faults.onCalls({ type: 'perform-late', ms: 60 }, { match: (call) => call.type === 'ACCEPT' });
    await accept(old, [offer.id.value], [[taskInfo({ id: 'ghost', agentId: offer.agent_id.value })]]);
    const next = await rig.subscribe({ frameworkId: old.frameworkId, acknowledges: true });
    await stateOf(rig, next, { id: 'ghost', state: 'FINISHED' });
    assert.equal(old.statuses.length, 0);
    assert.equal(rig.master.launchCount('ghost'), 1);
  }),
);

test(
  'a thousand tasks in one ACCEPT',
  withRig({ agents: [{ resources: { cpus: 1_000, mem: 100_000 } }] }, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    const offer = await firstOffer(rig, probe);
    const ids = Array.from({ length: 1_000 }, (_, index) => `t${index}`);
    await accept(
      probe,
      [offer.id.value],
      ids.map((id) => [taskInfo({ id, agentId: offer.agent_id.value })]),
    );
    await rig.master.until(() => probe.statuses.filter(({ state }) => state === 'TASK_FINISHED').length === 1_000, 20_000);
    assert.ok(ids.every((id) => rig.master.launchCount(id) === 1));
  }),
);

test.run();
