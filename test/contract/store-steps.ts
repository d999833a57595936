/** What tests of stores do and look at again and again. */

import assert from 'node:assert/strict';
import { StoreError, type StoreErrorCode } from '../../src/store/errors.ts';
import type { Change, ChangeBatch, Revision, Store, TransactionResult } from '../../src/store/port.ts';
import { until } from '../support/until.ts';

export const pair = (value: string) => [
  { key: 'l', value },
  { key: 'r', value },
];

export const create = (store: Store, key: string, value: string): Promise<TransactionResult> =>
  store.transact({ guards: [{ key, modRevision: 0n }], writes: [{ key, value }] });

export function landed(result: TransactionResult): Revision {
  assert.ok(result.ok, 'a guard did not hold');
  return result.revision;
}

export async function rejects(promise: Promise<unknown>, code: StoreErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

export async function drain(watch: AsyncIterable<ChangeBatch>): Promise<void> {
  for await (const _ of watch);
}

/** Puts, changes and deletes of a few keys, some of them together. */
export async function scribble(store: Store, id: string): Promise<void> {
  for (let i = 0; i < 12; i += 1) {
    const key = `s/${i % 4}`;
    const entry = await store.get(key);
    const isDelete = entry !== undefined && i % 3 === 2;
    await store.transact({
      guards: [{ key, modRevision: entry?.modRevision ?? 0n }],
      writes: [{ key, value: isDelete ? undefined : `${id} ${i}` }, ...pair(`${id} ${i}`)],
    });
  }
}

/** Follows as a good reader does: after a lost connection it goes on from the newest revision it has. */
export function collect(store: Store, from: Revision) {
  const control = new AbortController();
  const batches: ChangeBatch[] = [];
  let revision = from;
  const follow = async (): Promise<void> => {
    while (!control.signal.aborted) {
      try {
        for await (const batch of store.watch(revision, control.signal)) {
          assert.ok(batch.revision > revision, `batch ${batch.revision} after ${revision}`);
          for (const change of batch.changes) assert.ok(change.revision > revision && change.revision <= batch.revision);
          batches.push(batch);
          revision = batch.revision;
        }
      } catch (error) {
        if (!(error instanceof StoreError && error.code === 'unavailable')) throw error;
      }
    }
  };
  const following = follow();
  following.catch(() => undefined);
  return {
    batches,
    changes: (): Change[] => batches.flatMap((batch) => batch.changes),
    reaches: (target: Revision, limitMs = 10_000): Promise<void> =>
      until(() => revision >= target, { limitMs, what: () => `the watch to reach ${target}; it is at ${revision}` }),
    stop: async (): Promise<void> => {
      control.abort();
      await following;
    },
  };
}

/** `l` and `r` are only ever written together. */
export function assertWhole(batches: readonly ChangeBatch[]): void {
  for (const { changes } of batches) {
    const of = (key: string): string[] =>
      changes.filter((change) => change.key === key).map((change) => `${change.revision} ${change.value}`);
    assert.deepEqual(of('l'), of('r'));
  }
}
