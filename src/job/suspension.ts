/** When a job, or the whole cluster, was suspended: the latest span and those before it, for nobody may have led all the while. */

import type { Instant } from '../schedule/schedule.ts';

/** `from` is in it, `to` is not; `to` absent: it lasts. */
export interface SuspensionSpan {
  readonly from: Instant;
  readonly to?: Instant;
  readonly by: string;
}

export interface Suspension extends SuspensionSpan {
  /** Spans before the latest, oldest first; at most EARLIER_SPANS. */
  readonly earlier?: readonly SuspensionSpan[];
}

/** More suspensions than this, while nobody leads, are not told apart from an outage. */
export const EARLIER_SPANS = 10;

/** All spans that are known, oldest first. */
export function spansOf(suspension: Suspension | undefined): readonly SuspensionSpan[] {
  if (suspension === undefined) return [];
  const { from, to, by, earlier = [] } = suspension;
  return [...earlier, to === undefined ? { from, by } : { from, to, by }];
}

/** When the first span began that the newer record has and the older one has not; undefined: it has none. */
export function newSpansFrom(older: Suspension | undefined, newer: Suspension | undefined): Instant | undefined {
  const known = new Set(spansOf(older).map(({ from }) => from));
  return spansOf(newer).find(({ from }) => !known.has(from))?.from;
}

/** Suspended from `at`, if it is not already. Nodes' clocks differ: spans never overlap. */
export function suspend(current: Suspension | undefined, { at, by }: { readonly at: Instant; readonly by: string }): Suspension {
  if (current === undefined) return { from: at, by };
  if (current.to === undefined) return current;
  return { from: Math.max(at, current.to), by, earlier: spansOf(current).slice(-EARLIER_SPANS) };
}

/** Resumed at `at`, if it is suspended. None ends before it began. */
export function resume(current: Suspension | undefined, at: Instant): Suspension | undefined {
  return current === undefined || current.to !== undefined ? current : { ...current, to: Math.max(at, current.from) };
}
