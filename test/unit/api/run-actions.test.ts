import assert from 'node:assert/strict';
import { test } from 'uvu';
import { requestKey, resultKey } from '../../../src/engine/keys.ts';
import type { Request, RequestResult, RunState } from '../../../src/engine/records.ts';
import type { Write } from '../../../src/store/port.ts';
import { job, runWrite, setUpApi } from '../../support/api-rig.ts';

const STATES: readonly RunState[] = [
  ...(['queued', 'pending', 'backoff', 'launching', 'running', 'killing'] as const),
  ...(['succeeded', 'failed', 'killed', 'skipped', 'missed'] as const),
];

/** For each action, the states that allow it, and the problem that the others get. */
const TABLE = [
  { action: 'kill', allowed: ['queued', 'pending', 'backoff', 'launching', 'running', 'killing'], code: 'run-over' },
  { action: 'retry', allowed: ['failed', 'killed'], code: 'run-not-retryable' },
  { action: 'mark-success', allowed: ['queued', 'pending', 'backoff', 'failed', 'killed', 'skipped', 'missed'], code: 'run-not-markable' },
] as const;

for (const { action, allowed, code } of TABLE) {
  test(`${action} is taken in the states that allow it, and refused with the reason in the others`, async () => {
    const rig = await setUpApi();
    await rig.ask('PUT', '/v1/jobs/a', { body: job('a') });
    await rig.lead(STATES.map((state, index) => runWrite({ job: 'a', number: index + 1, state })));
    for (const [index, state] of STATES.entries()) {
      const answer = await rig.ask('POST', `/v1/runs/a/${index + 1}/${action}`);
      if ((allowed as readonly string[]).includes(state)) {
        assert.equal(answer.status, 202, `${state}: ${answer.text}`);
        assert.equal(answer.headers['location'], `/v1/requests/${answer.json['id']}`);
        assert.ok(rig.cluster.space.get(requestKey(answer.json['id'])));
      } else {
        assert.equal(answer.status, 409, `${state}: ${answer.text}`);
        assert.equal(answer.json['code'], code);
        assert.equal(answer.json['state'], state);
        assert.ok(answer.json['detail'].includes(`a#${index + 1}`), answer.text);
      }
    }
    await rig.close();
  });

  test(`${action} of what is not there, or with what is not known, is refused`, async () => {
    const rig = await setUpApi();
    await rig.lead([runWrite({ job: 'a', number: 1, state: 'failed' })]);
    assert.equal((await rig.ask('POST', `/v1/runs/a/2/${action}`)).json['code'], 'run-not-found');
    assert.equal((await rig.ask('POST', `/v1/runs/a/x/${action}`)).json['code'], 'run-not-found');
    assert.equal((await rig.ask('POST', `/v1/runs/a/1/${action}?force=true`)).json['code'], 'invalid-query');
    assert.equal((await rig.ask('POST', `/v1/runs/a/1/${action}`, { body: { force: true } })).json['code'], 'invalid-body');
    await rig.close();
  });
}

test('a run of a suspended job is not run again, nor one of a job that is gone', async () => {
  const rig = await setUpApi();
  await rig.lead([runWrite({ job: 'a', number: 1, state: 'failed' })]);
  assert.equal((await rig.ask('POST', '/v1/runs/a/1/retry')).json['code'], 'job-not-found');
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a') });
  await rig.ask('POST', '/v1/jobs/a/suspend', { headers: { 'X-Kairos-User': 'ann' } });
  const refused = await rig.ask('POST', '/v1/runs/a/1/retry');
  assert.equal(refused.status, 409);
  assert.equal(refused.json['code'], 'job-suspended');
  assert.match(refused.json['detail'], /suspended by ann/);
  await rig.close();
});

test('a run whose record is full is not run again, which is said only once it is over', async () => {
  const rig = await setUpApi();
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a') });
  const attempt = { agentId: '', hostname: '', address: '', createdAt: 1_000, endedAt: 2_000 };
  const reason = { code: 'exit', text: 'x'.repeat(3_000) } as const;
  const attempts = Array.from({ length: 100 }, (_, i) => ({ ...attempt, number: i + 1, taskId: `a.1.${i + 1}`, reason }));
  await rig.lead([
    runWrite({ job: 'a', number: 1, state: 'failed', attempts }),
    runWrite({ job: 'a', number: 2, state: 'backoff', attempts }),
  ]);
  const refused = await rig.ask('POST', '/v1/runs/a/1/retry');
  assert.equal(refused.status, 409);
  assert.equal(refused.json['code'], 'run-not-retryable');
  assert.match(refused.json['detail'], /^a#1 has had 100 attempts, and its record is full/);
  assert.match((await rig.ask('POST', '/v1/runs/a/2/retry')).json['detail'], /^a#2 is backoff/);
  await rig.close();
});

test('the request of a retry tells of the run once it is taken', async () => {
  const rig = await setUpApi();
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a') });
  await rig.lead([runWrite({ job: 'a', number: 7, state: 'failed' })]);
  const asked = await rig.ask('POST', '/v1/runs/a/7/retry');
  const id = asked.json['id'] as string;
  assert.equal(asked.json['run'], 7);
  assert.deepEqual((await rig.ask('GET', `/v1/requests/${id}`)).json, asked.json);
  await rig.lead([{ key: requestKey(id), value: undefined }, runWrite({ job: 'a', number: 7, state: 'pending' })]);
  const taken = await rig.ask('GET', `/v1/requests/${id}`);
  assert.equal(taken.json['state'], 'taken');
  assert.deepEqual(taken.json['run'], { job: 'a', number: 7, state: 'pending', href: '/v1/runs/a/7' });
  await rig.close();
});

test('any node tells what became of a request, and why it could not be done', async () => {
  const rig = await setUpApi();
  await rig.ask('PUT', '/v1/jobs/a', { body: job('a') });
  await rig.lead([runWrite({ job: 'a', number: 7, state: 'running' })]);
  const ask = async (): Promise<string> => (await rig.ask('POST', '/v1/runs/a/7/kill')).json['id'] as string;
  const [done, refused] = [await ask(), await ask()];
  const taken = (id: string, result: Partial<RequestResult>): Write[] => {
    const request = JSON.parse(rig.cluster.space.get(requestKey(id))?.value ?? '') as Request;
    const value = JSON.stringify({ request, takenAt: request.at, ...result } satisfies RequestResult);
    return [
      { key: requestKey(id), value: undefined },
      { key: resultKey(id), value },
    ];
  };
  await rig.lead([...taken(done, {}), ...taken(refused, { refusal: 'not active' })]);
  const other = await rig.join();
  for (const node of [rig, other]) {
    const first = (await node.ask('GET', `/v1/requests/${done}`)).json;
    assert.deepEqual([first.state, first.type, first.run.state, first.reason], ['taken', 'kill', 'running', undefined]);
    const second = (await node.ask('GET', `/v1/requests/${refused}`)).json;
    assert.deepEqual(
      [second.state, second.run, second.reason],
      ['refused', 7, { code: 'not-active', text: 'what it was to end was over' }],
    );
  }
  await rig.close();
});

test.run();
