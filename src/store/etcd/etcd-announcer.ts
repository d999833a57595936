/** Keys that live as long as this node does: put with one lease, and put again with a new one whenever that is lost. */

import { StoreError } from '../errors.ts';
import { EtcdLease } from './etcd-lease.ts';
import type { EtcdContext } from './etcd-watch.ts';

export class EtcdAnnouncer {
  readonly #context: EtcdContext;
  readonly #announced = new Map<string, string>();
  #lease: EtcdLease | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(context: EtcdContext) {
    this.#context = context;
  }

  /** Resolves when the key is there; until then it is tried for ever. Throws StoreError `closed`. */
  announce(key: string, value: string): Promise<void> {
    this.#announced.set(key, value);
    return this.#restore();
  }

  /** Takes everything back. Never rejects. */
  async withdraw(): Promise<void> {
    this.#announced.clear();
    await this.#lease?.revoke();
  }

  /** One at a time, each after the one before, whatever became of it. */
  #restore(): Promise<void> {
    const next = this.#work.then(
      () => this.#putAll(),
      () => this.#putAll(),
    );
    this.#work = next;
    return next;
  }

  async #putAll(): Promise<void> {
    const { client, keys, settings } = this.#context;
    for (;;) {
      client.ensureOpen();
      if (this.#announced.size === 0) return;
      const lease = await this.#liveLease();
      if (lease !== undefined) {
        const success = [...this.#announced].map(([key, value]) => keys.write({ key, value }, lease.id));
        const reply = await client.ask((etcd) => etcd.kv.txn({ success }));
        if (reply.status === 'answered') return;
        // The lease is not known any more.
        if (reply.status === 'refused') await this.#drop(lease);
      }
      await settings.clock.sleep(settings.retryDelayMs, client.closed);
    }
  }

  async #liveLease(): Promise<EtcdLease | undefined> {
    if (this.#lease !== undefined) return this.#lease;
    const granted = await EtcdLease.grant(this.#context);
    if (granted.status !== 'answered') return undefined;
    const lease = granted.value;
    lease.keep({ verify: () => this.#isThere(), onLost: () => this.#onLost(lease) });
    this.#lease = lease;
    return lease;
  }

  async #isThere(): Promise<boolean | undefined> {
    const { client, keys } = this.#context;
    const [key] = this.#announced.keys();
    if (key === undefined) return undefined;
    const reply = await client.ask((etcd) => etcd.kv.range(keys.read(key)));
    // Another process with the same key is left alone: two that fought over it would never end.
    return reply.status === 'answered' ? reply.value.kvs.length > 0 : undefined;
  }

  async #drop(lease: EtcdLease): Promise<void> {
    if (this.#lease === lease) this.#lease = undefined;
    await lease.revoke();
  }

  #onLost(lease: EtcdLease): void {
    if (this.#lease === lease) this.#lease = undefined;
    this.#restore().catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
    });
  }
}
