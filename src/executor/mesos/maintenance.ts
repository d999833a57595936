/** Offers of agents that are about to be taken down for maintenance: a task put there now would be killed with the agent. */

import type { RawOffer } from './protocol.ts';

/** An agent whose maintenance begins within this gets no new tasks. */
export const MAINTENANCE_MARGIN_MS = 600_000;
/** Its offers are refused for this long each time. */
export const MAINTENANCE_REFUSE_MS = 60_000;

/** `now`: wall-clock milliseconds, as Mesos' schedules are. */
export function isUnderMaintenance(offer: RawOffer, now: number): boolean {
  const { unavailability } = offer;
  if (unavailability === undefined) return false;
  const startsAt = unavailability.start.nanoseconds / 1_000_000;
  const lastsMs = unavailability.duration === undefined ? Number.POSITIVE_INFINITY : unavailability.duration.nanoseconds / 1_000_000;
  return now >= startsAt - MAINTENANCE_MARGIN_MS && now < startsAt + lastsMs;
}
