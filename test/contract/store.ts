/**
 * What every store must do: src/store/port.ts, as tests. Each adapter's test calls `storeContract` with a way to make a bundle;
 * faults that only one medium can suffer are tested beside that adapter.
 */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { StoreError } from '../../src/store/errors.ts';
import { type Candidate, type Change, MAX_OPERATIONS, MAX_TRANSACTION_BYTES, type Store } from '../../src/store/port.ts';
import { until } from '../support/until.ts';
import { assertWhole, collect, create, drain, landed, pair, rejects, scribble } from './store-steps.ts';

export interface StoreBundle {
  /** Another node's store over the same medium; where there can be only one node, the same store again. */
  connect(): Promise<Store>;
  /** Whether `connect` gives independent nodes. */
  readonly hasManyNodes: boolean;
  /** A term's lease, as given to the adapter. */
  readonly leaseMs: number;
  /** Forgets the history up to now. */
  compact(): Promise<void>;
  /** Cuts the connections that watches run over, where there are any. */
  cut(): Promise<void>;
  /** Closes what was connected, and ends the medium. */
  stop(): Promise<void>;
}

interface Context {
  bundle: StoreBundle;
  a: Store;
  b: Store;
}

const never = new AbortController().signal;
const candidate = (node: string): Candidate => ({ node, address: `${node}:80` });

export function storeContract(name: string, makeBundle: () => Promise<StoreBundle>): void {
  const it = suite<Context>(`store contract: ${name}`);
  it.before.each(async (context) => {
    context.bundle = await makeBundle();
    context.a = await context.bundle.connect();
    context.b = await context.bundle.connect();
  });
  it.after.each(async ({ bundle }) => bundle.stop());
  keyTests(it);
  watchTests(it);
  termTests(it);
  commitTests(it);
  lifeTests(it);
  it.run();
}

type It = ReturnType<typeof suite<Context>>;

