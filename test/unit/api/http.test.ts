import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'uvu';
import { startApi } from '../../../src/api/server.ts';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { MemoryCluster } from '../../../src/store/memory/memory-store.ts';
import { Replica } from '../../../src/store/replica.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { Metrics } from '../../../src/telemetry/metrics.ts';
import { job, setUpApi } from '../../support/api-rig.ts';

test('probes and metrics', async () => {
  let reasons: string[] = ['store: out of reach'];
  const rig = await setUpApi({ readiness: () => ({ ready: reasons.length === 0, reasons }) });
  assert.equal((await rig.ask('GET', '/healthz')).status, 200);
  const unready = await rig.ask('GET', '/readyz');
  assert.deepEqual([unready.status, unready.json], [503, { ready: false, reasons }]);
  reasons = [];
  assert.equal((await rig.ask('GET', '/readyz')).status, 200);
  await rig.ask('GET', '/v1/jobs/none');
  const metrics = await rig.ask('GET', '/metrics');
  assert.match(String(metrics.headers['content-type']), /^text\/plain; version=0\.0\.4/);
  assert.match(metrics.text, /route="\/v1\/jobs\/:name",status="404"/);
  await rig.close();
});

test('what is not there, and what can not be asked of it, are told apart', async () => {
  const rig = await setUpApi();
  const unknown = await rig.ask('GET', '/v1/job');
  assert.deepEqual([unknown.status, unknown.json['code']], [404, 'not-found']);
  assert.equal((await rig.ask('GET', '/')).json['code'], 'not-found');
  const method = await rig.ask('PATCH', '/v1/jobs/a');
  assert.deepEqual([method.status, method.json['code']], [405, 'method-not-allowed']);
  assert.deepEqual(String(method.headers['allow']).split(', ').sort(), ['DELETE', 'GET', 'HEAD', 'PUT']);
  assert.equal((await rig.ask('GET', '/v1/jobs/%E0%A4%A')).status, 404);
  assert.equal((await rig.ask('GET', '/v1/jobs/__proto__')).status, 404);
  assert.equal((await rig.ask('HEAD', '/v1/jobs')).status, 200);
  await rig.close();
});

test('bodies are JSON, of bounded size', async () => {
  const rig = await setUpApi();
  const post = (raw: string | Buffer, headers: Record<string, string>) => rig.ask('POST', '/v1/jobs', { raw, headers });
  const json = { 'Content-Type': 'application/json' };
  assert.equal((await post('{}', { 'Content-Type': 'text/plain' })).json['code'], 'unsupported-media-type');
  assert.equal((await post('{}', {})).json['code'], 'unsupported-media-type');
  assert.equal((await post('{"name":', json)).json['code'], 'invalid-json');
  assert.equal((await post('"text"', json)).json['code'], 'invalid-json');
  assert.equal((await post('{}', { ...json, 'Content-Encoding': 'nonsense' })).json['code'], 'unsupported-media-type');
  assert.equal((await post('[]', json)).json['code'], 'invalid-definition');
  const large = await post(JSON.stringify({ name: 'x'.repeat(300_000) }), json);
  assert.deepEqual([large.status, large.json['code']], [413, 'body-too-large']);
  assert.equal(
    (await rig.ask('POST', '/v1/jobs', { body: job('a'), headers: { 'Content-Type': 'application/json; charset=utf-8' } })).status,
    201,
  );
  await rig.close();
});

test('an unforeseen failure says nothing of the inside, but is in the log under its id', async () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', stream: { write: (line: string) => lines.push(line) } });
  const rig = await setUpApi({ logger });
  await rig.lead([{ key: 'verdicts/a/1', value: '{broken' }]);
  const answer = await rig.ask('GET', '/v1/jobs/a/verdicts');
  assert.deepEqual([answer.status, answer.json['code']], [500, 'internal']);
  assert.ok(!/verdicts|at .*\.ts|broken|JSON/.test(answer.text), answer.text);
  const line = lines.find((text) => text.includes(answer.json['instance'] as string));
  assert.match(line ?? '', /the value of verdicts\/a\/1 is not JSON/);
  await rig.close();
});

test('every answer of the API keeps browsers and caches from misusing it', async () => {
  const rig = await setUpApi();
  for (const path of ['/v1/jobs', '/v1/nothing', '/metrics']) {
    const { headers } = await rig.ask('GET', path);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['cache-control'], 'no-store');
  }
  await rig.close();
});

