import assert from 'node:assert/strict';
import { test } from 'uvu';
import type { Clock } from '../../../src/clock/clock.ts';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { DECIDED_KEY, jobKey, QUARANTINE_KEY, requestKey, runKey, stateKey } from '../../../src/engine/keys.ts';
import type { DecidedRecord, QuarantineRecord, RunRecord } from '../../../src/engine/records.ts';
import { Leadership, type LeadershipOptions } from '../../../src/leader/leadership.ts';
import { type AddressProbe, CrashWatch } from '../../../src/leader/crash-watch.ts';
import type { LeaderObserver } from '../../../src/leader/observer.ts';
import type { MemoryConnection } from '../../../src/store/memory/memory-connection.ts';
import { MemoryCluster } from '../../../src/store/memory/memory-store.ts';
import type { MemoryFaults } from '../../../src/store/memory/memory-faults.ts';
import { StoreError } from '../../../src/store/errors.ts';
import type { Candidate, Store } from '../../../src/store/port.ts';
import { Replica } from '../../../src/store/replica.ts';
import { overriddenStore } from '../../support/overridden-store.ts';
import { ScriptedCluster, ScriptedExecutor, staySilent } from '../../support/scripted-executor.ts';
import { until } from '../../support/until.ts';

/** How often the leader looks whether its executor is there, where a test has to tell that from its pauses. */
const LOOK_MS = 7_777;
const NO_TOTALS = { succeeded: 0, failed: 0, killed: 0, skipped: 0, missed: 0 };
const MADE = { createdAt: 0, updatedAt: 0, scheduledSince: 0, writeId: 'edited' };

interface TestNode {
  readonly store: MemoryConnection;
  readonly leadership: Leadership;
  readonly executor: ScriptedExecutor;
  readonly ended: string[];
  stop(): Promise<void>;
}

interface Setup {
  readonly cluster: MemoryCluster;
  readonly tasks: ScriptedCluster;
  readonly store: Store;
  node(name: string, faults?: MemoryFaults, options?: Partial<LeadershipOptions>, wrap?: (store: Store) => Store): Promise<TestNode>;
  define(name: string): Promise<void>;
  trigger(job: string, id: string): Promise<void>;
  run(job: string, number: number): Promise<RunRecord | undefined>;
  close(): Promise<void>;
}

function setup(): Setup {
  const cluster = new MemoryCluster({ clock: systemClock, leaseMs: 1000, marginMs: 200 });
  const tasks = new ScriptedCluster();
  const store = cluster.connect({ name: 'test' });
  const nodes: TestNode[] = [];
  return {
    cluster,
    tasks,
    store,
    async node(name, faults = {}, options = {}, wrap = (own) => own) {
      const made = await makeNode({ cluster, tasks, name, faults, options, wrap });
      nodes.push(made);
      return made;
    },
    async define(name) {
      const record = {
        spec: { name, task: { command: 'true' } },
        version: 1,
        uid: name,
        createdAt: 0,
        updatedAt: 0,
        scheduledSince: 0,
        writeId: name,
      };
      await put(store, jobKey(name), record);
    },
    async trigger(job, id) {
      await put(store, requestKey(id), { id, at: systemClock.now(), by: 'test', type: 'run', job });
    },
    async run(job, number) {
      const entry = await store.get(runKey(job, number));
      return entry && (JSON.parse(entry.value) as RunRecord);
    },
    async close() {
      for (const node of nodes) await node.stop();
      await store.close();
    },
  };
}

async function put(store: Store, key: string, value: object): Promise<void> {
  const result = await store.transact({ guards: [{ key, modRevision: 0n }], writes: [{ key, value: JSON.stringify(value) }] });
  assert.ok(result.ok);
}

async function replace(store: Store, key: string, value: object | undefined): Promise<void> {
  const modRevision = (await store.get(key))?.modRevision ?? 0n;
  const result = await store.transact({
    guards: [{ key, modRevision }],
    writes: [{ key, value: value === undefined ? undefined : JSON.stringify(value) }],
  });
  assert.ok(result.ok);
}

interface Making {
  readonly cluster: MemoryCluster;
  readonly tasks: ScriptedCluster;
  readonly name: string;
  readonly faults: MemoryFaults;
  readonly options: Partial<LeadershipOptions>;
  /** What the leader is given in place of the connection. */
  readonly wrap?: (store: Store) => Store;
  /** The leader's. */
  readonly clock?: Clock;
}

