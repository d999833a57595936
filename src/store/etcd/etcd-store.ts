/**
 * The store over etcd: the production medium. This file puts the parts together and reads single keys; see etcd-client.ts (calls),
 * etcd-watch.ts, etcd-snapshot.ts, etcd-election.ts (terms, commits), etcd-lease.ts (trust), etcd-announcer.ts.
 *
 * Someone must compact etcd's history: start it with `--auto-compaction-mode=periodic --auto-compaction-retention=1h`, or alike.
 */

import { StoreError } from '../errors.ts';
import {
  type Candidate,
  type Change,
  type ChangeBatch,
  type CommitLimits,
  type Entry,
  type LeaderRecord,
  type Revision,
  type Snapshot,
  type Store,
  type Term,
  type Transaction,
  type TransactionResult,
  type Write,
} from '../port.ts';
import type { Reply } from '../reply.ts';
import { decodeLeader, LEADER_KEY } from '../reserved-keys.ts';
import { type TransactionReply, TransactionWriter } from '../transaction-writer.ts';
import { EtcdAnnouncer } from './etcd-announcer.ts';
import { EtcdClient } from './etcd-client.ts';
import { EtcdElection } from './etcd-election.ts';
import { EtcdKeys } from './etcd-keys.ts';
import { commitLimitsOf, type EtcdStoreOptions, settingsOf } from './etcd-options.ts';
import { EtcdSnapshots } from './etcd-snapshot.ts';
import { type EtcdContext, watchChanges, watchStore } from './etcd-watch.ts';

/** Loads the client library; connects with the first call, so an etcd that is down is no error here. */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<Store> {
  const settings = settingsOf(options);
  const client = await EtcdClient.create(settings);
  return new EtcdStore({ client, settings, keys: new EtcdKeys(settings.prefix) });
}

class EtcdStore implements Store {
  readonly kind = 'etcd';
  readonly commitLimits: CommitLimits;
  readonly #context: EtcdContext;
  readonly #election: EtcdElection;
  readonly #announcer: EtcdAnnouncer;
  readonly #snapshots: EtcdSnapshots;
  readonly #writer: TransactionWriter;
  #closing: Promise<void> | undefined;

  constructor(context: EtcdContext) {
    const { clock, resolveLimitMs, retryDelayMs } = context.settings;
    this.#context = context;
    this.commitLimits = commitLimitsOf(context.settings);
    this.#election = new EtcdElection(context);
    this.#announcer = new EtcdAnnouncer(context);
    this.#snapshots = new EtcdSnapshots(context);
    this.#writer = new TransactionWriter({
      ...{ clock, resolveLimitMs, retryDelayMs },
      medium: {
        seenRevision: () => context.client.seenRevision,
        send: (transaction) => this.#send(transaction),
        read: (key) => this.#read(key),
        changes: (key, after, until) => this.#changes(key, after, until),
      },
    });
  }

  snapshot(): Promise<Snapshot> {
    return this.#snapshots.read();
  }

  async get(key: string): Promise<Entry | undefined> {
    const { client, keys } = this.#context;
    const { kvs } = await client.read((etcd) => etcd.kv.range(keys.read(key)));
    return kvs[0] && keys.entry(kvs[0]);
  }

  async leader(): Promise<LeaderRecord | undefined> {
    const entry = await this.get(LEADER_KEY);
    return entry && decodeLeader(entry);
  }

  watch(from: Revision, signal: AbortSignal): AsyncIterable<ChangeBatch> {
    return watchStore(this.#context, from, signal);
  }

  async transact(transaction: Transaction): Promise<TransactionResult> {
    const { client } = this.#context;
    client.ensureOpen();
    // Where etcd is known to be in trouble a read goes first: failing there, the write is surely not made, rather than in doubt.
    if (!client.isHealthy) await this.get(LEADER_KEY);
    return this.#writer.write(transaction);
  }

  campaign(candidate: Candidate, signal: AbortSignal): Promise<Term> {
    return this.#election.campaign(candidate, signal);
  }

  evict(number: Revision): Promise<boolean> {
    return this.#election.evict(number);
  }

  commit(term: Term, writes: readonly Write[]): Promise<Revision> {
    return this.#election.commit(term, writes);
  }

  announce(key: string, value: string): Promise<void> {
    return this.#announcer.announce(key, value);
  }

  healthy(): boolean {
    return this.#context.client.isHealthy;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([this.#election.resign(), this.#announcer.withdraw()]);
    await this.#context.client.close();
  }

  async #send({ guards, writes }: Transaction): Promise<Reply<TransactionReply>> {
    const { client, keys } = this.#context;
    const reply = await client.ask((etcd) =>
      etcd.kv.txn({
        compare: guards.map((guard) => keys.isOfRevision(guard)),
        success: writes.map((write) => keys.write(write)),
        failure: [{ request_range: keys.read(writes[0]?.key ?? '') }],
      }),
    );
    if (reply.status !== 'answered') return reply;
    const { succeeded, header, responses } = reply.value;
    if (succeeded) return { status: 'answered', value: { ok: true, revision: BigInt(header.revision) } };
    const found = responses[0]?.response_range.kvs[0];
    return { status: 'answered', value: { ok: false, witness: found && keys.entry(found) } };
  }

  async #read(key: string): Promise<Reply<Entry | undefined>> {
    const { client, keys } = this.#context;
    const reply = await client.ask((etcd) => etcd.kv.range(keys.read(key)));
    if (reply.status !== 'answered') return reply;
    const [kv] = reply.value.kvs;
    return { status: 'answered', value: kv && keys.entry(kv) };
  }

  /** Reads one key's past through a watch of it. */
  async #changes(key: string, after: Revision, until: Revision): Promise<Reply<readonly Change[]>> {
    const { clock, callTimeoutMs } = this.#context.settings;
    const found: Change[] = [];
    const stop = new AbortController();
    const cancel = clock.timer(callTimeoutMs, () => stop.abort());
    try {
      for await (const { revision, changes } of watchChanges(this.#context, { from: after, key }, stop.signal)) {
        found.push(...changes);
        if (revision >= until) return { status: 'answered', value: found };
      }
      return { status: 'lost', cause: new Error('the history was not read in time') };
    } catch (cause) {
      if (cause instanceof StoreError && cause.code === 'unavailable') return { status: 'lost', cause };
      throw cause;
    } finally {
      cancel();
    }
  }
}
