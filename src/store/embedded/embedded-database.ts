/**
 * What lies in the directory, and how: an LMDB database whose keys are
 *
 *     m/format, m/revision      the layout's version; the newest revision
 *     k/<key>                   an entry: its modRevision, a line feed, its value
 *     e/<key>                   the same for keys that live no longer than the process: the leader key, announcements
 *
 * A resolved write is on the disk: without overlapping sync LMDB answers only after fdatasync and the write of its root page.
 * All writes of one call land together or not at all.
 */

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { StoreError } from '../errors.ts';
import type { Entry, Revision } from '../port.ts';

/** Raised when an older program could not read what this one writes. */
const FORMAT = 1;
const FORMAT_KEY = 'm/format';
const REVISION_KEY = 'm/revision';
/** LMDB's limit is 1,978 bytes with this page size; our own prefix takes two. */
const MAX_KEY_BYTES = 1_900;
/** LMDB's mark, in its first page. */
const MAGIC = 0xbeefc0de;
const MAGIC_OFFSET = 24;

export type Keep = 'for-good' | 'while-open';

/** A key's new entry; undefined: deleted. */
export interface Placement {
  readonly entry: Entry | undefined;
  readonly keep: Keep;
}

export class EmbeddedDatabase {
  readonly #db: RootDatabase<string, string>;

  private constructor(db: RootDatabase<string, string>) {
    this.#db = db;
    // lmdb ends each turn with a write of its own, whose promise nobody has: unheard, its failure would end the process.
    db.on('aftercommit', () => letFail(db.committed));
  }

  /** Throws StoreError `corrupt` when the directory holds something else, or what a newer version wrote. */
  static async open(directory: string): Promise<EmbeddedDatabase> {
    await checkFile(join(directory, 'data.mdb'));
    const lmdb = await import('lmdb');
    let db: RootDatabase<string, string>;
    try {
      db = lmdb.open<string, string>({ path: directory, noSubdir: false, encoding: 'string', overlappingSync: false });
    } catch (cause) {
      throw new StoreError('corrupt', `${directory} can't be opened as a store`, { cause });
    }
    const database = new EmbeddedDatabase(db);
    try {
      await database.#prepare(directory);
    } catch (error) {
      await db.close();
      throw error;
    }
    return database;
  }

  get revision(): Revision {
    return BigInt(this.#db.get(REVISION_KEY) ?? '0');
  }

  get(key: string): Entry | undefined {
    return this.#read('k/', key) ?? this.#read('e/', key);
  }

  /** Every entry, in key order. */
  entries(): Entry[] {
    const entries = [...this.#range('k/'), ...this.#range('e/')];
    return entries.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Resolves when it is on the disk. Rejects when nothing of it is. */
  async write(placements: ReadonlyMap<string, Placement>, revision: Revision): Promise<void> {
    const db = this.#db;
    const written = db.batch(() => {
      const settled: Promise<boolean>[] = [db.put(REVISION_KEY, String(revision))];
      for (const [key, { entry, keep }] of placements) {
        const place = `${keep === 'for-good' ? 'k/' : 'e/'}${key}`;
        settled.push(entry === undefined ? db.remove(place) : db.put(place, `${entry.modRevision}\n${entry.value}`));
      }
      // The batch's own promise speaks for all of them.
      for (const promise of settled) letFail(promise);
    });
    try {
      await written;
    } catch (error) {
      // Why is told by yet another promise, which is not always settled.
      if (error instanceof Error && 'commitError' in error) letFail(error.commitError as Promise<never>);
      throw error;
    }
    db.resetReadTxn();
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  async #prepare(directory: string): Promise<void> {
    const format = this.#db.get(FORMAT_KEY);
    if (format === undefined) {
      if (this.#db.getCount({ limit: 1 }) > 0)
        throw new StoreError('corrupt', `${directory} holds a database that is not a store of this program`);
      await this.#db.put(FORMAT_KEY, String(FORMAT));
    } else if (format !== String(FORMAT)) {
      throw new StoreError(
        'corrupt',
        `${directory} was written by a newer version (its format is ${format}; this program reads ${FORMAT})`,
      );
    }
    await this.#forgetLastProcess();
  }

  /** What was to live no longer than the process that wrote it. */
  async #forgetLastProcess(): Promise<void> {
    const left = [...this.#range('e/')];
    if (left.length === 0) return;
    const placements = new Map(left.map((entry): [string, Placement] => [entry.key, { entry: undefined, keep: 'while-open' }]));
    await this.write(placements, this.revision + 1n);
  }

  #read(place: string, key: string): Entry | undefined {
    // LMDB would throw; no such key can have been written.
    if (key === '' || Buffer.byteLength(key) > MAX_KEY_BYTES) return undefined;
    const text = this.#db.get(place + key);
    return text === undefined ? undefined : decode(key, text);
  }

  *#range(place: string): IterableIterator<Entry> {
    const end = `${place.slice(0, -1)}0`;
    for (const { key, value } of this.#db.getRange({ start: place, end })) yield decode(key.slice(place.length), value);
  }
}

/** LMDB crashes on a file that is none of its own, so it never sees one. An empty file is a new one. */
async function checkFile(path: string): Promise<void> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (file === undefined) return;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAGIC_OFFSET + 4), { position: 0 });
    const isOurs = bytesRead === buffer.length && buffer.readUInt32LE(MAGIC_OFFSET) === MAGIC;
    if (bytesRead > 0 && !isOurs) throw new StoreError('corrupt', `${path} is damaged, or not a database`);
  } finally {
    await file.close();
  }
}

/** Throws StoreError `too-large`. */
export function checkKeySize(key: string): void {
  const bytes = Buffer.byteLength(key);
  if (bytes > MAX_KEY_BYTES) throw new StoreError('too-large', `a key of ${bytes} bytes; at most ${MAX_KEY_BYTES} are allowed`);
}

function decode(key: string, text: string): Entry {
  const end = text.indexOf('\n');
  if (end <= 0) throw new StoreError('corrupt', `the entry of ${key} has no revision`);
  return { key, value: text.slice(end + 1), modRevision: BigInt(text.slice(0, end)) };
}

/** Its failure is told by another promise. */
function letFail(promise: PromiseLike<unknown>): void {
  promise.then(undefined, () => undefined);
}