async function makeNode({ cluster, tasks, name, faults, options, wrap = (own) => own, clock = systemClock }: Making): Promise<TestNode> {
  const store = cluster.connect({ name, faults, requestTimeoutMs: 200, resolveLimitMs: 600, retryDelayMs: 20 });
  const replica = new Replica({ store, clock: systemClock, onError: () => {} });
  await replica.start();
  const executor = new ScriptedExecutor(tasks);
  const ended: string[] = [];
  const leadership = new Leadership(
    { store: wrap(store), replica, executor, clock, observer: quiet(ended) },
    { candidate: { node: name, address: '' }, nodeCount: () => 2, pauseMs: 50, ...options },
  );
  leadership.start();
  return {
    store,
    leadership,
    executor,
    ended,
    async stop() {
      await leadership.stop();
      await replica.stop();
      await store.close();
    },
  };
}

function quiet(ended: string[]): LeaderObserver {
  const nothing = (): void => {};
  return {
    termBegan: nothing,
    termEnded: (_term, reason) => ended.push(reason),
    fact: nothing,
    decided: nothing,
    committed: nothing,
    executorEvent: nothing,
    performed: nothing,
    trouble: nothing,
  };
}

test('what was asked before there was a leader is done when there is one', async () => {
  const bundle = setup();
  await bundle.define('j');
  await bundle.trigger('j', 'r1');
  await bundle.node('n1');
  await until(async () => (await bundle.run('j', 1))?.state === 'succeeded');
  assert.equal(bundle.tasks.launchesOf('j.1.1'), 1);
  await bundle.close();
});

test('what is asked of any node reaches the leader through the store', async () => {
  const bundle = setup();
  const node = await bundle.node('n1');
  await until(() => node.leadership.term !== undefined);
  await bundle.define('j');
  await bundle.trigger('j', 'r1');
  await until(async () => (await bundle.run('j', 1))?.state === 'succeeded');
  await bundle.close();
});

test('a stop hands over at once, and the next leader goes on with what runs', async () => {
  const bundle = setup();
  bundle.tasks.script = staySilent;
  const first = await bundle.node('n1');
  await until(() => first.leadership.term !== undefined);
  const second = await bundle.node('n2');
  await bundle.define('j');
  await bundle.trigger('j', 'r1');
  await until(() => bundle.tasks.launchesOf('j.1.1') === 1);
  await first.stop();
  // It leads before it has started its executor, which hears nothing until then.
  await until(() => second.leadership.isExecutorUp, { limitMs: 900 });
  second.executor.send('j.1.1', { state: 'finished', exitCode: 0 });
  await until(async () => (await bundle.run('j', 1))?.state === 'succeeded');
  assert.equal(bundle.tasks.launches.length, 1);
  await bundle.close();
});

test('a leader that is cut off gives up before its lease can be over, and does nothing in another’s term', async () => {
  const bundle = setup();
  const first = await bundle.node('n1');
  await until(() => first.leadership.term !== undefined);
  const second = await bundle.node('n2');
  first.store.partition();
  await until(() => second.leadership.term !== undefined, { limitMs: 5000 });
  assert.equal(first.leadership.term, undefined);
  await bundle.define('j');
  await bundle.trigger('j', 'r1');
  await until(async () => (await bundle.run('j', 1))?.state === 'succeeded');
  assert.equal(bundle.tasks.launches.length, 1);
  first.store.heal();
  await bundle.close();
});

test('a commit whose answer is lost is resolved by reading: nothing is doubled', async () => {
  const bundle = setup();
  let losses = 0;
  const faults: MemoryFaults = {
    fate: ({ kind }) => {
      if (kind !== 'commit' || losses >= 3) return {};
      losses += 1;
      return { outcome: losses % 2 === 1 ? 'answer-lost' : 'request-lost' };
    },
  };
  await bundle.define('j');
  await bundle.trigger('j', 'r1');
  await bundle.node('n1', faults);
  await until(async () => (await bundle.run('j', 1))?.state === 'succeeded');
  assert.ok(losses === 3);
  assert.equal(bundle.tasks.launches.length, 1);
  assert.equal(await bundle.run('j', 2), undefined);
  await bundle.close();
});

