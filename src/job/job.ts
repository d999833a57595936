/**
 * A job with every default filled in and every unit resolved: what the engine works with.
 * Made from a JobSpec (what a person wrote, see spec.ts) by resolveJob(). Immutable.
 */

import type { TaskSpec } from '../executor/port.ts';
import type { Instant, Schedule } from '../schedule/schedule.ts';
import type { Suspension } from './suspension.ts';

/** What must have become of a parent's run for its token to count. */
export type EdgeCondition = 'success' | 'failure' | 'completion';

export interface Edge {
  readonly job: string;
  readonly on: EdgeCondition;
}

export type ConstraintOperator = 'EQUALS' | 'LIKE' | 'UNLIKE' | 'IS' | 'IN' | 'UNIQUE' | 'CLUSTER' | 'GROUP_BY' | 'MAX_PER';

/** `[attribute, operator, value]`. Attributes are the agent's, or `@hostname`, `@region`, `@zone`. */
export interface Constraint {
  readonly attribute: string;
  readonly operator: ConstraintOperator;
  readonly value: string | undefined;
}

export interface RetryPolicy {
  /** Attempts in all, the first included, of those that failed by the task's own doing. 1: no retry. */
  readonly attempts: number;
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  /** Share of the delay, 0 to 1, by which it is spread to either side; derived from the run's id. */
  readonly jitter: number;
  /** When present, only these exit codes are worth another attempt. */
  readonly on: readonly number[] | undefined;
}

export type Overlap = 'forbid' | 'queue' | 'allow' | 'replace';
export type CatchUp = 'none' | 'last' | 'all';
/** `pack`: onto the fullest agent that has room, so that others stay free for large tasks. `spread`: onto the emptiest ones, in turn. */
export type PlacementStrategy = 'pack' | 'spread';
export type Join = 'flow' | 'latest';

export interface Job {
  readonly name: string;
  readonly schedule: Schedule | undefined;
  readonly after: readonly Edge[];
  readonly join: Join;
  readonly task: TaskSpec;
  readonly constraints: readonly Constraint[];
  readonly placement: PlacementStrategy;
  readonly retry: RetryPolicy;
  /** Longest an attempt may run, counted from its start. */
  readonly timeoutMs: number | undefined;
  readonly killGraceMs: number;
  /** How long to wait for an attempt whose agent is cut off before it counts as lost. */
  readonly unreachableTimeoutMs: number;
  readonly overlap: Overlap;
  readonly startingDeadlineMs: number | undefined;
  readonly catchUp: CatchUp;
  /** 0 to 9, higher first. */
  readonly priority: number;
  readonly suspended: boolean;
  /** Who answers for it; empty: nobody said. */
  readonly owner: string;
  readonly labels: Readonly<Record<string, string>>;
  /** How many runs that are over are kept. */
  readonly keepRuns: number;
}

/** A definition and what is known about it; the value at `jobs/<name>`. Written by API nodes only. */
export interface JobRecord<Spec> {
  readonly spec: Spec;
  /** Counts up with every replacement, from 1; the ETag. */
  readonly version: number;
  /** Unique to this creation: a job deleted and made again is another job. */
  readonly uid: string;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  /** When this schedule (text and zone) was set: the anchor of an empty start; nominal times before it are not the job's. */
  readonly scheduledSince: Instant;
  readonly suspension?: Suspension;
  /** Unique to this write. */
  readonly writeId: string;
}