function keyTests(it: It): void {
  it('an empty store has no entries', async ({ a }) => {
    assert.deepEqual((await a.snapshot()).entries, []);
    assert.equal(await a.get('missing'), undefined);
  });

  it('a written key is there, with the revision of its write, for every node', async ({ a, b }) => {
    const revision = landed(await create(a, 'jobs/x', 'one'));
    assert.deepEqual(await b.get('jobs/x'), { key: 'jobs/x', value: 'one', modRevision: revision });
    const snapshot = await b.snapshot();
    assert.ok(snapshot.revision >= revision);
    assert.deepEqual(snapshot.entries, [{ key: 'jobs/x', value: 'one', modRevision: revision }]);
  });

  it('values come back as they were, also empty ones and those beyond ASCII', async ({ a }) => {
    for (const value of ['', ' ', 'ä→𝄞', '\n"\\', 'x'.repeat(100_000)]) {
      const entry = await a.get('v');
      landed(await a.transact({ guards: [{ key: 'v', modRevision: entry?.modRevision ?? 0n }], writes: [{ key: 'v', value }] }));
      assert.equal((await a.get('v'))?.value, value);
    }
  });

  it('revisions grow with every write', async ({ a, b }) => {
    let last = (await a.snapshot()).revision;
    for (let i = 0; i < 10; i += 1) {
      const revision = landed(await create(i % 2 ? a : b, `k/${i}`, 'v'));
      assert.ok(revision > last);
      last = revision;
    }
    assert.ok((await a.snapshot()).revision >= last);
  });

  it('a transaction whose guard does not hold writes nothing', async ({ a, b }) => {
    const revision = landed(await create(a, 'x', '1'));
    const writes = [
      { key: 'y', value: 'new' },
      { key: 'z', value: 'new' },
    ];
    assert.deepEqual(
      await b.transact({
        guards: [
          { key: 'y', modRevision: 0n },
          { key: 'x', modRevision: revision + 1n },
        ],
        writes,
      }),
      { ok: false },
    );
    assert.deepEqual(
      await b.transact({
        guards: [
          { key: 'y', modRevision: 0n },
          { key: 'x', modRevision: 0n },
        ],
        writes,
      }),
      { ok: false },
    );
    assert.deepEqual(
      (await a.snapshot()).entries.map((entry) => entry.key),
      ['x'],
    );
    landed(
      await b.transact({
        guards: [
          { key: 'y', modRevision: 0n },
          { key: 'x', modRevision: revision },
        ],
        writes,
      }),
    );
    assert.deepEqual(
      (await a.snapshot()).entries.map((entry) => entry.key),
      ['x', 'y', 'z'],
    );
  });

  it('a transaction puts and deletes at one revision', async ({ a }) => {
    const old = landed(await create(a, 'old', '1'));
    const revision = landed(
      await a.transact({
        guards: [{ key: 'old', modRevision: old }],
        writes: [
          { key: 'old', value: undefined },
          { key: 'new', value: '2' },
          { key: 'never-was', value: undefined },
        ],
      }),
    );
    assert.deepEqual((await a.snapshot()).entries, [{ key: 'new', value: '2', modRevision: revision }]);
    assert.deepEqual(await create(a, 'new', 'again'), { ok: false });
    landed(await create(a, 'old', 'again'));
  });

  it('a snapshot lists every key in key order', async ({ a }) => {
    const keys = ['runs/a/10', 'jobs/b', 'runs/a-b', 'jobs/a', 'runs/a/9', 'a', 'runs/a.b/1'];
    for (const key of keys) landed(await create(a, key, key));
    assert.deepEqual(
      (await a.snapshot()).entries.map((entry) => entry.key),
      [...keys].sort(),
    );
  });

  it('of many writers behind one guard exactly one wins', async ({ a, b }) => {
    const results = await Promise.all(Array.from({ length: 20 }, (_, i) => create(i % 2 ? a : b, 'x', `attempt ${i}`)));
    assert.equal(results.filter((result) => result.ok).length, 1);
    const winner = results.findIndex((result) => result.ok);
    assert.equal((await a.get('x'))?.value, `attempt ${winner}`);
  });

  it('counting by compare-and-set loses no count', async ({ a, b }) => {
    const count = async (store: Store, id: string): Promise<void> => {
      for (let done = 0; done < 10; ) {
        const entry = await store.get('n');
        const value = `${Number.parseInt(entry?.value ?? '0', 10) + 1} ${id} ${done}`;
        const guards = [{ key: 'n', modRevision: entry?.modRevision ?? 0n }];
        if ((await store.transact({ guards, writes: [{ key: 'n', value }] })).ok) done += 1;
      }
    };
    await Promise.all([count(a, 'a'), count(b, 'b'), count(a, 'c'), count(b, 'd')]);
    assert.equal(Number.parseInt((await a.get('n'))?.value ?? '', 10), 40);
  });

  it('a snapshot never shows half a transaction', async ({ a, b }) => {
    let revision = landed(await a.transact({ guards: [{ key: 'l', modRevision: 0n }], writes: pair('0') }));
    const writing = (async () => {
      for (let i = 1; i <= 30; i += 1) {
        revision = landed(await a.transact({ guards: [{ key: 'l', modRevision: revision }], writes: pair(String(i)) }));
      }
    })();
    for (let i = 0; i < 10; i += 1) {
      const { entries } = await b.snapshot();
      assert.deepEqual(
        entries.map((entry) => entry.value),
        [entries[0]?.value, entries[0]?.value],
      );
      assert.equal(entries[0]?.modRevision, entries[1]?.modRevision);
    }
    await writing;
  });

  it('the largest allowed transaction is taken, a larger one is refused', async ({ a }) => {
    const many = (count: number) => ({
      guards: [{ key: 'n/0', modRevision: 0n }],
      writes: Array.from({ length: count }, (_, i) => ({ key: `n/${i}`, value: 'v' })),
    });
    await rejects(a.transact(many(MAX_OPERATIONS)), 'too-large');
    landed(await a.transact(many(MAX_OPERATIONS - 1)));
    const big = (bytes: number) => ({ guards: [{ key: 'b', modRevision: 0n }], writes: [{ key: 'b', value: 'x'.repeat(bytes) }] });
    await rejects(a.transact(big(MAX_TRANSACTION_BYTES + 1)), 'too-large');
    landed(await a.transact(big(MAX_TRANSACTION_BYTES)));
  });

  it('a transaction that could not be told apart after a lost answer is a mistake', async ({ a }) => {
    const write = { key: 'x', value: '1' };
    await assert.rejects(a.transact({ guards: [], writes: [write] }), TypeError);
    await assert.rejects(a.transact({ guards: [{ key: 'x', modRevision: 0n }], writes: [] }), TypeError);
    await assert.rejects(a.transact({ guards: [{ key: 'x', modRevision: 0n }], writes: [write, write] }), TypeError);
  });
}

