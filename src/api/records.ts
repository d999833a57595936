/** Reads the values of entries. What can't be read is damaged or written by a newer version; it is an error, never a guess. */

import { StoreError } from '../store/errors.ts';
import type { Entry } from '../store/port.ts';

/** Trusts that whoever owns the key wrote what belongs there. */
export function readRecord<T>(entry: Entry): T {
  try {
    return JSON.parse(entry.value) as T;
  } catch (cause) {
    throw new StoreError('corrupt', `the value of ${entry.key} is not JSON`, { cause });
  }
}

export function maybeRecord<T>(entry: Entry | undefined): T | undefined {
  return entry === undefined ? undefined : readRecord<T>(entry);
}
