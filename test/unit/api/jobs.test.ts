import assert from 'node:assert/strict';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import type { JobSpec } from '../../../src/job/spec.ts';
import { job, setUpApi, stateWrite } from '../../support/api-rig.ts';

test('a job is created, read back as given, and not created twice', async () => {
  const rig = await setUpApi();
  const spec = job('etl.load', { owner: 'me', task: { image: 'busybox', env: { A: 'b' } }, schedule: '@daily' });
  const created = await rig.ask('POST', '/v1/jobs', { body: spec });
  assert.equal(created.status, 201, created.text);
  assert.equal(created.headers['location'], '/v1/jobs/etl.load');
  assert.equal(created.headers['etag'], '"1"');
  assert.equal(created.json['version'], 1);
  assert.match(created.json['createdAt'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.match(created.json['nextRun'], /T00:00:00\.000Z$/);
  assert.deepEqual(created.json['state'], {
    lastRun: 0,
    totals: { succeeded: 0, failed: 0, killed: 0, skipped: 0, missed: 0 },
    activeRuns: [],
  });
  const read = await rig.ask('GET', '/v1/jobs/etl.load');
  assert.deepEqual(read.json, created.json);
  assert.equal(read.headers['x-kairos-revision'], String(rig.replica.revision));
  assert.deepEqual(rig.record('etl.load').spec, spec);
  const again = await rig.ask('POST', '/v1/jobs', { body: spec });
  assert.equal(again.status, 409);
  assert.equal(again.json['code'], 'job-exists');
  await rig.close();
});

test('a put creates, replaces with the next version, and writes nothing when nothing changed', async () => {
  const rig = await setUpApi();
  const created = await rig.ask('PUT', '/v1/jobs/a', { body: { task: { command: 'true' } } });
  assert.equal(created.status, 201, created.text);
  const first = rig.record('a');
  const revision = rig.cluster.space.revision;
  const same = await rig.ask('PUT', '/v1/jobs/a', { body: { task: { command: 'true' }, name: 'a' } });
  assert.equal(same.status, 200);
  assert.equal(same.headers['etag'], '"1"');
  assert.equal(rig.cluster.space.revision, revision);
  const replaced = await rig.ask('PUT', '/v1/jobs/a', { body: job('a', { description: 'x' }) });
  assert.equal(replaced.status, 200);
  assert.equal(replaced.headers['etag'], '"2"');
  const second = rig.record('a');
  assert.deepEqual([second.uid, second.createdAt, second.scheduledSince], [first.uid, first.createdAt, first.scheduledSince]);
  assert.notEqual(second.writeId, first.writeId);
  await rig.close();
});

test('what was read may be changed and put back', async () => {
  const rig = await setUpApi();
  await rig.ask('POST', '/v1/jobs', { body: job('a', { schedule: '@hourly' }) });
  const read = await rig.ask('GET', '/v1/jobs/a');
  const put = await rig.ask('PUT', '/v1/jobs/a', {
    body: { ...read.json, priority: 7 },
    headers: { 'If-Match': String(read.headers['etag']) },
  });
  assert.equal(put.status, 200, put.text);
  assert.deepEqual(rig.record('a').spec, job('a', { schedule: '@hourly', priority: 7 }));
  await rig.close();
});

test('a schedule counts from when its text or zone was set', async () => {
  const rig = await setUpApi();
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a', { schedule: 'R//PT1H' }) });
  const since = rig.record('a').scheduledSince;
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a', { schedule: 'R//PT1H', priority: 1 }) });
  assert.equal(rig.record('a').scheduledSince, since);
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a', { schedule: 'R//PT1H', timeZone: 'Asia/Tokyo' }) });
  const record = rig.record('a');
  assert.equal(record.scheduledSince, record.updatedAt);
  await rig.close();
});

test('a schedule with an empty start that is past its end may stay, and can not be set anew', async () => {
  let ahead = 0;
  const rig = await setUpApi({ clock: { ...systemClock, now: () => systemClock.now() + ahead } });
  const schedule = `R//${new Date(systemClock.now() + 3_600_000).toISOString()}`;
  const put = (name: string, fields: Partial<JobSpec>) => rig.ask('PUT', `/v1/jobs/${name}`, { body: job(name, fields) });
  assert.equal((await put('a', { schedule })).status, 201);
  ahead = 7_200_000;
  const edited = await put('a', { schedule, priority: 7 });
  assert.equal(edited.status, 200, edited.text);
  assert.equal((await rig.ask('POST', '/v1/jobs/a/suspend')).status, 200);
  for (const refused of [await put('b', { schedule }), await put('a', { schedule, timeZone: 'Asia/Tokyo' })]) {
    assert.equal(refused.status, 422);
    assert.equal(refused.json['code'], 'invalid-definition');
    assert.match(refused.json['detail'], /^schedule .*is not at least a second after the start/);
    assert.equal(refused.json['issues'][0]['path'], 'schedule');
  }
  await rig.close();
});

test('preconditions are honoured', async () => {
  const rig = await setUpApi();
  const put = (headers: Record<string, string>, owner: string) => rig.ask('PUT', '/v1/jobs/a', { body: job('a', { owner }), headers });
  assert.equal((await put({ 'If-Match': '*' }, 'x')).status, 412);
  assert.equal((await put({ 'If-None-Match': '*' }, 'x')).status, 201);
  const second = await put({ 'If-None-Match': '*' }, 'y');
  assert.equal(second.status, 412);
  assert.equal(second.json['code'], 'precondition-failed');
  assert.equal((await put({ 'If-Match': '"7", "8"' }, 'y')).status, 412);
  assert.equal((await put({ 'If-Match': 'W/"1"' }, 'y')).status, 412);
  assert.equal((await put({ 'If-Match': '"7", "1"' }, 'y')).status, 200);
  assert.equal((await put({ 'If-Match': '*' }, 'z')).status, 200);
  assert.equal((await put({ 'If-Match': 'seven' }, 'z')).status, 400);
  assert.equal((await put({ 'If-None-Match': '"1"' }, 'z')).json['code'], 'invalid-header');
  assert.equal((await rig.ask('DELETE', '/v1/jobs/a', { headers: { 'If-Match': '"1"' } })).status, 412);
  assert.equal((await rig.ask('DELETE', '/v1/jobs/a', { headers: { 'If-Match': '"3"' } })).status, 200);
  await rig.close();
});

test('a definition that is wrong is refused with every path', async () => {
  const rig = await setUpApi();
  const answer = await rig.ask('POST', '/v1/jobs', { body: { name: 'a', task: { comand: 'x' }, priority: 11 } });
  assert.equal(answer.status, 422);
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
  assert.deepEqual(
    { ...answer.json, detail: undefined },
    {
      type: 'urn:kairos:problem:invalid-definition',
      status: 422,
      code: 'invalid-definition',
      title: 'The definition can not be used',
      detail: undefined,
      issues: [
        { path: 'task.comand', message: 'is not a known field; did you mean "command"?' },
        { path: 'priority', message: 'must be at most 9' },
      ],
    },
  );
  assert.equal((await rig.ask('PUT', '/v1/jobs/b', { body: job('a') })).json['code'], 'invalid-definition');
  assert.equal((await rig.ask('POST', '/v1/jobs')).json['code'], 'invalid-definition');
  await rig.close();
});

test('the graph is kept sound, and a refusal names what is wrong', async () => {
  const rig = await setUpApi();
  const put = (name: string, after?: string[], more = {}) =>
    rig.ask('PUT', `/v1/jobs/${name}`, { body: job(name, { ...(after ? { after } : {}), ...more }) });
  await put('a', undefined, { schedule: '@daily' });
  await put('b', ['a']);
  const unknown = await put('c', ['a', 'bb']);
  assert.equal(unknown.json['code'], 'invalid-graph');
  assert.deepEqual(unknown.json['issues'], [
    { code: 'unknown-parent', path: 'after[1]', message: 'there is no job bb; did you mean "b"?' },
  ]);
  const cycle = await put('a', ['b']);
  assert.equal(cycle.json['issues'][0]?.['message'], 'would close a cycle: a -> b -> a');
  await put('r', undefined, { schedule: '@daily' });
  const ambiguous = await put('b', ['a', 'r']);
  assert.equal(ambiguous.json['issues'][0]?.['code'], 'ambiguous');
  assert.equal((await put('b', ['a', 'r'], { join: 'latest' })).status, 200);
  const graph = await rig.ask('GET', '/v1/graph');
  assert.deepEqual(graph.json, {
    nodes: [
      { name: 'a', scheduled: true, join: 'flow', suspended: false },
      { name: 'b', scheduled: false, join: 'latest', suspended: false },
      { name: 'r', scheduled: true, join: 'flow', suspended: false },
    ],
    edges: [
      { from: 'a', to: 'b', on: 'success' },
      { from: 'r', to: 'b', on: 'success' },
    ],
    total: 3,
  });
  await rig.close();
});

test('a parent with children is deleted only on request', async () => {
  const rig = await setUpApi();
  const put = (name: string, after?: string[]) => rig.ask('PUT', `/v1/jobs/${name}`, { body: job(name, after ? { after } : {}) });
  await put('p');
  await put('c1', ['p']);
  await put('c2', ['p', 'c1']);
  const refused = await rig.ask('DELETE', '/v1/jobs/p');
  assert.equal(refused.status, 409);
  assert.equal(refused.json['code'], 'job-has-children');
  assert.deepEqual(refused.json['children'], ['c1', 'c2']);
  const detached = await rig.ask('DELETE', '/v1/jobs/p?children=detach');
  assert.deepEqual(detached.json, { deleted: ['p'], detached: ['c1', 'c2'] });
  assert.deepEqual(rig.record('c1').spec, job('c1'));
  assert.deepEqual(rig.record('c2').spec.after, ['c1']);
  assert.equal(rig.record('c2').version, 2);
  const deleted = await rig.ask('DELETE', '/v1/jobs/c1?children=delete');
  assert.deepEqual(deleted.json, { deleted: ['c2', 'c1'], detached: [] });
  assert.equal((await rig.ask('DELETE', '/v1/jobs/c1')).status, 404);
  assert.deepEqual((await rig.ask('GET', '/v1/jobs')).json, { jobs: [] });
  await rig.close();
});

test('more children than one transaction holds are detached and deleted too', async () => {
  const rig = await setUpApi();
  await rig.ask('PUT', '/v1/jobs/p', { body: job('p') });
  const names = Array.from({ length: 150 }, (_, i) => `c${i}`);
  for (const name of names) assert.equal((await rig.ask('PUT', `/v1/jobs/${name}`, { body: job(name, { after: ['p'] }) })).status, 201);
  await rig.ask('PUT', '/v1/jobs/q', { body: job('q', { after: ['c0'] }) });
  const detached = await rig.ask('DELETE', '/v1/jobs/p?children=detach');
  assert.equal(detached.status, 200, detached.text);
  assert.equal(detached.json['detached'].length, 150);
  await rig.ask('PUT', '/v1/jobs/p', { body: job('p') });
  for (const name of names) await rig.ask('PUT', `/v1/jobs/${name}`, { body: job(name, { after: ['p'] }) });
  const deleted = await rig.ask('DELETE', '/v1/jobs/p?children=delete');
  assert.equal(deleted.json['deleted'].length, 152);
  assert.equal(rig.replica.list('jobs/').length, 0);
  await rig.close();
});

test('a job deleted and made again is another job', async () => {
  const rig = await setUpApi();
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a') });
  const first = rig.record('a');
  const totals = { succeeded: 5, failed: 0, killed: 0, skipped: 0, missed: 0 };
  await rig.lead([
    stateWrite('a', { uid: first.uid, cursor: 0, scheduledSince: 0, lastRun: 5, totals, lastSuccess: { run: 5, at: 1_000 } }),
  ]);
  const read = await rig.ask('GET', '/v1/jobs/a');
  assert.deepEqual(read.json['state'], { lastRun: 5, totals, lastSuccess: { run: 5, at: '1970-01-01T00:00:01.000Z' }, activeRuns: [] });
  await rig.ask('DELETE', '/v1/jobs/a');
  const again = await rig.ask('PUT', '/v1/jobs/a', { body: job('a') });
  assert.equal(again.json['state']['lastRun'], 0);
  assert.notEqual(rig.record('a').uid, first.uid);
  await rig.close();
});

test('a job is suspended and resumed, by its own doors and by a put', async () => {
  const rig = await setUpApi();
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a', { schedule: '@daily' }) });
  const suspended = await rig.ask('POST', '/v1/jobs/a/suspend', { headers: { 'X-Kairos-User': 'ops' } });
  assert.equal(suspended.status, 200, suspended.text);
  assert.equal(suspended.json['suspended'], true);
  assert.equal(suspended.json['suspension']['by'], 'ops');
  assert.equal(suspended.json['nextRun'], undefined);
  const { version } = rig.record('a');
  assert.equal((await rig.ask('POST', '/v1/jobs/a/suspend')).json['version'], version);
  const resumed = await rig.ask('POST', '/v1/jobs/a/resume');
  assert.equal(resumed.json['suspended'], false);
  assert.deepEqual(Object.keys(resumed.json['suspension']), ['from', 'to', 'by']);
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a', { schedule: '@daily', suspended: true }) });
  assert.equal(rig.record('a').suspension?.to, undefined);
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a', { schedule: '@daily' }) });
  assert.equal(rig.record('a').suspension?.to, rig.record('a').updatedAt);
  assert.equal((await rig.ask('POST', '/v1/jobs/b/suspend')).status, 404);
  await rig.close();
});

test('lists are filtered and paged', async () => {
  const rig = await setUpApi();
  for (let i = 0; i < 25; i++) {
    const fields = {
      owner: i % 2 === 0 ? 'even' : 'odd',
      labels: { n: String(i % 5), ...(i === 3 ? { odd: '' } : {}) },
      suspended: i === 4,
    };
    const name = `${i < 20 ? 'etl' : 'web'}.${String(i).padStart(2, '0')}`;
    await rig.ask('PUT', `/v1/jobs/${name}`, { body: job(name, fields) });
  }
  const names = async (query: string): Promise<string[]> => {
    const found: string[] = [];
    for (let cursor = ''; ; ) {
      const { json, status, text } = await rig.ask('GET', `/v1/jobs?${query}${cursor}`);
      assert.equal(status, 200, text);
      found.push(...json['jobs'].map((row: { name: string }) => row.name));
      if (json['next'] === undefined) return found;
      assert.ok(json['jobs'].length > 0);
      cursor = `&cursor=${json['next']}`;
    }
  };
  assert.equal((await names('')).length, 25);
  assert.equal((await names('limit=7')).length, 25);
  assert.deepEqual(await names('prefix=web.&limit=2'), ['web.20', 'web.21', 'web.22', 'web.23', 'web.24']);
  assert.deepEqual(await names('prefix=web.&owner=odd&limit=1'), ['web.21', 'web.23']);
  assert.deepEqual(await names('label=n=3,odd'), ['etl.03']);
  assert.deepEqual(await names('suspended=true'), ['etl.04']);
  assert.equal((await rig.ask('GET', '/v1/jobs?limit=25')).json['next'], undefined);
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'cursor=abc', 'suspended=yes', 'limit=1&limit=2']) {
    const answer = await rig.ask('GET', `/v1/jobs?${query}`);
    assert.equal(answer.json['code'], 'invalid-query', query);
  }
  assert.match((await rig.ask('GET', '/v1/jobs?onwer=x')).json['detail'], /onwer is not a known field; did you mean "owner"/);
  await rig.close();
});

test.run();
