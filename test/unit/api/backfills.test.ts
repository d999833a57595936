import assert from 'node:assert/strict';
import { test } from 'uvu';
import { requestKey } from '../../../src/engine/keys.ts';
import type { RunState } from '../../../src/engine/records.ts';
import type { Write } from '../../../src/store/port.ts';
import { job, runWrite, setUpApi, stateWrite, type ApiRig, type Json } from '../../support/api-rig.ts';

const DAY_MS = 86_400_000;
const at = (text: string): number => Date.parse(text);

async function setup(fields = { schedule: 'R/2026-01-01T03:00:00Z/P1D', timeZone: 'UTC' }): Promise<ApiRig> {
  const rig = await setUpApi();
  const made = await rig.ask('PUT', '/v1/jobs/a', { body: job('a', fields) });
  assert.equal(made.status, 201, made.text);
  return rig;
}

function backfillRun(number: number, state: RunState, backfill: string): Write {
  return runWrite({ job: 'a', number, state, trigger: { type: 'schedule', scheduledFor: number, backfill } });
}

test('a backfill is taken with its range and says how many nominal times it holds', async () => {
  const rig = await setup();
  const body = { from: '2026-01-02T03:00:00Z', to: '2026-01-11T05:00:00+02:00', limit: 3 };
  const asked = await rig.ask('POST', '/v1/jobs/a/backfill', { body, headers: { 'X-Kairos-User': 'ann' } });
  assert.equal(asked.status, 202, asked.text);
  const { id, at: _at, ...rest } = asked.json;
  assert.deepEqual(rest, {
    ...{ by: 'ann', type: 'backfill', job: 'a', limit: 3, state: 'pending', count: 10 },
    ...{ from: '2026-01-02T03:00:00.000Z', to: '2026-01-11T03:00:00.000Z' },
  });
  const stored = JSON.parse(rig.cluster.space.get(requestKey(id))?.value ?? '');
  assert.deepEqual([stored.from, stored.to, stored.limit], [at('2026-01-02T03:00:00Z'), at('2026-01-11T03:00:00Z'), 3]);
  const one = await rig.ask('POST', '/v1/jobs/a/backfill', { body: { from: body.from, to: body.from } });
  assert.deepEqual([one.json['count'], one.json['limit']], [1, 1]);
  await rig.close();
});

test('times without an offset are those of the job and its zone', async () => {
  const rig = await setup({ schedule: '0 3 * * *', timeZone: 'Europe/Berlin' });
  const asked = await rig.ask('POST', '/v1/jobs/a/backfill', { body: { from: '2026-07-01', to: '2026-07-02T03:00' } });
  assert.equal(asked.json['from'], '2026-06-30T22:00:00.000Z');
  assert.equal(asked.json['to'], '2026-07-02T01:00:00.000Z');
  assert.equal(asked.json['count'], 2);
  await rig.close();
});

test('a backfill is refused with the field and what is allowed', async () => {
  const rig = await setup();
  const refused = async (body: unknown, code: string, path?: string, wanted?: RegExp): Promise<void> => {
    const answer = await rig.ask('POST', '/v1/jobs/a/backfill', { body });
    assert.equal(answer.json['code'], code, answer.text);
    if (path !== undefined)
      assert.deepEqual(
        answer.json['issues'].map((issue: Json) => issue.path),
        [path],
        answer.text,
      );
    if (wanted !== undefined) assert.match(answer.json['detail'], wanted);
  };
  const from = '2026-01-02T00:00:00Z';
  await refused({ from }, 'invalid-body', 'to', /to is required/);
  await refused({ from, to: '2026-01-05', limit: 0 }, 'invalid-body', 'limit', /at least 1/);
  await refused({ from, to: '2026-01-05', limit: 101 }, 'invalid-body', 'limit', /at most 100/);
  await refused({ from, to: '2026-01-05', limt: 1 }, 'invalid-body', 'limt', /did you mean "limit"/);
  await refused({ from: 'yesterday', to: '2026-01-05' }, 'invalid-body', 'from', /ISO 8601/);
  await refused({ from, to: '2026-02-30' }, 'invalid-body', 'to', /outside 01-28/);
  await refused({ from, to: '2026-01-01' }, 'invalid-body', 'from', /must not be after/);
  await refused({ from, to: new Date(Date.now() + DAY_MS).toISOString() }, 'invalid-body', 'to', /future/);
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a', { schedule: 'R/2020-01-01T00:00:00Z/PT1H' }) });
  await refused({ from: '2020-01-01', to: '2026-01-01' }, 'backfill-too-large', undefined, /more than 10000/);
  await rig.ask('PUT', '/v1/jobs/b', { body: job('b') });
  const none = await rig.ask('POST', '/v1/jobs/b/backfill', { body: { from, to: '2026-01-05' } });
  assert.equal(none.status, 409);
  assert.equal(none.json['code'], 'job-has-no-schedule');
  assert.equal((await rig.ask('POST', '/v1/jobs/c/backfill', { body: { from, to: '2026-01-05' } })).json['code'], 'job-not-found');
  await rig.close();
});

