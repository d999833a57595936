/**
 * When a job is due. Pure: a schedule is a function of its text, its zone and its anchor, never of the time it is asked.
 *
 * Invariants others rely on: `next(t) > t`; `previous(t) < t`; next and previous are inverse on nominal times;
 * any two instances compiled from the same input agree, whatever they were asked before.
 */

/** Milliseconds since the Unix epoch. */
export type Instant = number;

export interface ScheduleInput {
  /** `R/2026-01-01T03:00:00Z/P1D`, `R5//PT1H`, `0 3 * * *`, `@daily`, `H H(0-5) * * *`. */
  readonly text: string;
  /** IANA name; nominal times follow its wall clock. Default UTC. */
  readonly timeZone?: string;
  /** Seeds `H`: the job's name. */
  readonly seed: string;
  /** Stands in for an empty start in `R//PT1H`. */
  readonly anchor: Instant;
}

export interface Schedule {
  readonly kind: 'repeating' | 'cron';
  /** The first nominal time strictly after `after`; undefined when there is none. */
  next(after: Instant): Instant | undefined;
  /** The last nominal time strictly before `before`; undefined when there is none. By arithmetic, never by walking from the anchor. */
  previous(before: Instant): Instant | undefined;
  /** How many nominal times lie in (after, until], counted no further than `limit`. */
  count(after: Instant, until: Instant, limit: number): number;
}
