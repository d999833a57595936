/** The whole cluster suspended and resumed: maintenance. */

import { handOverTokens } from './flows.ts';
import { decideNominalTimes } from './nominal-times.ts';
import { newSpansFrom } from '../job/suspension.ts';
import type { ClusterSuspension } from './records.ts';
import type { World } from './world.ts';

/** What was due before it begins is decided first; what passed in it is recorded when it ends. */
export function setSuspension(world: World, suspension: ClusterSuspension): void {
  const begunAt = newSpansFrom(world.suspension, suspension);
  if (begunAt !== undefined) decideAll(world, Math.min(world.now, begunAt - 1));
  world.suspension = suspension;
  decideAll(world, world.now);
}

function decideAll(world: World, until: number): void {
  for (const slot of world.slots.values()) {
    decideNominalTimes(world, slot, until);
    handOverTokens(world);
    world.recorder.close();
  }
}
