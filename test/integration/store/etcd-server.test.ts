/** What a server that dies, stands still or compacts does to the etcd store. Nothing may be lost or doubled. */

import assert from 'node:assert/strict';
import { Etcd3 } from 'etcd3';
import { test } from 'uvu';
import { assertWhole, collect, landed, rejects } from '../../contract/store-steps.ts';
import { candidate, etcdRig, LEASE_MS, never, pair } from '../../support/etcd-rig.ts';
import { until } from '../../support/until.ts';

test('etcd is killed and comes back: the term, its commits, the watch and the announcement go on', async () => {
  const { etcd, open, end } = await etcdRig();
  const store = await open({ leaseTtlMs: 20_000 });
  const observer = await open();
  const term = await store.campaign(candidate('n'), never);
  await observer.announce('nodes/n', 'here');
  const watch = collect(observer, term.number);
  let last = 0n;
  let committed = 0;
  const committing = (async () => {
    for (; committed < 200; committed += 1) last = await store.commit(term, pair(String(committed)));
  })();
  await until(() => committed > 20, { limitMs: 10_000, what: 'the first commits' });
  await etcd.nodes[0]?.kill('SIGKILL');
  await rejects(observer.get('l'), 'unavailable');
  assert.equal(observer.healthy(), false);
  await etcd.nodes[0]?.restart();
  await committing;
  await watch.reaches(last, 20_000);
  await watch.stop();
  assertWhole(watch.batches);
  assert.deepEqual(
    watch
      .changes()
      .filter(({ key }) => key === 'l')
      .map(({ value }) => value),
    Array.from({ length: 200 }, (_, i) => String(i)),
  );
  assert.equal(term.signal.aborted, false);
  await until(async () => (await store.get('nodes/n')) !== undefined, { limitMs: 10_000, what: 'the announcement' });
  await end();
});

for (const fault of ['SIGSTOP of etcd', 'a network that swallows everything'] as const) {
  test(`${fault}, longer than the lease, ends the term before the lease can have ended`, async () => {
    const { etcd, open, openThroughProxy, end } = await etcdRig();
    const { proxy, store } = await openThroughProxy();
    const other = await open();
    const term = await store.campaign(candidate('n1'), never);
    await store.commit(term, pair('1'));
    const next = other.campaign(candidate('n2'), never);
    const stoppedAt = performance.now();
    let abortedAt = Number.POSITIVE_INFINITY;
    term.signal.addEventListener('abort', () => {
      abortedAt = performance.now();
    });
    if (fault === 'SIGSTOP of etcd') await etcd.nodes[0]?.kill('SIGSTOP');
    else proxy.mode('hole');
    await rejects(store.commit(term, pair('2')), 'unknown');
    assert.ok(abortedAt - stoppedAt < LEASE_MS, `the term ended ${abortedAt - stoppedAt} ms after the last sign of etcd`);
    if (fault === 'SIGSTOP of etcd') {
      await until(() => performance.now() - stoppedAt > LEASE_MS + 1_000, { limitMs: 10_000, what: 'the lease to pass' });
      await etcd.nodes[0]?.kill('SIGCONT');
    }
    const second = await next;
    assert.ok(second.number > term.number);
    if (fault !== 'SIGSTOP of etcd') assert.ok(performance.now() > abortedAt, 'two nodes believed to lead');
    proxy.mode('pass');
    await rejects(store.commit(term, pair('3')), 'term-lost');
    await other.commit(second, pair('4'));
    assert.equal((await other.get('l'))?.value, '4');
    await end();
  });
}

test('a watch into the void ends, though nobody closes its connection', async () => {
  const { openThroughProxy, open, end } = await etcdRig();
  const { proxy, store } = await openThroughProxy();
  const writer = await open();
  const from = (await store.snapshot()).revision;
  const watch = store.watch(from, never)[Symbol.asyncIterator]();
  landed(await writer.transact({ guards: [{ key: 'l', modRevision: 0n }], writes: pair('1') }));
  assert.equal((await watch.next()).done, false);
  const pending = watch.next();
  proxy.mode('hole');
  await rejects(pending, 'unavailable');
  await end();
});

test('compaction while a watch is away is told; one that is up to date goes on', async () => {
  const { etcd, open, openThroughProxy, end } = await etcdRig();
  const writer = await open();
  const { proxy, store } = await openThroughProxy();
  const from = (await writer.snapshot()).revision;
  const watch = collect(writer, from);
  let revision = 0n;
  for (let i = 0; i < 10; i += 1)
    revision = landed(await writer.transact({ guards: [{ key: 'l', modRevision: revision }], writes: pair(String(i)) }));
  await watch.reaches(revision);
  const client = new Etcd3({ hosts: [...etcd.hosts] });
  await client.kv.compact({ revision: String(revision), physical: true });
  client.close();
  proxy.cut();
  await rejects(store.watch(from, never)[Symbol.asyncIterator]().next(), 'compacted');
  const next = landed(await writer.transact({ guards: [{ key: 'l', modRevision: revision }], writes: pair('last') }));
  await watch.reaches(next);
  await watch.stop();
  assert.equal(watch.changes().length, 22);
  await end();
});

test('a snapshot in many pages is of one revision, though others write', async () => {
  const { open, end } = await etcdRig();
  const writer = await open();
  const reader = await open({ snapshotPage: 3 });
  const term = await writer.campaign(candidate('n'), never);
  let isDone = false;
  const writing = (async () => {
    for (let i = 0; !isDone; i += 1) {
      await writer.commit(
        term,
        Array.from({ length: 20 }, (_, k) => ({ key: `k/${k}`, value: k % 7 === i % 7 ? undefined : String(i) })),
      );
    }
  })();
  await until(async () => (await reader.get('k/19')) !== undefined, { limitMs: 5_000, what: 'the first commit' });
  for (let i = 0; i < 20; i += 1) {
    const { entries, revision } = await reader.snapshot();
    const values = new Set(entries.filter(({ key }) => key.startsWith('k/')).map(({ value }) => value));
    assert.equal(values.size, 1);
    assert.ok(entries.every(({ modRevision }) => modRevision <= revision));
  }
  isDone = true;
  await writing;
  await end();
});

test('an etcd that is out of space refuses writes: transactions say so, a commit ends the term, reads go on', async () => {
  const { open, end } = await etcdRig(1, ['--quota-backend-bytes=4000000']);
  const store = await open({ commitLimitMs: 1_000 });
  const term = await store.campaign(candidate('n'), never);
  const fill = async (): Promise<never> => {
    for (let i = 0; ; i += 1)
      await store.transact({ guards: [{ key: `k/${i}`, modRevision: 0n }], writes: [{ key: `k/${i}`, value: 'x'.repeat(900_000) }] });
  };
  await rejects(fill(), 'unavailable');
  assert.equal(term.signal.aborted, false);
  await rejects(store.commit(term, pair('1')), 'term-lost');
  assert.equal(term.signal.aborted, true);
  assert.equal(await store.get('l'), undefined);
  assert.equal((await store.get('k/0'))?.value.length, 900_000);
  await end();
});

test.run();
