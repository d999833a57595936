/** How long to wait before the next try: doubling up to a limit, spread so that many clients do not come back at once. */

import type { Clock } from '../../clock/clock.ts';

export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** The wait after `failures` (1 or more) tries in a row: half of it fixed, half by chance. Milliseconds. */
export function backoffMs(failures: number, limits: BackoffLimits, clock: Clock): number {
  const doublings = Math.min(Math.max(failures - 1, 0), 30);
  const full = Math.min(limits.firstMs * 2 ** doublings, limits.maxMs);
  return full / 2 + (full / 2) * clock.random();
}
