/**
 * Many jobs due in the same second, on a real store, with an executor that costs nothing: how late each launch is performed,
 * after its intent is durable. Bounded: each case takes a few seconds.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../src/clock/system-clock.ts';
import { jobKey } from '../../src/engine/keys.ts';
import type { ExecutorCommand } from '../../src/executor/port.ts';
import type { JobRecord } from '../../src/job/job.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import { Leadership } from '../../src/leader/leadership.ts';
import type { LeaderObserver } from '../../src/leader/observer.ts';
import type { Store, Write } from '../../src/store/port.ts';
import { Replica } from '../../src/store/replica.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { startEtcd } from '../support/etcd.ts';
import { ScriptedCluster, ScriptedExecutor } from '../support/scripted-executor.ts';

const DEFINING_MS = 6_000;
const PATIENCE_MS = 60_000;

interface Figures {
  readonly lateness: readonly number[];
  readonly commits: number;
  readonly writes: number;
  readonly settledMs: number;
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Defines `count` jobs due at one instant, leads, and waits until all of their runs are over. */
async function measure(store: Store, count: number): Promise<Figures> {
  const due = Math.ceil((systemClock.now() + DEFINING_MS + count / 5) / 1000) * 1000;
  await defineAll(store, count, due);
  const replica = new Replica({ store, clock: systemClock, onError: () => {} });
  await replica.start();
  const lateness: number[] = [];
  let ended = 0;
  let commits = 0;
  let writes = 0;
  const nothing = (): void => {};
  const observer: LeaderObserver = {
    termBegan: nothing,
    termEnded: nothing,
    decided: nothing,
    executorEvent: nothing,
    trouble: (where, error) => say(`trouble in ${where}: ${String(error)}`),
    fact: (fact) => {
      if (fact.type === 'run-ended') ended += 1;
    },
    committed: (_outcome, _seconds, size) => {
      commits += 1;
      writes += size;
    },
    performed: (command: ExecutorCommand) => {
      if (command.type !== 'launch') return;
      const late = systemClock.now() - due;
      for (const _task of command.tasks) lateness.push(late);
    },
  };
  const executor = new ScriptedExecutor(new ScriptedCluster());
  const leadership = new Leadership(
    { store, replica, executor, clock: systemClock, observer },
    { candidate: { node: 'bench', address: '' }, nodeCount: () => 1 },
  );
  leadership.start();
  const end = due + PATIENCE_MS;
  while (ended < count && systemClock.now() < end) await systemClock.sleep(5);
  const settledMs = systemClock.now() - due;
  await leadership.stop();
  await replica.stop();
  return { lateness, commits, writes, settledMs };
}

async function defineAll(store: Store, count: number, due: number): Promise<void> {
  const createdAt = systemClock.now();
  const schedule = `R1/${new Date(due).toISOString()}/PT1H`;
  let batch: Write[] = [];
  const flush = async (): Promise<void> => {
    const first = batch[0];
    if (!first) return;
    await store.transact({ guards: [{ key: first.key, modRevision: 0n }], writes: batch });
    batch = [];
  };
  for (let i = 0; i < count; i++) {
    const spec: JobSpec = { name: `bench.job-${i}`, schedule, task: { command: ['true'] } };
    const record: JobRecord<JobSpec> = {
      spec,
      version: 1,
      uid: `u${i}`,
      createdAt,
      updatedAt: createdAt,
      scheduledSince: createdAt,
      writeId: `w${i}`,
    };
    batch.push({ key: jobKey(spec.name), value: JSON.stringify(record) });
    if (batch.length === 100) await flush();
  }
  await flush();
}

function report(name: string, { lateness, commits, writes, settledMs }: Figures): void {
  const sorted = [...lateness].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  const last = at(1);
  const rate = Math.round(sorted.length / (last / 1000));
  say(
    `${name}: ${sorted.length} launched; late p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${last} ms; ${rate} launches/s; ` +
      `all settled after ${settledMs} ms; ${commits} commits, ${(writes / commits).toFixed(0)} writes each`,
  );
}

interface OpenStore {
  readonly store: Store;
  close(): Promise<void>;
}

const openEtcd = (): Promise<OpenStore> => openEtcdWith(128);
const openWideEtcd = (): Promise<OpenStore> => openEtcdWith(1024);

async function openEtcdWith(maxTxnOps: number): Promise<OpenStore> {
  const { openEtcdStore } = await import('../../src/store/etcd/etcd-store.ts');
  const etcd = await startEtcd({ flags: [`--max-txn-ops=${maxTxnOps}`] });
  const store = await openEtcdStore({ hosts: etcd.hosts, prefix: '/bench', maxTxnOps, clock: systemClock, logger: silentLogger });
  return {
    store,
    async close() {
      await store.close();
      await etcd.stop();
    },
  };
}

async function openEmbedded(): Promise<OpenStore> {
  const { openEmbeddedStore } = await import('../../src/store/embedded/embedded-store.ts');
  const directory = mkdtempSync(join(tmpdir(), 'kairos-bench-'));
  const store = await openEmbeddedStore({ directory, clock: systemClock });
  return {
    store,
    async close() {
      await store.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/**
 * 1,000 and 10,000 jobs due at once, on etcd (one member; as it comes, and with --max-txn-ops=1024) and on the embedded store;
 * `--store=embedded` for one of them.
 */
export async function benchLateness(): Promise<void> {
  const stores = { etcd: openEtcd, 'etcd-1024': openWideEtcd, embedded: openEmbedded };
  for (const [name, open] of Object.entries(stores)) {
    if (process.argv.some((arg) => arg.startsWith('--store=') && arg !== `--store=${name}`)) continue;
    for (const count of [1_000, 10_000]) {
      const { store, close } = await open();
      report(`${name}, ${count} due at once`, await measure(store, count));
      await close();
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await benchLateness();
