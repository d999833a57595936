/**
 * Watches over etcd's raw stream, one stream to a watch. The cursor is the newest revision that was delivered, never the one in a
 * response's header, which runs ahead while the watch catches up.
 */

import type { IWatchResponse } from 'etcd3';
import { Bell } from '../bell.ts';
import type { Clock } from '../../clock/clock.ts';
import { StoreError } from '../errors.ts';
import type { Change, ChangeBatch, Revision } from '../port.ts';
import { COMMIT_KEY } from '../reserved-keys.ts';
import { type EtcdClient, messageOf, type WatchStream } from './etcd-client.ts';
import type { EtcdKeys } from './etcd-keys.ts';
import type { EtcdSettings } from './etcd-options.ts';

export interface EtcdContext {
  readonly client: EtcdClient;
  readonly keys: EtcdKeys;
  readonly settings: EtcdSettings;
}

export interface WatchTarget {
  /** Delivers what came after this. */
  readonly from: Revision;
  /** One key only; default: all. */
  readonly key?: string;
}

/** Everything of the store, as Store.watch has it: checked against stalling. */
export async function* watchStore(context: EtcdContext, from: Revision, signal: AbortSignal): AsyncGenerator<ChangeBatch, void, void> {
  const { client } = context;
  client.ensureOpen();
  if (signal.aborted) return;
  const stop = new AbortController();
  const onAbort = (): void => stop.abort();
  // Closing ends the check even where the reader has gone away without a word.
  for (const end of [signal, client.closed]) end.addEventListener('abort', onAbort);
  const progress = { cursor: from, isStalled: false };
  const checking = checkProgress(context, progress, stop);
  try {
    for await (const { revision, changes } of watchChanges(context, { from }, stop.signal)) {
      progress.cursor = revision;
      yield { revision, changes: changes.filter(({ key }) => key !== COMMIT_KEY) };
    }
    client.ensureOpen();
    if (progress.isStalled) throw new StoreError('unavailable', `the watch stands still at ${progress.cursor} though commits go on`);
  } finally {
    for (const end of [signal, client.closed]) end.removeEventListener('abort', onAbort);
    stop.abort();
    await checking;
  }
}

/** Raw changes, the commit marker's too. Ends normally when `signal` aborts. */
export async function* watchChanges(
  { client, keys, settings }: EtcdContext,
  target: WatchTarget,
  signal: AbortSignal,
): AsyncGenerator<ChangeBatch, void, void> {
  const inbox = new Inbox();
  const opened = await open(client);
  for (const end of [signal, client.closed]) end.addEventListener('abort', inbox.bell.ring);
  const range = target.key === undefined ? keys.all : { key: keys.at(target.key) };
  let cursor = target.from;
  inbox.attach(opened, settings.clock, settings.callTimeoutMs);
  try {
    opened.stream.write({ create_request: { ...range, start_revision: String(cursor + 1n) } });
    for (;;) {
      client.ensureOpen();
      if (signal.aborted) return;
      const response = await inbox.next();
      if (response === undefined) continue;
      client.note(true);
      const changes = changesOf(response, keys).filter(({ revision }) => revision > cursor);
      const newest = changes.at(-1);
      if (newest === undefined) continue;
      cursor = newest.revision;
      yield { revision: cursor, changes };
    }
  } catch (error) {
    if (error instanceof StoreError) throw error;
    client.note(false);
    client.leave(opened.endpoint, error);
    throw new StoreError('unavailable', `the watch was lost: ${messageOf(error)}`, { cause: error });
  } finally {
    for (const end of [signal, client.closed]) end.removeEventListener('abort', inbox.bell.ring);
    inbox.close();
    client.endWatch(opened);
  }
}

async function open(client: EtcdClient): Promise<WatchStream> {
  try {
    return await client.openWatch();
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    throw new StoreError('unavailable', `no watch could be opened: ${messageOf(cause)}`, { cause });
  }
}

/** What the stream brought and nobody has read yet. */
class Inbox {
  readonly bell = new Bell();
  #responses: IWatchResponse[] = [];
  #failure: unknown;
  #cancelTimer: (() => void) | undefined;

  attach({ stream }: WatchStream, clock: Clock, limitMs: number): void {
    const fail = (cause: unknown): void => {
      this.#failure ??= cause;
      this.bell.ring();
    };
    stream.on('error', fail);
    stream.on('end', () => fail(new Error('the stream ended')));
    stream.on('data', (response) => {
      this.#cancelTimer?.();
      this.#responses.push(response);
      this.bell.ring();
    });
    // etcd confirms a watch at once.
    this.#cancelTimer = clock.timer(limitMs, () => fail(new Error('the watch was not confirmed in time')));
  }

  /** Undefined: something else happened; look around. Throws what ended the stream, after all it had brought. */
  async next(): Promise<IWatchResponse | undefined> {
    const response = this.#responses.shift();
    if (response !== undefined) return response;
    if (this.#failure !== undefined) throw this.#failure instanceof Error ? this.#failure : new Error(messageOf(this.#failure));
    await this.bell.wait();
    return undefined;
  }

  close(): void {
    this.#cancelTimer?.();
  }
}

/** Throws StoreError when etcd ended the watch. */
function changesOf(response: IWatchResponse, keys: EtcdKeys): Change[] {
  if (response.canceled) {
    if (response.compact_revision !== '0') {
      throw new StoreError('compacted', `the history begins at ${response.compact_revision}`);
    }
    throw new StoreError('unavailable', `etcd ended the watch: ${response.cancel_reason}`);
  }
  return response.events.map(({ type, kv }) => ({
    key: keys.name(kv.key),
    value: isDelete(type) ? undefined : kv.value.toString(),
    revision: BigInt(kv.mod_revision),
  }));
}

/** The library's types write `Delete`, its messages `DELETE`. */
const isDelete = (type: string): boolean => type.toUpperCase() === 'DELETE';

/** A member that is cut off from the others, or has lost its place, keeps a watch open and silent. The commit marker shows it. */
async function checkProgress(
  { client, keys, settings }: EtcdContext,
  progress: { readonly cursor: Revision; isStalled: boolean },
  stop: AbortController,
): Promise<void> {
  let target = 0n;
  let last = progress.cursor;
  for (;;) {
    await settings.clock.sleep(settings.watchCheckMs, stop.signal);
    if (stop.signal.aborted || client.closed.aborted) return;
    if (target > progress.cursor && last === progress.cursor) {
      progress.isStalled = true;
      stop.abort();
      return;
    }
    last = progress.cursor;
    try {
      const { kvs } = await client.read((etcd) => etcd.kv.range(keys.read(COMMIT_KEY)));
      target = BigInt(kvs[0]?.mod_revision ?? '0');
    } catch (error) {
      // Unreachable: the calls and the watch itself tell that better.
      if (!(error instanceof StoreError)) throw error;
    }
  }
}
