/**
 * The store of a single node: one directory, no server, safe from kill -9 and loss of power. Terms are numbered by the persistent
 * revision counter. A term and its announcements end with the process; nobody else can lead, so no lease is needed.
 * History for watches is kept in memory: it begins when the store is opened, and is bounded.
 */

import { setMaxListeners } from 'node:events';
import type { Clock } from '../../clock/clock.ts';
import { Bell } from '../bell.ts';
import { ChangeHistory } from '../change-history.ts';
import { StoreError } from '../errors.ts';
import { HeldTerm } from '../held-term.ts';
import type {
  CommitLimits,
  Candidate,
  ChangeBatch,
  Entry,
  LeaderRecord,
  Revision,
  Snapshot,
  Store,
  Term,
  Transaction,
  TransactionResult,
  Write,
} from '../port.ts';
import { COMMIT_KEY, decodeLeader, encodeCandidate, LEADER_KEY } from '../reserved-keys.ts';
import { checkCommit, checkTransaction } from '../write-rules.ts';
import { type DirectoryLock, lockDirectory } from './directory-lock.ts';
import { checkKeySize, EmbeddedDatabase } from './embedded-database.ts';
import { GroupCommitter, type WriteRequest } from './group-committer.ts';

export const DEFAULT_HISTORY_LIMIT = 10_000;
/** Who is further behind than that reads a snapshot. */
const HISTORY_LENGTH = 64 * 1024 * 1024;
/** Between attempts while the disk can't be written. */
const RETRY_DELAY_MS = 1_000;

export interface EmbeddedStoreOptions {
  /** Created with mode 0700 if it does not exist. */
  readonly directory: string;
  readonly clock: Clock;
  /** How many writes a watch can look back, if they are not very long. Default: 10,000. */
  readonly historyLimit?: number;
}

