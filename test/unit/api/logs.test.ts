import assert from 'node:assert/strict';
import { test } from 'uvu';
import { Agent, request } from 'undici';
import { MOST_LOG_FOLLOWERS } from '../../../src/api/follower-limit.ts';
import { systemClock } from '../../../src/clock/system-clock.ts';
import type { LogChunk } from '../../../src/executor/port.ts';
import { attempt, MemoryLogs, runWrite, setUpApi } from '../../support/api-rig.ts';
import { until } from '../../support/until.ts';

const first = attempt({ number: 1, taskId: 'a.1.1' });

test('a log is read in pieces, with its offsets', async () => {
  const logs = new MemoryLogs();
  const rig = await setUpApi({ executor: logs });
  logs.texts.set('a.1.1/stdout', 'hello world');
  logs.texts.set('a.1.1/stderr', '');
  await rig.lead([
    runWrite({ job: 'a', number: 1, state: 'running', attempts: [first] }),
    runWrite({ job: 'a', number: 2, state: 'pending' }),
  ]);
  const whole = await rig.ask('GET', '/v1/runs/a/1/logs');
  assert.equal(whole.status, 200);
  assert.equal(whole.text, 'hello world');
  assert.match(String(whole.headers['content-type']), /^text\/plain/);
  const piece = await rig.ask('GET', '/v1/runs/a/1/logs?attempt=1&stream=stdout&offset=6&limit=3');
  assert.deepEqual(
    [piece.text, piece.headers['x-log-offset'], piece.headers['x-log-next-offset'], piece.headers['x-log-size']],
    ['wor', '6', '9', '11'],
  );
  assert.equal((await rig.ask('GET', '/v1/runs/a/1/logs?offset=-5')).text, 'world');
  const empty = await rig.ask('GET', '/v1/runs/a/1/logs?stream=stderr');
  assert.deepEqual([empty.status, empty.text], [200, '']);
  assert.equal((await rig.ask('GET', '/v1/runs/a/2/logs')).json['code'], 'attempt-not-found');
  assert.equal((await rig.ask('GET', '/v1/runs/a/1/logs?attempt=2')).json['code'], 'attempt-not-found');
  assert.equal((await rig.ask('GET', '/v1/runs/a/3/logs')).json['code'], 'run-not-found');
  assert.equal((await rig.ask('GET', '/v1/runs/a/1/logs?stream=both')).json['code'], 'invalid-query');
  logs.texts.clear();
  assert.equal((await rig.ask('GET', '/v1/runs/a/1/logs')).json['code'], 'log-not-found');
  await rig.close();
});

test('an executor that fails is told apart from a log that is gone', async () => {
  const rig = await setUpApi({ executor: { readLog: () => Promise.reject(new Error('agent secret-host refused')) } });
  await rig.lead([runWrite({ job: 'a', number: 1, state: 'running', attempts: [first] })]);
  const answer = await rig.ask('GET', '/v1/runs/a/1/logs');
  assert.equal(answer.status, 502);
  assert.ok(!answer.text.includes('secret-host'));
  await rig.close();
});

test('following shows what comes, over attempts, and ends with the run', async () => {
  const logs = new MemoryLogs();
  const rig = await setUpApi({ executor: logs });
  await rig.lead([runWrite({ job: 'a', number: 1, state: 'pending' })]);
  const { body, statusCode } = await request(`${rig.url}/v1/runs/a/1/logs?follow=true`);
  assert.equal(statusCode, 200);
  let text = '';
  const ended = (async () => {
    for await (const chunk of body) text += String(chunk);
  })();
  const shows = (wanted: string): Promise<void> => until(() => text === wanted, { limitMs: 5_000, what: () => `${wanted}, not ${text}` });
  logs.texts.set('a.1.1/stdout', 'one\n');
  await rig.lead([runWrite({ job: 'a', number: 1, state: 'running', attempts: [first] })]);
  await shows('one\n');
  logs.texts.set('a.1.1/stdout', 'one\ntwo\n');
  await shows('one\ntwo\n');
  const over = { ...first, endedAt: 3_000 };
  const second = attempt({ number: 2, taskId: 'a.1.2' });
  logs.texts.set('a.1.2/stdout', 'again\n');
  await rig.lead([runWrite({ job: 'a', number: 1, state: 'running', attempts: [over, second] })]);
  await shows('one\ntwo\nagain\n');
  logs.texts.set('a.1.2/stdout', 'again\nlast\n');
  await rig.lead([runWrite({ job: 'a', number: 1, state: 'succeeded', attempts: [over, { ...second, endedAt: 4_000 }] })]);
  await ended;
  assert.equal(text, 'one\ntwo\nagain\nlast\n');
  await rig.close();
});

