/**
 * The wire between one node and a memory cluster: delays, losses, partitions, and a node that is paused or dead.
 *
 * A paused node's requests that are under way land all the same; their answers reach it when it goes on.
 * A dead node's calls never settle. Without faults a request takes no timer at all.
 */

import { setMaxListeners } from 'node:events';
import type { Clock } from '../../clock/clock.ts';
import { StoreError } from '../errors.ts';
import type { Reply } from '../reply.ts';
import type { Fate, MemoryFaults, RequestKind } from './memory-faults.ts';

export interface MemoryLinkOptions {
  readonly name: string;
  /** The network's time. */
  readonly clusterClock: Clock;
  /** The node's own time: its time-outs. */
  readonly nodeClock: Clock;
  readonly requestTimeoutMs: number;
  /** May be changed at any time. */
  readonly faults: MemoryFaults;
  /** Whether the medium itself takes no such request now. */
  readonly isRefused: (kind: RequestKind) => boolean;
}

interface Request<T> {
  readonly kind: RequestKind;
  readonly fate: Fate;
  readonly operate: () => T;
}

export class MemoryLink {
  readonly #options: MemoryLinkOptions;
  readonly #closed = new AbortController();
  #resumed: (() => void)[] = [];
  #isPartitioned = false;
  #isPaused = false;
  #isDead = false;
  #isHealthy = true;

  constructor(options: MemoryLinkOptions) {
    this.#options = options;
    // Every delayed request listens.
    setMaxListeners(0, this.#closed.signal);
  }

  get isHealthy(): boolean {
    return this.#isHealthy;
  }

  /** Nothing gets through, or nobody is there to answer. */
  get isIsolated(): boolean {
    return this.#isPartitioned || this.#isPaused || this.#isDead;
  }

  get isPartitioned(): boolean {
    return this.#isPartitioned;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  partition(isPartitioned: boolean): void {
    this.#isPartitioned = isPartitioned;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#release();
  }

  die(): void {
    this.#isDead = true;
  }

  close(): void {
    this.#closed.abort();
    this.#release();
  }

  /** Throws StoreError `closed` when the connection is. Never resolves in a dead node; in a paused one, when it goes on. */
  async present(): Promise<void> {
    while (this.#isPaused || this.#isDead) {
      if (this.closed.aborted && !this.#isDead) break;
      await new Promise<void>((resolve) => this.#resumed.push(resolve));
    }
    if (this.closed.aborted) throw new StoreError('closed', 'the store is closed');
  }

  /** One request and its answer. `operate` runs when the request arrives; what it throws is its answer. */
  async exchange<T>(kind: RequestKind, operate: () => T): Promise<Reply<T>> {
    await this.present();
    const { faults, nodeClock, requestTimeoutMs } = this.#options;
    const sentAt = nodeClock.monotonic();
    const fate = faults.fate?.({ kind, connection: this.#options.name }) ?? {};
    const answer = await this.#inTime(fate, this.#carry({ kind, fate, operate }));
    if (answer === undefined) await this.#wait(nodeClock, sentAt + requestTimeoutMs - nodeClock.monotonic());
    await this.present();
    this.#isHealthy = answer !== undefined && answer.status === 'answered';
    return answer ?? { status: 'lost', cause: new Error('no answer') };
  }

  /** A request that takes longer than its time-out counts as lost, and lands all the same: perhaps after its repetition. */
  async #inTime<T>({ requestDelayMs = 0, answerDelayMs = 0 }: Fate, answer: Promise<Reply<T> | undefined>): Promise<Reply<T> | undefined> {
    const { nodeClock, requestTimeoutMs } = this.#options;
    if (requestDelayMs + answerDelayMs < requestTimeoutMs) return answer;
    // What it comes to afterwards is nobody's to hear.
    answer.catch(() => undefined);
    return Promise.race([answer, this.#wait(nodeClock, requestTimeoutMs).then(() => undefined)]);
  }

  /** Undefined: no answer will come. */
  async #carry<T>({ kind, fate, operate }: Request<T>): Promise<Reply<T> | undefined> {
    const { clusterClock, isRefused } = this.#options;
    await this.#wait(clusterClock, fate.requestDelayMs ?? 0);
    if (this.#isPartitioned || fate.outcome === 'request-lost') return undefined;
    const reply: Reply<T> =
      fate.outcome === 'refused' || isRefused(kind)
        ? { status: 'refused', cause: new Error('refused') }
        : { status: 'answered', value: operate() };
    await this.#wait(clusterClock, fate.answerDelayMs ?? 0);
    return this.#isPartitioned || fate.outcome === 'answer-lost' ? undefined : reply;
  }

  async #wait(clock: Clock, ms: number): Promise<void> {
    if (ms > 0) await clock.sleep(ms, this.closed);
  }

  #release(): void {
    const resumed = this.#resumed;
    this.#resumed = [];
    for (const resolve of resumed) resolve();
  }
}
