/** Stores over a real etcd of a test's own, by a way that can fail where wanted. */

import { systemClock } from '../../src/clock/system-clock.ts';
import type { EtcdStoreOptions } from '../../src/store/etcd/etcd-options.ts';
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts';
import type { Store } from '../../src/store/port.ts';
import { startEtcd } from './etcd.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';

/** Short, so that tests are; etcd takes no less. */
export const LEASE_MS = 2_000;
export const never: AbortSignal = new AbortController().signal;
export const candidate = (node: string) => ({ node, address: '' });
export const pair = (value: string) => [
  { key: 'l', value },
  { key: 'r', value },
];

export async function etcdRig(nodes: 1 | 3 = 1, flags: readonly string[] = []) {
  const etcd = await startEtcd({ nodes, flags });
  const opened: Store[] = [];
  const proxies: FaultProxy[] = [];
  const open = async (options: Partial<EtcdStoreOptions> = {}): Promise<Store> => {
    const store = await openEtcdStore({ hosts: etcd.hosts, prefix: '/t', clock: systemClock, leaseTtlMs: LEASE_MS, ...options });
    opened.push(store);
    return store;
  };
  return {
    etcd,
    open,
    /** A store whose way to etcd can fail, and the way. */
    openThroughProxy: async (options: Partial<EtcdStoreOptions> = {}) => {
      const proxy = await startFaultProxy(etcd.hosts[0] ?? '');
      proxies.push(proxy);
      return { proxy, store: await open({ hosts: [proxy.host], ...options }) };
    },
    end: async () => {
      for (const proxy of proxies) proxy.mode('refuse');
      await Promise.all(opened.map((store) => store.close()));
      await Promise.all(proxies.map((proxy) => proxy.stop()));
      await etcd.stop();
    },
  };
}

/** Drops the connection at every `n`th piece that goes this way, without passing it on. */
export function dropEvery(proxy: FaultProxy, direction: 'up' | 'down', n: number): void {
  let pieces = 0;
  proxy.onPiece = (way) => {
    if (way !== direction) return false;
    pieces += 1;
    return pieces % n === 0;
  };
}
