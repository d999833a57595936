import assert from 'node:assert/strict';
import { test } from 'uvu';
import { MemoryCluster } from '../../../src/store/memory/memory-store.ts';
import type { Change, Revision } from '../../../src/store/port.ts';
import { type RebuildReason, Replica, type ReplicaOptions } from '../../../src/store/replica.ts';
import { ManualClock } from '../../support/manual-clock.ts';

async function setup(options: Partial<ReplicaOptions> & { readonly historyLimit?: number } = {}) {
  const clock = new ManualClock();
  const cluster = new MemoryCluster({ clock });
  const writer = cluster.connect();
  const store = cluster.connect();
  const errors: unknown[] = [];
  const rebuilds: (readonly [RebuildReason, number])[] = [];
  const discrepancies: number[] = [];
  const replica = new Replica({
    ...{ store, clock },
    onError: (error) => errors.push(error),
    onRebuild: (reason, changes) => rebuilds.push([reason, changes]),
    onDiscrepancies: (count) => discrepancies.push(count),
    ...options,
  });
  const heard: Change[] = [];
  replica.subscribe((batch) => heard.push(...batch.changes));
  let count = 0;
  const put = async (key: string, value: string | undefined): Promise<Revision> => {
    count += 1;
    const modRevision = (await writer.get(key))?.modRevision ?? 0n;
    const result = await writer.transact({ guards: [{ key, modRevision }], writes: [{ key, value: value && `${value} ${count}` }] });
    assert.ok(result.ok);
    return result.revision;
  };
  const isEqual = (): void => {
    assert.deepEqual(replica.list(''), cluster.entries());
  };
  return { clock, cluster, writer, store, replica, errors, rebuilds, discrepancies, heard, put, isEqual };
}

test('it starts from a snapshot and follows', async () => {
  const { replica, put, clock, isEqual, heard } = await setup();
  await put('a/1', 'x');
  assert.equal(replica.ready, false);
  assert.equal(replica.stalenessMs(), Number.POSITIVE_INFINITY);
  await replica.start();
  assert.equal(replica.ready, true);
  assert.equal(replica.size, 1);
  await put('a/2', 'x');
  await put('a/1', undefined);
  await clock.settle();
  isEqual();
  assert.deepEqual(
    heard.map((change) => change.key),
    ['a/2', 'a/1'],
  );
  await replica.stop();
});

test('a write is there once waitFor says so, and waitFor gives up in time', async () => {
  const { replica, put, clock, store } = await setup();
  await replica.start();
  store.faults.watchLagMs = 300;
  const revision = await put('a', 'x');
  const first = replica.waitFor(revision, 100);
  const second = replica.waitFor(revision, 1_000);
  await clock.advance(100);
  assert.equal(await first, false);
  assert.equal(replica.get('a'), undefined);
  await clock.advance(200);
  assert.equal(await second, true);
  assert.equal(replica.get('a')?.modRevision, revision);
  await replica.stop();
});

test('a cut watch goes on where it was', async () => {
  const { replica, put, clock, store, isEqual, rebuilds, heard } = await setup();
  await replica.start();
  await put('a', 'x');
  await clock.settle();
  store.cutWatches();
  await put('b', 'x');
  await put('c', 'x');
  await clock.advance(1_000);
  isEqual();
  assert.deepEqual(
    heard.map((change) => change.key),
    ['a', 'b', 'c'],
  );
  assert.equal(rebuilds.length, 1);
  await replica.stop();
});

test('after compaction it is rebuilt, and listeners hear the difference', async () => {
  const { replica, put, clock, store, cluster, isEqual, rebuilds, heard } = await setup();
  await put('kept', 'x');
  await put('gone', 'x');
  await put('changed', 'x');
  await replica.start();
  store.partition();
  await put('changed', 'y');
  await put('gone', undefined);
  await put('new', 'z');
  cluster.compact();
  await clock.advance(20_000);
  assert.ok(replica.stalenessMs() > 19_000);
  store.heal();
  await clock.advance(10_000);
  isEqual();
  assert.deepEqual(
    heard.map((change) => [change.key, change.value?.slice(0, 1)]),
    [
      ['changed', 'y'],
      ['gone', undefined],
      ['new', 'z'],
    ],
  );
  assert.deepEqual(rebuilds.at(-1), ['compacted', 3]);
  assert.ok(replica.stalenessMs() < 10_000);
  await replica.stop();
});

