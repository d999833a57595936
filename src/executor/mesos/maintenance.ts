/**
 * Offers of agents that are to be taken down for maintenance: a task that is there then is killed with the agent. Soon before it nothing is
 * put there; until then what ends in time by its own timeout.
 */

import type { RawOffer } from './protocol.ts';

/** An agent whose maintenance begins within this gets no new tasks. */
export const MAINTENANCE_MARGIN_MS = 600_000;
/** Its offers are refused for this long each time. */
export const MAINTENANCE_REFUSE_MS = 60_000;

/** How long from `now` until the agent's maintenance begins; `undefined`: none is planned, or it is over. */
export function msUntilMaintenance(offer: RawOffer, now: number): number | undefined {
  const startsAt = offer.unavailability === undefined ? undefined : offer.unavailability.start.nanoseconds / 1_000_000;
  return startsAt === undefined || now >= startsAt ? undefined : startsAt - now;
}

/** `now`: wall-clock milliseconds, as Mesos' schedules are. */
export function isUnderMaintenance(offer: RawOffer, now: number): boolean {
  const { unavailability } = offer;
  if (unavailability === undefined) return false;
  const startsAt = unavailability.start.nanoseconds / 1_000_000;
  const lastsMs = unavailability.duration === undefined ? Number.POSITIVE_INFINITY : unavailability.duration.nanoseconds / 1_000_000;
  return now >= startsAt - MAINTENANCE_MARGIN_MS && now < startsAt + lastsMs;
}
