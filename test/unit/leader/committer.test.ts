import assert from 'node:assert/strict';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import type { Step } from '../../../src/engine/decision.ts';
import type { Executor, ExecutorCommand } from '../../../src/executor/port.ts';
import { Committer } from '../../../src/leader/committer.ts';
import type { LeaderObserver } from '../../../src/leader/observer.ts';
import { StoreError } from '../../../src/store/errors.ts';
import { DEFAULT_COMMIT_LIMITS, MAX_OPERATIONS, type Store, type Term, type Write } from '../../../src/store/port.ts';

interface Setup {
  readonly committer: Committer;
  readonly story: string[];
  readonly failures: unknown[];
  /** Answers the commit under way. */
  answer(error?: Error): Promise<void>;
  readonly term: AbortController;
}

function setup(): Setup {
  const story: string[] = [];
  const failures: unknown[] = [];
  const term = new AbortController();
  const waiting: { resolve: (revision: bigint) => void; reject: (error: Error) => void }[] = [];
  const commit = (_term: Term, writes: readonly Write[]): Promise<bigint> => {
    story.push(`commit ${writes[0]?.key[0]}`);
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  };
  const committer = new Committer({
    store: { commit, commitLimits: DEFAULT_COMMIT_LIMITS } as unknown as Store,
    term: { number: 1n, signal: term.signal, resign: () => Promise.resolve() },
    executor: { perform: (command: ExecutorCommand) => story.push(command.type) } as unknown as Executor,
    clock: systemClock,
    observer: { committed: (outcome: string) => story.push(outcome), performed: () => {}, fact: () => {} } as unknown as LeaderObserver,
    onFailure: (error) => failures.push(error),
  });
  return {
    committer,
    story,
    failures,
    term,
    async answer(error) {
      const next = waiting.shift();
      if (error) next?.reject(error);
      else next?.resolve(1n);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** A step that fills a transaction of its own and revives. */
const full = (letter: string): Step => ({
  writes: Array.from({ length: MAX_OPERATIONS }, (_, i) => ({ key: `${letter}${i}`, value: '' })),
  commands: [{ type: 'revive' }],
  facts: [],
});

test('a command is performed only after the commit that holds it, and commits follow one another', async () => {
  const { committer, story, answer } = setup();
  committer.add([full('a'), full('b')]);
  assert.deepEqual(story, ['commit a']);
  await answer();
  assert.deepEqual(story, ['commit a', 'landed', 'revive', 'commit b']);
  await answer();
  await committer.idle();
  assert.deepEqual(story, ['commit a', 'landed', 'revive', 'commit b', 'landed', 'revive']);
});

test('after a failed commit nothing that was decided behind it is committed or performed', async () => {
  const { committer, story, failures, answer } = setup();
  committer.add([full('a'), full('b')]);
  await answer(new StoreError('unknown', 'nobody knows'));
  await committer.idle();
  assert.deepEqual(story, ['commit a', 'unknown']);
  assert.equal(failures.length, 1);
});

test('a term that ran out during the commit is not acted in', async () => {
  const { committer, story, term, answer } = setup();
  committer.add([full('a')]);
  term.abort();
  await answer();
  await committer.idle();
  assert.deepEqual(story, ['commit a', 'landed']);
});

test('what was to be asked before the executor connected anew is not asked', async () => {
  const { committer, story, answer } = setup();
  const asking: Step = { writes: [{ key: 'a', value: '' }], commands: [{ type: 'reconcile', tasks: [] }, { type: 'revive' }], facts: [] };
  committer.add([asking]);
  committer.reconnected();
  await answer();
  assert.equal(committer.hasAsked, false);
  committer.add([asking]);
  await answer();
  await committer.idle();
  assert.equal(committer.hasAsked, true);
  committer.reconnected();
  assert.equal(committer.hasAsked, false);
  assert.deepEqual(story, ['commit a', 'landed', 'revive', 'commit a', 'landed', 'reconcile', 'revive']);
});

test('commands without writes need no commit', async () => {
  const { committer, story } = setup();
  committer.add([{ writes: [], commands: [{ type: 'suppress' }], facts: [] }]);
  await committer.idle();
  assert.deepEqual(story, ['suppress']);
});

test.run();