test('staleness grows while nothing proves the copy fresh, and the probe proves an idle one', async () => {
  const { replica, clock, store } = await setup({ reconcileEveryMs: 0 });
  await replica.start();
  await clock.advance(60_000);
  assert.ok(replica.stalenessMs() <= 5_000, `${replica.stalenessMs()} ms`);
  store.partition();
  await clock.advance(60_000);
  assert.ok(replica.stalenessMs() >= 60_000);
  await replica.stop();
});

test('a watch that is silent though commits go on is found by the probe, and the copy is rebuilt', async () => {
  const { replica, clock, store, writer, rebuilds, isEqual } = await setup({ reconcileEveryMs: 0 });
  const term = await writer.campaign({ node: 'w', address: '' }, new AbortController().signal);
  await replica.start();
  store.faults.watchLagMs = 3_600_000;
  await writer.commit(term, [{ key: 'a', value: '1' }]);
  await clock.advance(16_000);
  assert.deepEqual(rebuilds.at(-1), ['stalled', 1]);
  isEqual();
  await replica.stop();
});

test('an event that the watch lost is found by the reconciliation, counted and repaired', async () => {
  const { replica, put, clock, store, isEqual, discrepancies, heard } = await setup();
  const { watch } = store;
  store.watch = async function* (from, signal) {
    for await (const batch of watch.call(store, from, signal)) {
      yield { ...batch, changes: batch.changes.filter((change) => !change.key.startsWith('lost')) };
    }
  };
  await put('lost-delete', 'x');
  await replica.start();
  await put('lost-put', 'x');
  await put('lost-delete', undefined);
  await put('seen', 'x');
  await clock.advance(299_000);
  assert.equal(replica.size, 2);
  await clock.advance(10_000);
  assert.deepEqual(discrepancies, [2]);
  isEqual();
  assert.deepEqual(
    heard.map((change) => change.key),
    ['seen', 'lost-put', 'lost-delete'],
  );
  await replica.stop();
});

test('changes made while a reconciliation runs are not taken for losses', async () => {
  const { replica, put, clock, store, isEqual, discrepancies } = await setup({ reconcileEveryMs: 1_000, probeEveryMs: 0 });
  for (const key of ['a', 'b', 'c']) await put(key, 'x');
  await replica.start();
  store.faults.watchLagMs = 20;
  store.faults.fate = (request) => (request.kind === 'snapshot' ? { answerDelayMs: 200, requestDelayMs: 50 } : {});
  for (let round = 0; round < 40; round += 1) {
    await put('a', round % 3 === 0 ? undefined : 'y').catch(() => put('a', 'z'));
    await put(`n/${round}`, 'x');
    await clock.advance(97);
  }
  assert.deepEqual(discrepancies, []);
  await clock.advance(100);
  isEqual();
  await replica.stop();
});

test('trouble is retried with a growing pause, and a listener that throws stops nobody', async () => {
  const { replica, put, clock, store, errors, isEqual } = await setup({ probeEveryMs: 0 });
  let asked = 0;
  store.faults.fate = (request) => {
    if (request.kind === 'snapshot') asked += 1;
    return { outcome: 'refused' };
  };
  const ready = replica.start();
  await clock.advance(60_000);
  assert.ok(asked > 10 && asked < 30, `${asked} attempts in a minute`);
  store.faults.fate = () => ({});
  await clock.advance(6_000);
  await ready;
  const before = errors.length;
  replica.subscribe(() => {
    throw new Error('a listener failed');
  });
  await put('a', 'x');
  await clock.settle();
  isEqual();
  assert.match(String(errors[before]), /a listener failed/);
  await replica.stop();
});

test('stop ends every wait and leaves no timer', async () => {
  const { replica, clock } = await setup();
  await replica.start();
  const waiting = replica.waitFor(99n, 60_000);
  await clock.advance(7_000);
  await replica.stop();
  assert.equal(await waiting, false);
  assert.equal(clock.pending, 0);
});

test.run();
