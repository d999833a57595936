import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'uvu';
import type { Fate, FateOutcome, MemoryRequest } from '../../../src/store/memory/memory-faults.ts';
import { MemoryCluster } from '../../../src/store/memory/memory-store.ts';
import type { Change, Store, Transaction } from '../../../src/store/port.ts';
import { StoreError } from '../../../src/store/errors.ts';
import { collect, landed, rejects } from '../../contract/store-steps.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const never = new AbortController().signal;
const candidate = { node: 'n', address: '' };
const putX = (value: string): Transaction => ({ guards: [{ key: 'x', modRevision: 0n }], writes: [{ key: 'x', value }] });

function setup() {
  const clock = new ManualClock();
  const cluster = new MemoryCluster({ clock });
  const a = cluster.connect({ name: 'a' });
  const b = cluster.connect({ name: 'b' });
  /** The fates of a's next requests of one kind; then all is well. */
  const plan = (kind: MemoryRequest['kind'], ...fates: (FateOutcome | Fate)[]): void => {
    a.faults.fate = (request) => {
      const next = request.kind === kind ? fates.shift() : undefined;
      return typeof next === 'string' ? { outcome: next } : (next ?? {});
    };
  };
  /** Lets `promise` take the virtual time it needs. */
  const finish = async <T>(promise: Promise<T>): Promise<T> => {
    let isSettled = false;
    promise.then(
      () => (isSettled = true),
      () => (isSettled = true),
    );
    for (let i = 0; i < 2_000 && !isSettled; i += 1) await clock.advance(50);
    return promise;
  };
  return { clock, cluster, a, b, plan, finish };
}

test('without faults nothing needs a timer', async () => {
  const { a, b, clock } = setup();
  const term = await a.campaign(candidate, never);
  await a.commit(term, [{ key: 'x', value: '1' }]);
  await b.announce('nodes/b', '1');
  const watch = collect(b, 0n + (await b.snapshot()).revision);
  await a.commit(term, [{ key: 'x', value: '2' }]);
  await clock.settle();
  assert.equal(watch.changes().length, 1);
  assert.equal(clock.pending, 0);
  await watch.stop();
});

test('latency is that of the clock, there and back', async () => {
  const { a, b, clock, plan } = setup();
  plan('transact', { requestDelayMs: 30, answerDelayMs: 20 });
  const writing = a.transact(putX('1'));
  await clock.advance(29);
  assert.equal(await b.get('x'), undefined);
  await clock.advance(1);
  assert.equal((await b.get('x'))?.value, '1');
  let isAnswered = false;
  void writing.then(() => (isAnswered = true));
  await clock.advance(19);
  assert.equal(isAnswered, false);
  await clock.advance(1);
  assert.equal(isAnswered, true);
});

test('a refused write is unavailable and wrote nothing', async () => {
  const { a, b, plan } = setup();
  plan('transact', 'refused');
  await rejects(a.transact(putX('1')), 'unavailable');
  assert.equal(await b.get('x'), undefined);
  assert.equal(a.healthy(), false);
  landed(await a.transact(putX('1')));
  assert.equal(a.healthy(), true);
});

test('a lost answer is resolved by reading, whether the write landed or not', async () => {
  for (const outcome of ['answer-lost', 'request-lost'] as const) {
    const { a, b, plan, finish, cluster } = setup();
    plan('transact', outcome);
    const revision = landed(await finish(a.transact(putX('mine'))));
    assert.deepEqual(await b.get('x'), { key: 'x', value: 'mine', modRevision: revision });
    assert.equal(cluster.space.revision, revision);
  }
});

test('a landed write is recognized though others have written over it since', async () => {
  const { a, b, plan, finish, clock } = setup();
  plan('transact', 'answer-lost');
  const writing = a.transact(putX('mine'));
  await clock.settle();
  const mine = await b.get('x');
  const next = landed(
    await b.transact({ guards: [{ key: 'x', modRevision: mine?.modRevision ?? 0n }], writes: [{ key: 'x', value: 'theirs' }] }),
  );
  landed(await b.transact({ guards: [{ key: 'x', modRevision: next }], writes: [{ key: 'x', value: undefined }] }));
  landed(await b.transact(putX('theirs again')));
  assert.deepEqual(await finish(writing), { ok: true, revision: mine?.modRevision });
});

test('a write that another overtook is known not to have landed', async () => {
  const { a, b, plan, finish, clock } = setup();
  plan('transact', 'request-lost');
  const writing = a.transact(putX('mine'));
  await clock.settle();
  landed(await b.transact(putX('theirs')));
  assert.deepEqual(await finish(writing), { ok: false });
});

