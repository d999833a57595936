/**
 * Overlap `replace` where more is open than one step takes: the rest is given up in further steps of the same decision. The
 * newcomer's record says so until then, so a new leader goes on where the last one left off.
 */

import { handOverTokens } from './flows.ts';
import { replaceOlder, storeOpen } from './runs.ts';
import type { Slot, World } from './world.ts';

/** Gives up what replacing runs have left, a step after the other. */
export function continueReplacing(world: World): void {
  for (let next = world.replacing.shift(); next; next = world.replacing.shift()) {
    const { slot, by } = next;
    world.subject = slot.name;
    world.recorder.close();
    while (!replaceOlder(world, slot, by)) {
      handOverTokens(world);
      world.recorder.close();
    }
    finish(world, slot, by);
    handOverTokens(world);
    world.recorder.close();
  }
}

function finish(world: World, slot: Slot, by: number): void {
  const run = world.run(slot.name, by);
  if (!run?.replaces) return;
  const { replaces: _done, ...rest } = run;
  storeOpen(world, rest);
}
