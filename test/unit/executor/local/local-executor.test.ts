import assert from 'node:assert/strict';
import { test } from 'uvu';
import { LocalExecutor } from '../../../../src/executor/local/local-executor.ts';
import { NO_RESOURCES } from '../../../../src/executor/local/resources.ts';
import type { HostListener, TaskHost, TaskReport } from '../../../../src/executor/local/task-host.ts';
import type { ExecutorCommand, ExecutorEvent } from '../../../../src/executor/port.ts';
import { silentLogger } from '../../../../src/telemetry/logger.ts';
import { PLAIN_TASK } from '../../../support/executor-driver.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

/** A host that does as the test says. */
class ScriptedHost implements TaskHost {
  readonly calls: string[] = [];
  listener: HostListener | undefined;
  openFailure: Error | undefined;
  /** What is about one task only. */
  readonly taskTrouble = new Error('stuck');
  /** Whether a kill fails so. */
  isStuck = false;
  found: readonly TaskReport[] = [];
  /** By task: when a look at it is done. Others are at once. */
  readonly looking = new Map<string, Promise<undefined>>();
  /** Answers the launch under way. */
  answerLaunch: (answer: TaskReport | Error) => void = () => undefined;

  async open(listener: HostListener): Promise<readonly TaskReport[]> {
    this.calls.push('open');
    if (this.openFailure !== undefined) throw this.openFailure;
    this.listener = listener;
    return this.found;
  }

  async close(): Promise<void> {
    this.calls.push('close');
  }

  launch(): Promise<TaskReport> {
    this.calls.push('launch');
    return new Promise((resolve, reject) => {
      this.answerLaunch = (answer) => (answer instanceof Error ? reject(answer) : resolve(answer));
    });
  }

  async look(taskId: string): Promise<undefined> {
    return this.looking.get(taskId);
  }

  resume(taskId: string): Promise<TaskReport> {
    return Promise.resolve(report(taskId, 'running'));
  }

  async kill(taskId: string, { isForced, killBy }: { isForced: boolean; killBy: number }): Promise<TaskReport> {
    this.calls.push(isForced ? 'kill by force' : 'kill');
    if (this.isStuck) throw this.taskTrouble;
    return { ...report(taskId, 'killing'), killBy };
  }

  async acknowledge(): Promise<void> {
    this.calls.push('acknowledge');
  }

  async forget(): Promise<void> {
    this.calls.push('forget');
  }

  async readLog(): Promise<undefined> {
    return undefined;
  }

  isOutage(error: unknown): boolean {
    return error !== this.taskTrouble;
  }
}

function report(taskId: string, state: TaskReport['status']['state']): TaskReport {
  return { status: { taskId, state }, resources: { ...NO_RESOURCES, cpus: 1 }, isKept: true, isAcknowledged: false };
}

const ref = { taskId: 'a.1.1', agentId: 'scripted@h', address: '' };

function setup(): { host: ScriptedHost; clock: ManualClock; events: ExecutorEvent[]; executor: LocalExecutor; begin(): Promise<void> } {
  const host = new ScriptedHost();
  const clock = new ManualClock();
  const events: ExecutorEvent[] = [];
  const total = (): typeof NO_RESOURCES => ({ ...NO_RESOURCES, cpus: 2, mem: 100 });
  const executor = new LocalExecutor({ kind: 'scripted', host, clock, logger: silentLogger, hostname: 'h', total });
  const begin = async (): Promise<void> => {
    executor.start({ identity: undefined, emit: (event) => events.push(event) });
    await clock.settle();
  };
  return { host, clock, events, executor, begin };
}

function launch(events: readonly ExecutorEvent[]): ExecutorCommand {
  const offerIds = events.flatMap((event) => (event.type === 'offers' ? event.offers.map(({ id }) => id) : [])).slice(-1);
  const task = { ...ref, job: 'a', run: 1, attempt: 1, task: PLAIN_TASK, env: {}, ports: [], killGraceMs: 0, labels: {} };
  return { type: 'launch', offerIds, tasks: [task] };
}

const types = (events: readonly ExecutorEvent[]): string => events.map(({ type }) => type).join(' ');

test('an outage is told once, however often the connection is tried', async () => {
  const { host, clock, events, executor, begin } = setup();
  host.openFailure = new Error('no daemon');
  await begin();
  for (let round = 0; round < 5; round += 1) {
    await clock.advance(10_000);
  }
  assert.ok(host.calls.filter((call) => call === 'open').length > 5);
  assert.deepEqual(events, [{ type: 'disconnected', reason: 'no daemon', final: false }]);
  host.openFailure = undefined;
  await clock.advance(10_000);
  assert.equal(types(events), 'disconnected connected offers');
  await executor.stop();
});

