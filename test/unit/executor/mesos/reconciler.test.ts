import assert from 'node:assert/strict';
import { test } from 'uvu';
import type { TaskRef } from '../../../../src/executor/port.ts';
import type { CallBody, RawStatus } from '../../../../src/executor/mesos/protocol.ts';
import { IMPLICIT_INTERVAL_MS, RECONCILE_BATCH, RECONCILE_BOUND_MS, Reconciler } from '../../../../src/executor/mesos/reconciler.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { AGENT } from './fixtures.ts';

function setup() {
  const clock = new ManualClock();
  const calls: string[][] = [];
  const reconciled: number[] = [];
  const reconciler = new Reconciler({
    clock,
    boundMs: RECONCILE_BOUND_MS,
    send: (call) => calls.push(idsOf(call)),
    onReconciled: (silent) => reconciled.push(silent),
  });
  const answer = (id: string, change: Partial<RawStatus> = {}): void => {
    const status: RawStatus = {
      task_id: { value: id },
      state: 'TASK_RUNNING',
      agent_id: { value: AGENT },
      source: 'SOURCE_MASTER',
      ...change,
    };
    reconciler.hear(status);
  };
  const answerBarrier = (): void => answer(calls.flat().findLast(isBarrierId) ?? 'none', { state: 'TASK_UNKNOWN' });
  return { clock, calls, reconciled, reconciler, answer, answerBarrier };
}

function idsOf(call: CallBody): string[] {
  if (call.type !== 'RECONCILE') throw new Error(call.type);
  return call.reconcile.tasks.map((task) => (task.agent_id === undefined ? `${task.task_id.value} without agent` : task.task_id.value));
}

function isBarrierId(id: string): boolean {
  return id.startsWith('kairos:barrier:');
}

function ref(taskId: string, agentId = AGENT): TaskRef {
  return { taskId, agentId, address: '' };
}

test('it asks for everything, then for each task with its agent, then for the barrier', () => {
  const { calls, reconciler } = setup();
  reconciler.ask([ref('a'), ref('b')]);
  assert.deepEqual(calls.slice(0, 2), [[], ['a', 'b']]);
  assert.equal(calls.length, 3);
  assert.ok(isBarrierId(calls[2]![0]!));
});

test('reconciled waits for the barrier even when every task was answered', () => {
  const { reconciled, reconciler, answer, answerBarrier } = setup();
  reconciler.ask([ref('a')]);
  answer('a');
  assert.deepEqual(reconciled, []);
  answerBarrier();
  assert.deepEqual(reconciled, [0]);
});

test('with nothing to ask for the barrier alone tells that all is known', () => {
  const { calls, reconciled, reconciler, answerBarrier } = setup();
  reconciler.ask([]);
  assert.equal(calls.length, 2);
  answerBarrier();
  assert.deepEqual(reconciled, [0]);
});

test('a task that nobody speaks for holds reconciled up to the bound, and is asked for again and again', async () => {
  const { clock, calls, reconciled, reconciler, answer, answerBarrier } = setup();
  reconciler.ask([ref('a'), ref('silent')]);
  answer('a');
  answerBarrier();
  await clock.advance(RECONCILE_BOUND_MS - 1);
  assert.deepEqual(reconciled, []);
  await clock.advance(1);
  assert.deepEqual(reconciled, [1]);
  calls.length = 0;
  await clock.advance(600_000);
  assert.ok(calls.length >= 5 && calls.length <= 30, `${calls.length}`);
  for (const call of calls) assert.deepEqual(call, ['silent']);
  answer('silent');
  calls.length = 0;
  await clock.advance(600_000);
  assert.deepEqual([calls, reconciled], [[], [1]]);
});

test('a lost barrier is asked for again; reconciled is never said without it', async () => {
  const { clock, reconciled, reconciler, answer, answerBarrier } = setup();
  reconciler.ask([ref('a')]);
  answer('a');
  await clock.advance(60_000);
  assert.deepEqual(reconciled, []);
  answerBarrier();
  assert.deepEqual(reconciled, [0]);
});

test('several asks in a row count as one: the last barrier covers them all', () => {
  const { calls, reconciled, reconciler, answer, answerBarrier } = setup();
  reconciler.ask([ref('a')]);
  const first = calls.flat().find(isBarrierId)!;
  reconciler.ask([ref('b')]);
  answer('a');
  answer(first, { state: 'TASK_UNKNOWN' });
  answer('b');
  assert.deepEqual(reconciled, []);
  answerBarrier();
  assert.deepEqual(reconciled, [0]);
});

test('an unknown without an agent is no answer', () => {
  const { reconciled, reconciler, answerBarrier } = setup();
  reconciler.ask([ref('a', '')]);
  reconciler.hear({ task_id: { value: 'a' }, state: 'TASK_UNKNOWN', source: 'SOURCE_MASTER' });
  answerBarrier();
  assert.deepEqual(reconciled, []);
});

test('many tasks are asked for in batches', () => {
  const { calls, reconciler } = setup();
  reconciler.ask(Array.from({ length: RECONCILE_BATCH * 2 + 1 }, (_, index) => ref(`t${index}`)));
  assert.deepEqual(
    calls.map((call) => call.length),
    [0, RECONCILE_BATCH, RECONCILE_BATCH, 1, 1],
  );
});

test('everything is asked for now and then only', async () => {
  const { clock, calls, reconciler } = setup();
  const implicits = (): number => calls.filter((call) => call.length === 0).length;
  reconciler.ask([]);
  reconciler.ask([]);
  assert.equal(implicits(), 1);
  await clock.advance(IMPLICIT_INTERVAL_MS);
  reconciler.ask([]);
  assert.equal(implicits(), 2);
});

test('when an agent is lost its silent tasks are asked for at once', () => {
  const { calls, reconciler } = setup();
  reconciler.ask([ref('a'), ref('b', 'other')]);
  calls.length = 0;
  reconciler.hurry('other');
  assert.deepEqual(calls, [['b']]);
});

test('when the subscription ends nothing more is asked and no timer is left', () => {
  const { clock, reconciler } = setup();
  reconciler.ask([ref('a')]);
  reconciler.stop();
  assert.equal(clock.pending, 0);
});

test.run();
