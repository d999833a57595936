/** Times as clients see them: ISO 8601 in UTC with milliseconds. */

import type { Instant } from '../schedule/schedule.ts';

export function iso(at: Instant): string {
  return new Date(at).toISOString();
}

export function maybeIso(at: Instant | undefined): string | undefined {
  return at === undefined ? undefined : iso(at);
}

/** A copy in which the instants under these names are text. Others, and absent ones, stay as they are. */
export function withIsoTimes(record: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  const copy: Record<string, unknown> = { ...record };
  for (const name of names) {
    const value = copy[name];
    if (typeof value === 'number') copy[name] = iso(value);
  }
  return copy;
}
