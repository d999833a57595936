/** Masters that restart, fail over, freeze and lose their election; redirects; authentication; what masters show. */

import { request } from 'node:http';
import { test } from 'uvu';
import assert from 'node:assert/strict';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { Probe, send } from '../../mesos-master/probe.ts';
import { ScriptedRunner, shellScript } from '../../mesos-master/runner/scripted.ts';
import { accept, firstOffer, launch, pause, stateOf, taskInfo, withRig, type Rig } from './rig.ts';

const QUICK = { masterRefusesMs: 1, masterNoRoutesMs: 1, masterRecoversMs: 1, agentNoticesMasterMs: 1, agentFollowsLeaderMs: 5 };
const SUBSCRIBE = {
  type: 'SUBSCRIBE',
  subscribe: { framework_info: { user: 'root', name: 'x', failover_timeout: 3600 } },
};

async function asked(rig: Rig, master = 0): Promise<string> {
  const address = rig.master.addresses[master] ?? '';
  const answer = await send({ address, body: { ...SUBSCRIBE, type: 'NOPE' } }).catch((error: NodeJS.ErrnoException) => error.code ?? '');
  return typeof answer === 'string' ? answer : `${answer.status} ${answer.body}`;
}

test(
  'a starting master refuses, then answers 404, then 503, then everything',
  withRig({ timing: QUICK }, async (rig) => {
    const probe = await rig.subscribe();
    await rig.master.killMaster();
    await rig.master.until(() => probe.closed === 'cut');
    assert.equal(probe.error, undefined);
    assert.equal(await asked(rig), 'ECONNREFUSED');
    await rig.master.bootMaster(0, { until: 'no-routes' });
    assert.equal(await asked(rig), '404 404 Not Found.');
    await rig.master.bootMaster(0, { until: 'recovering' });
    assert.equal(await asked(rig), '503 Master has not finished recovery');
    await rig.master.bootMaster(0);
    assert.match(await asked(rig), /^400 /);
  }),
);

test(
  'a restarted master has another id, keeps frameworks ids, and calls with the old stream are unknown to it',
  withRig({ timing: QUICK }, async (rig) => {
    const old = await rig.subscribe();
    await rig.master.restartMaster();
    assert.deepEqual(await old.call('REVIVE').then(({ status, body }) => [status, body]), [400, 'Framework cannot be found']);
    const next = await rig.subscribe({ frameworkId: old.frameworkId });
    assert.equal(next.frameworkId, old.frameworkId);
    const fresh = await rig.subscribe({ info: { name: 'fresh' } });
    assert.notEqual(fresh.frameworkId.slice(0, 36), old.frameworkId.slice(0, 36));
  }),
);

test('tasks that end while the master is down are told twice when their agent is back; running ones only when asked', async () => {
  const runner = new ScriptedRunner(systemClock, (run) => ({ ...shellScript(run), durationMs: Number.POSITIVE_INFINITY }));
  await withRig({ timing: QUICK, runner }, async (rig) => {
    const old = await rig.subscribe({ acknowledges: true });
    await launch(rig, old, { id: 'ends', command: 'exit 3', until: 'RUNNING' });
    await launch(rig, old, { id: 'stays', until: 'RUNNING' });
    await pause(40);
    await rig.master.killMaster();
    runner.end('ends');
    await rig.master.bootMaster(0, { agentsAfterMs: Number.POSITIVE_INFINITY });
    const probe = await rig.subscribe({ frameworkId: old.frameworkId });
    await pause(40);
    assert.equal(probe.statuses.length + probe.offers.length, 0);
    await rig.master.agents[0]?.reconnect();
    await rig.master.until(() => probe.statusesOf('ends').filter(({ state }) => state === 'TASK_FAILED').length >= 2);
    const [one, two] = probe.statusesOf('ends').slice(-2);
    assert.equal(one?.uuid, two?.uuid);
    assert.equal(probe.statusesOf('stays').length, 0);
    assert.equal(rig.master.launchCount('ends'), 1);
  })();
});

const THREE = { masters: 3, timing: { ...QUICK, zookeeperSessionMs: 80 } };

