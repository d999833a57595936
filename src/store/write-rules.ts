/**
 * What a write must be before any adapter sends it. Sizes are refused with StoreError `too-large`;
 * a write that breaks the port's rules is a mistake in the caller and throws a TypeError.
 */

import { StoreError } from './errors.ts';
import { type CommitLimits, DEFAULT_COMMIT_LIMITS, type Guard, type Transaction, type Write } from './port.ts';
import { isReserved } from './reserved-keys.ts';

/** The write, and its guard, by which a landed transaction is recognized after a lost answer. */
export interface Witness {
  readonly write: Write;
  readonly guard: Guard;
}

export function checkTransaction(transaction: Transaction): Witness {
  const [write] = transaction.writes;
  const guard = transaction.guards.find((candidate) => candidate.key === write?.key);
  if (write === undefined || guard === undefined) throw new TypeError('the first write of a transaction must be guarded');
  if (write.value === undefined && guard.modRevision === 0n) throw new TypeError(`${write.key} can't be deleted where it must not exist`);
  checkSize(transaction.writes, { limits: DEFAULT_COMMIT_LIMITS, guards: transaction.guards.length });
  return { write, guard };
}

export function checkCommit(writes: readonly Write[], limits: CommitLimits = DEFAULT_COMMIT_LIMITS): void {
  checkSize(writes, { limits, guards: 0 });
}

function checkSize(writes: readonly Write[], { limits, guards }: { limits: CommitLimits; guards: number }): void {
  const operations = writes.length + guards;
  if (operations > limits.operations) {
    throw new StoreError('too-large', `${operations} operations; at most ${limits.operations} are allowed`);
  }
  const keys = new Set<string>();
  let bytes = 0;
  for (const { key, value } of writes) {
    if (key === '' || isReserved(key)) throw new TypeError(`the key '${key}' is not for writing`);
    if (keys.has(key)) throw new TypeError(`the key '${key}' stands twice in one transaction`);
    keys.add(key);
    if (value !== undefined) bytes += Buffer.byteLength(value);
  }
  if (bytes > limits.bytes) throw new StoreError('too-large', `${bytes} bytes of values; at most ${limits.bytes} are allowed`);
}