test('a job on which the engine fails is put aside, and all else goes on, whoever leads', async () => {
  const bundle = setup();
  const state = { uid: 'bad', cursor: -1, scheduledSince: 0, lastRun: 1, totals: NO_TOTALS };
  const damaged = { job: 'bad', number: 1, flow: 'bad#1', trigger: { type: 'request', id: 'r0', by: '' }, state: 'killing', attempts: [] };
  await bundle.define('bad');
  await put(bundle.store, stateKey('bad'), state);
  await put(bundle.store, runKey('bad', 1), {
    ...damaged,
    createdAt: 0,
    jobVersion: 1,
    lost: 0,
    spec: { name: 'bad', task: { command: 'true' } },
  });
  await bundle.define('good');
  await bundle.trigger('good', 'r1');
  const first = await bundle.node('n1');
  const second = await bundle.node('n2');
  await until(async () => (await bundle.run('good', 1))?.state === 'succeeded');
  assert.match([...first.ended, ...second.ended].join('\n'), /the engine failed on the job bad: TypeError/);
  const record = await bundle.store.get(QUARANTINE_KEY);
  const { bad } = JSON.parse(record?.value ?? '') as QuarantineRecord;
  assert.deepEqual([bad?.failures, bad?.definition], [1, 'bad.1']);
  assert.equal(await bundle.store.get(runKey('bad', 1)).then((entry) => (JSON.parse(entry?.value ?? '') as RunRecord).attempts.length), 0);

  await replace(bundle.store, runKey('bad', 1), undefined);
  await replace(bundle.store, jobKey('bad'), { spec: { name: 'bad', task: { command: 'true' } }, ...MADE, version: 2, uid: 'bad' });
  await bundle.trigger('bad', 'r2');
  await until(async () => (await bundle.run('bad', 2))?.state === 'succeeded', { limitMs: 10_000 });
  assert.match([...first.ended, ...second.ended].join('\n'), /the definition of a job in quarantine was changed/);
  await bundle.close();
});

test('a job whose decision no transaction takes is put aside, and all else goes on', async () => {
  const bundle = setup();
  const limits = { operations: 120, bytes: 5_000 };
  const commit =
    (store: Store): Store['commit'] =>
    (term, writes) => {
      const bytes = writes.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
      return bytes > limits.bytes ? Promise.reject(new StoreError('too-large', `${bytes} bytes`)) : store.commit(term, writes);
    };
  const limited = (store: Store): Store => overriddenStore(store, { commitLimits: limits, commit: commit(store) });
  const big = { name: 'big', task: { command: 'true', env: { A: 'x'.repeat(5_000) } } };
  await put(bundle.store, jobKey('big'), { spec: big, ...MADE, version: 1, uid: 'big' });
  await bundle.define('good');
  await bundle.trigger('big', 'r1');
  await bundle.trigger('good', 'r2');
  const node = await bundle.node('n1', {}, {}, limited);
  await until(async () => (await bundle.run('good', 1))?.state === 'succeeded');
  const { big: entry } = JSON.parse((await bundle.store.get(QUARANTINE_KEY))?.value ?? '') as QuarantineRecord;
  assert.match(entry?.problem ?? '', /^the engine failed on the job big: StoreError: \d+ bytes$/);
  assert.ok(await bundle.store.get(requestKey('r1')), 'it waits');
  assert.equal(node.ended.length, 1);
  await bundle.close();
});

test('an executor that refuses this node for good ends its term', async () => {
  const bundle = setup();
  const node = await bundle.node('n1');
  await until(() => node.leadership.term !== undefined);
  node.executor.disconnect(true);
  await until(() => node.ended.length > 0);
  assert.match(node.ended[0] ?? '', /executor refuses/);
  await bundle.close();
});

test('an answer that comes before the question is none: nothing is launched on it', async () => {
  const bundle = setup();
  bundle.tasks.isHasty = true;
  await bundle.define('a');
  await bundle.trigger('a', 'r1');
  const node = await bundle.node('n1');
  await until(async () => (await bundle.run('a', 1)) !== undefined && bundle.tasks.commands.some(({ type }) => type === 'reconcile'));
  assert.equal(bundle.tasks.launches.length, 0);
  node.executor.reconciled();
  await until(() => bundle.tasks.launches.length === 1);
  await bundle.close();
});

