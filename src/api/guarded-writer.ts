/**
 * Carries out plans made from the node's copy of the store, one after the other, each as guarded transactions. Knows nothing
 * of what is written.
 */

import { type Revision, type Transaction, type Write } from '../store/port.ts';
import type { ApiDeps } from './deps.ts';
import { ApiError } from './errors.ts';
import { Mutex } from './mutex.ts';

export type Plan<T> =
  /** Nothing is to be written. */
  | { readonly result: T; readonly transaction?: undefined }
  | {
      readonly result: T;
      readonly transaction: Transaction;
      /** Otherwise, once it is written, the plan is made again for what is left. */
      readonly isLast: boolean;
      readonly onWritten?: () => void;
    };

export interface Applied<T> {
  readonly result: T;
  /** Of the last write; absent when nothing was written. */
  readonly revision?: Revision;
}

/** How long to wait for the node's own copy to reach a revision that is known to exist. */
export const CATCH_UP_MS = 5_000;
/** Each conflict means that another node's edit landed meanwhile, so somebody always gets on. */
const CONFLICTS_TOLERATED = 20;
const CONFLICT_PAUSE_MS = 5;

export class GuardedWriter {
  readonly #deps: Pick<ApiDeps, 'store' | 'replica' | 'clock' | 'logger'>;
  readonly #mutex = new Mutex();

  constructor(deps: Pick<ApiDeps, 'store' | 'replica' | 'clock' | 'logger'>) {
    this.#deps = deps;
  }

  /**
   * Plans and writes until a plan says that it is the last. `plan` looks at the copy only, and throws an ApiError to refuse: that
   * counts only once the copy has everything that was ever written to `keys` and the plan's guards when this was called.
   */
  apply<T>(keys: readonly string[], plan: () => Plan<T>): Promise<Applied<T>> {
    return this.#mutex.run(async () => {
      let isFresh = false;
      let conflicts = 0;
      for (;;) {
        const planned = attempt(plan);
        if (planned.ok && planned.plan.transaction !== undefined) {
          const { result, transaction, isLast, onWritten } = planned.plan;
          const revision = await this.#write(transaction);
          if (revision !== undefined) onWritten?.();
          if (revision !== undefined && isLast) return { result, revision };
          if (revision === undefined) {
            conflicts += 1;
            await this.#recover([...keys, ...transaction.guards.map(({ key }) => key)], conflicts);
            isFresh = true;
          }
        } else if (isFresh) {
          if (!planned.ok) throw planned.refusal;
          return { result: planned.plan.result };
        } else {
          await this.#catchUp(keys);
          isFresh = true;
        }
      }
    });
  }

  /** Guards each write by what the copy holds now. */
  guarded(writes: readonly Write[]): Transaction {
    const guards = writes.map(({ key }) => ({ key, modRevision: this.#deps.replica.get(key)?.modRevision ?? 0n }));
    return { guards, writes };
  }

  /** The revision, once the copy has it, so that the client reads its own write; undefined when a guard did not hold. */
  async #write(transaction: Transaction): Promise<Revision | undefined> {
    const { store, replica, logger } = this.#deps;
    const written = await store.transact(transaction);
    if (!written.ok) return undefined;
    const isThere = await replica.waitFor(written.revision, CATCH_UP_MS);
    if (!isThere) logger.warn({ revision: written.revision }, 'a write landed, but the copy of the store is slow to show it');
    return written.revision;
  }

  async #recover(keys: readonly string[], conflicts: number): Promise<void> {
    if (conflicts > CONFLICTS_TOLERATED) {
      throw new ApiError('edit-conflict', `others changed the same definitions ${conflicts} times meanwhile; try again`, {
        headers: { 'Retry-After': '1' },
      });
    }
    const { clock } = this.#deps;
    if (conflicts > 1) await clock.sleep(clock.random() * CONFLICT_PAUSE_MS * conflicts);
    await this.#catchUp(keys);
  }

  /** A deleted key tells nothing, but whatever deletes a definition moves the graph's key. */
  async #catchUp(keys: readonly string[]): Promise<void> {
    const { store, replica } = this.#deps;
    const entries = await Promise.all([...new Set(keys)].map((key) => store.get(key)));
    const newest = entries.reduce((most, entry) => (entry !== undefined && entry.modRevision > most ? entry.modRevision : most), 0n);
    if (await replica.waitFor(newest, CATCH_UP_MS)) return;
    throw new ApiError('not-ready', "this node's copy of the store is behind; try again, or another node", {
      headers: { 'Retry-After': '1' },
    });
  }
}

type Attempted<T> = { readonly ok: true; readonly plan: Plan<T> } | { readonly ok: false; readonly refusal: ApiError };

function attempt<T>(plan: () => Plan<T>): Attempted<T> {
  try {
    return { ok: true, plan: plan() };
  } catch (error) {
    if (error instanceof ApiError) return { ok: false, refusal: error };
    throw error;
  }
}
