/** What holds up everything that is not running yet: no leader, or the whole cluster suspended. */

import { iso, maybeIso } from '../times.ts';
import type { ClusterFacts, Explanation } from './explanation.ts';

/** undefined: nothing does. `text` completes a sentence that ends in "but". */
export function standstill({ leader, leaderlessSince, suspension }: ClusterFacts): Explanation | undefined {
  if (leader === undefined) {
    const since = maybeIso(leaderlessSince);
    const text = `no node leads${since === undefined ? '' : ` since ${since}`}`;
    return { code: 'no-leader', text, data: since === undefined ? {} : { leaderlessSince: since } };
  }
  if (suspension === undefined || suspension.to !== undefined) return undefined;
  const { by, from } = suspension;
  const text = `the whole cluster was suspended by ${by} at ${iso(from)}`;
  return { code: 'suspended', text, data: { scope: 'cluster', by, from: iso(from) } };
}