test('the leader writes down that it decides, so that the next one can tell when there was none', async () => {
  const bundle = setup();
  const before = systemClock.now();
  await bundle.node('n1');
  await until(async () => (await bundle.store.get(DECIDED_KEY)) !== undefined);
  const { at } = JSON.parse((await bundle.store.get(DECIDED_KEY))?.value ?? '') as DecidedRecord;
  assert.ok(before <= at && at <= systemClock.now());
  await bundle.close();
});

test('a node that the executor refuses again and again waits longer each time before it leads again', async () => {
  const bundle = setup();
  const pauses: number[] = [];
  const sleep: Clock['sleep'] = (ms, signal) => {
    if (ms !== LOOK_MS) pauses.push(ms);
    return systemClock.sleep(Math.min(ms, 5), signal);
  };
  const options = { pauseMs: 20, executorPatienceMs: 10 * LOOK_MS };
  const common = { cluster: bundle.cluster, tasks: bundle.tasks, name: 'n1', faults: {}, options };
  const node = await makeNode({ ...common, clock: { ...systemClock, sleep } });
  await until(() => node.leadership.isExecutorUp);
  node.executor.refuses = true;
  node.executor.disconnect(true);
  await until(() => pauses.length >= 12);
  node.executor.refuses = false;
  const expected = [40, 80, 160, 320, 640, 1_280, 2_560, 5_120, 10_240, 20_480, 30_000, 30_000];
  assert.deepEqual(pauses.slice(0, expected.length), expected);
  await until(() => node.leadership.isExecutorUp);
  pauses.length = 0;
  node.executor.disconnect(true);
  await until(() => pauses.length > 0);
  assert.equal(pauses[0], 40, 'once it was connected it begins anew');
  await node.stop();
  await bundle.close();
});

test('a leader whose executor stays away steps down when there are others', async () => {
  const bundle = setup();
  const node = await bundle.node('n1', {}, { executorPatienceMs: 100 });
  await until(() => node.leadership.isExecutorUp);
  node.executor.disconnect(false);
  await until(() => node.ended.length > 0);
  assert.match(node.ended[0] ?? '', /out of reach/);
  await bundle.close();
});

test('a leader whose address refuses connections is replaced without waiting for its lease', async () => {
  const bundle = setup();
  const slow = new MemoryCluster({ clock: systemClock, leaseMs: 60_000 });
  const tasks = new ScriptedCluster();
  const dead = slow.connect({ name: 'dead' });
  await dead.campaign({ node: 'dead', address: '127.0.0.1:1' }, new AbortController().signal);
  const options = { probe: () => Promise.resolve('refused' as const) };
  const node = await makeNode({ cluster: slow, tasks, name: 'n2', faults: {}, options });
  await until(() => node.leadership.term !== undefined, { limitMs: 5000 });
  await node.stop();
  await dead.close();
  await bundle.close();
});

test('an address on loopback is looked at on its own machine only', async () => {
  const store = new MemoryCluster({ clock: systemClock, leaseMs: 60_000 }).connect({ name: 's' });
  await store.campaign({ node: 'a', address: '127.0.0.1:1', loopbackOf: 'machine 1' }, new AbortController().signal);
  const looksOf = async (self: Candidate): Promise<number> => {
    let [sleeps, probes] = [0, 0];
    const watching = new AbortController();
    const sleep: Clock['sleep'] = () => Promise.resolve(++sleeps > 3 ? watching.abort() : undefined);
    const probe: AddressProbe = () => Promise.resolve(++probes > 0 ? 'open' : 'unclear');
    await new CrashWatch({ store, clock: { ...systemClock, sleep }, observer: quiet([]), probe, self }).run(watching.signal);
    return probes;
  };
  assert.equal(await looksOf({ node: 'b', address: '127.0.0.1:2', loopbackOf: 'machine 2' }), 0);
  assert.equal(await looksOf({ node: 'b', address: '192.0.2.1:2' }), 0);
  assert.equal(await looksOf({ node: 'b', address: '127.0.0.1:2', loopbackOf: 'machine 1' }), 3);
  await store.close();
});

test.run();
