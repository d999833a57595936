/**
 * Keeps subscribed: finds the leading master, subscribes, and when that ends begins again, for as long as it is worth it.
 *
 *        detect ──> SUBSCRIBE ──307──> SUBSCRIBE (the leader)
 *          ^            │ 200
 *          │            v
 *       back off <── events, calls ──> final: stays down
 *
 * Masters take turns: a follower may point at a dead leader for as long as ZooKeeper keeps its session, so an address that
 * failed is never the next one tried if there is another.
 */

import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { backoffMs, type BackoffLimits } from './backoff.ts';
import { subscribeCall, type FrameworkOptions } from './framework.ts';
import type { MasterDetector } from './master-detector.ts';
import type { CallBody, MesosEvent } from './protocol.ts';
import { Subscription, type CallOutcome } from './subscription.ts';
import type { Transport } from './transport.ts';
import type { SubscriptionEnd } from './verdicts.ts';

export const RECONNECT_BACKOFF: BackoffLimits = { firstMs: 200, maxMs: 10_000 };
/** Between tries that can succeed only after someone changed something. */
export const MISCONFIGURED_RETRY_MS = 30_000;
/** A subscription that lasted this long was a good one: back off from the start. */
export const STABLE_MS = 10_000;
const MAX_REDIRECTS = 3;

export interface ConnectionOptions {
  readonly transport: Transport;
  readonly detector: MasterDetector;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly framework: FrameworkOptions;
  readonly onEvent: (event: MesosEvent) => void;
  /** A subscription ended, or could not be had. `isFinal`: it will not be tried again. */
  readonly onDown: (reason: string, isFinal: boolean) => void;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #abort = new AbortController();
  #frameworkId: string | undefined;
  #current: Subscription | undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: ConnectionOptions, frameworkId: string | undefined) {
    this.#options = options;
    this.#frameworkId = frameworkId;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Nothing is delivered after the call; resolves when the sockets are let go. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#current?.end({ kind: 'final', reason: 'stopped' });
    await this.#loop;
  }

  get isSubscribed(): boolean {
    return this.#current?.isSubscribed === true;
  }

  /** Goes to the master in order, or is `unsent` when there is no subscription. */
  send(call: CallBody, outcome: CallOutcome = {}): void {
    if (this.#current?.isSubscribed === true) this.#current.send(call, outcome);
    else outcome.unsent?.();
  }

  async #run(): Promise<void> {
    const { clock, onDown } = this.#options;
    let failures = 0;
    while (!this.#abort.signal.aborted) {
      const startedAt = clock.monotonic();
      const { end, masters } = await this.#subscribe(failures);
      if (this.#abort.signal.aborted) return;
      onDown(end.reason, end.kind === 'final');
      if (end.kind === 'final') return;
      failures = clock.monotonic() - startedAt >= STABLE_MS ? 1 : failures + 1;
      await clock.sleep(this.#wait(end, Math.ceil(failures / masters)), this.#abort.signal);
    }
  }

  #wait(end: SubscriptionEnd, rounds: number): number {
    const { clock } = this.#options;
    return end.kind === 'misconfigured'
      ? MISCONFIGURED_RETRY_MS * (0.75 + clock.random() / 2)
      : backoffMs(rounds, RECONNECT_BACKOFF, clock);
  }

  /** One try: through the master whose turn it is, to the leader that it names. */
  async #subscribe(failures: number): Promise<{ end: Exclude<SubscriptionEnd, { kind: 'redirected' }>; masters: number }> {
    let candidates: readonly URL[];
    try {
      candidates = await this.#options.detector.detect();
    } catch (error) {
      return {
        end: { kind: 'retry', reason: `can't find the masters: ${error instanceof Error ? error.message : String(error)}` },
        masters: 1,
      };
    }
    const masters = Math.max(candidates.length, 1);
    let url = candidates[failures % masters];
    if (url === undefined) return { end: { kind: 'retry', reason: 'no master leads at the moment' }, masters };
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      const end = await this.#subscribeAt(url);
      if (end.kind !== 'redirected') return { end, masters };
      url = end.to;
    }
    return { end: { kind: 'retry', reason: `masters point to each other (${url.host})` }, masters };
  }

  async #subscribeAt(url: URL): Promise<SubscriptionEnd> {
    const { transport, clock, logger, framework, onEvent } = this.#options;
    if (this.#abort.signal.aborted) return { kind: 'final', reason: 'stopped' };
    const subscription = new Subscription({
      transport,
      clock,
      logger,
      url,
      call: subscribeCall(framework, this.#frameworkId),
      onEvent: (event) => {
        if (this.#abort.signal.aborted) return;
        // From here on the id is ours: losing this stream must lead back to it, never to a second framework.
        if (event.type === 'SUBSCRIBED') this.#frameworkId = event.subscribed.framework_id.value;
        onEvent(event);
      },
    });
    this.#current = subscription;
    const end = await subscription.run();
    this.#current = undefined;
    return end;
  }
}
