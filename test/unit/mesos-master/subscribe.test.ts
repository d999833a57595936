/** SUBSCRIBE: the bytes of the answer, refusals before a stream, refusals on it, takeover. */

import { connect } from 'node:net';
import { test } from 'uvu';
import assert from 'node:assert/strict';
import { send, type Probe } from '../../mesos-master/probe.ts';
import { firstOffer, setup, withRig, type Rig } from './rig.ts';

const INFO = { user: 'root', name: 'x' };
const SUBSCRIBE = { type: 'SUBSCRIBE', subscribe: { framework_info: INFO } };
const PREFIX = 'Failed to convert JSON into Call protobuf: ';
const MULTI = [{ type: 'MULTI_ROLE' }];

interface Refusal {
  readonly asked: string;
  readonly headers?: Record<string, string>;
  readonly method?: string;
  readonly body?: unknown;
  readonly status: number;
  readonly text: string;
}

const REFUSALS: readonly Refusal[] = [
  {
    asked: 'no Content-Type',
    headers: { 'Content-Type': '' },
    body: SUBSCRIBE,
    status: 400,
    text: "Expecting 'Content-Type' to be present",
  },
  ...['text/plain', 'application/json; charset=utf-8', 'Application/JSON'].map((type) => ({
    asked: `Content-Type ${type}`,
    headers: { 'Content-Type': type },
    body: SUBSCRIBE,
    status: 415,
    text: "Expecting 'Content-Type' of application/json or application/x-protobuf",
  })),
  {
    asked: 'Accept text/html',
    headers: { Accept: 'text/html' },
    body: SUBSCRIBE,
    status: 406,
    text: "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'",
  },
  {
    asked: 'JSON as protobuf',
    headers: { 'Content-Type': 'application/x-protobuf' },
    body: SUBSCRIBE,
    status: 400,
    text: 'Failed to parse body into Call protobuf',
  },
  { asked: 'GET', method: 'GET', status: 405, text: "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'." },
  { asked: 'PUT', method: 'PUT', status: 405, text: "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'PUT'." },
  { asked: 'an empty body', body: '', status: 400, text: 'Failed to parse body into JSON: syntax error at line 1 near: ' },
  { asked: 'half an object', body: '{', status: 400, text: 'Failed to parse body into JSON: syntax error at line 1 near: ' },
  { asked: 'a list', body: '[]', status: 400, text: `${PREFIX}Expecting a JSON object` },
  {
    asked: 'an empty subscribe',
    body: { type: 'SUBSCRIBE', subscribe: {} },
    status: 400,
    text: `${PREFIX}Missing required fields: subscribe.framework_info`,
  },
  {
    asked: 'no subscribe',
    body: { type: 'SUBSCRIBE' },
    status: 400,
    text: "Failed to validate scheduler::Call: Expecting 'subscribe' to be present",
  },
  {
    asked: 'no user',
    body: { type: 'SUBSCRIBE', subscribe: { framework_info: { name: 'x' } } },
    status: 400,
    text: `${PREFIX}Missing required fields: subscribe.framework_info.user`,
  },
  {
    asked: 'an unknown type',
    body: { type: 'NOPE' },
    status: 400,
    text: "Failed to validate scheduler::Call: Expecting 'type' to be present",
  },
  {
    asked: 'a stream id',
    headers: { 'Mesos-Stream-Id': 'x' },
    body: SUBSCRIBE,
    status: 400,
    text: "Subscribe calls should not include the 'Mesos-Stream-Id' header",
  },
  ...[
    { ...SUBSCRIBE, framework_id: { value: 'a' } },
    { type: 'SUBSCRIBE', subscribe: { framework_info: { ...INFO, id: { value: 'a' } } } },
    { type: 'SUBSCRIBE', subscribe: { framework_info: { ...INFO, id: { value: 'a' } } }, framework_id: { value: 'b' } },
  ].map((body) => ({
    asked: `ids that differ: ${JSON.stringify(body)}`,
    body,
    status: 400,
    text: "Failed to validate scheduler::Call: 'framework_id' differs from 'subscribe.framework_info.id'",
  })),
];

for (const { asked, headers = {}, method = 'POST', body, status, text } of REFUSALS) {
  test(
    `a request with ${asked} is refused with ${status}`,
    withRig({}, async ({ master }) => {
      const answer = await send({ address: master.address, headers, method, body });
      assert.equal(answer.status, status);
      assert.equal(answer.body, text);
      assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
      if (status === 405) assert.equal(answer.headers.allow, 'POST');
    }),
  );
}