test('a request that arrives after its time-out lands once only', async () => {
  const { a, plan, finish, cluster } = setup();
  const heard: Change[] = [];
  plan('transact', { requestDelayMs: 2_500, outcome: 'answer-lost' });
  const revision = landed(await finish(a.transact(putX('mine'))));
  for (let batch = cluster.space.history.after(1n); batch; batch = cluster.space.history.after(batch.revision))
    heard.push(...batch.changes);
  assert.deepEqual(heard, [{ key: 'x', value: 'mine', revision }]);
});

test('an outcome that can not be found out is unknown', async () => {
  const { a, finish } = setup();
  a.faults.fate = () => ({ outcome: 'answer-lost' });
  await rejects(finish(a.transact(putX('mine'))), 'unknown');
});

test('a commit whose answer is lost lands once, and the chain goes on', async () => {
  for (const outcome of ['answer-lost', 'request-lost', 'refused'] as const) {
    const { a, b, plan, finish, cluster } = setup();
    const term = await a.campaign(candidate, never);
    plan('commit', outcome, 'answer-lost');
    const first = await finish(a.commit(term, [{ key: 'x', value: '1' }]));
    const second = await finish(a.commit(term, [{ key: 'x', value: '2' }]));
    assert.equal(second, first + 1n);
    assert.equal(cluster.space.revision, second);
    assert.equal((await b.get('x'))?.value, '2');
  }
});

test('a commit that stays without an answer is unknown when the term ends, and one never sent is term-lost', async () => {
  const lost = setup();
  const term = await lost.a.campaign(candidate, never);
  lost.a.partition();
  await rejects(lost.finish(lost.a.commit(term, [{ key: 'x', value: '1' }])), 'unknown');
  assert.equal(term.signal.aborted, true);
  await rejects(lost.a.commit(term, []), 'term-lost');

  const refused = setup();
  const other = await refused.a.campaign(candidate, never);
  refused.a.faults.fate = () => ({ outcome: 'refused' });
  const committing = refused.a.commit(other, [{ key: 'x', value: '1' }]);
  await refused.clock.advance(500);
  refused.a.partition();
  refused.cluster.loseLease();
  refused.a.faults.fate = () => ({});
  refused.a.heal();
  await rejects(refused.finish(committing), 'term-lost');
  assert.equal(await refused.b.get('x'), undefined);
});

test('a medium that refuses every commit ends the term, though it keeps the lease', async () => {
  const { a, b, finish } = setup();
  const term = await a.campaign(candidate, never);
  a.faults.fate = (request) => ({ outcome: request.kind === 'commit' ? 'refused' : 'answered' });
  await rejects(finish(a.commit(term, [{ key: 'x', value: '1' }])), 'term-lost');
  assert.equal(term.signal.aborted, true);
  assert.equal(await b.get('x'), undefined);
});

test('a partitioned leader ends its term before its lease ends elsewhere', async () => {
  const { a, b, clock, cluster } = setup();
  const term = await a.campaign(candidate, never);
  const succeeding = b.campaign(candidate, never);
  a.partition();
  await clock.advance(4_400);
  assert.equal(term.signal.aborted, false);
  await clock.advance(200);
  assert.equal(term.signal.aborted, true);
  assert.equal(cluster.term, term.number);
  await clock.advance(500);
  const next = await succeeding;
  assert.ok(next.number > term.number);
  a.heal();
  await rejects(a.commit(term, [{ key: 'x', value: '1' }]), 'term-lost');
});

test('a short partition costs no term', async () => {
  const { a, clock } = setup();
  const term = await a.campaign(candidate, never);
  a.partition();
  await clock.advance(4_000);
  a.heal();
  await clock.advance(60_000);
  assert.equal(term.signal.aborted, false);
  await a.commit(term, [{ key: 'x', value: '1' }]);
});

test('a node paused for longer than its lease wakes up believing, and its commit fails', async () => {
  const { a, b, clock } = setup();
  const term = await a.campaign(candidate, never);
  const succeeding = b.campaign(candidate, never);
  a.pause();
  await clock.advance(10_000);
  const next = await succeeding;
  assert.equal(term.signal.aborted, false, 'a process that stands still learns nothing');
  a.resume();
  await rejects(a.commit(term, [{ key: 'x', value: '1' }]), 'term-lost');
  await clock.advance(0);
  assert.equal(term.signal.aborted, true);
  assert.equal((await b.leader())?.term, next.number);
});