test('without a token a page of another site can do nothing', async () => {
  const rig = await setUpApi();
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a') });
  const foreign = await rig.ask('POST', '/v1/jobs/a/runs', { headers: { Origin: 'https://evil.example' } });
  assert.deepEqual([foreign.status, foreign.json['code']], [403, 'cross-origin']);
  const rebound = await rig.ask('GET', '/v1/jobs', { headers: { Host: 'evil.example' } });
  assert.deepEqual([rebound.status, rebound.json['code']], [421, 'misdirected-request']);
  const own = await rig.ask('POST', '/v1/jobs/a/runs', { headers: { Origin: rig.url } });
  assert.equal(own.status, 202);
  assert.equal((await rig.ask('GET', '/v1/jobs', { headers: { Host: 'localhost:8080' } })).status, 200);
  await rig.close();
});

test('with a token only who carries it is answered, probes apart', async () => {
  const rig = await setUpApi({ token: 'a-secret-of-some-length' });
  const refused = await rig.ask('GET', '/v1/jobs');
  assert.deepEqual([refused.status, refused.json['code']], [401, 'unauthorized']);
  assert.match(String(refused.headers['www-authenticate']), /^Bearer/);
  assert.equal((await rig.ask('GET', '/metrics')).status, 401);
  assert.equal((await rig.ask('GET', '/v1/jobs', { headers: { Authorization: 'Bearer wrong' } })).status, 401);
  const headers = { Authorization: 'Bearer a-secret-of-some-length', Host: 'kairos.example' };
  assert.equal((await rig.ask('GET', '/v1/jobs', { headers })).status, 200);
  assert.equal((await rig.ask('GET', '/healthz')).status, 200);
  await rig.close();
});

test('leader and nodes are shown as the store has them', async () => {
  const rig = await setUpApi();
  assert.deepEqual((await rig.ask('GET', '/v1/leader')).json, { leader: null });
  await rig.lead([]);
  await rig.store.announce('nodes/n1', JSON.stringify({ id: 'n1', address: '127.0.0.1:1', startedAt: 1_000 }));
  const revision = (await rig.store.get('nodes/n1'))?.modRevision ?? 0n;
  assert.ok(await rig.replica.waitFor(revision, 2_000));
  const { json } = await rig.ask('GET', '/v1/leader');
  assert.deepEqual({ ...json['leader'], term: 0 }, { node: 'n1', address: '127.0.0.1:1', term: 0 });
  assert.deepEqual((await rig.ask('GET', '/v1/nodes')).json, {
    nodes: [{ id: 'n1', address: '127.0.0.1:1', startedAt: '1970-01-01T00:00:01.000Z', isLeader: true }],
    answeredBy: 'n1',
  });
  await rig.close();
});

test('a node whose copy is not complete says so, and is alive', async () => {
  const store = new MemoryCluster({ clock: systemClock }).connect();
  const replica = new Replica({ store, clock: systemClock, onError: () => undefined });
  const rig = await setUpApi({ replica });
  const answer = await rig.ask('GET', '/v1/jobs');
  assert.deepEqual([answer.status, answer.json['code']], [503, 'not-ready']);
  assert.equal((await rig.ask('GET', '/healthz')).status, 200);
  await rig.close();
  await store.close();
});

test('an address that is taken is refused in words', async () => {
  const rig = await setUpApi();
  const deps = {
    ...{ store: rig.store, replica: rig.replica, clock: systemClock, logger: createLogger({ level: 'silent' }), metrics: new Metrics() },
    ...{
      executor: { readLog: () => Promise.resolve(undefined) },
      readiness: () => ({ ready: true, reasons: [] }),
      nodeId: 'n',
      ids: () => '1',
    },
  };
  const { port } = rig.api.address;
  await assert.rejects(
    startApi(deps, { host: '127.0.0.1', port }),
    new RegExp(`can't listen on 127.0.0.1:${port}: something else listens there`),
  );
  await rig.close();
});

test('closing waits for the answer under way, not for connections kept alive', async () => {
  const rig = await setUpApi();
  await rig.ask('GET', '/healthz');
  rig.store.faults.watchLagMs = 200;
  const writing = rig.ask('PUT', '/v1/jobs/a', { body: job('a') });
  const idle = connect(rig.api.address.port, '127.0.0.1');
  await new Promise<void>((resolve) => idle.once('connect', () => resolve()));
  idle.on('error', () => undefined);
  while (rig.cluster.space.get('jobs/a') === undefined) await new Promise((resolve) => setImmediate(resolve));
  const dropped = once(idle, 'close');
  await rig.api.close();
  // Had it waited for this one, that would still be open.
  await dropped;
  assert.equal((await writing).status, 201);
  await assert.rejects(rig.ask('GET', '/healthz'));
  await rig.close();
});

test.run();