test(
  'followers redirect to the leader, path and query kept; some things they answer themselves',
  withRig(THREE, async (rig) => {
    const leader = `//localhost:${rig.master.addresses[0]?.split(':')[1]}`;
    const address = rig.master.addresses[2] ?? '';
    const cases = [
      ['POST', '/api/v1/scheduler', `${leader}/master/api/v1/scheduler`],
      ['POST', '/master/api/v1/scheduler', `${leader}/master/api/v1/scheduler`],
      ['POST', '/api/v1', `${leader}/master/api/v1`],
      ['GET', '/state?a=b', `${leader}/master/state?a=b`],
      ['GET', '/redirect', leader],
      ['GET', '/master/redirect', leader],
    ] as const;
    for (const [method, path, location] of cases) {
      const answer = await send({ address, method, path, ...(method === 'POST' ? { body: SUBSCRIBE } : {}) });
      assert.deepEqual([answer.status, answer.headers.location, answer.headers['content-length']], [307, location, '0'], path);
    }
    for (const path of ['/health', '/version', '/metrics/snapshot'])
      assert.equal((await send({ address, method: 'GET', path })).status, 200);
    const own = await send({ address: rig.master.address, method: 'GET', path: '/redirect' });
    assert.deepEqual([own.status, own.headers.location], [307, leader]);
  }),
);

test(
  'the leader dies: followers name it until its session ends, then one leads and the agents follow',
  withRig(THREE, async (rig) => {
    const old = await rig.subscribe({ acknowledges: true });
    await launch(rig, old, { id: 't', command: 'sleep 600', until: 'RUNNING' });
    await rig.master.killMaster(0);
    const answer = await send({ address: rig.master.addresses[1] ?? '', body: SUBSCRIBE });
    assert.equal(answer.headers.location, `//localhost:${rig.master.addresses[0]?.split(':')[1]}/master/api/v1/scheduler`);
    await rig.master.until(() => rig.master.address === rig.master.addresses[1]);
    const probe = await Probe.subscribe({ address: rig.master.address, frameworkId: old.frameworkId });
    await rig.master.until(() => probe.offers.length > 0);
    await rig.master.bootMaster(0);
    assert.match(rig.master.address, new RegExp(`${rig.master.addresses[1]}$`));
    const redirected = await send({ address: rig.master.addresses[0] ?? '', body: SUBSCRIBE });
    assert.equal(redirected.status, 307);
    probe.close();
  }),
);

test(
  'a frozen leader keeps its sockets open in silence, loses its office, and ends when it wakes up',
  withRig({ ...THREE, timing: { ...THREE.timing, heartbeatMs: 10 } }, async (rig) => {
    const old = await rig.subscribe();
    await firstOffer(rig, old);
    rig.master.freezeMaster(0);
    await pause(20);
    const seen = old.events.length;
    await rig.master.until(() => rig.master.address === rig.master.addresses[1]);
    const next = await Probe.subscribe({ address: rig.master.address, frameworkId: old.frameworkId });
    await firstOffer(rig, next);
    assert.deepEqual([old.closed, old.events.length], ['open', seen]);
    await rig.master.thawMaster(0);
    await rig.master.until(() => old.closed === 'cut');
    next.close();
  }),
);

test(
  'a frozen single master answers late what it was asked meanwhile',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe();
    rig.master.freezeMaster();
    const call = probe.call('RECONCILE', { reconcile: { tasks: [{ task_id: { value: 'x' } }] } });
    await pause(40);
    assert.equal(probe.statuses.length, 0);
    await rig.master.thawMaster(0);
    assert.equal((await call).status, 202);
    await rig.master.until(() => probe.statuses.length === 1);
  }),
);

test(
  'without an election nobody leads',
  withRig(THREE, async (rig) => {
    const probe = await rig.subscribe();
    await rig.master.loseElection();
    await rig.master.until(() => probe.closed === 'cut');
    assert.equal(await asked(rig, 1), '503 No leader elected');
    rig.master.restoreElection();
    await rig.master.until(() => rig.master.state !== undefined);
    assert.equal((await rig.subscribe({ frameworkId: probe.frameworkId })).error, undefined);
  }),
);