/** Throws StoreError `locked` when another process has the directory, `corrupt` when it can't be read. */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const nonce = Math.floor(options.clock.random() * 1e9) + Math.floor(options.clock.monotonic() * 1e3);
  const lock = await lockDirectory(options.directory, nonce);
  try {
    const database = await EmbeddedDatabase.open(options.directory);
    return new EmbeddedStore(options, database, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Every commit waits for the disk once, so more in one is cheaper; bounded, so that none blocks the others for long. */
const COMMIT_LIMITS: CommitLimits = { operations: 2_000, bytes: 8_000_000 };

export class EmbeddedStore implements Store {
  readonly kind = 'embedded';
  readonly commitLimits = COMMIT_LIMITS;
  readonly #clock: Clock;
  readonly #database: EmbeddedDatabase;
  readonly #lock: DirectoryLock;
  readonly #history: ChangeHistory;
  readonly #committer: GroupCommitter;
  readonly #closed = new AbortController();
  readonly #vacancy = new Bell();
  #term: HeldTerm | undefined;
  #lastCommit: Entry | undefined;
  #commits = 0;
  #isCommitting = false;
  #isCampaigning = false;
  #closing: Promise<void> | undefined;

  /** Use openEmbeddedStore. */
  constructor(options: EmbeddedStoreOptions, database: EmbeddedDatabase, lock: DirectoryLock) {
    this.#clock = options.clock;
    // Every watch listens.
    setMaxListeners(0, this.#closed.signal);
    this.#database = database;
    this.#lock = lock;
    this.#history = new ChangeHistory({
      floor: database.revision,
      limit: options.historyLimit ?? DEFAULT_HISTORY_LIMIT,
      lengthLimit: HISTORY_LENGTH,
    });
    this.#committer = new GroupCommitter(database, this.#history);
  }

  snapshot(): Promise<Snapshot> {
    return this.#committer.read((database, revision) => ({ revision, entries: database.entries() }));
  }

  get(key: string): Promise<Entry | undefined> {
    return this.#committer.read((database) => (key === COMMIT_KEY ? this.#lastCommit : database.get(key)));
  }

  async leader(): Promise<LeaderRecord | undefined> {
    const entry = await this.get(LEADER_KEY);
    return entry && decodeLeader(entry);
  }

  async *watch(from: Revision, signal: AbortSignal): AsyncGenerator<ChangeBatch, void, void> {
    const bell = new Bell();
    const stop = this.#history.onAppend(bell.ring);
    for (const end of [signal, this.#closed.signal]) end.addEventListener('abort', bell.ring);
    let cursor = from;
    try {
      for (;;) {
        this.#ensureOpen();
        if (signal.aborted) return;
        const batch = this.#history.after(cursor);
        if (batch === undefined) await bell.wait();
        else {
          cursor = batch.revision;
          yield batch;
        }
      }
    } finally {
      stop();
      for (const end of [signal, this.#closed.signal]) end.removeEventListener('abort', bell.ring);
    }
  }

  async transact(transaction: Transaction): Promise<TransactionResult> {
    checkTransaction(transaction);
    const { guards, writes } = transaction;
    for (const { key } of writes) checkKeySize(key);
    const revision = await this.#committer.submit({
      ...{ writes, keep: 'for-good' },
      isAllowed: (get) => guards.every(({ key, modRevision }) => (get(key)?.modRevision ?? 0n) === modRevision),
    });
    return revision === undefined ? { ok: false } : { ok: true, revision };
  }

  async campaign(candidate: Candidate, signal: AbortSignal): Promise<Term> {
    if (this.#isCampaigning) throw new TypeError('a campaign is under way');
    this.#isCampaigning = true;
    signal.addEventListener('abort', this.#vacancy.ring);
    try {
      for (;;) {
        this.#ensureOpen();
        if (signal.aborted) throw new DOMException('the campaign was called off', 'AbortError');
        const term = this.#term === undefined ? await this.#lead(candidate, signal) : undefined;
        if (term === undefined) await this.#awaitVacancy(signal);
        else if (signal.aborted || this.#closed.signal.aborted) await term.resign();
        else return term;
      }
    } finally {
      signal.removeEventListener('abort', this.#vacancy.ring);
      this.#isCampaigning = false;
    }
  }

  async evict(number: Revision): Promise<boolean> {
    const term = this.#term;
    if (term === undefined || !(await this.#vacate(number))) return false;
    term.end('evicted');
    return true;
  }

  async commit(term: Term, writes: readonly Write[]): Promise<Revision> {
    this.#ensureOpen();
    checkCommit(writes, COMMIT_LIMITS);
    for (const { key } of writes) checkKeySize(key);
    if (this.#isCommitting) throw new TypeError('commits of a term are made one at a time');
    this.#isCommitting = true;
    try {
      const revision = await this.#committer.submit({
        ...{ writes, keep: 'for-good' },
        isAllowed: (get) => !term.signal.aborted && get(LEADER_KEY)?.modRevision === term.number,
      });
      if (revision === undefined) throw new StoreError('term-lost', `term ${term.number} is over`);
      this.#commits += 1;
      this.#lastCommit = { key: COMMIT_KEY, value: `${term.number}.${this.#commits}`, modRevision: revision };
      return revision;
    } catch (error) {
      // Nothing landed, but the caller must not go on as if the disk were well.
      if (error instanceof StoreError && error.code === 'unavailable')
        throw new StoreError('term-lost', 'the commit failed', { cause: error });
      throw error;
    } finally {
      this.#isCommitting = false;
    }
  }

  async announce(key: string, value: string): Promise<void> {
    await this.#committer.submit({ isAllowed: () => true, writes: [{ key, value }], keep: 'while-open' });
  }

  healthy(): boolean {
    return this.#committer.isHealthy;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Forgets the history up to now, as its bound would: for tests of what a watch does then. */
  compact(): void {
    this.#history.compact(this.#database.revision);
  }

  /** Undefined: the key is taken. Dies the process after this, the key is removed when the directory is opened again. */
  async #lead(candidate: Candidate, signal: AbortSignal): Promise<HeldTerm | undefined> {
    const request: WriteRequest = {
      isAllowed: (get) => get(LEADER_KEY) === undefined,
      writes: [{ key: LEADER_KEY, value: encodeCandidate(candidate) }],
      keep: 'while-open',
    };
    let number: Revision | undefined;
    try {
      number = await this.#committer.submit(request);
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'unavailable')) throw error;
      await this.#clock.sleep(RETRY_DELAY_MS, signal);
    }
    if (number === undefined) return undefined;
    const term = new HeldTerm(number, () => this.#release(number));
    this.#term = term;
    return term;
  }

  async #awaitVacancy(signal: AbortSignal): Promise<void> {
    const term = this.#term;
    if (term === undefined) return;
    if (!term.signal.aborted) return this.#vacancy.wait();
    await this.#release(term.number);
    if (this.#term !== term) return;
    await this.#clock.sleep(RETRY_DELAY_MS, signal);
  }

  async #release(number: Revision): Promise<void> {
    try {
      await this.#vacate(number);
    } catch (error) {
      // The disk can't be written: the next campaign tries again, or the next process that opens the directory.
      if (!(error instanceof StoreError)) throw error;
    }
  }

  async #vacate(number: Revision): Promise<boolean> {
    const revision = await this.#committer.submit({
      isAllowed: (get) => get(LEADER_KEY)?.modRevision === number,
      writes: [{ key: LEADER_KEY, value: undefined }],
      keep: 'while-open',
    });
    if (revision === undefined) return false;
    if (this.#term?.number === number) this.#term = undefined;
    this.#vacancy.ring();
    return true;
  }

  async #close(): Promise<void> {
    this.#closed.abort();
    this.#vacancy.ring();
    await this.#term?.resign();
    await this.#committer.close();
    await this.#database.close();
    await this.#lock.release();
  }

  #ensureOpen(): void {
    if (this.#closed.signal.aborted) throw new StoreError('closed', 'the store is closed');
  }
}
