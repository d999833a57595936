/**
 * Notices a leader's crash sooner than its lease runs out: a process that died leaves an address that refuses connections.
 * A follower that sees it twice ends that term. Safe even if it is wrong: commits are fenced by the term.
 */

import type { Clock } from '../clock/clock.ts';
import type { Candidate, LeaderRecord, Store } from '../store/port.ts';
import type { LeaderObserver } from './observer.ts';

/** Resolves `refused` only when the machine answered that nobody listens there; silence and everything else is `unclear`. */
export type AddressProbe = (address: string) => Promise<'open' | 'refused' | 'unclear'>;

const PROBE_INTERVAL_MS = 500;
const REFUSALS_NEEDED = 2;

export interface CrashWatchOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly observer: LeaderObserver;
  readonly probe: AddressProbe;
  readonly self: Candidate;
}

export class CrashWatch {
  readonly #options: CrashWatchOptions;
  #suspect: bigint | undefined;
  #refusals = 0;

  constructor(options: CrashWatchOptions) {
    this.#options = options;
  }

  /** Watches until `signal` aborts. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, observer } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(PROBE_INTERVAL_MS, signal);
      if (signal.aborted) return;
      try {
        await this.#look();
      } catch (error) {
        observer.trouble('crash-watch', error);
      }
    }
  }

  async #look(): Promise<void> {
    const leader = await this.#options.store.leader();
    if (!leader || leader.address === '') return;
    // Here it would be an address of this machine, where something else listens, or nothing.
    if (leader.loopbackOf !== undefined && leader.loopbackOf !== this.#options.self.loopbackOf) return;
    const answer = await this.#options.probe(leader.address);
    if (leader.term !== this.#suspect || answer !== 'refused') this.#refusals = 0;
    this.#suspect = leader.term;
    if (answer !== 'refused') return;
    this.#refusals += 1;
    if (this.#refusals >= REFUSALS_NEEDED) await this.#evict(leader);
  }

  async #evict(leader: LeaderRecord): Promise<void> {
    this.#refusals = 0;
    await this.#options.store.evict(leader.term);
  }
}
