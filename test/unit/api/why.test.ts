import assert from 'node:assert/strict';
import { test } from 'uvu';
import { EXECUTOR_IDENTITY_KEY, verdictKey, WAITING_KEY } from '../../../src/engine/keys.ts';
import { shapeKey } from '../../../src/engine/pending-queue.ts';
import type { JobState } from '../../../src/engine/records.ts';
import { resolveSpec } from '../../../src/job/resolve-job.ts';
import { job, runWrite, setUpApi, stateWrite, type ApiRig, type Json } from '../../support/api-rig.ts';
import { until } from '../../support/until.ts';

const at = (text: string): number => Date.parse(text);

async function why(rig: Pick<ApiRig, 'ask'>, path: string): Promise<Json> {
  const answer = await rig.ask('GET', `/v1/${path}/why`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

function state(rig: ApiRig, name: string, fields: Partial<JobState> = {}): JobState {
  const { uid, scheduledSince } = rig.record(name);
  const totals = { succeeded: 0, failed: 0, killed: 0, skipped: 0, missed: 0 };
  return { uid, scheduledSince, cursor: scheduledSince, lastRun: 1, totals, ...fields };
}

test('a nominal time is explained from what is stored, on every node', async () => {
  const rig = await setUpApi();
  const other = await rig.join({ nodeId: 'n2' });
  // Seconds name a time that has just been, whenever this runs.
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a', { schedule: 'R/2026-01-01T00:00:00Z/PT1S' }) });
  const { scheduledSince } = rig.record('a');
  const first = Math.ceil(scheduledSince / 1_000) * 1_000;
  await until(() => Date.now() > first + 1_000);
  const undecided = await why(rig, 'jobs/a');
  assert.equal(undecided.code, 'no-leader');
  assert.ok(Date.parse(undecided.at) <= Date.now());
  const reason = { code: 'overlap', text: 'a#1 was still running', data: { run: 1 } } as const;
  const verdict = { from: first + 1_000, to: first + 1_000, count: 1, verdict: 'skipped', reason, decidedAt: first + 1_001 };
  await rig.lead([
    runWrite({ job: 'a', number: 1, state: 'running', trigger: { type: 'schedule', scheduledFor: first } }),
    { key: verdictKey('a', first + 1_000), value: JSON.stringify(verdict) },
    stateWrite('a', state(rig, 'a', { cursor: first + 1_000 })),
  ]);
  await other.replica.waitFor(rig.replica.revision, 2_000);
  for (const node of [rig, other]) {
    const asked = async (time: number): Promise<Json> => {
      const answer = await node.ask('GET', `/v1/jobs/a/why?at=${new Date(time).toISOString()}`);
      assert.equal(answer.status, 200, answer.text);
      return answer.json;
    };
    const launched = await asked(first);
    assert.deepEqual([launched.job, launched.at, launched.code, launched.data.run], ['a', new Date(first).toISOString(), 'launched', 1]);
    const skipped = await asked(first + 1_000);
    assert.deepEqual([skipped.code, skipped.data.reason], ['skipped', reason]);
    assert.equal((await asked(first + 500)).code, 'not-nominal');
    assert.equal((await asked(Date.now() - (Date.now() % 1_000) + 60_000)).code, 'future');
    assert.equal((await asked(at('2026-01-01T00:00:01Z'))).code, 'before-schedule');
  }
  await rig.close();
});

test('a question that can not be answered is refused', async () => {
  const rig = await setUpApi();
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a', { schedule: '@daily' }) });
  await rig.ask('PUT', '/v1/jobs/b', { body: job('b') });
  const code = async (path: string): Promise<string> => (await rig.ask('GET', path)).json['code'];
  assert.equal(await code('/v1/jobs/c/why'), 'job-not-found');
  assert.equal(await code('/v1/runs/a/1/why'), 'run-not-found');
  assert.equal(await code('/v1/runs/a/1/why?at=2026-01-01'), 'invalid-query');
  assert.equal(await code('/v1/jobs/a/why?at=noon'), 'invalid-query');
  assert.equal(await code('/v1/jobs/b/why?at=2026-01-01'), 'job-has-no-schedule');
  const plus = await rig.ask('GET', '/v1/jobs/a/why?at=2026-01-01T00:00:00+02:00');
  assert.match(plus.json['detail'], /write \+ as %2B/);
  await rig.ask('PUT', '/v1/jobs/d', { body: job('d', { schedule: 'R0/2026-01-01T00:00:00Z/P1D' }) });
  assert.equal((await why(rig, 'jobs/d')).code, 'no-more-times');
  assert.equal((await why(rig, 'jobs/b')).code, 'on-request');
  await rig.close();
});

test('a run that waits for an offer is told what the nearest one lacked, by the shape of its definition', async () => {
  const rig = await setUpApi();
  const spec = job('a', { task: { command: ['true'], gpus: 1 } });
  const pending = { job: 'a', number: 1, state: 'pending', spec, pendingSince: 1_000 } as const;
  const nearest = { agentId: 'g', hostname: 'h', lacks: [{ what: 'gpus', wanted: 1, offered: 0 }] };
  const shape = { key: shapeKey(resolveSpec(spec)), since: 1_000, runs: 1, shortage: { at: 2_000, offers: 4, nearest } };
  await rig.lead([
    runWrite(pending),
    { key: WAITING_KEY, value: JSON.stringify({ at: 2_000, executor: 'ready', shapes: [shape] }) },
    { key: EXECUTOR_IDENTITY_KEY, value: JSON.stringify({ kind: 'mesos', identity: 'f' }) },
  ]);
  const waits = await why(rig, 'runs/a/1');
  assert.deepEqual([waits.run, waits.code, waits.data.shortage.nearest], [1, 'waiting-for-offer', nearest]);
  assert.match(waits.text, /the nearest of 4 offers, of h, lacked gpus \(1 wanted, 0 offered\)/);
  await rig.ask('POST', '/v1/suspend', { headers: { 'X-Kairos-User': 'ann' } });
  const suspended = await why(rig, 'runs/a/1');
  assert.deepEqual([suspended.code, suspended.data.by], ['suspended', 'ann']);
  await rig.close();
});

test('a queued run is told which runs it is behind', async () => {
  const rig = await setUpApi();
  const write = (number: number, run: 'running' | 'queued' | 'succeeded') => runWrite({ job: 'a', number, state: run, spec: job('a') });
  await rig.lead([write(1, 'succeeded'), write(2, 'running'), write(3, 'queued'), write(4, 'queued')]);
  const queued = await why(rig, 'runs/a/4');
  assert.equal(queued.code, 'queued');
  assert.deepEqual([queued.data.behind, queued.data.queuedBefore], [[{ run: 2, state: 'running' }], 1]);
  await rig.close();
});

test('since when no node leads is told by a node that has seen the leader go', async () => {
  const rig = await setUpApi();
  const store = rig.cluster.connect();
  const term = await store.campaign({ node: 'n9', address: '' }, new AbortController().signal);
  await store.commit(term, [runWrite({ job: 'a', number: 1, state: 'pending', spec: job('a') })]);
  await until(() => rig.replica.get('runs/a/1') !== undefined);
  const before = Date.now();
  await term.resign();
  await until(() => rig.replica.get('leader') === undefined);
  const waits = await why(rig, 'runs/a/1');
  assert.equal(waits.code, 'no-leader');
  assert.ok(Date.parse(waits.data.leaderlessSince) >= before);
  await store.close();
  await rig.close();
});

test('a job that waits in a flow is told which parents have not spoken there', async () => {
  const rig = await setUpApi();
  await rig.ask('PUT', '/v1/jobs/root', { body: job('root', { schedule: '@daily' }) });
  for (const name of ['b', 'c']) await rig.ask('PUT', `/v1/jobs/${name}`, { body: job(name, { after: ['root'] }) });
  await rig.ask('PUT', '/v1/jobs/hand', { body: job('hand') });
  await rig.ask('PUT', '/v1/jobs/z', { body: job('z', { after: ['b', 'c', 'hand'] }) });
  assert.equal((await why(rig, 'jobs/z')).code, 'idle');
  const flow = 'root#7';
  await rig.lead([
    runWrite({ job: 'root', number: 7, state: 'succeeded', flow }),
    runWrite({ job: 'b', number: 3, state: 'succeeded', flow }),
    runWrite({ job: 'c', number: 4, state: 'running', flow }),
    stateWrite('z', state(rig, 'z', { tokens: { [flow]: { spoken: 1, of: 2 } } })),
  ]);
  const waits = await why(rig, 'jobs/z');
  assert.equal(waits.code, 'waiting-for-parents');
  assert.deepEqual(waits.data.flows, [
    { flow, tokens: { spoken: 1, of: 2 }, waitingForCount: 1, waitingFor: [{ job: 'c', on: 'success', run: 4, state: 'running' }] },
  ]);
  const later = 'root#8';
  await rig.lead([
    runWrite({ job: 'root', number: 8, state: 'succeeded', flow: later }),
    runWrite({ job: 'b', number: 4, state: 'pending', flow: later }),
  ]);
  const both = await why(rig, 'jobs/z');
  assert.deepEqual(
    both.data.flows.map((each: Json) => each.flow),
    [later, flow],
  );
  assert.match(both.text, /^z waits in the flow root#8 for b#4 \(pending\) and c \(no run yet\)$/);
  await rig.lead([runWrite({ job: 'z', number: 1, state: 'running', flow: later }), stateWrite('z', state(rig, 'z'))]);
  const running = await why(rig, 'jobs/z');
  assert.deepEqual([running.code, running.data.run, running.data.alsoWaiting.flows[0].flow], ['running', 1, flow]);
  await rig.close();
});

test('a job that joins the latest is told whom it has not heard', async () => {
  const rig = await setUpApi();
  for (const name of ['b', 'c']) await rig.ask('PUT', `/v1/jobs/${name}`, { body: job(name, { schedule: '@daily' }) });
  await rig.ask('PUT', '/v1/jobs/z', { body: job('z', { after: ['b', 'c'], join: 'latest' }) });
  await rig.lead([stateWrite('z', state(rig, 'z', { latest: { b: { run: 1, outcome: 'succeeded' } } }))]);
  const waits = await why(rig, 'jobs/z');
  assert.deepEqual([waits.code, waits.data.waitingFor], ['waiting-for-parents', [{ job: 'c', on: 'success' }]]);
  await rig.close();
});

test.run();
