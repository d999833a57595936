/**
 * The wire to etcd: one client library instance per member, of which one is in use until it fails. Every call has a deadline; nothing
 * is retried here, and nothing of the library's watcher, election, lock, transactions or retry policies is used
 * (docs/decisions: they lose events, elect two leaders, or repeat writes).
 */

import { setMaxListeners } from 'node:events';
import type { Etcd3, IDuplexStream, ILeaseKeepAliveResponse, IOptions, IResponseHeader, IWatchRequest, IWatchResponse } from 'etcd3';
import type * as Etcd3Library from 'etcd3';
import { StoreError } from '../errors.ts';
import type { Revision } from '../port.ts';
import type { Reply } from '../reply.ts';
import type { EtcdSettings } from './etcd-options.ts';

type Library = typeof Etcd3Library;
/** A policy that neither retries nor breaks: the library's own repeat writes. */
type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>;

export interface Endpoint {
  readonly host: string;
  readonly etcd: Etcd3;
}

export interface WatchStream {
  readonly stream: IDuplexStream<IWatchRequest, IWatchResponse>;
  readonly endpoint: Endpoint;
}

interface Answer {
  readonly header: IResponseHeader;
}

/**
 * A watch's dead connection is found after 13 s at most. etcd answers pings more frequent than every 5 s, and those of a connection
 * without a call, by closing it: so idle ones are not probed; a call finds out by its deadline.
 */
const CHANNEL_OPTIONS = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.keepalive_permit_without_calls': 0,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // What was sent once is sent again only by those who know how to find out what became of it.
  'grpc.enable_retries': 0,
  // A connection of its own for every channel, so that a new channel never inherits a dead one.
  'grpc.use_local_subchannel_pool': 1,
  // A page of a snapshot, or a watch that catches up, can exceed the default of 4 MB.
  'grpc.max_receive_message_length': -1,
};

export class EtcdClient {
  readonly #library: Library;
  readonly #settings: EtcdSettings;
  readonly #endpoints: readonly Endpoint[];
  readonly #closed = new AbortController();
  readonly #watches = new Set<WatchStream>();
  #current = 0;
  #isHealthy = false;
  #seen: Revision = 0n;