test('following one attempt ends with it', async () => {
  const logs = new MemoryLogs();
  const rig = await setUpApi({ executor: logs });
  logs.texts.set('a.1.1/stdout', 'one\n');
  const over = { ...first, endedAt: 3_000 };
  await rig.lead([runWrite({ job: 'a', number: 1, state: 'running', attempts: [over, attempt({ number: 2, taskId: 'a.1.2' })] })]);
  assert.equal((await rig.ask('GET', '/v1/runs/a/1/logs?follow=true&attempt=1')).text, 'one\n');
  await rig.close();
});

test('closing the server ends what is followed, and does not wait', async () => {
  const logs = new MemoryLogs();
  const rig = await setUpApi({ executor: logs });
  logs.texts.set('a.1.1/stdout', 'one\n');
  await rig.lead([runWrite({ job: 'a', number: 1, state: 'running', attempts: [first] })]);
  const { body } = await request(`${rig.url}/v1/runs/a/1/logs?follow=true`);
  const text = body.text();
  await until(() => logs.asked.length > 1, { limitMs: 2_000, what: 'the log to be read' });
  // The run goes on for as long as this test: waited for, it would never close.
  await rig.api.close();
  assert.equal(await text, 'one\n');
  await rig.close();
});

test('a followed log that fails for good is cut off, not ended as if it were whole', async () => {
  const clock = { ...systemClock, sleep: () => systemClock.sleep(0) };
  let reads = 0;
  const readLog = (): Promise<LogChunk> => {
    reads += 1;
    if (reads > 1) return Promise.reject(new Error('no route to agent'));
    return Promise.resolve({ data: Buffer.from('one'), offset: 0, size: undefined });
  };
  const rig = await setUpApi({ executor: { readLog }, clock });
  await rig.lead([runWrite({ job: 'a', number: 1, state: 'running', attempts: [first] })]);
  await assert.rejects(rig.ask('GET', '/v1/runs/a/1/logs?follow=true'), /terminated|closed|aborted/);
  await rig.close();
});

test('nothing is read for a client that is gone', async () => {
  const logs = new MemoryLogs();
  const rig = await setUpApi({ executor: logs });
  logs.texts.set('a.1.1/stdout', 'one\n');
  await rig.lead([runWrite({ job: 'a', number: 1, state: 'running', attempts: [first] })]);
  const gone = new AbortController();
  const { body } = await request(`${rig.url}/v1/runs/a/1/logs?follow=true`, { signal: gone.signal });
  body.on('error', () => undefined);
  await until(() => logs.asked.length > 1, { limitMs: 2_000, what: 'the log to be read' });
  gone.abort();
  let seen = -1;
  await until(
    () => {
      const isQuiet = seen === logs.asked.length;
      seen = logs.asked.length;
      return isQuiet;
    },
    { limitMs: 2_000, what: 'reading to end' },
  );
  await rig.close();
});

test('a node follows only so many logs at once, and others again when some have ended', async () => {
  const logs = new MemoryLogs();
  const rig = await setUpApi({ executor: logs });
  await rig.lead([runWrite({ job: 'a', number: 1, state: 'running', attempts: [first] })]);
  const agent = new Agent({ connections: MOST_LOG_FOLLOWERS + 1 });
  const follow = (): ReturnType<typeof request> => request(`${rig.url}/v1/runs/a/1/logs?follow=true`, { dispatcher: agent });
  const followers = await Promise.all(Array.from({ length: MOST_LOG_FOLLOWERS }, follow));
  assert.ok(followers.every(({ statusCode }) => statusCode === 200));
  const refused = await rig.ask('GET', '/v1/runs/a/1/logs?follow=true');
  assert.equal(refused.status, 503);
  assert.equal(refused.json['code'], 'too-many-followers');
  assert.equal(refused.headers['retry-after'], '5');
  assert.equal((await rig.ask('GET', '/v1/runs/a/1/logs')).json['code'], 'log-not-found');
  followers[0]?.body.on('error', () => undefined).destroy();
  const open = followers.slice(1);
  await until(async () => {
    const again = await follow();
    if (again.statusCode === 200) open.push(again);
    else await again.body.dump();
    return again.statusCode === 200;
  });
  const ends = open.map((follower) => follower.body.text());
  await rig.lead([runWrite({ job: 'a', number: 1, state: 'succeeded', attempts: [{ ...first, endedAt: 2_000 }] })]);
  await Promise.all(ends);
  await agent.destroy();
  await rig.close();
});

test.run();
