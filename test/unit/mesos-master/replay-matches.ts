/** When an event is the recorded one. */

import type { OfferJson, TaskStatusJson } from '../../mesos-master/wire/event.ts';

export function isAbout(status: TaskStatusJson, taskId: string, source: string): boolean {
  return status.task_id.value === taskId && status.source === source;
}

export function sameAmounts(offer: OfferJson, wanted: Readonly<Record<string, number | true>>): boolean {
  return sameNames(offer, wanted) && offer.resources.every(({ name, scalar }) => wanted[name] === (scalar?.value ?? true));
}

export function sameNames(offer: OfferJson, wanted: Readonly<Record<string, number | true>>): boolean {
  return offer.resources.length === Object.keys(wanted).length && offer.resources.every(({ name }) => wanted[name] !== undefined);
}