interface StreamError {
  readonly info?: Record<string, unknown>;
  readonly subscribe?: Record<string, unknown>;
  readonly message: string;
}

const STREAM_ERRORS: readonly StreamError[] = [
  {
    info: { capabilities: [], roles: ['a'] },
    message: "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable",
  },
  {
    info: { capabilities: [{ type: 'NO_SUCH_THING' }], roles: ['a'] },
    message: "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable",
  },
  {
    info: { capabilities: MULTI, roles: [], role: 'a' },
    message: "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable",
  },
  {
    info: { roles: ['a b'] },
    message: "'FrameworkInfo.roles' contains invalid role: Role component 'a b' is invalid because it contains backspace or whitespace",
  },
  { info: { failover_timeout: 1e12 }, message: 'The framework failover_timeout (1e+12) is invalid' },
  { subscribe: { suppressed_roles: ['zz'] }, message: 'Suppressed roles { zz } are not contained in the set of roles' },
  {
    subscribe: { offer_constraints: { role_constraints: { zz: {} } } },
    message: "Offer constraints specify `role_constraints` for a role 'zz'not contained in the set of roles",
  },
];

for (const { message, ...asked } of STREAM_ERRORS) {
  test(
    `${JSON.stringify(asked)} is an ERROR on a stream that ends`,
    withRig({}, async (rig) => {
      const probe = await rig.subscribe(asked);
      await rig.master.until(() => probe.closed === 'clean');
      assert.equal(probe.error, message);
      assert.equal(probe.events.length, 1);
      assert.notEqual(probe.streamId, '');
    }),
  );
}

test(
  'unknown fields, a negative failover_timeout and an empty user are accepted',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe({ info: { user: '', failover_timeout: -1, strange: { deep: 1 } } });
    assert.equal(probe.error, undefined);
  }),
);

test(
  'the answer has the bytes of the real one: head, a chunk for each record, length, newline, JSON',
  withRig({}, async ({ master }) => {
    const bytes = await rawAnswer(master.address, `${JSON.stringify(SUBSCRIBE)}`);
    assert.match(bytes, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(bytes, /\r\nTransfer-Encoding: chunked\r\n/);
    assert.match(bytes, /\r\nMesos-Stream-Id: [0-9a-f-]{36}\r\n/);
    assert.match(bytes, /\r\nContent-Type: application\/json\r\n/);
    assert.doesNotMatch(bytes, /\r\nConnection:/i);
    assert.match(bytes, /\r\n17\r\n20\n\{"type":"HEARTBEAT"\}\r\n/);
    const [, chunk = '', length = '', json = ''] = /\r\n\r\n([0-9a-f]+)\r\n(\d+)\n(\{"type":"SUBSCRIBED".*?\})\r\n/.exec(bytes) ?? [];
    assert.equal(Number(length), json.length);
    assert.equal(Number.parseInt(chunk, 16), json.length + length.length + 1);
  }),
);

test(
  'SUBSCRIBED comes first, then a heartbeat at once, then offers',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe();
    await firstOffer(rig, probe);
    assert.deepEqual(
      probe.events.map(({ type }) => type),
      ['SUBSCRIBED', 'HEARTBEAT', 'OFFERS'],
    );
    assert.match(probe.frameworkId, /^[0-9a-f-]{36}-0000$/);
    assert.match(probe.offers[0]?.id.value ?? '', /^[0-9a-f-]{36}-O0$/);
  }),
);

test('with interleaving some seed puts OFFERS before the first HEARTBEAT', async () => {
  const orders = new Set<string>();
  for (let seed = 1; seed <= 12; seed++) {
    const rig = await setup({ seed, interleave: true, timing: { eventAllocationMs: 20 } });
    const probe = await rig.subscribe();
    await rig.master.until(() => probe.events.length >= 3);
    orders.add(probe.events.map(({ type }) => type).join(' '));
    await rig.stop();
  }
  assert.deepEqual([...orders].sort(), ['SUBSCRIBED HEARTBEAT OFFERS', 'SUBSCRIBED OFFERS HEARTBEAT']);
});

test(
  'chunks that end anywhere carry the same records, multi-byte characters included',
  withRig({ splitChunks: true, agents: [{ attributes: { rack: 'Ünïcödé-日本' } }] }, async (rig) => {
    const probe = await rig.subscribe();
    const offer = await firstOffer(rig, probe);
    assert.equal(offer.attributes?.[0]?.text?.value, 'Ünïcödé-日本');
  }),
);

