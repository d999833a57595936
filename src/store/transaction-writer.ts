/**
 * Writes a transaction over a medium that may lose answers, and finds out what became of it.
 *
 * The first write, the witness, is guarded. So whatever happens, this transaction can only be the change that follows the guarded
 * revision of that key; and a second copy of it can't land after the first. After a lost answer:
 *
 *   read the witness ── still as guarded ──> send the same again (the first copy may be under way; only one can land)
 *                    └─ moved on ──────────> our value there, or in the key's history: landed; otherwise it never will
 *
 * Whether a delete was ours can't be seen in a history: the delete that followed the guarded revision is taken for it.
 */

import type { Clock } from '../clock/clock.ts';
import { StoreError } from './errors.ts';
import type { Change, Entry, Revision, Transaction, TransactionResult } from './port.ts';
import type { Reply } from './reply.ts';
import { checkTransaction, type Witness } from './write-rules.ts';

export type TransactionReply =
  | { readonly ok: true; readonly revision: Revision }
  /** `witness` is the first written key as the refused transaction found it. */
  | { readonly ok: false; readonly witness: Entry | undefined };

export interface TransactionMedium {
  /** The newest revision this node has heard of. */
  seenRevision(): Revision;
  send(transaction: Transaction): Promise<Reply<TransactionReply>>;
  /** Linearizable. */
  read(key: string): Promise<Reply<Entry | undefined>>;
  /** The key's changes after `after`, up to the first at or after `until`, which exists. Throws StoreError `compacted`. */
  changes(key: string, after: Revision, until: Revision): Promise<Reply<readonly Change[]>>;
}

export interface TransactionWriterOptions {
  readonly clock: Clock;
  readonly medium: TransactionMedium;
  /** How long a lost answer is looked for before the outcome is `unknown`. */
  readonly resolveLimitMs: number;
  readonly retryDelayMs: number;
}

export class TransactionWriter {
  readonly #options: TransactionWriterOptions;

  constructor(options: TransactionWriterOptions) {
    this.#options = options;
  }

  async write(transaction: Transaction): Promise<TransactionResult> {
    const witness = checkTransaction(transaction);
    const { clock, medium, resolveLimitMs, retryDelayMs } = this.#options;
    const since = medium.seenRevision();
    const first = await medium.send(transaction);
    if (first.status === 'answered') return first.value.ok ? first.value : { ok: false };
    if (first.status === 'refused') throw refusal(first.cause);
    const deadline = clock.monotonic() + resolveLimitMs;
    do {
      const result = await this.#resolve(transaction, witness, since);
      if (result !== undefined) return result;
      await clock.sleep(retryDelayMs);
    } while (clock.monotonic() < deadline);
    throw new StoreError('unknown', `whether ${witness.write.key} was written could not be found out`, { cause: first.cause });
  }

  async #resolve(transaction: Transaction, witness: Witness, since: Revision): Promise<TransactionResult | undefined> {
    const found = await this.#options.medium.read(witness.write.key);
    if (found.status !== 'answered') return undefined;
    if (isAsGuarded(found.value, witness)) return this.#sendAgain(transaction, witness);
    return this.#lookBack(found.value, witness, since);
  }

  async #sendAgain(transaction: Transaction, witness: Witness): Promise<TransactionResult | undefined> {
    const again = await this.#options.medium.send(transaction);
    if (again.status !== 'answered') return undefined;
    if (again.value.ok) return again.value;
    // Another guard fails while the witness stands as it stood: neither copy landed. If it moved, the first copy may have; read again.
    return isAsGuarded(again.value.witness, witness) ? { ok: false } : undefined;
  }

  async #lookBack(found: Entry | undefined, { write, guard }: Witness, since: Revision): Promise<TransactionResult | undefined> {
    if (found !== undefined && found.value === write.value) return { ok: true, revision: found.modRevision };
    const existed = guard.modRevision > 0n;
    // A key that stood there before this transaction was sent: the guard failed.
    if (!existed && found !== undefined && found.modRevision <= since) return { ok: false };
    const after = existed ? guard.modRevision : since;
    const until = existed ? guard.modRevision + 1n : (found?.modRevision ?? 0n);
    const changes = await this.#options.medium.changes(write.key, after, until).catch((cause: unknown) => {
      if (!(cause instanceof StoreError && cause.code === 'compacted')) throw cause;
      throw new StoreError('unknown', `the history that could tell whether ${write.key} was written is gone`, { cause });
    });
    if (changes.status !== 'answered') return undefined;
    const [next] = changes.value;
    const own = write.value === undefined || existed ? next : changes.value.find((change) => change.value === write.value);
    return own !== undefined && own.value === write.value ? { ok: true, revision: own.revision } : { ok: false };
  }
}

const isAsGuarded = (entry: Entry | undefined, witness: Witness): boolean => (entry?.modRevision ?? 0n) === witness.guard.modRevision;

function refusal(cause: unknown): Error {
  if (cause instanceof StoreError) return cause;
  return new StoreError('unavailable', 'the store refused the write', { cause });
}
