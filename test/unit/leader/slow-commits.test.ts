import assert from 'node:assert/strict';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { jobKey, requestKey, RUNS, VERDICTS } from '../../../src/engine/keys.ts';
import type { RunRecord } from '../../../src/engine/records.ts';
import { Leadership } from '../../../src/leader/leadership.ts';
import type { LeaderObserver } from '../../../src/leader/observer.ts';
import { MemoryCluster } from '../../../src/store/memory/memory-store.ts';
import type { Store } from '../../../src/store/port.ts';
import { Replica } from '../../../src/store/replica.ts';
import { overriddenStore } from '../../support/overridden-store.ts';
import { ScriptedCluster, ScriptedExecutor } from '../../support/scripted-executor.ts';
import { until } from '../../support/until.ts';

const nothing = (): void => {};
const QUIET: LeaderObserver = {
  ...{ termBegan: nothing, termEnded: nothing, fact: nothing, decided: nothing, committed: nothing },
  ...{ executorEvent: nothing, performed: nothing, trouble: nothing },
};

/** Passes 50 s of wall-clock time over the commit that takes the request. */
function slowOn(request: string, store: Store, onSlow: () => void): Store {
  const commit: Store['commit'] = async (term, writes) => {
    const revision = await store.commit(term, writes);
    if (writes.some(({ key }) => key === requestKey(request))) onSlow();
    return revision;
  };
  return overriddenStore(store, { commit });
}

async function put(store: Store, key: string, value: object): Promise<void> {
  assert.ok((await store.transact({ guards: [{ key, modRevision: 0n }], writes: [{ key, value: JSON.stringify(value) }] })).ok);
}

test('what comes due during a slow commit is run, not missed', async () => {
  const cluster = new MemoryCluster({ clock: systemClock });
  const store = cluster.connect({ name: 'n1' });
  let skewMs = 0;
  const clock = { ...systemClock, now: () => systemClock.now() + skewMs };
  const at = clock.now();
  const schedule = `R/${new Date(at + 20_000).toISOString()}/PT20S`;
  const spec = { name: 'j', schedule, overlap: 'allow', catchUp: 'none', task: { command: 'true' } };
  await put(store, jobKey('j'), { spec, version: 1, uid: 'j', createdAt: at, updatedAt: at, scheduledSince: at, writeId: 'j' });
  const replica = new Replica({ store, clock: systemClock, onError: nothing });
  await replica.start();
  const slow = slowOn('r1', store, () => (skewMs += 50_000));
  const leadership = new Leadership(
    { store: slow, replica, executor: new ScriptedExecutor(new ScriptedCluster()), clock, observer: QUIET },
    { candidate: { node: 'n1', address: '' }, nodeCount: () => 1 },
  );
  leadership.start();
  await until(() => leadership.isExecutorUp);
  await put(store, requestKey('r1'), { id: 'r1', at, by: 'test', type: 'run', job: 'j' });
  const runs = (): RunRecord[] => replica.list(`${RUNS}j/`).map(({ value }) => JSON.parse(value) as RunRecord);
  await until(() => runs().length === 3 || replica.list(VERDICTS).length > 0);
  assert.deepEqual(
    runs().map(({ trigger }) => trigger.type),
    ['request', 'schedule', 'schedule'],
  );
  await leadership.stop();
  await replica.stop();
  await store.close();
});

test.run();