function watchTests(it: It): void {
  it('a watch from the past brings every later change, in order, each transaction whole', async ({ a, b }) => {
    const from = (await a.snapshot()).revision;
    const revisions = [];
    revisions.push(landed(await create(a, 'x', '1')));
    revisions.push(landed(await a.transact({ guards: [{ key: 'l', modRevision: 0n }], writes: pair('1') })));
    const watch = collect(b, from);
    await watch.reaches(revisions[1] ?? 0n);
    revisions.push(
      landed(await a.transact({ guards: [{ key: 'x', modRevision: revisions[0] ?? 0n }], writes: [{ key: 'x', value: undefined }] })),
    );
    await watch.reaches(revisions[2] ?? 0n);
    const expected: Change[] = [
      { key: 'x', value: '1', revision: revisions[0] ?? 0n },
      { key: 'l', value: '1', revision: revisions[1] ?? 0n },
      { key: 'r', value: '1', revision: revisions[1] ?? 0n },
      { key: 'x', value: undefined, revision: revisions[2] ?? 0n },
    ];
    assert.deepEqual(watch.changes(), expected);
    await watch.stop();
    assertWhole(watch.batches);
  });

  it('a watch brings nothing from its start or before', async ({ a, b }) => {
    landed(await create(a, 'old', '1'));
    const from = landed(await create(a, 'start', '1'));
    const watch = collect(b, from);
    await watch.reaches(landed(await create(a, 'new', '1')));
    assert.deepEqual(
      watch.changes().map((change) => change.key),
      ['new'],
    );
    await watch.stop();
  });

  it('an aborted watch ends normally, also one that never began', async ({ a }) => {
    const watch = collect(a, (await a.snapshot()).revision);
    await watch.stop();
    for await (const _ of a.watch(0n, AbortSignal.abort())) assert.fail('a change after the abort');
  });

  it('snapshot plus watch is always the state of the store', async ({ a, b, bundle }) => {
    const stores = [a, b];
    const copies = [];
    for (let round = 0; round < 6; round += 1) {
      const { revision, entries } = await b.snapshot();
      const watch = collect(stores[round % 2] ?? a, revision);
      copies.push({ entries, watch });
      await Promise.all(stores.map((store, index) => scribble(store, `${round}.${index}`)));
      await bundle.cut();
    }
    const end = landed(await create(a, 'end', 'x'));
    const truth = (await a.snapshot()).entries;
    for (const { entries, watch } of copies) {
      await watch.reaches(end);
      await watch.stop();
      assertWhole(watch.batches);
      const copy = new Map(entries.map((entry) => [entry.key, entry]));
      for (const { key, value, revision } of watch.changes()) {
        if (value === undefined) copy.delete(key);
        else copy.set(key, { key, value, modRevision: revision });
      }
      assert.deepEqual(
        [...copy.values()].sort((x, y) => (x.key < y.key ? -1 : 1)),
        truth,
      );
    }
  });

  it('a watch from before the kept history ends with compacted; a snapshot is a fresh start', async ({ a, b, bundle }) => {
    const from = landed(await create(a, 'x', '1'));
    for (let i = 0; i < 5; i += 1) landed(await create(a, `k/${i}`, '1'));
    await bundle.compact();
    await rejects(drain(b.watch(from, never)), 'compacted');
    const { revision } = await b.snapshot();
    const watch = collect(b, revision);
    await watch.reaches(landed(await create(a, 'new', '1')));
    assert.deepEqual(
      watch.changes().map((change) => change.key),
      ['new'],
    );
    await watch.stop();
  });
}

