/** What becomes of the etcd store's leases when a process dies, stands still or ends. Nothing may be lost or doubled. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'uvu';
import { candidate, etcdRig, LEASE_MS, never } from '../../support/etcd-rig.ts';
import { until } from '../../support/until.ts';

const childFile = new URL('../../support/etcd-child.ts', import.meta.url).pathname;

function startChild(host: string, mode: 'lead' | 'exit') {
  const child = spawn(process.execPath, ['--import', 'tsx', childFile, host, '/t', mode], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const gone = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, lines, gone };
}

test('the next candidate leads after kill -9 of the leader, and what was announced is gone', async () => {
  const { etcd, open, end } = await etcdRig();
  const { child, lines, gone } = startChild(etcd.hosts[0] ?? '', 'lead');
  await until(() => lines.length > 5, { limitMs: 20_000, what: 'the child to lead' });
  const first = BigInt(lines[0]?.split(' ')[1] ?? '');
  const store = await open();
  const next = store.campaign(candidate('n2'), never);
  child.kill('SIGKILL');
  await gone;
  const term = await next;
  assert.ok(term.number > first);
  const key = `nodes/child-${child.pid}`;
  await until(async () => (await store.get(key)) === undefined, { limitMs: LEASE_MS * 2, what: 'the announcement to go' });
  await end();
});

test('a leader that is stopped and goes on finds that its term is over, and writes nothing more', async () => {
  const { etcd, open, end } = await etcdRig();
  const { child, lines, gone } = startChild(etcd.hosts[0] ?? '', 'lead');
  await until(() => lines.length > 5, { limitMs: 20_000, what: 'the child to lead' });
  const store = await open();
  const next = store.campaign(candidate('n2'), never);
  child.kill('SIGSTOP');
  const term = await next;
  const revision = await store.commit(term, [{ key: 'beat', value: 'mine' }]);
  child.kill('SIGCONT');
  await gone;
  assert.ok(lines.includes('over'));
  assert.ok(lines.some((line) => line.startsWith('failed')));
  assert.deepEqual(await store.get('beat'), { key: 'beat', value: 'mine', modRevision: revision });
  await end();
});

test('a process that closes its store ends by itself', async () => {
  const { etcd, end } = await etcdRig();
  const { child, lines, gone } = startChild(etcd.hosts[0] ?? '', 'exit');
  await until(() => lines.includes('closed'), { limitMs: 20_000, what: 'the child to close its store' });
  const forced = setTimeout(() => child.kill('SIGKILL'), 10_000);
  assert.equal(await gone, 0);
  clearTimeout(forced);
  await end();
});

test.run();
