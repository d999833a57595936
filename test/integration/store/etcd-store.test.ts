import { Etcd3 } from 'etcd3';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { openEtcdStore } from '../../../src/store/etcd/etcd-store.ts';
import type { Store } from '../../../src/store/port.ts';
import { storeContract } from '../../contract/store.ts';
import { startEtcd } from '../../support/etcd.ts';

const etcd = await startEtcd();
let prefixes = 0;

storeContract('etcd', async () => {
  prefixes += 1;
  const prefix = `/contract/${prefixes}`;
  const stores: Store[] = [];
  return {
    leaseMs: 5_000,
    hasManyNodes: true,
    connect: async () => {
      const store = await openEtcdStore({ hosts: etcd.hosts, prefix, clock: systemClock });
      stores.push(store);
      return store;
    },
    compact: async () => {
      const client = new Etcd3({ hosts: [...etcd.hosts] });
      const { header } = await client.kv.range({ key: Buffer.from('x') });
      await client.kv.compact({ revision: header.revision, physical: true });
      client.close();
    },
    cut: async () => undefined,
    stop: async () => {
      await Promise.all(stores.map((store) => store.close()));
    },
  };
});

test('the server is stopped and its directory removed', async () => {
  await etcd.stop();
});

test.run();
