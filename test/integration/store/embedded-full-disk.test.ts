/** The embedded store on a disk that is full: nothing is taken that is not kept, the process goes on, and so does all once there is room. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { openEmbeddedStore } from '../../../src/store/embedded/embedded-store.ts';
import type { StoreError } from '../../../src/store/errors.ts';
import type { Store, TransactionResult } from '../../../src/store/port.ts';
import { emptyDisk, fillDisk, mountSmallDisk } from '../../support/small-disk.ts';

const VALUE = 'x'.repeat(100_000);
const CANDIDATE = { node: 'n', address: '' };

const create = (store: Store, key: string): Promise<TransactionResult> =>
  store.transact({ guards: [{ key, modRevision: 0n }], writes: [{ key, value: VALUE }] });

/** Until the store takes no more; returns the keys that it took. */
async function fillStore(store: Store): Promise<string[]> {
  const taken: string[] = [];
  for (;;) {
    const key = `jobs/${taken.length}`;
    try {
      await create(store, key);
      taken.push(key);
    } catch (error) {
      assert.equal((error as StoreError).code, 'unavailable');
      return taken;
    }
  }
}

const keysOf = async (store: Store): Promise<string[]> =>
  (await store.snapshot()).entries.map(({ key }) => key).filter((key) => key.startsWith('jobs/'));

async function withDisk(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'kairos-full-'));
  const unmount = mountSmallDisk(directory, '8m');
  try {
    await body(directory);
  } finally {
    unmount();
    await rm(directory, { recursive: true });
  }
}

async function fillAndGoOn(directory: string): Promise<void> {
  const path = join(directory, 'store');
  // A rejection that nobody hears would end this process, as it would a node.
  const store = await openEmbeddedStore({ directory: path, clock: systemClock });
  const term = await store.campaign(CANDIDATE, new AbortController().signal);
  fillDisk(directory);
  const taken = await fillStore(store);
  assert.equal(store.healthy(), false);
  await assert.rejects(store.commit(term, [{ key: 'state/a', value: VALUE }]), { code: 'term-lost' });
  await term.resign();
  const next = store.campaign(CANDIDATE, new AbortController().signal);
  assert.deepEqual((await keysOf(store)).sort(), [...taken].sort());
  emptyDisk(directory);
  await store.commit(await next, [{ key: 'state/a', value: VALUE }]);
  assert.equal(store.healthy(), true);
  await store.close();
  const again = await openEmbeddedStore({ directory: path, clock: systemClock });
  assert.deepEqual((await keysOf(again)).sort(), [...taken].sort());
  assert.equal((await again.get('state/a'))?.value, VALUE);
  await again.close();
}

test('a full disk costs the term and nothing else', () => withDisk(fillAndGoOn));

test.run();
