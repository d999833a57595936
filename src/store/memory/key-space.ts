/**
 * The keys themselves, as the medium of a memory cluster: revisions, guards, history. No clock, no faults: every call happens at once.
 * Every write is one revision and one batch.
 */

import { ChangeHistory } from '../change-history.ts';
import type { Change, Entry, Guard, Revision, Write } from '../port.ts';
import { COMMIT_KEY } from '../reserved-keys.ts';

export class KeySpace {
  readonly history: ChangeHistory;
  readonly #entries = new Map<string, Entry>();
  #sorted: readonly Entry[] | undefined;
  #revision: Revision = 1n;

  constructor(historyLimit: number) {
    this.history = new ChangeHistory({ floor: 1n, limit: historyLimit });
  }

  get revision(): Revision {
    return this.#revision;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Every entry but the commit marker, in key order. */
  entries(): readonly Entry[] {
    this.#sorted ??= [...this.#entries.values()].filter((entry) => entry.key !== COMMIT_KEY).sort((a, b) => (a.key < b.key ? -1 : 1));
    return this.#sorted;
  }

  holds(guards: readonly Guard[]): boolean {
    return guards.every(({ key, modRevision }) => (this.#entries.get(key)?.modRevision ?? 0n) === modRevision);
  }

  /** Puts and deletes at one new revision. Deleting what is not there changes nothing. */
  apply(writes: readonly Write[]): Revision {
    this.#revision += 1n;
    this.#sorted = undefined;
    const changes: Change[] = [];
    for (const { key, value } of writes) {
      const isThere = value === undefined ? this.#entries.delete(key) : true;
      if (value !== undefined) this.#entries.set(key, { key, value, modRevision: this.#revision });
      if (isThere && key !== COMMIT_KEY) changes.push({ key, value, revision: this.#revision });
    }
    this.history.append({ revision: this.#revision, changes });
    return this.#revision;
  }

  /** The key's changes after `after`, up to the first at or after `until`. Throws StoreError `compacted`. */
  changes(key: string, after: Revision, until: Revision): readonly Change[] {
    const found: Change[] = [];
    for (let batch = this.history.after(after); batch !== undefined; batch = this.history.after(batch.revision)) {
      found.push(...batch.changes.filter((change) => change.key === key));
      if (found.length > 0 && batch.revision >= until) break;
    }
    return found;
  }
}
