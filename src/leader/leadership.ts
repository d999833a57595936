/**
 * A node's part in the leadership: campaigns, leads, and campaigns again, until stopped. While another node leads it watches
 * for that node's crash.
 *
 *     stopped ──start──> campaigning ──won──> leading ──lost, resigned, executor out of reach──> campaigning …
 *                             └───────────────stop───────────────┴──────────────> stopped
 */

import type { EngineGauges } from '../engine/engine.ts';
import type { ExecutorEvent } from '../executor/port.ts';
import type { Candidate, Revision, Term } from '../store/port.ts';
import { CrashWatch, type AddressProbe } from './crash-watch.ts';
import { type TermDependencies, TermLoop } from './term-loop.ts';

/** Pause before campaigning again after a term that ended badly, so that a node in trouble does not win at once again. */
export const DEFAULT_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** How long a leader may be without its executor, when there are other nodes, before it gives them a chance. */
export const DEFAULT_EXECUTOR_PATIENCE_MS = 30_000;

export interface LeadershipOptions {
  readonly candidate: Candidate;
  readonly pauseMs?: number;
  readonly executorPatienceMs?: number;
  /** Tells whether a leader's address refuses connections; absent: crashes are noticed by the lease alone. */
  readonly probe?: AddressProbe;
  /** How many nodes there are, this one included. */
  readonly nodeCount: () => number;
}

export class Leadership {
  readonly #deps: TermDependencies;
  readonly #options: LeadershipOptions;
  readonly #stop = new AbortController();
  #loop: TermLoop | undefined;
  #term: Term | undefined;
  #done: Promise<void> | undefined;
  #isExecutorUp = false;
  /** Why the executor was lost last; undefined since it was connected. */
  #executorTrouble: string | undefined;
  /** How often the executor refused this node for good since it was last connected. */
  #refusals = 0;

  constructor(deps: TermDependencies, options: LeadershipOptions) {
    this.#deps = { ...deps, onExecutorEvent: (event) => this.#noteExecutor(event) };
    this.#options = options;
  }

  /** The term this node leads in; undefined while it does not. */
  get term(): Revision | undefined {
    return this.#term?.signal.aborted ? undefined : this.#term?.number;
  }

  /** While leading: whether the executor's connection stands. */
  get isExecutorUp(): boolean {
    return this.#isExecutorUp;
  }

  /** Why this node, as the leader, last lost its executor; stays until it is connected again. */
  get executorTrouble(): string | undefined {
    return this.#executorTrouble;
  }

  gauges(): EngineGauges | undefined {
    return this.#loop?.gauges();
  }

  start(): void {
    this.#done ??= this.#campaignForEver();
  }

  /** Hands over: ends the term after the commit under way, resigns, and leaves tasks running. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#loop?.end('this node stops');
    await this.#done;
  }

  async #campaignForEver(): Promise<void> {
    const signal = this.#stop.signal;
    while (!signal.aborted) {
      const term = await this.#campaign(signal);
      if (!term) continue;
      if (signal.aborted) {
        await term.resign();
        return;
      }
      const isGood = await this.#lead(term);
      if (!isGood) await this.#deps.clock.sleep(this.#pauseMs(), signal);
    }
  }

  /** Longer with each term that the executor refused: a removed framework stays so until a person acts, and every term reads the whole store. */
  #pauseMs(): number {
    const pauseMs = this.#options.pauseMs ?? DEFAULT_PAUSE_MS;
    return this.#refusals === 0 ? pauseMs : Math.min(pauseMs * 2 ** this.#refusals, Math.max(pauseMs, LONGEST_PAUSE_MS));
  }

  async #campaign(signal: AbortSignal): Promise<Term | undefined> {
    const { store, clock, observer } = this.#deps;
    const watching = new AbortController();
    const probe = this.#options.probe;
    const watch = probe ? new CrashWatch({ store, clock, observer, probe, self: this.#options.candidate }).run(watching.signal) : undefined;
    try {
      return await store.campaign(this.#options.candidate, signal);
    } catch (error) {
      if (!signal.aborted) {
        observer.trouble('campaign', error);
        await clock.sleep(this.#options.pauseMs ?? DEFAULT_PAUSE_MS, signal);
      }
      return undefined;
    } finally {
      watching.abort();
      await watch;
    }
  }

  async #lead(term: Term): Promise<boolean> {
    const { observer } = this.#deps;
    this.#term = term;
    this.#loop = new TermLoop(this.#deps, term);
    if (this.#stop.signal.aborted) this.#loop.end('this node stops');
    const patience = new AbortController();
    const waiting = this.#watchExecutor(patience.signal);
    observer.termBegan(term.number);
    const reason = await this.#loop.run();
    patience.abort();
    await waiting;
    this.#loop = undefined;
    this.#term = undefined;
    this.#isExecutorUp = false;
    observer.termEnded(term.number, reason);
    return this.#stop.signal.aborted;
  }

  /** Losing the executor is losing the right to lead, when another node could do better. */
  async #watchExecutor(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const patienceMs = this.#options.executorPatienceMs ?? DEFAULT_EXECUTOR_PATIENCE_MS;
    let downSince = clock.monotonic();
    while (!signal.aborted) {
      await clock.sleep(patienceMs / 10, signal);
      if (this.#isExecutorUp) downSince = clock.monotonic();
      else if (clock.monotonic() - downSince >= patienceMs && this.#options.nodeCount() > 1) {
        this.#loop?.end('the executor is out of reach');
        return;
      }
    }
  }

  #noteExecutor(event: ExecutorEvent): void {
    if (event.type === 'connected') {
      this.#isExecutorUp = true;
      this.#executorTrouble = undefined;
      this.#refusals = 0;
    }
    if (event.type !== 'disconnected') return;
    this.#isExecutorUp = false;
    this.#executorTrouble = event.reason;
    // Told for good that it may not go on: someone else holds the framework, or it was removed.
    if (!event.final) return;
    this.#refusals += 1;
    this.#loop?.end(`the executor refuses this node: ${event.reason}`);
  }
}
