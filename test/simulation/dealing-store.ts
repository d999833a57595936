/**
 * A node's store with the fuse in it: each request is a dealing with the outside, before it is sent and after it is answered, and so is each
 * change that comes down a watch. At any of them the node may die or be brought to stand still.
 */

import type { ChangeBatch, CommitLimits, Revision, Store, Term, Write } from '../../src/store/port.ts';

export interface Dealings {
  readonly commitLimits: CommitLimits;
  /** Counts one; false: the node is dead. A promise only while it stands still: most dealings are to cost no turn. */
  readonly pass: (where: string) => boolean | Promise<boolean>;
  /** A commit is answered, and who sent it goes on. */
  readonly onCommitOver: () => void;
  /** Told of each commit as it is sent; answers whom to tell what became of it. */
  readonly onCommit: (term: Revision) => (outcome: 'landed' | 'term-lost' | 'unknown' | 'other') => void;
}

/** Nobody goes on after this. One for each who waits: a promise holds on to all that wait for it, and with them a whole dead node. */
const never = (): Promise<never> => new Promise(() => undefined);

export function dealingStore(store: Store, dealings: Dealings): Store {
  const { commitLimits, pass } = dealings;
  const dealt = async <T>(where: string, act: () => Promise<T>): Promise<T> => {
    const before = pass(where);
    if (before !== true && !(await before)) return never();
    try {
      return await act();
    } finally {
      const after = pass(where);
      if (after !== true && !(await after)) await never();
    }
  };
  const terms = new WeakMap<Term, Term>();
  return {
    kind: store.kind,
    commitLimits,
    snapshot: () => dealt('snapshot', () => store.snapshot()),
    get: (key) => dealt('get', () => store.get(key)),
    watch: (from, signal) => watched(store.watch(from, signal), pass),
    transact: (transaction) => dealt('transact', () => store.transact(transaction)),
    campaign: async (candidate, signal) => {
      const term = await dealt('campaign', () => store.campaign(candidate, signal));
      const own: Term = { number: term.number, signal: term.signal, resign: () => dealt('resign', () => term.resign()) };
      terms.set(own, term);
      return own;
    },
    leader: () => dealt('leader', () => store.leader()),
    evict: (number) => dealt('evict', () => store.evict(number)),
    commit: (term, writes) =>
      dealt('commit', () => commit(store, { term: terms.get(term) ?? term, writes, dealings })).finally(dealings.onCommitOver),
    announce: (key, value) => dealt('announce', () => store.announce(key, value)),
    healthy: () => store.healthy(),
    close: () => store.close(),
  };
}

async function* watched(batches: AsyncIterable<ChangeBatch>, pass: Dealings['pass']): AsyncGenerator<ChangeBatch, void, void> {
  for await (const batch of batches) {
    const passed = pass('watch');
    if (passed !== true && !(await passed)) await never();
    yield batch;
  }
}

async function commit(
  store: Store,
  { term, writes, dealings }: { readonly term: Term; readonly writes: readonly Write[]; readonly dealings: Dealings },
): Promise<Revision> {
  const tell = dealings.onCommit(term.number);
  try {
    const revision = await store.commit(term, writes);
    tell('landed');
    return revision;
  } catch (error) {
    const { code } = error as { code?: string };
    tell(code === 'term-lost' || code === 'unknown' ? code : 'other');
    throw error;
  }
}
