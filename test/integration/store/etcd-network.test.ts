/** What a bad network does to the etcd store, on a real etcd. Nothing may be lost or doubled. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import type { Revision } from '../../../src/store/port.ts';
import { assertWhole, collect, landed, rejects } from '../../contract/store-steps.ts';
import { candidate, dropEvery, etcdRig, never, pair } from '../../support/etcd-rig.ts';
import { until } from '../../support/until.ts';

test('a watch whose connection is cut again and again while it catches up loses nothing and doubles nothing', async () => {
  const { open, openThroughProxy, end } = await etcdRig();
  const writer = await open();
  const from = (await writer.snapshot()).revision;
  const count = 3_000;
  const revisions: Revision[] = [];
  const write = async (worker: number): Promise<void> => {
    for (let i = worker; i < count; i += 50) {
      revisions.push(
        landed(
          await writer.transact({ guards: [{ key: `k/${i}`, modRevision: 0n }], writes: [{ key: `k/${i}`, value: `${i}`.repeat(20) }] }),
        ),
      );
    }
  };
  await Promise.all(Array.from({ length: 50 }, (_, worker) => write(worker)));
  const { proxy, store } = await openThroughProxy();
  let bytes = 0;
  let cuts = 0;
  proxy.onPiece = (way, length) => {
    bytes += way === 'down' ? length : 0;
    if (bytes < 40_000 || cuts >= 8) return false;
    bytes = 0;
    cuts += 1;
    return true;
  };
  const watch = collect(store, from);
  const last = revisions.reduce((a, b) => (a > b ? a : b));
  await watch.reaches(last, 30_000);
  await watch.stop();
  assert.ok(cuts >= 5, `${cuts} cuts`);
  assert.deepEqual(
    watch.changes().map(({ revision }) => revision),
    revisions.sort((a, b) => (a < b ? -1 : 1)),
  );
  await end();
});

for (const direction of ['up', 'down'] as const) {
  test(`commits through a connection that drops ${direction === 'up' ? 'requests' : 'answers'} land once each, in order`, async () => {
    const { open, openThroughProxy, end } = await etcdRig();
    const observer = await open();
    const { proxy, store } = await openThroughProxy({ leaseTtlMs: 10_000 });
    const term = await store.campaign(candidate('n'), never);
    const watch = collect(observer, term.number);
    dropEvery(proxy, direction, 9);
    const acknowledged: string[] = [];
    let last = term.number;
    for (let i = 0; i < 120; i += 1) {
      const revision = await store.commit(term, pair(String(i)));
      assert.ok(revision > last);
      last = revision;
      acknowledged.push(String(i));
    }
    proxy.onPiece = undefined;
    await watch.reaches(last);
    await watch.stop();
    assertWhole(watch.batches);
    assert.deepEqual(
      watch
        .changes()
        .filter(({ key }) => key === 'l')
        .map(({ value }) => value),
      acknowledged,
    );
    await end();
  });

  test(`transactions through a connection that drops ${direction === 'up' ? 'requests' : 'answers'} are told apart rightly`, async () => {
    const { open, openThroughProxy, end } = await etcdRig();
    const observer = await open();
    const { proxy, store } = await openThroughProxy();
    const from = (await store.snapshot()).revision;
    const watch = collect(observer, from);
    dropEvery(proxy, direction, 7);
    let revision = 0n;
    const acknowledged: Revision[] = [];
    for (let i = 0; i < 60; i += 1) {
      const result = await store.transact({ guards: [{ key: 'l', modRevision: revision }], writes: pair(`mine ${i}`) });
      revision = landed(result);
      acknowledged.push(revision);
      assert.deepEqual(await store.transact({ guards: [{ key: 'l', modRevision: revision - 1n }], writes: pair(`never ${i}`) }), {
        ok: false,
      });
    }
    proxy.onPiece = undefined;
    await watch.reaches(revision);
    await watch.stop();
    assertWhole(watch.batches);
    assert.deepEqual(
      watch
        .changes()
        .filter(({ key }) => key === 'l')
        .map((change) => change.revision),
      acknowledged,
    );
    await end();
  });
}

test('a campaign whose answers are dropped finds out in the end, and leads once', async () => {
  const { openThroughProxy, open, end } = await etcdRig();
  const { proxy, store } = await openThroughProxy();
  const observer = await open();
  await store.get('x');
  dropEvery(proxy, 'down', 5);
  const campaign = store.campaign(candidate('n'), never);
  await until(async () => (await observer.leader()) !== undefined, { limitMs: 20_000, what: 'the key to be created' });
  proxy.onPiece = undefined;
  const term = await campaign;
  assert.deepEqual(await observer.leader(), { node: 'n', address: '', term: term.number });
  await store.commit(term, pair('1'));
  await end();
});

test('a snapshot comes through a way on which no page of the usual size would, in smaller ones', async () => {
  const { openThroughProxy, open, end } = await etcdRig();
  const writer = await open();
  const keys = Array.from({ length: 40 }, (_, i) => `k/${String(i).padStart(2, '0')}`);
  for (const key of keys)
    landed(await writer.transact({ guards: [{ key, modRevision: 0n }], writes: [{ key, value: 'x'.repeat(50_000) }] }));
  const { proxy, store } = await openThroughProxy({ callTimeoutMs: 1_000 });
  await store.get('k/00');
  // Two million bytes take four seconds.
  proxy.rate(500);
  await rejects(store.snapshot(), 'unavailable');
  let found: readonly string[] = [];
  const read = async (): Promise<boolean> => {
    const snapshot = await store.snapshot().catch(() => undefined);
    found = snapshot?.entries.map(({ key }) => key) ?? [];
    return snapshot !== undefined;
  };
  await until(read, { limitMs: 60_000, what: 'a snapshot' });
  assert.deepEqual([...found].sort(), keys);
  await end();
});

test('a call into the void answers within its bounds, and all is well again after it', async () => {
  const { openThroughProxy, end } = await etcdRig();
  const { proxy, store } = await openThroughProxy({ callTimeoutMs: 500, resolveLimitMs: 1_500 });
  await store.get('x');
  proxy.mode('hole');
  const write = () => store.transact({ guards: [{ key: 'l', modRevision: 0n }], writes: pair('1') });
  await rejects(write(), 'unknown');
  await rejects(write(), 'unavailable');
  await rejects(store.get('x'), 'unavailable');
  await rejects(store.snapshot(), 'unavailable');
  assert.equal(store.healthy(), false);
  proxy.mode('pass');
  await until(
    () =>
      store.get('x').then(
        () => true,
        () => false,
      ),
    { limitMs: 5_000, what: 'a call to succeed' },
  );
  assert.equal(store.healthy(), true);
  await end();
});

test.run();
