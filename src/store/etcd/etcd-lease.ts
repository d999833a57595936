/**
 * A lease at etcd and this node's trust in it. Trust counts, on the clock that never steps, from when a request was SENT: etcd counts
 * from when it arrived. So trust always ends first.
 *
 *     granted ──keep()──> renewed every third of its length ──┬── trust ran out, or etcd no longer knows it ──> onLost, once
 *                                                             └── revoke() ──> gone at etcd, as soon as etcd hears it
 */

import type { CancelTimer } from '../../clock/clock.ts';
import { StoreError } from '../errors.ts';
import type { Reply } from '../reply.ts';
import type { EtcdContext } from './etcd-watch.ts';

/** Then the lease is left to run out. */
const REVOKE_ATTEMPTS = 2;

export interface KeepOptions {
  /** Asked after every renewal: does etcd still have what the lease is for? (etcd 3.4 renews leases that it has revoked.) Undefined: no answer. */
  readonly verify: () => Promise<boolean | undefined>;
  readonly onLost: (why: string) => void;
}

export class EtcdLease {
  readonly id: string;
  readonly #context: EtcdContext;
  readonly #stop = new AbortController();
  #trustUntil: number;
  #cancelTimer: CancelTimer | undefined;

  private constructor(context: EtcdContext, id: string, trustUntil: number) {
    this.#context = context;
    this.id = id;
    this.#trustUntil = trustUntil;
  }

  static async grant(context: EtcdContext): Promise<Reply<EtcdLease>> {
    const { client, settings } = context;
    const sentAt = settings.clock.monotonic();
    const reply = await client.ask((etcd) => etcd.leaseClient.leaseGrant({ TTL: Math.ceil(settings.leaseTtlMs / 1000) }));
    if (reply.status !== 'answered') return reply;
    const { ID, TTL } = reply.value;
    return { status: 'answered', value: new EtcdLease(context, ID, sentAt + Number(TTL) * 1000 - settings.leaseMarginMs) };
  }

  get isTrusted(): boolean {
    return this.#context.settings.clock.monotonic() < this.#trustUntil;
  }

  /** Renews until revoked or lost. */
  keep(options: KeepOptions): void {
    this.#armTimer(options);
    void this.#run(options);
  }

  /** Ends it here and, if etcd can be reached within a bound, there. Never rejects. */
  async revoke(): Promise<void> {
    const { client, settings } = this.#context;
    this.#end();
    try {
      for (let attempt = 1; attempt <= REVOKE_ATTEMPTS; attempt += 1) {
        const reply = await client.ask((etcd) => etcd.leaseClient.leaseRevoke({ ID: this.id }));
        // Refused: etcd has no such lease any more.
        if (reply.status !== 'lost') return;
        await settings.clock.sleep(settings.retryDelayMs, client.closed);
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }

  async #run(options: KeepOptions): Promise<void> {
    const { clock, leaseTtlMs, retryDelayMs } = this.#context.settings;
    const { signal } = this.#stop;
    let pauseMs = leaseTtlMs / 3;
    while (!signal.aborted) {
      await clock.sleep(pauseMs, signal);
      if (signal.aborted) return;
      try {
        const why = await this.#renew(options);
        if (why !== undefined) this.#lose(options, why);
        pauseMs = leaseTtlMs / 3;
      } catch (error) {
        // Not answered: trust runs on meanwhile, and its timer ends it. Closed: revoke() or the process's end follows.
        if (!(error instanceof StoreError) || error.code === 'closed') return;
        pauseMs = retryDelayMs;
      }
    }
  }

  /** Why the lease is lost; undefined: it is not. Throws StoreError `unavailable` when etcd did not answer. */
  async #renew(options: KeepOptions): Promise<string | undefined> {
    const { client, settings } = this.#context;
    const sentAt = settings.clock.monotonic();
    const reply = await client.keepAlive(this.id, Math.min(settings.callTimeoutMs, settings.leaseTtlMs / 3));
    if (reply.status !== 'answered') throw new StoreError('unavailable', 'the lease was not renewed', { cause: reply.cause });
    const ttlMs = Number(reply.value.TTL) * 1000;
    if (ttlMs <= 0) return 'etcd says that the lease expired or was revoked';
    if (this.#stop.signal.aborted) return undefined;
    this.#trustUntil = sentAt + ttlMs - settings.leaseMarginMs;
    this.#armTimer(options);
    return (await options.verify()) === false ? 'its key is gone from etcd' : undefined;
  }

  #armTimer(options: KeepOptions): void {
    const { clock } = this.#context.settings;
    this.#cancelTimer?.();
    this.#cancelTimer = clock.timer(this.#trustUntil - clock.monotonic(), () =>
      this.#lose(options, 'etcd was not reached for as long as the lease is sure'),
    );
  }

  #lose(options: KeepOptions, why: string): void {
    if (this.#stop.signal.aborted) return;
    this.#end();
    options.onLost(why);
  }

  #end(): void {
    this.#stop.abort();
    this.#cancelTimer?.();
  }
}
