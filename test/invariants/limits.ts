/**
 * The bounds that the rules go by, written out: docs/semantics.md names those that people can see. Not imported from the engine, so
 * that a bound which changes there is noticed. Durations in milliseconds.
 */

/** `catchUp: all` runs so many of the newest missed times. */
export const CATCH_UP_LIMIT = 1_000;
/** Verdicts count their nominal times up to here. */
export const VERDICT_COUNT_LIMIT = 10_000;
/** Times after a new schedule's beginning that the old one had decided, kept so that they are not decided twice. */
export const AHEAD_TIMES = 100;
/** Suspensions before the latest that still count. */
export const EARLIER_SPANS = 10;
/** Attempts that may be lost to the infrastructure, and the pauses between them: a second, doubled each time, a minute at most. */
export const INFRASTRUCTURE_FAILURES = 10;
export const INFRASTRUCTURE_DELAY_MS = 1_000;
export const INFRASTRUCTURE_LONGEST_DELAY_MS = 60_000;
/** A task is to begin within half an hour of its launch. */
export const LAUNCH_TIMEOUT_MS = 1_800_000;
/** Waiting so long counts as one step of priority. */
export const AGEING_STEP_MS = 60_000;
/** A leader woken so much later than it asked to be did not run meanwhile, … */
export const STALL_MS = 5_000;
/** … and one that is busy for longer than this with one decision did not either. */
export const LONGEST_WORK_MS = 60_000;
/** Verdicts of a job, and results of requests of all jobs, that are kept. */
export const KEPT_VERDICTS = 100;
export const KEPT_RESULTS = 1_000;
/** So many jobs are in quarantine at most, each for a minute, twice as long each time, an hour at most. */
export const QUARANTINED_JOBS = 100;
export const QUARANTINE_MS = 60_000;
export const LONGEST_QUARANTINE_MS = 3_600_000;
/** A kill is repeated at this pace, or after the grace if that is longer. */
export const KILL_MS = 10_000;
/** A launch that nobody has heard of is asked about this often, everything alive at least … */
export const ASK_MS = 30_000;
/** … this often. */
export const ASK_ALL_MS = 600_000;
/** So long the executor is given to answer a question; what it can't know by then it says nothing of. */
export const PATIENCE_MS = 50_000;
/** Offers that nothing waiting fits on are given back for so long at most: a run that comes later must not wait for them. */
export const UNFIT_MS = 5_000;
/** After so long a wait an agent is kept for a run, for an hour at most. */
export const WAITED_MS = 300_000;
export const LONGEST_KEPT_MS = 3_600_000;
