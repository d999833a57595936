import { systemClock } from '../../../src/clock/system-clock.ts';
import { MemoryCluster } from '../../../src/store/memory/memory-store.ts';
import type { MemoryConnection } from '../../../src/store/memory/memory-connection.ts';
import { storeContract } from '../../contract/store.ts';

storeContract('memory', async () => {
  const cluster = new MemoryCluster({ clock: systemClock, leaseMs: 1_000, marginMs: 100 });
  const connections: MemoryConnection[] = [];
  return {
    leaseMs: 1_000,
    hasManyNodes: true,
    connect: async () => {
      const connection = cluster.connect();
      connections.push(connection);
      return connection;
    },
    compact: async () => cluster.compact(),
    cut: async () => connections.forEach((connection) => connection.cutWatches()),
    stop: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
});
