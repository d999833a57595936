/** What people ask of the API, all the way to a leader and back, on the store of one node. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { Leadership } from '../../../src/leader/leadership.ts';
import type { LeaderObserver } from '../../../src/leader/observer.ts';
import type { EmbeddedStore } from '../../../src/store/embedded/embedded-store.ts';
import { openEmbeddedStore } from '../../../src/store/embedded/embedded-store.ts';
import { type ApiNode, job, type Json, startApiNode } from '../../support/api-rig.ts';
import { ScriptedCluster, ScriptedExecutor, staySilent, succeed } from '../../support/scripted-executor.ts';
import { until } from '../../support/until.ts';

const nothing = (): void => undefined;
const observer: LeaderObserver = {
  ...{ termBegan: nothing, termEnded: nothing, fact: nothing, decided: nothing },
  ...{ committed: nothing, executorEvent: nothing, performed: nothing, trouble: nothing },
};

interface Rig extends Pick<ApiNode<EmbeddedStore>, 'ask'> {
  readonly tasks: ScriptedCluster;
  /** The answer's body; it must have this status. */
  told(method: string, path: string, expected: { status: number; body?: unknown }): Promise<Json>;
  /** Waits until the run is so. */
  becomes(run: string, state: string): Promise<Json>;
  lead(): void;
  end(): Promise<void>;
}

