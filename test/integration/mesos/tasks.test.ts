/** Launching, ends, kills, reservations: the adapter against the stand-in master, tasks with scripted outcomes. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { basicCredentials } from '../../../src/executor/mesos/authenticator.ts';
import { until } from '../../support/until.ts';
import { Leader, QUICK, withMesos } from './mesos-rig.ts';

test('a task is launched, runs, ends, and every status of it is acknowledged', async () => {
  await withMesos({ interleave: true, splitChunks: true }, async ({ master, lead }) => {
    const leader = await lead();
    await leader.launch('a.1.1');
    const status = await leader.awaitState('a.1.1', 'finished');
    assert.equal(status.exitCode, 0);
    assert.deepEqual(leader.states('a.1.1'), ['starting', 'running', 'finished']);
    await until(() => master.history.count('ack', 'a.1.1') === 3, { limitMs: 5_000, what: 'three acknowledgements' });
  });
});

const ENDS: readonly (readonly [string, string, string, number | undefined])[] = [
  ['exit 3', 'busybox:1.36', 'failed', 3],
  ['exit 137', 'busybox:1.36', 'failed', 137],
  ['exit 3', '', 'failed', 3],
];

for (const [command, image, state, exitCode] of ENDS) {
  test(`'${command}' ${image === '' ? 'on the agent' : 'in a container'} ends as ${state} with exit code ${exitCode}`, async () => {
    await withMesos({}, async ({ lead }) => {
      const leader = await lead();
      const { image: _image, ...bare } = { image: '', ...(await plain(command)) };
      const offer = await leader.anOffer();
      leader.launchOn(offer, [{ taskId: 'a.1.1', task: image === '' ? bare : { ...bare, image } }]);
      const status = await leader.awaitState('a.1.1', 'failed');
      assert.deepEqual([status.state, status.exitCode], [state, exitCode]);
    });
  });
}

async function plain(command: string) {
  const none = { env: {}, disk: 0, gpus: 0, ports: [], volumes: [], artifacts: [], dockerParameters: [] };
  return { ...none, command, cpus: 0.1, mem: 32, network: 'host', pull: 'missing' as const };
}

test('a kill ends a task within its grace; the task is killed, whatever its exit', async () => {
  await withMesos({}, async ({ lead }) => {
    const leader = await lead();
    const task = await leader.launch('a.1.1', { command: 'sleep 60' });
    await leader.awaitState('a.1.1', 'running');
    leader.executor.perform({ type: 'kill', task, graceMs: 50 });
    const status = await leader.awaitState('a.1.1', 'killed');
    assert.deepEqual([status.exitCode, status.signal], [137, 'SIGKILL']);
    assert.ok(leader.states('a.1.1').includes('killing'));
  });
});

test('a task larger than what is reserved takes the rest from what is not', async () => {
  const agents = [{ resources: { cpus: 4, mem: 4096 }, reserved: [{ role: 'etl', cpus: 2, mem: 1024 }] }];
  await withMesos({ agents }, async ({ lead }) => {
    const leader = await lead(undefined, { framework: { roles: ['etl'] } });
    const offer = await leader.anOffer();
    assert.equal(offer.resources.cpus, 6);
    await leader.launch('a.1.1', { cpus: 5, mem: 2048 });
    await leader.awaitState('a.1.1', 'finished');
  });
});

test('limits, shared memory and the registry’s credentials are in a form that a master takes', async () => {
  await withMesos({ agents: [{ provisionsImages: true }] }, async ({ master, lead }) => {
    const leader = await lead(undefined, { containerizer: 'mesos' });
    const registryConfig = '{"auths":{"registry.example":{"auth":"eA=="}}}';
    await leader.launch('a.1.1', { limits: { cpus: 2, mem: 64 }, shmSize: 16, pullSecret: 'registry' }, { registryConfig });
    await leader.awaitState('a.1.1', 'finished');
    const [task] = master.calls.flatMap(({ accept }) => accept?.operations?.[0]?.launch?.task_infos ?? []);
    assert.deepEqual(task?.limits, { cpus: { value: 2 }, mem: { value: 64 } });
    assert.deepEqual(task?.container?.linux_info, { ipc_mode: 'PRIVATE', shm_size: 16 });
    const { config } = task?.container?.mesos?.image?.docker ?? {};
    assert.equal(config?.type, 'VALUE');
    assert.equal(Buffer.from(config.value?.data ?? '', 'base64').toString(), registryConfig);
  });
});

test('an agent too old for limits has the task refused by its master, which is the definition’s fault there', async () => {
  await withMesos({ agents: [{ limitsResources: false }] }, async ({ lead }) => {
    const leader = await lead();
    await leader.launch('a.1.1', { limits: { mem: 64 } });
    const { reason, message } = await leader.awaitState('a.1.1', 'rejected');
    assert.deepEqual([reason, message], ['task-invalid', 'Agent is not capable of handling task resource limits']);
  });
});

test('roles below roles: what is reserved for any of them is summed, and a task is cut out of all of it', async () => {
  const eng = { type: 'STATIC', role: 'eng' } as const;
  const reserved = [
    { role: 'eng', cpus: 2, mem: 64 },
    { role: 'eng/batch', type: 'DYNAMIC', refines: [eng], cpus: 1, mem: 64 },
  ] as const;
  await withMesos({ agents: [{ resources: { cpus: 4, mem: 256 }, reserved }] }, async ({ master, lead }) => {
    const leader = await lead(undefined, { framework: { roles: ['eng/batch'] } });
    const offer = await leader.anOffer();
    assert.deepEqual([offer.resources.cpus, offer.resources.mem], [7, 384]);
    await leader.launch('a.1.1', { cpus: 6.5, mem: 384 });
    await leader.awaitState('a.1.1', 'finished');
    const [task] = master.calls.flatMap(({ accept }) => accept?.operations?.[0]?.launch?.task_infos ?? []);
    assert.deepEqual(
      task?.resources
        ?.filter(({ name }) => name === 'cpus')
        .map((one) => [one.scalar?.value, one.reservations?.length ?? 0, one.allocation_info?.role]),
      [
        [1, 2, 'eng/batch'],
        [2, 1, 'eng/batch'],
        [3.5, 0, 'eng/batch'],
      ],
    );
  });
});

test('two roles, one below the other, are two offers that are not mixed; both can be suppressed and revived', async () => {
  const agents = [{ resources: { cpus: 2, mem: 128 }, reserved: [{ role: 'eng', cpus: 1 }] }, { resources: { cpus: 2, mem: 128 } }];
  await withMesos({ agents }, async ({ lead }) => {
    const leader = await lead(undefined, { framework: { roles: ['eng', 'eng/batch'] } });
    await until(() => leader.offers.size === 2, { what: 'an offer of each agent' });
    for (const { agentId, pool } of leader.offers.values()) assert.ok([`${agentId}/eng`, `${agentId}/eng/batch`].includes(pool), pool);
    leader.executor.perform({ type: 'suppress' });
    leader.executor.perform({ type: 'decline', offerIds: [...leader.offers.keys()], refuseMs: 600_000 });
    leader.offers.clear();
    leader.executor.perform({ type: 'revive' });
    await until(() => leader.offers.size === 2, { what: 'both again' });
    await leader.launch('a.1.1', { cpus: 2 });
    await leader.awaitState('a.1.1', 'finished');
  });
});

test('attributes, region and zone are told with the offer', async () => {
  const agents = [{ attributes: { rack: 'a', ghz: 2.5 }, domain: { region: 'eu', zone: 'eu-1' } }];
  const domain = { region: 'eu', zone: 'eu-2' };
  await withMesos({ agents, domain }, async ({ lead }) => {
    const leader = await lead();
    const { attributes, region, zone } = await leader.anOffer();
    assert.deepEqual({ ...attributes }, { rack: { type: 'text', value: 'a' }, ghz: { type: 'scalar', value: 2.5 } });
    assert.deepEqual([region, zone], ['eu', 'eu-1']);
  });
});

test('declined offers stay away, a revive brings them back, a suppress keeps them away', async () => {
  await withMesos({}, async ({ lead }) => {
    const leader = await lead();
    const decline = async (): Promise<void> => {
      const { id } = await leader.anOffer();
      leader.offers.clear();
      leader.executor.perform({ type: 'decline', offerIds: [id], refuseMs: 600_000 });
    };
    await decline();
    leader.executor.perform({ type: 'revive' });
    await decline();
    leader.executor.perform({ type: 'suppress' });
    leader.executor.perform({ type: 'revive' });
    await leader.anOffer();
  });
});

test('a burst on a slow agent loses no task to executors that could not register in time', async () => {
  const agents = [{ resources: { cpus: 200, mem: 100_000 }, launchesPerSecond: 25 }];
  // An agent ten times as fast as a real one, and all that is compared with it ten times as short.
  const timing = { ...QUICK, executorRegistrationMs: 6_000, allocationMs: 100 };
  await withMesos({ agents, timing }, async ({ lead }) => {
    const leader = await lead(undefined, { launchPace: { quickMs: 500, slowMs: 2_000, forgetMs: 12_000 } });
    const total = 200;
    let next = 0;
    while (next < total) {
      const offer = await leader.anOffer();
      const fitting = Math.min(Math.floor(offer.resources.cpus * 10 + 0.001), Math.floor(offer.resources.mem / 32));
      const room = Math.min(offer.launches ?? total, fitting);
      assert.ok(room > 0, 'an offer that is told on has room for a launch');
      const batch = Array.from({ length: Math.min(room, total - next) }, (_, index) => ({ taskId: `a.${next + index + 1}.1` }));
      next += batch.length;
      leader.launchOn(offer, batch);
    }
    await until(() => leader.statuses.filter((status) => status.state === 'finished').length === total, {
      limitMs: 30_000,
      what: () => `all of them finished; so far: ${JSON.stringify(tally(leader))}`,
    });
    assert.equal(leader.statuses.filter((status) => status.state === 'not-launched').length, 0);
  });
});

function tally(leader: Leader): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state, reason } of leader.statuses) counts[`${state} ${reason ?? ''}`] = (counts[`${state} ${reason ?? ''}`] ?? 0) + 1;
  return counts;
}

test('right credentials are let in, wrong ones are told as such', async () => {
  await withMesos({ credentials: { alice: 's3' } }, async ({ master, lead }) => {
    const leader = await lead(undefined, { authenticator: basicCredentials('alice', 's3'), framework: { principal: 'alice' } });
    await leader.launch('a.1.1');
    await leader.awaitState('a.1.1', 'finished');
    const stranger = new Leader(master, { authenticator: basicCredentials('alice', 'wrong') });
    stranger.executor.start({ identity: undefined, emit: (event) => stranger.events.push(event) });
    await until(() => stranger.events.length > 0, { limitMs: 5_000, what: 'a word' });
    const [event] = stranger.events;
    assert.ok(event?.type === 'disconnected' && /credentials/.test(event.reason) && !/wrong|s3/.test(event.reason));
    await stranger.executor.stop();
  });
});

test.run();
