/**
 * A bounded, in-memory history of changes: what the memory and embedded adapters' watches read from.
 * Readers keep a cursor of their own, so a slow one costs nothing; when its place is gone it is told so.
 */

import { StoreError } from './errors.ts';
import type { ChangeBatch, Revision } from './port.ts';

/** Old batches are dropped from the array's front only when this many can go at once. */
const TRIM_STEP = 1_024;
/** The same for their length: when it is this part above its limit. */
const TRIM_PART = 1 / 4;

export interface HistoryOptions {
  /** Changes up to here are not in the history. */
  readonly floor: Revision;
  /** How many batches are kept at least, if their length allows. */
  readonly limit: number;
  /** How many characters of keys and values are kept at most, but for the newest batch and some slack. Default: as many as there are. */
  readonly lengthLimit?: number;
}

export class ChangeHistory {
  readonly #limit: number;
  readonly #lengthLimit: number;
  readonly #listeners = new Set<() => void>();
  #batches: ChangeBatch[] = [];
  #length = 0;
  #floor: Revision;

  constructor(options: HistoryOptions) {
    this.#floor = options.floor;
    this.#limit = options.limit;
    this.#lengthLimit = options.lengthLimit ?? Infinity;
  }

  /** A watch can start from here or later. */
  get floor(): Revision {
    return this.#floor;
  }

  /** `batch` must be newer than all before it. */
  append(batch: ChangeBatch): void {
    this.#batches.push(batch);
    if (this.#batches.length >= this.#limit + TRIM_STEP) this.#drop(this.#batches.length - this.#limit);
    if (this.#lengthLimit < Infinity) this.#boundLength(batch);
    for (const listener of this.#listeners) listener();
  }

  /** Forgets every change up to `revision`. */
  compact(revision: Revision): void {
    this.#drop(this.#indexAfter(revision));
    if (revision > this.#floor) this.#floor = revision;
  }

  /** The first batch after `revision`, if there is one. Throws StoreError `compacted`. */
  after(revision: Revision): ChangeBatch | undefined {
    if (revision < this.#floor) {
      throw new StoreError('compacted', `changes after ${revision} are gone; the history begins after ${this.#floor}`);
    }
    return this.#batches[this.#indexAfter(revision)];
  }

  /** Calls `listener` after every append; returns what stops it. */
  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #boundLength(added: ChangeBatch): void {
    this.#length += lengthOf(added);
    if (this.#length <= this.#lengthLimit * (1 + TRIM_PART)) return;
    let [count, left] = [0, this.#length];
    for (const batch of this.#batches.slice(0, -1)) {
      if (left <= this.#lengthLimit) break;
      left -= lengthOf(batch);
      count += 1;
    }
    this.#drop(count);
  }

  #drop(count: number): void {
    const last = this.#batches[count - 1];
    if (last === undefined) return;
    this.#floor = last.revision;
    if (this.#lengthLimit < Infinity) for (const batch of this.#batches.slice(0, count)) this.#length -= lengthOf(batch);
    this.#batches = this.#batches.slice(count);
  }

  #indexAfter(revision: Revision): number {
    let low = 0;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const batch = this.#batches[middle];
      if (batch !== undefined && batch.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function lengthOf({ changes }: ChangeBatch): number {
  return changes.reduce((sum, { key, value = '' }) => sum + key.length + value.length, 0);
}
