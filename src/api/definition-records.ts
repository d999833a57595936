/** How a stored definition follows from the one before. Pure. */

import type { JobRecord } from '../job/job.ts';
import type { JobSpec } from '../job/spec.ts';
import { resume, suspend } from '../job/suspension.ts';
import type { Instant } from '../schedule/schedule.ts';

export interface Authorship {
  readonly now: Instant;
  /** Who asked for it. */
  readonly by: string;
  /** Unique to this write. */
  readonly writeId: string;
  /** The job's uid if this creates it. */
  readonly uid: string;
}

export function nextRecord(spec: JobSpec, current: JobRecord<JobSpec> | undefined, authorship: Authorship): JobRecord<JobSpec> {
  // Nodes' clocks differ: a later version is always newer, so that `scheduledSince` tells one schedule from the next.
  const at = current === undefined ? authorship.now : Math.max(authorship.now, current.updatedAt + 1);
  const suspension = nextSuspension(spec, current, { at, by: authorship.by });
  return {
    spec,
    version: (current?.version ?? 0) + 1,
    uid: current?.uid ?? authorship.uid,
    createdAt: current?.createdAt ?? at,
    updatedAt: at,
    scheduledSince: current !== undefined && sameSchedule(spec, current.spec) ? current.scheduledSince : at,
    ...(suspension === undefined ? undefined : { suspension }),
    writeId: authorship.writeId,
  };
}

/** The definition without this parent. One without any parent left is only run by hand, and joins nothing. */
export function withoutParent(spec: JobSpec, parent: string): JobSpec {
  const after = (spec.after ?? []).filter((edge) => (typeof edge === 'string' ? edge : edge.job) !== parent);
  if (after.length > 0) return { ...spec, after };
  const { after: _after, join: _join, ...rest } = spec;
  return rest;
}

function sameSchedule(a: JobSpec, b: JobSpec): boolean {
  return a.schedule === b.schedule && a.timeZone === b.timeZone;
}

function nextSuspension(
  spec: JobSpec,
  current: JobRecord<JobSpec> | undefined,
  { at, by }: { at: Instant; by: string },
): JobRecord<JobSpec>['suspension'] {
  const was = current?.spec.suspended ?? false;
  const is = spec.suspended ?? false;
  if (is === was) return current?.suspension;
  return is ? suspend(current?.suspension, { at, by }) : resume(current?.suspension, at);
}