test('a node whose own clock stood still as well trusts its lease until its next sign of life, and its commit fails', async () => {
  const { b, clock, cluster } = setup();
  const own = new ManualClock();
  const a = cluster.connect({ name: 'sleeper', clock: own });
  const term = await a.campaign(candidate, never);
  const succeeding = b.campaign(candidate, never);
  a.pause();
  await clock.advance(60_000);
  await succeeding;
  a.resume(1_000);
  await own.advance(999);
  assert.equal(term.signal.aborted, false);
  await rejects(a.commit(term, [{ key: 'x', value: '1' }]), 'term-lost');
  assert.equal(term.signal.aborted, true);
});

test('a request that takes longer than its time-out counts as lost, and lands after its repetition', async () => {
  const { a, b, plan, finish, cluster } = setup();
  const term = await a.campaign(candidate, never);
  plan('commit', { requestDelayMs: 3_000 });
  const revision = await finish(a.commit(term, [{ key: 'x', value: '1' }]));
  assert.equal((await b.get('x'))?.modRevision, revision);
  plan('commit', { requestDelayMs: 1_000, answerDelayMs: 1_500 });
  const next = await finish(a.commit(term, [{ key: 'x', value: '2' }]));
  assert.equal((await b.get('x'))?.modRevision, next);
  await finish(b.get('x'));
  assert.equal(cluster.space.revision, next, 'each landed once');
});

test('a campaign that arrives after it was called off wins nothing', async () => {
  const { a, b, plan, clock, finish } = setup();
  const stop = new AbortController();
  plan('campaign', { requestDelayMs: 4_000 });
  const campaigning = a.campaign(candidate, stop.signal).catch(() => 'called off');
  await clock.advance(2_000);
  stop.abort();
  assert.equal(await finish(campaigning), 'called off');
  await clock.advance(4_000);
  assert.equal(await b.leader(), undefined);
});

test('a store without space refuses writes, and keeps leases, reads and watches going', async () => {
  const { a, b, clock, cluster, finish } = setup();
  const term = await a.campaign(candidate, never);
  cluster.isFull = true;
  await clock.advance(60_000);
  assert.equal(term.signal.aborted, false);
  assert.equal((await b.leader())?.term, term.number);
  await rejects(b.transact(putX('1')), 'unavailable');
  await rejects(finish(a.commit(term, [{ key: 'x', value: '1' }])), 'term-lost');
  assert.equal(term.signal.aborted, true, 'a leader that can not write gives up');
  await term.resign();
  assert.equal(await b.leader(), undefined);
  const succeeding = b.campaign(candidate, never);
  await clock.advance(60_000);
  assert.equal(await a.leader(), undefined, 'nobody can lead before there is space');
  cluster.isFull = false;
  await b.commit(await finish(succeeding), [{ key: 'x', value: '2' }]);
  assert.equal((await a.get('x'))?.value, '2');
});

test('a snapshot of several pages is of one revision, and is begun again when that is compacted between two', async () => {
  const { a, b, clock, cluster, plan, finish } = setup();
  a.faults.laterPages = 2;
  landed(await b.transact(putX('1')));
  plan('snapshot', { answerDelayMs: 10 });
  const reading = a.snapshot();
  await clock.advance(5);
  const old = await b.get('x');
  landed(await b.transact({ guards: [{ key: 'x', modRevision: old?.modRevision ?? 0n }], writes: [{ key: 'x', value: '2' }] }));
  assert.equal((await finish(reading)).entries[0]?.value, '1');
  plan('snapshot', { answerDelayMs: 10 });
  const again = a.snapshot();
  await clock.advance(5);
  landed(await b.transact({ guards: [{ key: 'y', modRevision: 0n }], writes: [{ key: 'y', value: '3' }] }));
  cluster.compact();
  assert.equal((await finish(again)).entries.length, 2);
});

test('a commit under way when its node is paused lands, and its answer waits', async () => {
  const { a, b, plan, clock } = setup();
  const term = await a.campaign(candidate, never);
  plan('commit', { requestDelayMs: 100 });
  const committing = a.commit(term, [{ key: 'x', value: '1' }]);
  await clock.settle();
  a.pause();
  await clock.advance(20_000);
  assert.equal((await b.get('x'))?.value, '1');
  a.resume();
  assert.equal(await committing, (await b.get('x'))?.modRevision);
});

