/**
 * Takes the stored identity of the executor away, so that the next leader begins as a new Mesos framework. For an operator, when
 * Mesos has removed the old one: Kairos never does it by itself, as what the store believes alive would belong to nobody.
 *
 * It is done as a leader, in a term of its own: no node can lead, and so launch or connect, at the same time.
 */

import type { Clock } from '../clock/clock.ts';
import { EXECUTOR_IDENTITY_KEY, RUNS } from '../engine/keys.ts';
import { identityOf, withoutIdentity } from '../engine/executor-identity.ts';
import type { ExecutorIdentity, RunRecord } from '../engine/records.ts';
import { isAlive } from '../engine/run-state.ts';
import type { Entry, Store, Term } from '../store/port.ts';

/** How long to wait for a leader to be gone. Longer than the lease of one that was killed. */
export const TERM_WAIT_MS = 15_000;

export interface ForgetOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** false: only look. */
  readonly isConfirmed: boolean;
  /** Also when runs are believed alive. */
  readonly isForced: boolean;
  readonly termWaitMs?: number;
}

export type Forgetting =
  | { readonly outcome: 'none'; readonly identity?: undefined }
  /** Somebody leads. */
  | { readonly outcome: 'led'; readonly leader: string }
  /** `alive`: `job#run` of those believed to have a task. */
  | { readonly outcome: 'forgotten' | 'unconfirmed' | 'alive'; readonly identity: string; readonly alive: readonly string[] };

export async function forgetFramework(options: ForgetOptions): Promise<Forgetting> {
  const term = await takeTerm(options);
  if (term === undefined) return { outcome: 'led', leader: (await options.store.leader())?.node ?? 'unknown' };
  try {
    return await forget(options, term);
  } finally {
    await term.resign();
  }
}

async function forget({ store, isConfirmed, isForced }: ForgetOptions, term: Term): Promise<Forgetting> {
  // Read within the term: no commit of an older one can land after this.
  const { entries } = await store.snapshot();
  const stored = entries.find(({ key }) => key === EXECUTOR_IDENTITY_KEY);
  const record = stored && (JSON.parse(stored.value) as ExecutorIdentity);
  const identity = identityOf(record, 'mesos');
  // What local executors have labelled with theirs is left to them.
  if (record === undefined || identity === undefined) return { outcome: 'none' };
  const alive = aliveRuns(entries);
  if (alive.length > 0 && !isForced) return { outcome: 'alive', identity, alive };
  if (!isConfirmed) return { outcome: 'unconfirmed', identity, alive };
  const others = withoutIdentity(record, 'mesos');
  await store.commit(term, [{ key: EXECUTOR_IDENTITY_KEY, value: others && JSON.stringify(others) }]);
  return { outcome: 'forgotten', identity, alive };
}

async function takeTerm({ store, clock, termWaitMs = TERM_WAIT_MS }: ForgetOptions): Promise<Term | undefined> {
  const patience = new AbortController();
  const cancel = clock.timer(termWaitMs, () => patience.abort());
  try {
    return await store.campaign({ node: 'kairos framework forget', address: '' }, patience.signal);
  } catch (error) {
    if (patience.signal.aborted) return undefined;
    throw error;
  } finally {
    cancel();
  }
}

function aliveRuns(entries: readonly Entry[]): string[] {
  const alive: string[] = [];
  for (const { key, value } of entries) {
    if (!key.startsWith(RUNS)) continue;
    const { job, number, state } = JSON.parse(value) as RunRecord;
    if (isAlive(state)) alive.push(`${job}#${number}`);
  }
  return alive;
}