function termTests(it: It): void {
  it('a term is led by its candidate, and everyone can see it', async ({ a, b }) => {
    assert.equal(await b.leader(), undefined);
    const { revision } = await b.snapshot();
    const watch = collect(b, revision);
    const term = await a.campaign(candidate('n1'), never);
    assert.equal(term.signal.aborted, false);
    assert.deepEqual(await b.leader(), { node: 'n1', address: 'n1:80', term: term.number });
    const entry = (await b.snapshot()).entries.find(({ key }) => key === 'leader');
    assert.equal(entry?.modRevision, term.number);
    await watch.reaches(term.number);
    assert.equal(watch.changes().at(-1)?.key, 'leader');
    await term.resign();
    assert.equal(await b.leader(), undefined);
    await watch.stop();
  });

  it('a second candidate waits, and wins at once when the first resigns', async ({ a, b, bundle }) => {
    const first = await a.campaign(candidate('n1'), never);
    let isWon = false;
    const waiting = b.campaign(candidate('n2'), never).then((term) => {
      isWon = true;
      return term;
    });
    await Promise.all(Array.from({ length: 5 }, () => b.leader()));
    assert.equal(isWon, false);
    const resignedAt = performance.now();
    await first.resign();
    const second = await waiting;
    assert.ok(performance.now() - resignedAt < bundle.leaseMs / 2, 'the hand-over took as long as a lease');
    assert.ok(second.number > first.number);
    assert.equal(first.signal.aborted, true);
    assert.equal((await a.leader())?.node, 'n2');
  });

  it('term numbers strictly grow', async ({ a, b }) => {
    let last = 0n;
    for (let i = 0; i < 6; i += 1) {
      const term = await (i % 2 ? a : b).campaign(candidate('n'), never);
      assert.ok(term.number > last);
      last = term.number;
      await term.resign();
      await term.resign();
    }
  });

  it('a campaign that is called off rejects with AbortError, and never wins later', async ({ a, b }) => {
    const first = await a.campaign(candidate('n1'), never);
    const control = new AbortController();
    const waiting = b.campaign(candidate('n2'), control.signal);
    await b.leader();
    control.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
    await first.resign();
    await assert.rejects(b.campaign(candidate('n2'), AbortSignal.abort()), { name: 'AbortError' });
    const { revision } = await a.snapshot();
    landed(await create(a, 'later', 'x'));
    const watch = collect(a, revision);
    await watch.reaches(revision + 1n);
    await watch.stop();
    assert.equal(await a.leader(), undefined);
    const again = await b.campaign(candidate('n2'), never);
    assert.ok(again.number > first.number);
  });

  it('an evicted term is over: its commits fail, its signal aborts, the next candidate wins', async ({ a, b, bundle }) => {
    const first = await a.campaign(candidate('n1'), never);
    await a.commit(first, [{ key: 'x', value: '1' }]);
    assert.equal(await b.evict(first.number + 1n), false);
    assert.equal(await b.evict(first.number - 1n), false);
    assert.equal(await b.evict(first.number), true);
    assert.equal(await b.evict(first.number), false);
    await rejects(a.commit(first, [{ key: 'x', value: '2' }]), 'term-lost');
    assert.equal((await b.get('x'))?.value, '1');
    await until(() => first.signal.aborted, { limitMs: bundle.leaseMs, what: 'the evicted term to end' });
    const second = await b.campaign(candidate('n2'), never);
    assert.ok(second.number > first.number);
    await rejects(a.commit(first, [{ key: 'x', value: '3' }]), 'term-lost');
    await first.resign();
    assert.equal((await a.leader())?.term, second.number);
    await b.commit(second, [{ key: 'x', value: '4' }]);
  });
}

