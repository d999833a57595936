import assert from 'node:assert/strict';
import { test } from 'uvu';
import { requestKey, verdictKey } from '../../../src/engine/keys.ts';
import { attempt, job, runWrite, setUpApi } from '../../support/api-rig.ts';

test('a run on request is durable at once, and its request tells what became of it', async () => {
  const rig = await setUpApi();
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a') });
  const asked = await rig.ask('POST', '/v1/jobs/a/runs', { body: { env: { DAY: '1' } }, headers: { 'X-Kairos-User': 'me' } });
  assert.equal(asked.status, 202, asked.text);
  const id = asked.json['id'] as string;
  assert.equal(asked.headers['location'], `/v1/requests/${id}`);
  const stored = JSON.parse(rig.cluster.space.get(requestKey(id))?.value ?? '') as Record<string, unknown>;
  assert.deepEqual({ ...stored, at: 0 }, { id, at: 0, by: 'me', type: 'run', job: 'a', env: { DAY: '1' } });
  const pending = await rig.ask('GET', `/v1/requests/${id}`);
  assert.equal(pending.json['state'], 'pending');
  assert.deepEqual(pending.json, { ...asked.json });
  const run = runWrite({ job: 'a', number: 12, state: 'running', trigger: { type: 'request', id, by: 'me' } });
  await rig.lead([{ key: requestKey(id), value: undefined }, run]);
  const taken = await rig.ask('GET', `/v1/requests/${id}`);
  assert.equal(taken.json['state'], 'taken');
  assert.deepEqual(taken.json['run'], { job: 'a', number: 12, state: 'running', href: '/v1/runs/a/12' });
  const other = await rig.join();
  const elsewhere = await other.ask('GET', `/v1/requests/${id}`);
  assert.deepEqual(elsewhere.json, { id, state: 'taken', run: taken.json['run'] });
  await rig.lead([{ key: run.key, value: undefined }]);
  assert.equal((await rig.ask('GET', `/v1/requests/${id}`)).json['run'], undefined);
  await rig.close();
});

test('a run on request is refused for what is not there or not understood', async () => {
  const rig = await setUpApi();
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a') });
  assert.equal((await rig.ask('POST', '/v1/jobs/b/runs')).json['code'], 'job-not-found');
  const wrong = await rig.ask('POST', '/v1/jobs/a/runs', { body: { env: { 'A B': 'x' }, evn: {} } });
  assert.equal(wrong.status, 422);
  assert.equal(wrong.json['code'], 'invalid-body');
  assert.equal(wrong.json['issues'].length, 2);
  assert.equal((await rig.ask('GET', '/v1/requests/01ARZ3NDEKTSV4RRFFQ69G5FAV')).json['code'], 'request-not-found');
  assert.equal((await rig.ask('POST', '/v1/jobs/a/runs?now=1')).json['code'], 'invalid-query');
  await rig.close();
});

