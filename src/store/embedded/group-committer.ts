/**
 * Writes to the database in groups: while one is being flushed, the next gathers. Each transaction keeps its own revision and its
 * own batch of changes; guards see what went before in the same group. Nobody, reader or watcher, sees what is not yet on the disk.
 */

import { Bell } from '../bell.ts';
import type { ChangeHistory } from '../change-history.ts';
import { StoreError } from '../errors.ts';
import type { Change, Entry, Revision, Write } from '../port.ts';
import type { EmbeddedDatabase, Keep, Placement } from './embedded-database.ts';

/** Bounds the time and memory of one group. */
const MAX_GROUP = 1_000;

export interface WriteRequest {
  /** Asked once, in the order of submission, with the state before it. False: nothing is written. */
  readonly isAllowed: (get: (key: string) => Entry | undefined) => boolean;
  readonly writes: readonly Write[];
  readonly keep: Keep;
}

interface Pending {
  readonly request: WriteRequest;
  readonly resolve: (revision: Revision | undefined) => void;
  readonly reject: (error: Error) => void;
}

interface Decided {
  readonly pending: Pending;
  readonly revision: Revision | undefined;
  readonly changes: readonly Change[];
}

export class GroupCommitter {
  readonly #database: EmbeddedDatabase;
  readonly #history: ChangeHistory;
  readonly #idle = new Bell();
  #queue: Pending[] = [];
  #reads: (() => void)[] = [];
  #isRunning = false;
  #isClosed = false;
  #isHealthy = true;
  #revision: Revision;

  constructor(database: EmbeddedDatabase, history: ChangeHistory) {
    this.#database = database;
    this.#history = history;
    this.#revision = database.revision;
  }

  /** Whether the last group reached the disk. */
  get isHealthy(): boolean {
    return this.#isHealthy && !this.#isClosed;
  }

  /** Resolves, once durable, with the revision; with undefined when it was not allowed. Rejects with `unavailable`: nothing was written. */
  submit(request: WriteRequest): Promise<Revision | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(closed());
      this.#queue.push({ request, resolve, reject });
      void this.#run();
    });
  }

  /** Reads a state that is on the disk as a whole. */
  read<T>(look: (database: EmbeddedDatabase, revision: Revision) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(closed());
      const read = (): void => {
        try {
          resolve(look(this.#database, this.#revision));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      if (this.#isRunning) this.#reads.push(read);
      else read();
    });
  }

  /** Takes nothing more; resolves when what was taken is done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#isRunning) await this.#idle.wait();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    // Whatever is submitted in this turn joins the first group.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const group = this.#queue.slice(0, MAX_GROUP);
      this.#queue = this.#queue.slice(MAX_GROUP);
      await this.#commit(group);
      this.#serveReads();
    }
    this.#isRunning = false;
    this.#serveReads();
    if (this.#isClosed) this.#idle.ring();
  }

  async #commit(group: readonly Pending[]): Promise<void> {
    const placements = new Map<string, Placement>();
    let revision = this.#revision;
    const decided: Decided[] = [];
    try {
      for (const pending of group) {
        const one = this.#decide(pending, placements, revision + 1n);
        revision = one.revision ?? revision;
        decided.push(one);
      }
      if (revision > this.#revision) await this.#database.write(placements, revision);
    } catch (cause) {
      this.#isHealthy = false;
      for (const { reject } of group) reject(new StoreError('unavailable', 'the store could not write', { cause }));
      return;
    }
    this.#isHealthy = true;
    this.#revision = revision;
    for (const { pending, revision: own, changes } of decided) {
      if (own !== undefined) this.#history.append({ revision: own, changes });
      pending.resolve(own);
    }
  }

  #decide(pending: Pending, placements: Map<string, Placement>, next: Revision): Decided {
    const { isAllowed, writes, keep } = pending.request;
    const get = (key: string): Entry | undefined => {
      const placed = placements.get(key);
      return placed === undefined ? this.#database.get(key) : placed.entry;
    };
    if (!isAllowed(get)) return { pending, revision: undefined, changes: [] };
    const changes: Change[] = [];
    for (const { key, value } of writes) {
      // A deletion of what is not there changes nothing.
      if (value === undefined && get(key) === undefined) continue;
      placements.set(key, { entry: value === undefined ? undefined : { key, value, modRevision: next }, keep });
      changes.push({ key, value, revision: next });
    }
    return { pending, revision: next, changes };
  }

  #serveReads(): void {
    const reads = this.#reads;
    this.#reads = [];
    for (const read of reads) read();
  }
}

const closed = (): StoreError => new StoreError('closed', 'the store is closed');