test(
  'heartbeats keep their cadence',
  withRig({ timing: { heartbeatMs: 40 } }, async (rig) => {
    const probe = await rig.subscribe();
    await rig.master.until(() => probe.events.filter(({ type }) => type === 'HEARTBEAT').length >= 4);
    const [first] = probe.events;
    assert.equal(first?.type === 'SUBSCRIBED' && first.subscribed.heartbeat_interval_seconds, 0.04);
  }),
);

test(
  'an id that the master has never seen is accepted',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe({ frameworkId: 'never-seen-0001' });
    assert.equal(probe.frameworkId, 'never-seen-0001');
    const again = await rig.subscribe({ frameworkId: 'never-seen-0001' });
    assert.equal(again.frameworkId, 'never-seen-0001');
  }),
);

test(
  'a takeover ends the old stream cleanly, voids its offers silently, and offers again',
  withRig({}, async (rig) => {
    const first = await rig.subscribe();
    const offer = await firstOffer(rig, first);
    const second = await rig.subscribe({ frameworkId: first.frameworkId });
    await rig.master.until(() => first.closed === 'clean');
    assert.equal(first.error, 'Framework failed over');
    const again = await firstOffer(rig, second);
    assert.notEqual(again.id.value, offer.id.value);
    assert.ok(![...first.events, ...second.events].some(({ type }) => type === 'RESCIND'));
  }),
);

test(
  'a closed connection makes the framework inactive: calls get 403 until it subscribes again',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe();
    probe.close();
    await rig.master.until(() => rig.master.state?.frameworks.get(probe.frameworkId)?.stream === undefined);
    for (const type of ['RECONCILE', 'TEARDOWN']) {
      const answer = await probe.call(type, { reconcile: { tasks: [] } });
      assert.equal(answer.status, 403);
      assert.equal(answer.body, 'Framework is not subscribed');
    }
  }),
);

async function removedAfter(rig: Rig, end: (probe: Probe) => Promise<void>, info: Record<string, unknown>): Promise<string | undefined> {
  const probe = await rig.subscribe({ info });
  await end(probe);
  await rig.master.until(() => !rig.master.state?.frameworks.has(probe.frameworkId));
  const again = await rig.subscribe({ frameworkId: probe.frameworkId });
  await rig.master.until(() => again.closed === 'clean');
  return again.error;
}

test(
  'a framework is removed by TEARDOWN, whose stream ends without an ERROR',
  withRig({}, async (rig) => {
    let torn: Probe | undefined;
    const error = await removedAfter(
      rig,
      async (probe) => {
        torn = probe;
        assert.equal((await probe.call('TEARDOWN')).status, 202);
        await rig.master.until(() => probe.closed === 'clean');
      },
      {},
    );
    assert.equal(error, 'Framework has been removed');
    assert.equal(torn?.error, undefined);
  }),
);

for (const seconds of [0, 0.03]) {
  test(
    `a framework is removed when failover_timeout ${seconds} has passed after its connection closed`,
    withRig({}, async (rig) => {
      const error = await removedAfter(rig, async (probe) => probe.close(), { failover_timeout: seconds });
      assert.equal(error, 'Framework has been removed');
    }),
  );
}

test(
  'a removed framework is forgotten by a restart of the master',
  withRig({ timing: { masterRefusesMs: 1, agentNoticesMasterMs: 5 } }, async (rig) => {
    const probe = await rig.subscribe();
    await probe.call('TEARDOWN');
    await rig.master.restartMaster();
    const again = await rig.subscribe({ frameworkId: probe.frameworkId });
    assert.equal(again.error, undefined);
  }),
);

test(
  'a subscriber that stops reading is never dropped and loses nothing',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe();
    probe.pause();
    const tasks = Array.from({ length: 5_000 }, (_, index) => ({ task_id: { value: `unknown-${index}` }, agent_id: { value: 'nowhere' } }));
    for (let call = 0; call < 4; call++) assert.equal((await probe.call('RECONCILE', { reconcile: { tasks } })).status, 202);
    probe.resume();
    await rig.master.until(() => probe.statuses.length === 20_000);
    assert.equal(probe.statuses.at(-1)?.task_id.value, 'unknown-4999');
  }),
);

function rawAnswer(address: string, body: string): Promise<string> {
  const [host = '', port = ''] = address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host, () => {
      socket.write(
        `POST /api/v1/scheduler HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    });
    let bytes = '';
    socket.on('data', (chunk) => {
      bytes += chunk.toString('latin1');
      if (!bytes.includes('"HEARTBEAT"}\r\n')) return;
      socket.destroy();
      resolve(bytes);
    });
    socket.on('error', reject);
  });
}

test.run();
