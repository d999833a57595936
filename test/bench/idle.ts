/** What jobs that are not due cost a whole node: memory of its copy of the store and of the engine, and the time to take over. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../src/clock/system-clock.ts';
import { jobKey } from '../../src/engine/keys.ts';
import type { JobRecord } from '../../src/job/job.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import { Leadership } from '../../src/leader/leadership.ts';
import type { LeaderObserver } from '../../src/leader/observer.ts';
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts';
import type { Store, Write } from '../../src/store/port.ts';
import { Replica } from '../../src/store/replica.ts';
import { ScriptedCluster, ScriptedExecutor } from '../support/scripted-executor.ts';

const JOBS = 100_000;
const WATCHED_MS = 10_000;
/** What loading left behind is cleared away first. */
const SETTLING_MS = 5_000;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function define(store: Store): Promise<void> {
  const zones = ['UTC', 'Europe/Berlin', 'America/New_York'] as const;
  const at = systemClock.now();
  for (let from = 0; from < JOBS; from += 100) {
    const writes: Write[] = [];
    for (let i = from; i < from + 100; i++) {
      const timeZone = zones[i % 3] as string;
      // Due once a year, on a day that is not near.
      const month = (new Date(at).getUTCMonth() + 3) % 12;
      const spec: JobSpec = {
        name: `idle.job-${i}`,
        schedule: `${i % 60} ${i % 24} 1 ${month + 1} *`,
        timeZone,
        task: { image: 'busybox:1.36', command: ['true'] },
      };
      const record: JobRecord<JobSpec> = {
        spec,
        version: 1,
        uid: `u${i}`,
        createdAt: at,
        updatedAt: at,
        scheduledSince: at,
        writeId: `w${i}`,
      };
      writes.push({ key: jobKey(spec.name), value: JSON.stringify(record) });
    }
    await store.transact({ guards: [{ key: (writes[0] as Write).key, modRevision: 0n }], writes });
  }
}

function memory(): { heap: number; rss: number } {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss };
}

const each = (after: number, before: number): string => `${Math.round((after - before) / JOBS)} B`;

function observer(onFirstDecision: () => void): LeaderObserver {
  const nothing = (): void => {};
  return {
    termBegan: nothing,
    termEnded: nothing,
    fact: nothing,
    decided: onFirstDecision,
    committed: nothing,
    executorEvent: nothing,
    performed: nothing,
    trouble: (where, error) => say(`trouble in ${where}: ${String(error)}`),
  };
}

/** 100,000 idle jobs on the embedded store; about half a minute. `node --expose-gc` makes the figures of the heap exact. */
export async function benchIdle(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'kairos-bench-'));
  const store = await openEmbeddedStore({ directory, clock: systemClock });
  await define(store);
  const empty = memory();
  const replica = new Replica({ store, clock: systemClock, onError: () => {} });
  await replica.start();
  const copied = memory();
  say(`${JOBS} jobs in a follower's copy: ${each(copied.heap, empty.heap)} heap, ${each(copied.rss, empty.rss)} resident each`);

  const startedAt = systemClock.monotonic();
  let tookMs: number | undefined;
  const leadership = new Leadership(
    {
      store,
      replica,
      executor: new ScriptedExecutor(new ScriptedCluster()),
      clock: systemClock,
      observer: observer(() => (tookMs ??= systemClock.monotonic() - startedAt)),
    },
    { candidate: { node: 'bench', address: '' }, nodeCount: () => 1 },
  );
  leadership.start();
  while (tookMs === undefined) await systemClock.sleep(5);
  // The first term also writes each job's state; the figures are taken when that is done.
  while (replica.list('state/').length < JOBS) await systemClock.sleep(50);
  const led = memory();
  say(
    `taken over in ${tookMs.toFixed(0)} ms; leading costs ${each(led.heap, copied.heap)} heap, ${each(led.rss, copied.rss)} resident more each`,
  );
  await systemClock.sleep(SETTLING_MS);
  const cpu = process.cpuUsage();
  await systemClock.sleep(WATCHED_MS);
  const { user, system } = process.cpuUsage(cpu);
  say(`idle for ${WATCHED_MS / 1000} s: ${((user + system) / 10 / WATCHED_MS).toFixed(2)} % of one core`);
  await leadership.stop();
  await replica.stop();
  await store.close();
  rmSync(directory, { recursive: true });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await benchIdle();
