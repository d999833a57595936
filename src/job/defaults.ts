/**
 * What a definition means where it says nothing. The stored definition never contains these values: they are filled in by
 * resolve-job.ts, so that a definition reads back exactly as it was given.
 *
 * Durations stand here as text (for people and the API's documentation) and in milliseconds (for use); a test holds them equal.
 */

import type { EdgeCondition, Join, Overlap, CatchUp, PlacementStrategy } from './job.ts';

export interface DurationDefault {
  readonly text: string;
  readonly ms: number;
}

export const DEFAULT_CPUS = 0.1;
/** MiB. */
export const DEFAULT_MEM = 128;
/** MiB. */
export const DEFAULT_DISK = 0;
export const DEFAULT_GPUS = 0;
export const DEFAULT_NETWORK = 'host';
export const DEFAULT_PULL = 'missing';
export const DEFAULT_VOLUME_MODE = 'rw';
export const DEFAULT_PORT_PROTOCOL = 'tcp';
/** As in Mesos's fetcher: archives are unpacked unless told otherwise. */
export const DEFAULT_ARTIFACT_EXTRACT = true;

export const DEFAULT_RETRY_ATTEMPTS = 3;
export const DEFAULT_RETRY_DELAY: DurationDefault = { text: 'PT30S', ms: 30_000 };
export const DEFAULT_RETRY_FACTOR = 2;
/** A longer `delay` raises it: a first delay is never cut short by a limit that nobody asked for. */
export const DEFAULT_RETRY_MAX_DELAY: DurationDefault = { text: 'PT10M', ms: 600_000 };
export const DEFAULT_RETRY_JITTER = 0.1;

export const DEFAULT_KILL_GRACE: DurationDefault = { text: 'PT10S', ms: 10_000 };
export const DEFAULT_UNREACHABLE_TIMEOUT: DurationDefault = { text: 'PT15M', ms: 900_000 };

/** For jobs with a schedule, and for jobs that are only run by hand. */
export const DEFAULT_OVERLAP: Overlap = 'forbid';
/** For jobs that run after others: no parent's word is dropped because the last run is still busy. */
export const DEFAULT_OVERLAP_DEPENDENT: Overlap = 'queue';
export const DEFAULT_CATCH_UP: CatchUp = 'last';
export const DEFAULT_PLACEMENT: PlacementStrategy = 'pack';
export const DEFAULT_PRIORITY = 5;
export const DEFAULT_KEEP_RUNS = 50;
export const DEFAULT_EDGE_CONDITION: EdgeCondition = 'success';
export const DEFAULT_JOIN: Join = 'flow';
