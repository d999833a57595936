/**
 * Entries in key order, filed by directory: the key up to its last '/'. Listing one directory touches no other.
 * Compact on purpose: a sorted array per directory, the entries as they came, nothing parsed.
 */

import type { Entry } from './port.ts';

export class KeyIndex {
  readonly #directories = new Map<string, Entry[]>();
  /** The directories' names, sorted. */
  readonly #names: string[] = [];
  #size = 0;

  /** How many entries there are. */
  get size(): number {
    return this.#size;
  }

  get(key: string): Entry | undefined {
    const directory = this.#directories.get(directoryOf(key));
    if (directory === undefined) return undefined;
    const entry = directory[lowerBound(directory, key, keyOf)];
    return entry?.key === key ? entry : undefined;
  }

  /** Adds or replaces. Cheapest in key order. */
  set(entry: Entry): void {
    const name = directoryOf(entry.key);
    let directory = this.#directories.get(name);
    if (directory === undefined) {
      directory = [];
      this.#directories.set(name, directory);
      this.#names.splice(lowerBound(this.#names, name, itself), 0, name);
    }
    const index = lowerBound(directory, entry.key, keyOf);
    const isReplaced = directory[index]?.key === entry.key;
    directory.splice(index, isReplaced ? 1 : 0, entry);
    if (!isReplaced) this.#size += 1;
  }

  /** Whether the key was there. */
  delete(key: string): boolean {
    const name = directoryOf(key);
    const directory = this.#directories.get(name);
    if (directory === undefined) return false;
    const index = lowerBound(directory, key, keyOf);
    if (directory[index]?.key !== key) return false;
    directory.splice(index, 1);
    this.#size -= 1;
    if (directory.length === 0) {
      this.#directories.delete(name);
      this.#names.splice(lowerBound(this.#names, name, itself), 1);
    }
    return true;
  }

  /** The entries whose keys start with `prefix`, in key order. */
  list(prefix: string): Entry[] {
    const own = directoryOf(prefix);
    const found = startingWith(this.#directories.get(own) ?? [], prefix, keyOf);
    const below = startingWith(this.#names, prefix, itself).filter((name) => name !== own);
    if (below.length === 0) return found;
    for (const name of below) for (const entry of this.#directories.get(name) ?? []) found.push(entry);
    // Already sorted in runs, which makes this cheap.
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Every key, in no order to rely on. */
  *keys(): IterableIterator<string> {
    for (const directory of this.#directories.values()) for (const entry of directory) yield entry.key;
  }
}

const directoryOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1);
const keyOf = (entry: Entry): string => entry.key;
const itself = (name: string): string => name;

/** Index of the first item not before `target`. Looks at the end first: loads come in order. */
function lowerBound<T>(items: readonly T[], target: string, nameOf: (item: T) => string): number {
  let low = 0;
  let high = items.length;
  const last = items[high - 1];
  if (last !== undefined && nameOf(last) < target) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && nameOf(item) < target) low = middle + 1;
    else high = middle;
  }
  return low;
}

function startingWith<T>(items: readonly T[], prefix: string, nameOf: (item: T) => string): T[] {
  const first = lowerBound(items, prefix, nameOf);
  let end = first;
  for (let item = items[end]; item !== undefined && nameOf(item).startsWith(prefix); item = items[end]) end += 1;
  return items.slice(first, end);
}
