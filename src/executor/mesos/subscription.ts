/**
 * One subscription, from SUBSCRIBE to its end: the event stream, the stream id that fences every call, and the calls.
 *
 * Invariants:
 *  - events are delivered in the order of the stream, and none after the end;
 *  - calls reach the master in the order of send() (a RECONCILE that overtook an ACCEPT would be told that the task does not
 *    exist). Acknowledgements go beside them: at most one is open per task, so nothing depends on their order;
 *  - no call is ever repeated. A call without an answer may have been done or not, so it ends the subscription: the next
 *    SUBSCRIBE fences it off, and reconciliation then tells what became of it.
 */

import { setMaxListeners } from 'node:events';
import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { Lane } from './lane.ts';
import { readEvent, type CallBody, type MesosEvent, type SubscribeCall } from './protocol.ts';
import { RecordDecoder } from './record-io.ts';
import type { Transport } from './transport.ts';
import { judgeCall, judgeError, judgeRefusal, type SubscriptionEnd } from './verdicts.ts';
import { Watchdog } from './watchdog.ts';

/** The stream is dead after this many heartbeats in a row that did not come. The only sign of a frozen master. */
export const HEARTBEATS_MISSED = 3;
/** What a master says when it does not say otherwise. */
export const DEFAULT_HEARTBEAT_MS = 15_000;
/** Every status of every task needs one: at 8 a time a burst of 10,000 runs took twice as long, waiting for answers only. */
const ACKNOWLEDGE_WIDTH = 32;

export interface SubscriptionOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly url: URL;
  readonly call: SubscribeCall;
  /** Every event but HEARTBEAT and ERROR; the first is SUBSCRIBED. */
  readonly onEvent: (event: MesosEvent) => void;
}

/** What became of a call that was not accepted. Nothing is said of calls whose fate is unknown. */
export interface CallOutcome {
  /** The master refused it as a whole: nothing of it was done. */
  readonly refused?: (reason: string) => void;
  /** It was never sent: the subscription ended first. */
  readonly unsent?: () => void;
}

export class Subscription {
  readonly #options: SubscriptionOptions;
  readonly #abort = new AbortController();
  readonly #ordered = new Lane(1);
  readonly #acknowledgements = new Lane(ACKNOWLEDGE_WIDTH);
  readonly #watchdog: Watchdog;
  #streamId: string | undefined;
  #frameworkId: string | undefined;
  #end: SubscriptionEnd | undefined;
  #resolveEnd: (end: SubscriptionEnd) => void = () => {};

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    // Each request under way listens, and again while its answer is read: the stream, the call whose turn it is, the acknowledgements.
    setMaxListeners(2 * (ACKNOWLEDGE_WIDTH + 2) + 4, this.#abort.signal);
    this.#watchdog = new Watchdog(options.clock, HEARTBEATS_MISSED * DEFAULT_HEARTBEAT_MS, (silentMs) => {
      this.end({
        kind: 'retry',
        reason: `nothing heard from ${options.url.host} for ${Math.round(silentMs / 1000)} s, heartbeats included`,
      });
    });
  }

  get isSubscribed(): boolean {
    return this.#frameworkId !== undefined;
  }

  /** Subscribes and delivers events until the end, which it resolves with. Never rejects. */
  async run(): Promise<SubscriptionEnd> {
    const ended = new Promise<SubscriptionEnd>((resolve) => {
      this.#resolveEnd = resolve;
    });
    void this.#read().then((end) => this.end(end));
    return ended;
  }

  /** Ends it now; the first end counts. Calls that were not sent never are. */
  end(end: SubscriptionEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#watchdog.stop();
    this.#abort.abort();
    this.#resolveEnd(end);
    this.#ordered.close();
    this.#acknowledgements.close();
  }

  send(call: CallBody, outcome: CallOutcome = {}): void {
    const lane = call.type === 'ACKNOWLEDGE' ? this.#acknowledgements : this.#ordered;
    lane.push(
      () => this.#call(call, outcome),
      () => outcome.unsent?.(),
    );
  }

  async #read(): Promise<SubscriptionEnd> {
    const { transport, url, call } = this.#options;
    try {
      const answer = await transport.openStream({ url, body: call, signal: this.#abort.signal });
      if (answer.stream === undefined) return judgeRefusal(answer, url);
      if (answer.streamId === undefined)
        return { kind: 'misconfigured', reason: `${url.host} gave no Mesos-Stream-Id: it is not a Mesos master` };
      this.#streamId = answer.streamId;
      this.#watchdog.start();
      return await this.#consume(answer.stream);
    } catch (error) {
      return { kind: 'retry', reason: `${url.host}: ${describe(error)}` };
    }
  }

  async #consume(stream: AsyncIterable<Uint8Array>): Promise<SubscriptionEnd> {
    const decoder = new RecordDecoder();
    for await (const chunk of stream) {
      this.#watchdog.hear();
      for (const record of decoder.push(chunk)) {
        const end = this.#take(record);
        if (end !== undefined) return end;
        if (this.#end !== undefined) return this.#end;
      }
    }
    return { kind: 'retry', reason: `${this.#options.url.host} closed the event stream` };
  }

  #take(record: Uint8Array): SubscriptionEnd | undefined {
    const event = readEvent(record);
    if (event === undefined) {
      this.#options.logger.warn({ record: Buffer.from(record.subarray(0, 200)).toString() }, 'mesos event of an unknown type ignored');
      return undefined;
    }
    if (event.type === 'ERROR') return judgeError(event.error.message);
    if (event.type === 'HEARTBEAT') return undefined;
    if (event.type === 'SUBSCRIBED') {
      const { framework_id: id, heartbeat_interval_seconds: seconds } = event.subscribed;
      const asked = this.#options.call.framework_id?.value;
      if (asked !== undefined && asked !== id.value) {
        return { kind: 'final', reason: `the master took framework ${asked} for ${id.value}: refusing to become another framework` };
      }
      this.#frameworkId = id.value;
      if (seconds !== undefined && seconds > 0) this.#watchdog.setLimit(HEARTBEATS_MISSED * seconds * 1000);
    }
    this.#options.onEvent(event);
    return undefined;
  }

  async #call(call: CallBody, outcome: CallOutcome): Promise<void> {
    const { transport, url, logger } = this.#options;
    try {
      const body = { framework_id: { value: this.#frameworkId }, ...call };
      const answer = await transport.call({ url, body, streamId: this.#streamId, signal: this.#abort.signal });
      if (this.#end !== undefined) return;
      const verdict = judgeCall(call.type, answer);
      if (verdict.kind === 'ended') this.end(verdict.end);
      if (verdict.kind !== 'refused') return;
      logger.error({ call: call.type, reason: verdict.reason }, 'mesos refused a call');
      outcome.refused?.(verdict.reason);
    } catch (error) {
      if (this.#end !== undefined) return;
      // An acknowledgement that got lost brings its status again; that is no reason to give up the offers.
      if (call.type === 'ACKNOWLEDGE') logger.warn({ reason: describe(error) }, 'mesos acknowledgement without an answer');
      else this.end({ kind: 'retry', reason: `no answer to ${call.type}: ${describe(error)}` });
    }
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return [code, error.message].filter((part) => part !== '').join(' ');
}