async function setup(): Promise<Rig> {
  const directory = await mkdtemp(join(tmpdir(), 'kairos-api-'));
  const node = await startApiNode(await openEmbeddedStore({ directory, clock: systemClock }));
  const tasks = new ScriptedCluster();
  const executor = new ScriptedExecutor(tasks);
  const { store, replica } = node;
  const leadership = new Leadership(
    { store, replica, executor, clock: systemClock, observer },
    { candidate: { node: 'n1', address: '' }, nodeCount: () => 1 },
  );
  const told: Rig['told'] = async (method, path, { status, body }) => {
    const answer = await node.ask(method, path, body === undefined ? {} : { body });
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    return answer.json;
  };
  return {
    tasks,
    ask: node.ask,
    told,
    async becomes(run, state) {
      let last: Json;
      await until(
        async () => {
          last = (await node.ask('GET', `/v1/runs/${run}`)).json;
          return last['state'] === state;
        },
        { what: () => `${run} to be ${state}: ${JSON.stringify(last)}` },
      );
      return last;
    },
    lead: () => leadership.start(),
    async end() {
      await leadership.stop();
      await node.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

test('a failed run is run again, another counted as succeeded, and what runs after them goes on', async () => {
  const rig = await setup();
  await rig.told('PUT', '/v1/jobs/a', { status: 201, body: job('a', { retry: { attempts: 1 } }) });
  await rig.told('PUT', '/v1/jobs/b', { status: 201, body: job('b', { after: ['a'] }) });
  rig.tasks.script = () => [{ state: 'failed', exitCode: 3 }];
  rig.lead();
  await rig.told('POST', '/v1/jobs/a/runs', { status: 202 });
  await rig.becomes('a/1', 'failed');
  await rig.becomes('b/1', 'skipped');
  const skipped = await rig.told('GET', '/v1/runs/b/1/why', { status: 200 });
  assert.deepEqual([skipped.code, skipped.data.reason.data], ['skipped', { jobs: ['a'] }]);
  rig.tasks.script = succeed;
  const retry = await rig.told('POST', '/v1/runs/a/1/retry', { status: 202 });
  await rig.becomes('a/1', 'succeeded');
  await rig.becomes('b/1', 'succeeded');
  assert.equal((await rig.told('GET', `/v1/requests/${retry.id}`, { status: 200 })).run.state, 'succeeded');
  assert.equal((await rig.told('POST', '/v1/runs/a/1/retry', { status: 409 })).code, 'run-not-retryable');
  rig.tasks.script = () => [{ state: 'failed', exitCode: 3 }];
  await rig.told('POST', '/v1/jobs/a/runs', { status: 202 });
  await rig.becomes('a/2', 'failed');
  rig.tasks.script = succeed;
  await rig.told('POST', '/v1/runs/a/2/mark-success', { status: 202 });
  assert.equal((await rig.becomes('a/2', 'succeeded'))['reason']['code'], 'marked');
  await rig.becomes('b/2', 'succeeded');
  await rig.end();
});

test('a backfill runs every nominal time of its range, no more at once than asked for', async () => {
  const rig = await setup();
  await rig.told('PUT', '/v1/jobs/a', { status: 201, body: job('a', { schedule: 'R/2026-01-01T03:00:00Z/P1D' }) });
  rig.tasks.script = staySilent;
  const body = { from: '2026-01-02', to: '2026-01-06', limit: 2 };
  const asked = await rig.told('POST', '/v1/jobs/a/backfill', { status: 202, body });
  assert.equal(asked.count, 4);
  rig.lead();
  await until(async () => (await rig.told('GET', '/v1/jobs/a', { status: 200 })).state.backfills?.[0]?.activeRuns.length === 2);
  const [backfill] = (await rig.told('GET', '/v1/jobs/a', { status: 200 })).state.backfills;
  assert.deepEqual([backfill.id, backfill.remaining, backfill.limit], [asked.id, 2, 2]);
  await until(() => rig.tasks.launches.length === 1);
  assert.equal((await rig.told('GET', '/v1/runs/a/2/why', { status: 200 })).code, 'queued');
  rig.tasks.script = succeed;
  await rig.told('POST', '/v1/runs/a/1/kill', { status: 202 });
  await rig.becomes('a/4', 'succeeded');
  await until(async () => (await rig.told('GET', '/v1/jobs/a', { status: 200 })).state.backfills === undefined);
  const { runs } = await rig.told('GET', '/v1/jobs/a/runs', { status: 200 });
  const times = runs.map((run: Json) => run.trigger.scheduledFor.slice(0, 10));
  assert.deepEqual(times, ['2026-01-05', '2026-01-04', '2026-01-03', '2026-01-02']);
  const why = await rig.told('GET', '/v1/jobs/a/why?at=2026-01-03T03:00:00Z', { status: 200 });
  assert.deepEqual([why.code, why.data.run, why.data.backfill], ['launched', 2, asked.id]);
  await rig.end();
});

test('nothing is launched while the whole cluster is suspended, and why says so', async () => {
  const rig = await setup();
  await rig.told('PUT', '/v1/jobs/a', { status: 201, body: job('a') });
  await rig.told('PUT', '/v1/jobs/tick', { status: 201, body: job('tick', { schedule: 'R/2026-01-01T00:00:00Z/PT1S' }) });
  await rig.told('POST', '/v1/suspend', { status: 200 });
  rig.lead();
  await rig.told('POST', '/v1/jobs/a/runs', { status: 202 });
  await rig.becomes('a/1', 'pending');
  assert.equal((await rig.told('GET', '/v1/runs/a/1/why', { status: 200 })).data.scope, 'cluster');
  const { from } = (await rig.told('GET', '/v1/suspension', { status: 200 })).latest;
  const during = Math.ceil(Date.parse(from) / 1_000) * 1_000;
  await until(() => Date.now() > during + 100);
  const path = `/v1/jobs/tick/why?at=${new Date(during).toISOString()}`;
  assert.equal((await rig.told('GET', path, { status: 200 })).code, 'suspended');
  assert.equal(rig.tasks.launches.length, 0);
  await rig.told('POST', '/v1/resume', { status: 200 });
  await rig.becomes('a/1', 'succeeded');
  const recorded = await rig.told('GET', path, { status: 200 });
  assert.deepEqual([recorded.code, recorded.data.reason.code], ['suspended', 'suspended']);
  await until(async () => (await rig.ask('GET', '/v1/runs/tick/1')).status === 200);
  await rig.end();
});

test.run();