function commitTests(it: It): void {
  it('commits land in order, each whole, and a watch reaches each', async ({ a, b }) => {
    const term = await a.campaign(candidate('n1'), never);
    const watch = collect(b, term.number);
    let last = term.number;
    for (let i = 0; i < 20; i += 1) {
      const writes = i % 5 === 4 ? [] : [...pair(String(i)), { key: `n/${i}`, value: 'x' }, { key: `n/${i - 1}`, value: undefined }];
      const revision = await a.commit(term, writes);
      assert.ok(revision > last);
      last = revision;
    }
    await watch.reaches(last);
    await watch.stop();
    assertWhole(watch.batches);
    assert.deepEqual(
      watch
        .changes()
        .filter(({ key }) => key === 'l')
        .map(({ value }) => Number(value)),
      [0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 15, 16, 17, 18],
    );
    assert.deepEqual(
      (await b.snapshot()).entries.map(({ key }) => key),
      ['l', 'leader', 'n/13', 'n/18', 'n/3', 'n/8', 'r'],
    );
  });

  it('commits and transactions of other nodes go side by side', async ({ a, b }) => {
    const term = await a.campaign(candidate('n1'), never);
    const commits = (async () => {
      for (let i = 0; i < 20; i += 1) await a.commit(term, [{ key: 'c', value: String(i) }]);
    })();
    await Promise.all(Array.from({ length: 20 }, (_, i) => create(b, `t/${i}`, 'x').then(landed)));
    await commits;
    assert.equal((await b.get('c'))?.value, '19');
  });

  it('a full commit is taken, a larger one is refused and harms nothing', async ({ a }) => {
    const { operations, bytes } = a.commitLimits;
    assert.ok(operations >= MAX_OPERATIONS && bytes >= MAX_TRANSACTION_BYTES);
    const term = await a.campaign(candidate('n1'), never);
    const writes = (count: number) => Array.from({ length: count }, (_, i) => ({ key: `n/${i}`, value: 'v' }));
    await rejects(a.commit(term, writes(operations + 1)), 'too-large');
    await rejects(a.commit(term, [{ key: 'b', value: 'x'.repeat(bytes + 1) }]), 'too-large');
    await a.commit(term, writes(operations));
    await a.commit(term, [{ key: 'b', value: 'x'.repeat(bytes) }]);
    assert.equal((await a.snapshot()).entries.length, operations + 2);
  });

  it('after resigning nothing can be committed', async ({ a, b }) => {
    const term = await a.campaign(candidate('n1'), never);
    await term.resign();
    await rejects(a.commit(term, [{ key: 'x', value: '1' }]), 'term-lost');
    assert.equal(await b.get('x'), undefined);
  });

  it('the next term sees all that the one before committed', async ({ a, b }) => {
    const first = await a.campaign(candidate('n1'), never);
    await a.commit(first, [{ key: 'x', value: 'first' }]);
    await first.resign();
    const second = await b.campaign(candidate('n2'), never);
    assert.equal((await b.get('x'))?.value, 'first');
    await b.commit(second, [{ key: 'x', value: 'second' }]);
    assert.equal((await a.get('x'))?.value, 'second');
  });
}

function lifeTests(it: It): void {
  it('an announced key is there until its store closes', async ({ bundle, a, b }) => {
    await a.announce('nodes/n1', 'hello');
    assert.equal((await b.get('nodes/n1'))?.value, 'hello');
    await a.announce('nodes/n1', 'changed');
    assert.equal((await b.get('nodes/n1'))?.value, 'changed');
    if (!bundle.hasManyNodes) return;
    await a.close();
    assert.equal(await b.get('nodes/n1'), undefined);
  });

  it('close ends everything, and what is pending or comes later rejects with closed', async ({ bundle, a, b }) => {
    const term = await a.campaign(candidate('n1'), never);
    const watch = drain(a.watch((await a.snapshot()).revision, never));
    const campaign = a.campaign(candidate('n1'), never);
    const both = Promise.allSettled([watch, campaign]);
    assert.equal(a.healthy(), true);
    await a.close();
    await a.close();
    for (const result of await both) {
      assert.equal(result.status === 'rejected' && result.reason instanceof StoreError && result.reason.code, 'closed');
    }
    assert.equal(term.signal.aborted, true);
    assert.equal(a.healthy(), false);
    await rejects(a.get('x'), 'closed');
    await rejects(a.snapshot(), 'closed');
    await rejects(create(a, 'x', '1'), 'closed');
    await rejects(a.leader(), 'closed');
    await rejects(a.commit(term, []), 'closed');
    await rejects(drain(a.watch(0n, never)), 'closed');
    await rejects(a.campaign(candidate('n1'), never), 'closed');
    if (bundle.hasManyNodes) assert.equal(await b.leader(), undefined);
  });
}