test('a crash frees the term and the announcements after the lease, and no call of the dead settles', async () => {
  const { a, b, clock, plan } = setup();
  const term = await a.campaign(candidate, never);
  await a.announce('nodes/a', '1');
  plan('commit', { answerDelayMs: 10 });
  let isSettled = false;
  const settle = (): void => void (isSettled = true);
  a.commit(term, [{ key: 'x', value: '1' }]).then(settle, settle);
  a.get('x').then(settle, settle);
  await Promise.resolve();
  a.crash();
  const succeeding = b.campaign(candidate, never);
  await clock.advance(4_999);
  assert.equal((await b.leader())?.term, term.number);
  await clock.advance(1);
  await succeeding;
  assert.equal(await b.get('nodes/a'), undefined);
  assert.equal((await b.get('x'))?.value, '1');
  await clock.advance(60_000);
  assert.equal(isSettled, false);
});

test('an announcement lost in a partition comes back after it', async () => {
  const { a, b, clock } = setup();
  await a.announce('nodes/a', '1');
  a.partition();
  await clock.advance(5_001);
  assert.equal(await b.get('nodes/a'), undefined);
  a.heal();
  assert.equal((await b.get('nodes/a'))?.value, '1');
});

test('a campaign whose answer is lost finds out that it won', async () => {
  const { a, b, plan, finish, cluster } = setup();
  plan('campaign', 'answer-lost', 'request-lost');
  const term = await finish(a.campaign(candidate, never));
  assert.equal(cluster.term, term.number);
  assert.equal((await b.leader())?.term, term.number);
});

test('a win that is answered too late is given back', async () => {
  const { a, plan, finish } = setup();
  plan('campaign', { answerDelayMs: 6_000 });
  const term = await finish(a.campaign(candidate, never));
  assert.equal(term.signal.aborted, false);
  await a.commit(term, []);
});

test('a term revoked by mistake is noticed late, and fenced at once', async () => {
  const { a, clock, cluster } = setup();
  const term = await a.campaign(candidate, never);
  cluster.loseLease();
  await clock.advance(1_000);
  assert.equal(term.signal.aborted, false);
  await clock.advance(1_000);
  assert.equal(term.signal.aborted, true);
  await rejects(a.commit(term, []), 'term-lost');
});

test('a watch that is partitioned is silent, then ends; compaction meanwhile is told', async () => {
  const { a, b, clock, cluster } = setup();
  const from = (await a.snapshot()).revision;
  const read = async (store: Store): Promise<string> => {
    try {
      for await (const batch of store.watch(from, never)) return String(batch.revision);
      return 'ended';
    } catch (error) {
      return error instanceof StoreError ? error.code : 'another error';
    }
  };
  const reading = read(a);
  a.partition();
  landed(await b.transact(putX('1')));
  await clock.advance(13_001);
  assert.equal(await reading, 'unavailable');
  a.heal();
  assert.equal(await read(a), String(from + 1n));
  cluster.compact();
  assert.equal(await read(a), 'compacted');
});

test('whatever happens to answers, commits land in order and once, or the term ends', async () => {
  const outcome = fc.constantFrom<FateOutcome>('answered', 'answered', 'refused', 'request-lost', 'answer-lost');
  const fate = fc.record({ outcome, requestDelayMs: fc.constantFrom(0, 10, 1_900, 2_500), answerDelayMs: fc.constantFrom(0, 10, 300) });
  await fc.assert(
    fc.asyncProperty(fc.array(fate, { maxLength: 30 }), fc.integer({ min: 0, max: 40 }), async (fates, evictAfter) => {
      const { a, b, finish, cluster, clock } = setup();
      const term = await a.campaign(candidate, never);
      let left = [...fates];
      let requests = 0;
      a.faults.fate = () => {
        requests += 1;
        if (requests === evictAfter) cluster.loseLease();
        return left.shift() ?? {};
      };
      const acknowledged: string[] = [];
      let unknown: string | undefined;
      for (let i = 0; i < 8; i += 1) {
        try {
          await finish(a.commit(term, [{ key: 'log', value: String(i) }]));
          acknowledged.push(String(i));
        } catch (error) {
          assert.ok(error instanceof StoreError && (error.code === 'unknown' || error.code === 'term-lost'), String(error));
          if (error.code === 'unknown') unknown = String(i);
          break;
        }
      }
      left = [];
      await clock.advance(5_000);
      const stored: (string | undefined)[] = [];
      const { history } = cluster.space;
      for (let batch = history.after(1n); batch; batch = history.after(batch.revision)) {
        stored.push(...batch.changes.filter(({ key }) => key === 'log').map(({ value }) => value));
      }
      const possible = [acknowledged, unknown === undefined ? acknowledged : [...acknowledged, unknown]];
      assert.ok(
        possible.some((list) => String(list) === String(stored)),
        `acknowledged ${acknowledged.join()}, unknown ${unknown}, stored ${stored.join()}`,
      );
      await b.close();
    }),
    { numRuns: 200 },
  );
});

test.run();
