/** Commits a second, and the time one takes, by the number of writes in a commit: the embedded store and a real etcd, a few seconds each. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../src/clock/system-clock.ts';
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts';
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts';
import type { Store } from '../../src/store/port.ts';
import { startEtcd } from '../support/etcd.ts';

const BUDGET_MS = 1_500;
const VALUE = 'x'.repeat(256);

export async function benchStore(): Promise<void> {
  process.stdout.write('store     writes  commits/s  writes/s   p50 ms   p99 ms\n');
  const directory = await mkdtemp(join(tmpdir(), 'kairos-bench-'));
  await measureStore(await openEmbeddedStore({ directory, clock: systemClock }));
  await rm(directory, { recursive: true });
  for (const nodes of [1, 3] as const) {
    const etcd = await startEtcd({ nodes });
    await measureStore(await openEtcdStore({ hosts: etcd.hosts, prefix: '/bench', clock: systemClock }), `etcd x${nodes}`);
    await etcd.stop();
  }
}

async function measureStore(store: Store, name = store.kind): Promise<void> {
  const term = await store.campaign({ node: 'bench', address: '' }, new AbortController().signal);
  for (const size of [1, 10, 100]) {
    const times: number[] = [];
    const startedAt = performance.now();
    for (let i = 0; performance.now() - startedAt < BUDGET_MS; i += 1) {
      const at = performance.now();
      await store.commit(
        term,
        Array.from({ length: size }, (_, k) => ({ key: `k/${(i * size + k) % 10_000}`, value: VALUE })),
      );
      times.push(performance.now() - at);
    }
    const perSecond = times.length / ((performance.now() - startedAt) / 1000);
    times.sort((a, b) => a - b);
    const quantile = (q: number): string => (times[Math.floor(times.length * q)] ?? 0).toFixed(2).padStart(8);
    const rates = `${perSecond.toFixed(0).padStart(9)} ${(perSecond * size).toFixed(0).padStart(9)}`;
    process.stdout.write(`${name.padEnd(9)} ${String(size).padStart(6)}  ${rates} ${quantile(0.5)} ${quantile(0.99)}\n`);
  }
  await store.close();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await benchStore();