test('a host that fails in the middle is connected to anew, once what was under way has ended', async () => {
  const { host, clock, events, executor, begin } = setup();
  await begin();
  executor.perform(launch(events));
  await clock.settle();
  host.listener?.disconnected('cut');
  await clock.settle();
  await clock.advance(60_000);
  assert.equal(types(events), 'connected offers offers disconnected');
  assert.deepEqual(host.calls, ['open', 'launch']);
  host.answerLaunch(new Error('cut'));
  await clock.settle();
  await clock.advance(60_000);
  assert.deepEqual(host.calls, ['open', 'launch', 'close', 'open']);
  assert.equal(types(events), 'connected offers offers disconnected connected offers');
  await executor.stop();
});

test('a kill is forced when its grace is over, at the earliest time asked for', async () => {
  const { host, clock, events, executor, begin } = setup();
  host.found = [report('a.1.1', 'running')];
  await begin();
  executor.perform({ type: 'kill', task: ref, graceMs: 10_000 });
  executor.perform({ type: 'kill', task: ref, graceMs: 1_000 });
  executor.perform({ type: 'kill', task: ref, graceMs: 5_000 });
  await clock.settle();
  await clock.advance(999);
  assert.deepEqual(host.calls, ['open', 'kill', 'kill', 'kill']);
  await clock.advance(1);
  assert.equal(host.calls.at(-1), 'kill by force');
  host.listener?.changed(report('a.1.1', 'killed'));
  await clock.settle();
  const last = events.findLast((event) => event.type === 'status');
  assert.ok(last?.type === 'status' && last.status.state === 'killed' && last.status.ack !== undefined);
  await executor.stop();
});

test('a kill that fails is the trouble of its task alone; told again when its grace is over, it is forced', async () => {
  const { host, clock, events, executor, begin } = setup();
  host.found = [report('a.1.1', 'running')];
  host.isStuck = true;
  await begin();
  executor.perform({ type: 'kill', task: ref, graceMs: 1_000 });
  await clock.settle();
  await clock.advance(1_000);
  assert.deepEqual(host.calls, ['open', 'kill', 'kill by force']);
  executor.perform({ type: 'kill', task: ref, graceMs: 1_000 });
  await clock.settle();
  assert.deepEqual(host.calls.slice(3), ['kill by force']);
  assert.equal(types(events), 'connected status offers');
  await executor.stop();
});

test('an identity is made at random, once for a store; one from before there were any becomes one', async () => {
  const told = async (identity: string | undefined): Promise<string> => {
    const { clock, events, executor } = setup();
    executor.start({ identity, emit: (event) => events.push(event) });
    await clock.settle();
    await executor.stop();
    const [first] = events;
    return first?.type === 'connected' ? first.identity : '';
  };
  const made = await told(undefined);
  assert.match(made, /^[0-9a-f]{16}$/);
  assert.notEqual(await told(undefined), made);
  assert.equal(await told(made), made);
  const upgraded = await told('scripted@h');
  assert.match(upgraded, /^[0-9a-f]{16}\+unlabelled$/);
  assert.equal(await told(upgraded), upgraded);
});

test('nothing is said after stop, and what comes late is not lost on a later start', async () => {
  const { host, clock, events, executor, begin } = setup();
  await begin();
  executor.perform(launch(events));
  await clock.settle();
  const stopped = executor.stop();
  host.answerLaunch(report('a.1.1', 'running'));
  host.listener?.changed(report('a.1.1', 'finished'));
  await stopped;
  const count = events.length;
  executor.perform({ type: 'reconcile', tasks: [ref] });
  await clock.settle();
  assert.equal(events.length, count);
  host.found = [report('a.1.1', 'finished')];
  await begin();
  assert.equal(types(events.slice(count)), 'connected status offers');
  await executor.stop();
});

test('what is asked in several commands is answered when all of them are', async () => {
  const { host, clock, events, executor, begin } = setup();
  await begin();
  let answer: (nothing: undefined) => void = () => undefined;
  host.looking.set('b.1.1', new Promise((resolve) => (answer = resolve)));
  executor.perform({ type: 'reconcile', tasks: [ref] });
  executor.perform({ type: 'reconcile', tasks: [{ ...ref, taskId: 'b.1.1' }] });
  await clock.settle();
  assert.equal(types(events), 'connected offers status');
  answer(undefined);
  await clock.settle();
  assert.equal(types(events), 'connected offers status status reconciled');
  await executor.stop();
});

test('events leave after the command that causes them has returned', async () => {
  const { clock, events, executor, begin } = setup();
  await begin();
  const count = events.length;
  executor.perform({ ...launch(events), type: 'launch', offerIds: ['no such offer'] } as ExecutorCommand);
  assert.equal(events.length, count);
  await clock.settle();
  assert.equal(types(events.slice(count)), 'status');
  await executor.stop();
});

test.run();
