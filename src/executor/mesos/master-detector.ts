/** Which masters there are, as a port: a list that an operator wrote, or what ZooKeeper holds. */

import { schedulerUrl } from './master-address.ts';

export interface MasterDetector {
  /**
   * Scheduler endpoints worth trying, the likeliest leader first; asked before every attempt to connect.
   * Rejects when it can't be told now. Empty: no master leads at the moment.
   */
  detect(): Promise<readonly URL[]>;
  /** Ends what it holds open. A later detect() begins anew. */
  close(): Promise<void>;
}

/** A fixed list; any master of a cluster will do, since those that do not lead name the leader. Throws a TypeError. */
export function staticMasters(masters: readonly string[]): MasterDetector {
  if (masters.length === 0) throw new TypeError('masters: at least one address is needed');
  const urls = masters.map(schedulerUrl);
  return { detect: () => Promise.resolve(urls), close: () => Promise.resolve() };
}