test('runs are listed newest first, by number and not by text', async () => {
  const rig = await setUpApi();
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a') });
  const states = ['succeeded', 'failed', 'running'] as const;
  await rig.lead(Array.from({ length: 12 }, (_, i) => runWrite({ job: 'a', number: i + 1, state: states[i % 3] ?? 'running' })));
  const list = async (query: string): Promise<number[]> => {
    const numbers: number[] = [];
    for (let cursor = ''; ; ) {
      const { json } = await rig.ask('GET', `/v1/jobs/a/runs?${query}${cursor}`);
      numbers.push(...json['runs'].map((run: { number: number }) => run.number));
      if (json['next'] === undefined) return numbers;
      cursor = `&cursor=${json['next']}`;
    }
  };
  assert.deepEqual(await list(''), [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  assert.deepEqual(await list('limit=5'), [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  assert.deepEqual(await list('state=failed,running&limit=3'), [12, 11, 9, 8, 6, 5, 3, 2]);
  assert.deepEqual((await rig.ask('GET', '/v1/jobs/a')).json['state']['activeRuns'], [12, 9, 6, 3]);
  await rig.lead([runWrite({ job: 'a', number: 9, state: 'killed' })]);
  assert.deepEqual((await rig.ask('GET', '/v1/jobs/a')).json['state']['activeRuns'], [12, 6, 3]);
  assert.equal((await rig.ask('GET', '/v1/jobs/a/runs?state=done')).json['code'], 'invalid-query');
  assert.equal((await rig.ask('GET', '/v1/jobs/b/runs')).json['code'], 'job-not-found');
  await rig.ask('PUT', '/v1/jobs/b', { body: job('b') });
  assert.deepEqual((await rig.ask('GET', '/v1/jobs/b/runs')).json, { runs: [] });
  const cursorOfA = (await rig.ask('GET', '/v1/jobs/a/runs?limit=1')).json['next'];
  assert.equal((await rig.ask('GET', `/v1/jobs/b/runs?cursor=${cursorOfA}`)).json['code'], 'invalid-query');
  await rig.close();
});

test('a run is read with its attempts, times as text', async () => {
  const rig = await setUpApi();
  const reason = { code: 'exit', text: 'exit code 3', data: { exitCode: 3 } } as const;
  const attempts = [
    attempt({ number: 1, taskId: 'a.1.1', startedAt: 2_000, endedAt: 3_000, exitCode: 3, state: 'failed', fault: 'task', reason }),
  ];
  await rig.lead([runWrite({ job: 'a', number: 1, state: 'backoff', attempts, notBefore: 4_000, spec: job('a'), handover: '' })]);
  const { json, status } = await rig.ask('GET', '/v1/runs/a/1');
  assert.equal(status, 200);
  assert.deepEqual(json, {
    id: 'a#1',
    flow: 'a#1',
    createdAt: '1970-01-01T00:00:01.000Z',
    jobVersion: 1,
    lost: 0,
    job: 'a',
    number: 1,
    state: 'backoff',
    notBefore: '1970-01-01T00:00:04.000Z',
    trigger: { type: 'schedule', scheduledFor: '1970-01-01T00:00:00.500Z' },
    attempts: [
      {
        agentId: 'a1',
        hostname: 'h1',
        address: '',
        createdAt: '1970-01-01T00:00:01.000Z',
        number: 1,
        taskId: 'a.1.1',
        startedAt: '1970-01-01T00:00:02.000Z',
        endedAt: '1970-01-01T00:00:03.000Z',
        exitCode: 3,
        state: 'failed',
        fault: 'task',
        reason,
      },
    ],
    spec: job('a'),
  });
  for (const path of ['/v1/runs/a/2', '/v1/runs/a/0', '/v1/runs/a/x', '/v1/runs/%2e%2e/1']) {
    assert.equal((await rig.ask('GET', path)).status, 404, path);
  }
  await rig.close();
});

test('a run that is not over is killed on request', async () => {
  const rig = await setUpApi();
  await rig.lead([runWrite({ job: 'a', number: 1, state: 'running' }), runWrite({ job: 'a', number: 2, state: 'succeeded' })]);
  const asked = await rig.ask('POST', '/v1/runs/a/1/kill');
  assert.equal(asked.status, 202, asked.text);
  const id = asked.json['id'] as string;
  const over = await rig.ask('POST', '/v1/runs/a/2/kill');
  assert.equal(over.status, 409);
  assert.equal(over.json['code'], 'run-over');
  assert.equal((await rig.ask('POST', '/v1/runs/a/3/kill')).status, 404);
  const reason = { code: 'kill-request', text: 'killed', data: { request: id } } as const;
  await rig.lead([
    { key: requestKey(id), value: undefined },
    runWrite({ job: 'a', number: 1, state: 'killing', kill: { at: 5_000, reason } }),
  ]);
  const taken = await rig.ask('GET', `/v1/requests/${id}`);
  assert.deepEqual(taken.json['run'], { job: 'a', number: 1, state: 'killing', href: '/v1/runs/a/1' });
  await rig.close();
});

test('verdicts are listed newest first', async () => {
  const rig = await setUpApi();
  const reason = { code: 'no-leader', text: 'nobody led', data: { from: 1_000, to: 2_000 } } as const;
  const verdict = (from: number): { key: string; value: string } => ({
    key: verdictKey('a', from),
    value: JSON.stringify({ from, to: from, count: 1, verdict: 'missed', reason, decidedAt: 9_000 }),
  });
  await rig.lead([verdict(900), verdict(1_000), verdict(20_000)]);
  const { json } = await rig.ask('GET', '/v1/jobs/a/verdicts?limit=2');
  assert.deepEqual(
    json['verdicts'].map((shown: { from: string }) => shown.from),
    ['1970-01-01T00:00:20.000Z', '1970-01-01T00:00:01.000Z'],
  );
  assert.deepEqual(json['verdicts'][0]?.['reason']['data'], { from: '1970-01-01T00:00:01.000Z', to: '1970-01-01T00:00:02.000Z' });
  const rest = await rig.ask('GET', `/v1/jobs/a/verdicts?cursor=${json['next']}`);
  assert.equal(rest.json['verdicts'].length, 1);
  await rig.close();
});

test.run();
