/** The masters as an operator writes them: a list of addresses, or one `zk://` address. */

import type { Clock } from '../../clock/clock.ts';
import { staticMasters, type MasterDetector } from './master-detector.ts';

export interface MastersOptions {
  readonly clock: Clock;
  /** Masters found through ZooKeeper speak https. */
  readonly https?: boolean;
}

/** Rejects with a TypeError that says what is allowed. */
export async function findMasters(masters: readonly string[], options: MastersOptions): Promise<MasterDetector> {
  const [first] = masters;
  const isZookeeper = (address: string): boolean => /^\s*zk:\/\//.test(address);
  if (first === undefined || !masters.some(isZookeeper)) return staticMasters(masters);
  if (masters.length > 1) throw new TypeError('masters: a ZooKeeper address stands alone; list its servers inside it, separated by commas');
  // Only who needs it pays for loading the client.
  const { zookeeperMasters } = await import('./zookeeper-masters.ts');
  return zookeeperMasters(first, options);
}