test('contenders join in order, leave when their session has ended, and join again at the end of the queue', async () => {
  const seen: string[] = [];
  const election = {
    joined: ({ port }: { readonly port: number }) => seen.push(`+${port}`),
    left: ({ port }: { readonly port: number }) => seen.push(`-${port}`),
  };
  await withRig({ ...THREE, election }, async (rig) => {
    const [a, b, c] = rig.master.addresses.map((address) => address.split(':')[1]);
    await rig.master.killMaster(0);
    assert.deepEqual(seen, [`+${a}`, `+${b}`, `+${c}`]);
    await rig.master.until(() => seen.length === 4);
    await rig.master.bootMaster(0);
    assert.deepEqual(seen.slice(3), [`-${a}`, `+${a}`]);
    await rig.master.killMaster(1);
    await rig.master.until(() => rig.master.address === rig.master.addresses[2]);
  })();
});

const basic = (user: string, secret: string): { Authorization: string } => ({
  Authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`,
});
const PEOPLE = { credentials: { alice: 'a', bob: 'b' } };

test(
  'without good credentials every call is a 401; the scheme is case-sensitive',
  withRig(PEOPLE, async ({ master }) => {
    const wrong = [
      '',
      basic('alice', 'b').Authorization,
      'Bearer x',
      basic('alice', 'a').Authorization.replace('Basic', 'basic'),
      'Basic !',
    ];
    for (const Authorization of wrong) {
      const answer = await send({ address: master.address, headers: { Authorization }, body: SUBSCRIBE });
      assert.deepEqual(
        [answer.status, answer.body, answer.headers['www-authenticate']],
        [401, '401 Unauthorized.', 'Basic realm="mesos-master-scheduler"'],
        Authorization,
      );
    }
    assert.equal((await send({ address: master.address, method: 'GET', path: '/state' })).status, 200);
  }),
);

test(
  'principals: the framework is its first one’s',
  withRig(PEOPLE, async (rig) => {
    const alice = await rig.subscribe({ headers: basic('alice', 'a') });
    assert.equal(rig.master.state?.frameworks.get(alice.frameworkId)?.principal, 'alice');
    const other = await alice.call('REVIVE', {}, basic('bob', 'b'));
    assert.equal(other.body, "Authenticated principal 'bob' does not match principal 'alice' set in `FrameworkInfo`");
    const bob = await rig.subscribe({ headers: basic('bob', 'b'), frameworkId: alice.frameworkId });
    assert.equal(bob.error, "Changing framework's principal is not allowed.");
    assert.equal(alice.closed, 'open');
    const body = { ...SUBSCRIBE, subscribe: { framework_info: { user: 'r', name: 'x', principal: 'bob' } } };
    const set = await send({ address: rig.master.address, headers: basic('alice', 'a'), body });
    assert.equal(
      set.body,
      "Failed to validate scheduler::Call: Authenticated principal 'alice' does not match principal 'bob' set in `FrameworkInfo`",
    );
  }),
);

async function get(rig: Rig, path: string): Promise<Record<string, unknown>> {
  return JSON.parse((await send({ address: rig.master.address, method: 'GET', path })).body) as Record<string, unknown>;
}

test(
  'a master shows its agents, frameworks and tasks, and operators drain, reactivate and mark agents gone',
  withRig({ agents: [{ attributes: { rack: 'a', zone: 1.5, pr: [[1, 3]] } }] }, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    const running = await launch(rig, probe, { id: 't', command: 'sleep 600', until: 'RUNNING' });
    const [slave] = (await get(rig, '/slaves'))['slaves'] as { attributes: object; used_resources: { cpus: number } }[];
    assert.deepEqual(slave?.attributes, { rack: 'a', zone: 1.5, pr: '[1-3]' });
    assert.equal(slave?.used_resources.cpus, 0.1);
    assert.equal((await get(rig, '/master/metrics/snapshot'))['master/tasks_running'], 1);
    assert.equal(((await get(rig, '/tasks'))['tasks'] as { id: string }[])[0]?.id, 't');
    assert.equal(((await get(rig, '/frameworks'))['frameworks'] as object[]).length, 1);
    const operate = (body: object): Promise<{ status: number; body: string }> =>
      send({ address: rig.master.address, path: '/api/v1', body });
    assert.match((await operate({ type: 'GET_AGENTS' })).body, /"agent_info"/);
    assert.match((await operate({ type: 'GET_FRAMEWORKS' })).body, /"framework_info"/);
    const agent_id = running.agent_id;
    assert.equal((await operate({ type: 'DRAIN_AGENT', drain_agent: { agent_id, max_grace_period: '3s' } })).status, 400);
    assert.equal((await operate({ type: 'DRAIN_AGENT', drain_agent: { agent_id, max_grace_period: { seconds: 3 } } })).status, 200);
    await stateOf(rig, probe, { id: 't', state: 'KILLED' });
    await rig.master.until(() => rig.master.state?.agents.get(agent_id?.value ?? '')?.drain?.done === true);
    const offers = probe.offers.length;
    assert.equal((await operate({ type: 'REACTIVATE_AGENT', reactivate_agent: { agent_id } })).status, 200);
    await rig.master.until(() => probe.offers.length > offers);
    assert.equal((await operate({ type: 'MARK_AGENT_GONE', mark_agent_gone: { agent_id } })).status, 200);
    await rig.master.until(() => probe.events.some(({ type }) => type === 'FAILURE'));
    assert.equal((await get(rig, '/state'))['activated_slaves'], 0);
  }),
);

test(
  'large answers are compressed for those who accept it',
  withRig({ agents: Array.from({ length: 10 }, () => ({})) }, async (rig) => {
    const answer = await send({ address: rig.master.address, method: 'GET', path: '/state', headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(answer.headers['content-encoding'], 'gzip');
    const small = await send({ address: rig.master.address, method: 'GET', path: '/version', headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(small.headers['content-encoding'], undefined);
  }),
);

test(
  'a trailing slash, a query, a chunked body and a body of 30 MB are fine; there is no 100 Continue',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe();
    const revive = { type: 'REVIVE', framework_id: { value: probe.frameworkId } };
    const headers = { 'Mesos-Stream-Id': probe.streamId };
    for (const path of ['/api/v1/scheduler/', '/api/v1/scheduler?x=1', '/master/api/v1/scheduler']) {
      assert.equal((await send({ address: rig.master.address, path, headers, body: revive })).status, 202);
    }
    const large = await send({ address: rig.master.address, headers, body: { ...revive, padding: 'x'.repeat(30_000_000) } });
    assert.equal(large.status, 202);
    const status = await new Promise<string>((resolve, reject) => {
      const [host, port] = rig.master.address.split(':');
      const path = '/api/v1/scheduler';
      const all = { ...headers, 'Content-Type': 'application/json', Expect: '100-continue', 'Transfer-Encoding': 'chunked' };
      const sent = request({ host, port, path, method: 'POST', headers: all }, (response) => {
        response.resume();
        resolve(String(response.statusCode));
      });
      sent.on('continue', () => reject(new Error('100 Continue')));
      sent.on('error', reject);
      sent.flushHeaders();
      sent.write(JSON.stringify(revive).slice(0, 10));
      sent.end(JSON.stringify(revive).slice(10));
    });
    assert.equal(status, '202');
  }),
);

test(
  'what an agent runs at the moment its framework is torn down is killed without a word',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    const offer = await firstOffer(rig, probe);
    await accept(probe, [offer.id.value], [[taskInfo({ id: 't', agentId: offer.agent_id.value, command: 'sleep 600' })]]);
    await stateOf(rig, probe, { id: 't', state: 'RUNNING' });
    await probe.call('TEARDOWN');
    await rig.master.until(() => rig.master.history.count('end', 't') === 1);
    const gone = ((await get(rig, '/frameworks'))['completed_frameworks'] as { completed_tasks: { state: string }[] }[])[0];
    assert.equal(gone?.completed_tasks[0]?.state, 'TASK_KILLED');
    assert.equal(probe.statusesOf('t').at(-1)?.state, 'TASK_RUNNING');
  }),
);

test.run();
