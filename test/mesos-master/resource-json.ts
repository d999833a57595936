/**
 * Resources to and from Mesos's JSON. A framework with RESERVATION_REFINEMENT sees `reservations`, others see
 * `role` (and `reservation` when it is dynamic); both forms are accepted from everybody.
 */

import type { Reservation, Resource, Resources } from './resources.ts';
import type { ResourceJson } from './wire/call.ts';

export interface ResourceFormat {
  readonly multiRole: boolean;
  readonly refinement: boolean;
}

export function resourcesToJson(resources: Resources, format: ResourceFormat): ResourceJson[] {
  return resources.map((one) => ({
    name: one.name,
    ...valueToJson(one),
    ...reservationToJson(one.reservations, format),
    ...(format.multiRole && one.allocatedTo !== undefined ? { allocation_info: { role: one.allocatedTo } } : {}),
  }));
}

/** A literal 0 is dropped silently, as Mesos does. */
export function resourcesFromJson(given: readonly ResourceJson[], allocatedTo?: string): Resources {
  return given.filter((one) => one.scalar?.value !== 0).map((one) => resourceFromJson(one, allocatedTo));
}

/** Mesos's text for the first resource that no task may ask for, if there is one. */
export function resourceError(given: readonly ResourceJson[]): string | undefined {
  for (const one of given) {
    const value = one.scalar?.value;
    if (one.type !== 'SCALAR' || value === undefined || value === 0) continue;
    const rounded = Math.round(value * 1000) / 1000;
    if (rounded <= 0) return `Resource '${one.name}:${rounded === 0 ? 0 : rounded}' is invalid: Invalid scalar resource: value <= 0`;
  }
  return undefined;
}

function resourceFromJson(one: ResourceJson, allocatedTo?: string): Resource {
  const reservations = reservationsFromJson(one);
  const role = one.allocation_info?.role ?? allocatedTo;
  return {
    name: one.name,
    ...valueFromJson(one),
    ...(reservations.length === 0 ? {} : { reservations }),
    ...(role === undefined ? {} : { allocatedTo: role }),
  };
}

function valueFromJson(one: ResourceJson): Pick<Resource, 'milli' | 'ranges' | 'items'> {
  if (one.type === 'SCALAR') return { milli: Math.round((one.scalar?.value ?? 0) * 1000) };
  if (one.type === 'RANGES') return { ranges: (one.ranges?.range ?? []).map(({ begin, end }) => [begin, end] as const) };
  return { items: one.set?.item ?? [] };
}

function reservationsFromJson(one: ResourceJson): readonly Reservation[] {
  if (one.reservations !== undefined && one.reservations.length > 0) {
    return one.reservations.map(({ type = 'STATIC', role = '', principal }) => reservationOf(type, role, principal));
  }
  if (one.role === undefined || one.role === '*') return [];
  return [reservationOf(one.reservation === undefined ? 'STATIC' : 'DYNAMIC', one.role, one.reservation?.principal)];
}

function reservationOf(type: Reservation['type'], role: string, principal: string | undefined): Reservation {
  return principal === undefined ? { type, role } : { type, role, principal };
}

function valueToJson(one: Resource): Pick<ResourceJson, 'type' | 'scalar' | 'ranges' | 'set'> {
  if (one.milli !== undefined) return { type: 'SCALAR', scalar: { value: one.milli / 1000 } };
  if (one.ranges !== undefined) return { type: 'RANGES', ranges: { range: one.ranges.map(([begin, end]) => ({ begin, end })) } };
  return { type: 'SET', set: { item: one.items ?? [] } };
}

/** The older form has no words for a stack, which is offered to nobody who needs it. */
function reservationToJson(reservations: readonly Reservation[] | undefined, format: ResourceFormat): Partial<ResourceJson> {
  if (format.refinement) return reservations === undefined ? {} : { reservations };
  const reservation = reservations?.at(-1);
  if (reservation === undefined) return { role: '*' };
  if (reservation.type === 'STATIC') return { role: reservation.role };
  const { principal } = reservation;
  return { role: reservation.role, reservation: principal === undefined ? {} : { principal } };
}
