/** A term in this process's hands. It ends once, for whatever reason comes first, and is given back to the medium at most once. */

import { StoreError } from './errors.ts';
import type { Revision, Term } from './port.ts';

export class HeldTerm implements Term {
  readonly number: Revision;
  readonly #controller = new AbortController();
  readonly #release: () => Promise<void>;
  #released: Promise<void> | undefined;

  /** `release` takes the leader key back, as far as the medium can be reached within a bound; it must not reject. */
  constructor(number: Revision, release: () => Promise<void>) {
    this.number = number;
    this.#release = release;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The term is over, or may be over elsewhere soon. */
  end(why: string): void {
    if (!this.signal.aborted) this.#controller.abort(new StoreError('term-lost', `term ${this.number}: ${why}`));
  }

  resign(): Promise<void> {
    this.end('resigned');
    this.#released ??= this.#release();
    return this.#released;
  }
}
