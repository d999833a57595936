/** The whole cluster suspended and resumed: maintenance. */

import { awaitNominalTimes } from './nominal-times.ts';
import type { ClusterSuspension } from './records.ts';
import type { World } from './world.ts';

/** What was due before it begins is decided as ever; what passed in it is recorded when it ends. Each job in its turn: there may be many. */
export function setSuspension(world: World, suspension: ClusterSuspension): void {
  world.suspension = suspension;
  for (const slot of world.slots.values()) awaitNominalTimes(world, slot);
}