test('a job has a hundred backfills at once at most', async () => {
  const rig = await setup();
  const { uid, scheduledSince } = rig.record('a');
  const totals = { succeeded: 0, failed: 0, killed: 0, skipped: 0, missed: 0 };
  const state = { uid, scheduledSince, cursor: scheduledSince, lastRun: 0, totals };
  const backfill = { cursor: at('2026-01-05T03:00:00Z'), to: at('2026-01-11T03:00:00Z'), limit: 2 };
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`b${i}`, backfill]));
  const ask = () => rig.ask('POST', '/v1/jobs/a/backfill', { body: { from: '2026-01-02', to: '2026-01-03' } });
  await rig.lead([stateWrite('a', { ...state, backfills: many(99) })]);
  assert.equal((await ask()).status, 202);
  await rig.lead([stateWrite('a', { ...state, backfills: many(100) })]);
  const refused = await ask();
  assert.equal(refused.status, 409);
  assert.equal(refused.json['code'], 'too-many-backfills');
  assert.equal(refused.json['limit'], 100);
  await rig.close();
});

test('a job shows its backfills until the last of their runs is over', async () => {
  const rig = await setup();
  const asked = await rig.ask('POST', '/v1/jobs/a/backfill', { body: { from: '2026-01-02', to: '2026-01-11T03:00:00Z', limit: 2 } });
  const id = asked.json['id'] as string;
  const { uid, scheduledSince } = rig.record('a');
  const base = {
    uid,
    scheduledSince,
    cursor: scheduledSince,
    lastRun: 4,
    totals: { succeeded: 0, failed: 0, killed: 0, skipped: 0, missed: 0 },
  };
  const backfill = { cursor: at('2026-01-05T03:00:00Z'), to: at('2026-01-11T03:00:00Z'), limit: 2 };
  await rig.lead([
    { key: requestKey(id), value: undefined },
    stateWrite('a', { ...base, backfills: { [id]: backfill } }),
    backfillRun(1, 'succeeded', id),
    backfillRun(2, 'running', id),
    backfillRun(3, 'queued', id),
    runWrite({ job: 'a', number: 4, state: 'queued' }),
  ]);
  const shown = {
    ...{ id, activeRuns: [3, 2], remaining: 6, limit: 2 },
    ...{ after: '2026-01-05T03:00:00.000Z', to: '2026-01-11T03:00:00.000Z' },
  };
  assert.deepEqual((await rig.ask('GET', '/v1/jobs/a')).json['state']['backfills'], [shown]);
  assert.deepEqual((await rig.ask('GET', `/v1/requests/${id}`)).json['backfill'], shown);
  await rig.lead([stateWrite('a', base), backfillRun(2, 'succeeded', id)]);
  const last = { id, activeRuns: [3], remaining: 0 };
  assert.deepEqual((await rig.ask('GET', '/v1/jobs/a')).json['state']['backfills'], [last]);
  await rig.lead([backfillRun(3, 'succeeded', id)]);
  assert.equal((await rig.ask('GET', '/v1/jobs/a')).json['state']['backfills'], undefined);
  const done = (await rig.ask('GET', `/v1/requests/${id}`)).json;
  assert.deepEqual([done['state'], done['backfill']], ['taken', undefined]);
  await rig.close();
});

test('a backfill under way is cancelled, and no other', async () => {
  const rig = await setup();
  const { uid, scheduledSince } = rig.record('a');
  const totals = { succeeded: 0, failed: 0, killed: 0, skipped: 0, missed: 0 };
  const state = { uid, scheduledSince, cursor: scheduledSince, lastRun: 0, totals };
  const backfill = { cursor: at('2026-01-05T03:00:00Z'), to: at('2026-01-11T03:00:00Z'), limit: 2 };
  await rig.lead([
    stateWrite('a', { ...state, backfills: { one: backfill } }),
    backfillRun(1, 'running', 'two'),
    backfillRun(2, 'failed', 'over'),
  ]);
  const cancel = (id: string, query = ''): ReturnType<ApiRig['ask']> =>
    rig.ask('DELETE', `/v1/jobs/a/backfills/${id}${query}`, { headers: { 'X-Kairos-User': 'ann' } });
  const asked = await cancel('one');
  assert.equal(asked.status, 202, asked.text);
  const { id, at: _at, ...rest } = asked.json;
  assert.deepEqual(rest, { by: 'ann', type: 'cancel-backfill', job: 'a', backfill: 'one', kill: false, state: 'pending' });
  await rig.lead([{ key: requestKey(id), value: undefined }]);
  const taken = (await rig.ask('GET', `/v1/requests/${id}`)).json;
  assert.deepEqual([taken.state, taken.backfill, taken.run], ['taken', 'one', undefined]);
  assert.equal((await cancel('two', '?kill=true')).json['kill'], true, 'it has a run that is not over');
  const body = { from: '2026-01-02T03:00:00Z', to: '2026-01-03T03:00:00Z' };
  const pending = (await rig.ask('POST', '/v1/jobs/a/backfill', { body })).json['id'] as string;
  assert.equal((await cancel(pending)).status, 202, 'no leader has taken it yet');
  for (const unknown of ['over', 'none', 'a%20b']) assert.equal((await cancel(unknown)).json['code'], 'backfill-not-found', unknown);
  assert.equal((await cancel('one', '?kill=yes')).json['code'], 'invalid-query');
  assert.equal((await rig.ask('DELETE', '/v1/jobs/b/backfills/one')).json['code'], 'job-not-found');
  await rig.close();
});

test.run();
