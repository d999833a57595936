/**
 * All there is at one revision, read in pages: what is written meanwhile is not in it.
 *
 * A page must come within the time of a call, however large its entries are. One that does not makes the next ones smaller, and the
 * snapshot fails for now: whoever asked for it asks again. Pages grow again once all of them came in a small part of that time.
 */

import type { IKeyValue, IRangeResponse } from 'etcd3';
import { StoreError } from '../errors.ts';
import type { Snapshot } from '../port.ts';
import { COMMIT_KEY } from '../reserved-keys.ts';
import type { EtcdContext } from './etcd-watch.ts';

/** A snapshot whose revision was compacted away between two pages is begun again this often. */
const ATTEMPTS = 3;
/** The part of a call's time in which pages of twice the size would still come. */
const EASY = 1 / 4;

export class EtcdSnapshots {
  readonly #context: EtcdContext;
  /** Entries in a page at most. */
  #page: number;

  constructor(context: EtcdContext) {
    this.#context = context;
    this.#page = context.settings.snapshotPage;
  }

  /** Throws StoreError `unavailable`. */
  async read(): Promise<Snapshot> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#read();
      } catch (error) {
        if (!(error instanceof StoreError && error.code === 'compacted')) throw error;
        if (attempt === ATTEMPTS) throw new StoreError('unavailable', 'etcd compacts faster than a snapshot is read', { cause: error });
      }
    }
  }

  async #read(): Promise<Snapshot> {
    const { keys, settings } = this.#context;
    const kvs: IKeyValue[] = [];
    let revision: string | undefined;
    let slowestMs = 0;
    for (let key: Buffer | undefined = keys.all.key; key !== undefined; ) {
      const startedAt = settings.clock.monotonic();
      const page = await this.#readPage(key, revision);
      slowestMs = Math.max(slowestMs, settings.clock.monotonic() - startedAt);
      revision ??= page.header.revision;
      for (const kv of page.kvs) kvs.push(kv);
      const last = page.kvs.at(-1);
      key = page.more && last !== undefined ? Buffer.concat([last.key, Buffer.of(0)]) : undefined;
    }
    if (slowestMs < settings.callTimeoutMs * EASY) this.#page = Math.min(settings.snapshotPage, this.#page * 2);
    const entries = kvs.map((kv) => keys.entry(kv)).filter((entry) => entry.key !== COMMIT_KEY);
    return { revision: BigInt(revision ?? '0'), entries };
  }

  async #readPage(key: Buffer, revision: string | undefined): Promise<IRangeResponse> {
    const { client, keys } = this.#context;
    const { range_end } = keys.all;
    const request = { key, range_end, limit: this.#page, ...(revision === undefined ? {} : { revision }) };
    try {
      return await client.read((etcd) => etcd.kv.range(request));
    } catch (error) {
      if (client.isLate(error)) this.#page = Math.max(1, Math.floor(this.#page / 2));
      throw error;
    }
  }
}
