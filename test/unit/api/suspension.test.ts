import assert from 'node:assert/strict';
import { test } from 'uvu';
import { SUSPENSION_KEY } from '../../../src/engine/keys.ts';
import { setUpApi, type ApiRig, type Json } from '../../support/api-rig.ts';

const ann = { headers: { 'X-Kairos-User': 'ann' } };

function stored(rig: ApiRig): Json {
  return JSON.parse(rig.cluster.space.get(SUSPENSION_KEY)?.value ?? 'null');
}

test('the cluster is suspended and resumed, each once, and every node reads it', async () => {
  const rig = await setUpApi();
  const other = await rig.join({ nodeId: 'n2' });
  assert.deepEqual((await rig.ask('GET', '/v1/suspension')).json, { suspended: false });
  assert.deepEqual((await rig.ask('POST', '/v1/resume')).json, { suspended: false });
  assert.equal(stored(rig), null);
  const suspended = await rig.ask('POST', '/v1/suspend', ann);
  assert.equal(suspended.status, 200);
  assert.equal(suspended.json['suspended'], true);
  assert.equal(suspended.json['latest'].by, 'ann');
  assert.deepEqual((await rig.ask('GET', '/v1/suspension')).json, suspended.json);
  const { writeId, ...value } = stored(rig);
  assert.equal(typeof writeId, 'string');
  assert.deepEqual(value, { from: Date.parse(suspended.json['latest'].from), by: 'ann' });
  const again = await other.ask('POST', '/v1/suspend', { headers: { 'X-Kairos-User': 'bob' } });
  assert.deepEqual(again.json, suspended.json);
  assert.equal(stored(rig).writeId, writeId);
  const resumed = await other.ask('POST', '/v1/resume');
  assert.equal(resumed.json['suspended'], false);
  assert.ok(resumed.json['latest'].to >= resumed.json['latest'].from);
  assert.deepEqual((await other.ask('GET', '/v1/suspension')).json, resumed.json);
  assert.equal((await rig.ask('POST', '/v1/suspend?for=PT1H')).json['code'], 'invalid-query');
  await rig.close();
});

test('a later suspension never begins before the last one ended, whatever the clocks say', async () => {
  const rig = await setUpApi();
  const to = Date.now() + 60_000;
  await rig.store.transact({
    guards: [{ key: SUSPENSION_KEY, modRevision: 0n }],
    writes: [{ key: SUSPENSION_KEY, value: JSON.stringify({ from: 1_000, to, by: 'ann', writeId: 'w' }) }],
  });
  const suspended = await rig.ask('POST', '/v1/suspend', ann);
  assert.equal(Date.parse(suspended.json['latest'].from), to);
  assert.equal(Date.parse((await rig.ask('POST', '/v1/resume')).json['latest'].to), to);
  await rig.close();
});

test('of many that suspend at once on two nodes, one does', async () => {
  const rig = await setUpApi();
  const other = await rig.join({ nodeId: 'n2' });
  const nodes = [rig, other, rig, other, rig, other];
  const answers = await Promise.all(
    nodes.map((node, index) => node.ask('POST', '/v1/suspend', { headers: { 'X-Kairos-User': `u${index}` } })),
  );
  const { by } = stored(rig);
  for (const answer of answers) {
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json['latest'].by, by);
  }
  await rig.close();
});

test.run();
