import assert from 'node:assert/strict';
import { test } from 'uvu';
import { job, setUpApi } from '../../support/api-rig.ts';

test('two nodes can not close a cycle together, though neither sees the other', async () => {
  const rig = await setUpApi();
  const other = await rig.join();
  for (const name of ['a', 'b']) await rig.ask('PUT', `/v1/jobs/${name}`, { body: job(name) });
  other.store.faults.watchLagMs = 150;
  rig.store.faults.watchLagMs = 150;
  const answers = await Promise.all([
    rig.ask('PUT', '/v1/jobs/a', { body: job('a', { after: ['b'] }) }),
    other.ask('PUT', '/v1/jobs/b', { body: job('b', { after: ['a'] }) }),
  ]);
  assert.deepEqual(answers.map(({ status }) => String(status)).sort(), ['200', '422']);
  const refused = answers.find(({ status }) => status === 422);
  assert.equal(refused?.json['issues'][0]?.['code'], 'cycle');
  await rig.close();
});

test('a refusal is never due to a copy that lags', async () => {
  const rig = await setUpApi();
  const other = await rig.join();
  other.store.faults.watchLagMs = 200;
  await rig.ask('PUT', '/v1/jobs/p', { body: job('p') });
  const child = await other.ask('PUT', '/v1/jobs/c', { body: job('c', { after: ['p'] }) });
  assert.equal(child.status, 201, child.text);
  await rig.ask('PUT', '/v1/jobs/p', { body: job('p', { owner: 'x' }) });
  const matched = await other.ask('PUT', '/v1/jobs/p', { body: job('p', { owner: 'y' }), headers: { 'If-Match': '"2"' } });
  assert.equal(matched.status, 200, matched.text);
  assert.equal((await rig.ask('DELETE', '/v1/jobs/c')).status, 200);
  assert.equal((await other.ask('DELETE', '/v1/jobs/p')).status, 200);
  await rig.close();
});

test('a put of what the copy holds is still a write when the store has moved on', async () => {
  const rig = await setUpApi();
  const other = await rig.join();
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a', { owner: 'x' }) });
  assert.ok(await other.replica.waitFor(rig.replica.revision, 2_000));
  other.store.faults.watchLagMs = 150;
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a', { owner: 'y' }) });
  const back = await other.ask('PUT', '/v1/jobs/a', { body: job('a', { owner: 'x' }) });
  assert.equal(back.json['version'], 3);
  assert.equal(rig.record('a').spec.owner, 'x');
  await rig.close();
});

test('many writers on three nodes lose nothing, and every version is written once', async () => {
  const rig = await setUpApi();
  const nodes = [rig, await rig.join(), await rig.join()];
  for (const node of nodes) node.store.faults.watchLagMs = 3;
  const writes = Array.from({ length: 60 }, (_, i) =>
    (nodes[i % 3] ?? rig).ask('PUT', `/v1/jobs/j${i % 20}`, { body: job(`j${i % 20}`, { owner: `w${i}` }) }),
  );
  const answers = await Promise.all(writes);
  for (const { status, text } of answers) assert.ok(status === 200 || status === 201, text);
  for (let i = 0; i < 20; i++) assert.equal(rig.record(`j${i}`).version, 3);
  assert.equal(answers.filter(({ status }) => status === 201).length, 20);
  assert.equal((JSON.parse(rig.cluster.space.get('graph')?.value ?? '') as { version: number }).version, 20);
  await rig.close();
});

test('a client reads its own write, whatever the watch does', async () => {
  const rig = await setUpApi();
  rig.store.faults.watchLagMs = 100;
  const written = await rig.ask('PUT', '/v1/jobs/a', { body: job('a') });
  const read = await rig.ask('GET', '/v1/jobs/a');
  assert.equal(read.status, 200);
  assert.ok(BigInt(String(read.headers['x-kairos-revision'])) >= BigInt(String(written.headers['x-kairos-revision'])));
  await rig.close();
});

test('without the store nothing is written, and the client is told so', async () => {
  const rig = await setUpApi();
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a') });
  await rig.store.close();
  const refused = await rig.ask('PUT', '/v1/jobs/a', { body: job('a', { owner: 'x' }) });
  assert.equal(refused.status, 503);
  assert.equal(refused.json['code'], 'store-unavailable');
  assert.equal(refused.headers['retry-after'], '1');
  assert.equal((await rig.ask('GET', '/v1/jobs/a')).status, 200);
  assert.equal((await rig.ask('POST', '/v1/jobs/a/runs')).status, 503);
  await rig.close();
});

test.run();