  private constructor(library: Library, settings: EtcdSettings) {
    this.#library = library;
    this.#settings = settings;
    // Every pending call listens.
    setMaxListeners(0, this.#closed.signal);
    this.#endpoints = settings.hosts.map((host) => ({ host, etcd: new library.Etcd3(libraryOptions(host, settings)) }));
    // Members share the load of many nodes: each begins with another one.
    this.#current = Math.floor(settings.clock.random() * this.#endpoints.length);
  }

  /** Loads the client library, which takes a fifth of a second. Connects to nothing yet. */
  static async create(settings: EtcdSettings): Promise<EtcdClient> {
    if (settings.hosts.length === 0) throw new TypeError('hosts: at least one etcd member is needed');
    return new EtcdClient(await import('etcd3'), settings);
  }

  get isHealthy(): boolean {
    return this.#isHealthy && !this.closed.aborted;
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** The newest revision any answer has shown. */
  get seenRevision(): Revision {
    return this.#seen;
  }

  /** One call on the member in use. Throws StoreError `closed` only. */
  async ask<T extends Answer>(call: (etcd: Etcd3) => Promise<T>): Promise<Reply<T>> {
    this.ensureOpen();
    const endpoint = this.#endpoint();
    try {
      const value = await this.#untilClosed(call(endpoint.etcd));
      this.#isHealthy = true;
      const revision = BigInt(value.header.revision);
      if (revision > this.#seen) this.#seen = revision;
      return { status: 'answered', value };
    } catch (cause) {
      this.ensureOpen();
      if (this.#isRefusal(cause)) return { status: 'refused', cause };
      this.#isHealthy = false;
      this.leave(endpoint, cause);
      return { status: 'lost', cause };
    }
  }

  /** The same for reads. Throws StoreError `unavailable`, or `compacted` where history was asked for. */
  async read<T extends Answer>(call: (etcd: Etcd3) => Promise<T>): Promise<T> {
    const reply = await this.ask(call);
    if (reply.status === 'answered') return reply.value;
    const isCompacted = reply.cause instanceof this.#library.GRPCOutOfRangeError;
    throw new StoreError(isCompacted ? 'compacted' : 'unavailable', `etcd: ${messageOf(reply.cause)}`, { cause: reply.cause });
  }

  /** Whether a read failed because its answer did not come in time, though it may have been on its way. */
  isLate(error: unknown): boolean {
    return error instanceof StoreError && error.cause instanceof this.#library.GRPCDeadlineExceededError;
  }

  /** Renews a lease once. The answer's TTL is '0' when there is no such lease. */
  keepAlive(id: string, timeoutMs: number): Promise<Reply<ILeaseKeepAliveResponse>> {
    return this.ask(async (etcd) => {
      const stream = await etcd.leaseClient.leaseKeepAlive({ deadline: this.#settings.clock.now() + timeoutMs });
      return new Promise<ILeaseKeepAliveResponse>((resolve, reject) => {
        stream.on('error', reject);
        stream.on('end', () => reject(new Error('the stream ended without an answer')));
        stream.on('data', (answer) => {
          resolve(answer);
          stream.end();
        });
        stream.write({ ID: id });
      });
    });
  }

  /** A stream for one watch, on the member in use. Its errors are the caller's to handle. */
  async openWatch(): Promise<WatchStream> {
    this.ensureOpen();
    const endpoint = this.#endpoint();
    const watch = { stream: await endpoint.etcd.watchClient.watch(), endpoint };
    this.#watches.add(watch);
    return watch;
  }

  endWatch(watch: WatchStream): void {
    if (!this.#watches.delete(watch)) return;
    // Ended first: the library takes a bare cancel for a failed host and drops its connections.
    watch.stream.end();
    watch.stream.cancel();
  }

  /** Tells how a watch fares; a member that fails is left for the next one. */
  note(isHealthy: boolean): void {
    this.#isHealthy = isHealthy;
  }

  /** Uses the next member from now on, unless another call has changed over already. */
  leave(endpoint: Endpoint, cause: unknown): void {
    if (this.#endpoint() !== endpoint) return;
    this.#current = (this.#current + 1) % this.#endpoints.length;
    this.#settings.logger?.debug({ host: endpoint.host, error: messageOf(cause) }, 'etcd call failed');
  }

  ensureOpen(): void {
    if (this.closed.aborted) throw new StoreError('closed', 'the store is closed');
  }

  /** Pending calls reject with `closed`. */
  async close(): Promise<void> {
    this.#closed.abort();
    for (const watch of [...this.#watches]) this.endWatch(watch);
    // A connection that is closed before its streams have ended lingers, and the process with it.
    await this.#settings.clock.sleep(0);
    for (const { etcd } of this.#endpoints) etcd.close();
  }

  #endpoint(): Endpoint {
    const endpoint = this.#endpoints[this.#current];
    if (endpoint === undefined) throw new TypeError('no etcd member');
    return endpoint;
  }

  /** Errors by which etcd says that it did not, and will not, carry the request out. All others leave that open. */
  #isRefusal(error: unknown): boolean {
    const library = this.#library;
    return [
      library.GRPCInvalidArgumentError,
      library.GRPCNotFoundError,
      library.GRPCFailedPreconditionError,
      library.GRPCOutOfRangeError,
      library.GRPCResourceExhastedError,
      library.GRPCUnauthenticatedError,
      library.GRPCNotImplementedError,
      library.EtcdPermissionDeniedError,
      library.EtcdLeaseInvalidError,
    ].some((type) => error instanceof type);
  }

  async #untilClosed<T>(promise: Promise<T>): Promise<T> {
    let onClose = (): void => undefined;
    const closed = new Promise<never>((_, reject) => {
      onClose = () => reject(new StoreError('closed', 'the store is closed'));
    });
    this.closed.addEventListener('abort', onClose);
    try {
      return await Promise.race([promise, closed]);
    } finally {
      this.closed.removeEventListener('abort', onClose);
    }
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function libraryOptions(host: string, settings: EtcdSettings): IOptions {
  const { tls, clock, callTimeoutMs } = settings;
  const { signal } = new AbortController();
  const passThrough: Pick<Policy, 'execute'> = { execute: async (operation) => operation({ signal }) };
  const policy = passThrough as Policy;
  const buffer = (text: string | undefined): { value?: Buffer } => (text === undefined ? {} : { value: Buffer.from(text) });
  const [ca, cert, key] = [buffer(tls?.ca).value, buffer(tls?.cert).value, buffer(tls?.key).value];
  const credentials = { rootCertificate: ca, ...(key ? { privateKey: key } : {}), ...(cert ? { certChain: cert } : {}) };
  return {
    hosts: host,
    grpcOptions: CHANNEL_OPTIONS,
    faultHandling: { host: () => policy, global: policy },
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: clock.now() + callTimeoutMs }),
    // Without a CA the system's are used, which the library's types do not foresee.
    ...(tls ? { credentials: credentials as NonNullable<IOptions['credentials']> } : {}),
  };
}
