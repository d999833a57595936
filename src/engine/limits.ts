/** The engine's constants, each with its reason. Durations in milliseconds. */

/** Catch-up of kind `all` runs at most this many missed nominal times; older ones are `missed` (design §3). */
export const CATCH_UP_LIMIT = 1_000;

/**
 * Nominal times decided in one decision, beside one of each job that is due and those of jobs that are edited (as many of each at
 * most): a definition that a wrong clock dated far back has more of them than one decision should hold. The rest follows in the next
 * ones.
 */
export const TIMES_AT_ONCE = 1_000;

/** Nominal times after the cursor that an earlier schedule named and that are decided: kept in the job's state, which is written often. */
export const AHEAD_TIMES = 100;

/** Verdict ranges count their nominal times up to here. */
export const VERDICT_COUNT_LIMIT = 10_000;

/** Names of parents kept to explain an upstream skip. */
export const BLOCKED_NAMES = 10;

/** Attempts of one run that may end by the infrastructure's doing before the run fails. */
export const INFRASTRUCTURE_FAILURES = 10;

/** Pause after an infrastructure failure, doubled with each, up to the longest. */
export const INFRASTRUCTURE_DELAY_MS = 1_000;
export const INFRASTRUCTURE_LONGEST_DELAY_MS = 60_000;

/** A launch that nobody has heard of for this long is asked about, again and again at this pace. */
export const LAUNCH_CONFIRM_MS = 30_000;

/**
 * A task that the executor says has not begun this long after its launch is ended: a stuck agent, or an image that never comes. Longer
 * than the slowest image takes that anybody waits for.
 */
export const LAUNCH_TIMEOUT_MS = 1_800_000;

/** A kill is repeated at this pace, or after the task's grace if that is longer, until the task is over. */
export const KILL_REPEAT_MS = 10_000;

/** Every attempt believed alive is asked about this often, whatever was heard. */
export const RECONCILE_INTERVAL_MS = 600_000;

/**
 * Woken this much later than it asked to be, the engine was not running: what came due meanwhile is caught up as after an
 * outage. Larger than any pause of a healthy node under load, smaller than what a person would call punctual.
 */
export const STALL_MS = 5_000;

/** How long a leader may be busy with one decision and its commits and count as standing. A node that shares its store has lost its term long before. */
export const LONGEST_WORK_MS = 60_000;

/** Share of a commit's writes that one launch may fill: each task is a write of the step that holds them all. */
export const LAUNCH_SHARE = 0.8;

/** How long offers that nothing waiting fits on are declined for; a new run revives them at once. */
export const UNFIT_REFUSE_MS = 5_000;

/** How long offers are declined for when nothing waits. */
export const IDLE_REFUSE_MS = 300_000;

/** Waiting this long counts as much as one step of priority, so that nothing starves. */
export const AGEING_STEP_MS = 60_000;

/**
 * Waiting this long for room on an agent that smaller runs take again and again, a run has an agent kept for it: longer than most
 * tasks, so that what would have had room soon anyhow keeps nothing.
 */
export const RESERVE_AFTER_MS = 300_000;

/** How long an agent is kept for a run, doubled each time that it was in vain, up to the longest: long enough for what runs there to end. */
export const RESERVATION_MS = 300_000;
export const LONGEST_RESERVATION_MS = 3_600_000;

/** Room in a step that making a run needs at most: run, state, two prunings, the parent or the request behind it, one run that it replaces. */
export const CREATION_ROOM = 10;

/** Room in a step that one child begins with: enough to make its run, and to give up some that it replaces. */
export const CHILD_ROOM = 30;

/** Verdict ranges kept per job. */
export const KEPT_VERDICTS = 100;

/** What waits for offers, and why, is looked at and written down at this pace; what waits for less is not mentioned. */
export const WAITING_INTERVAL_MS = 5_000;

/** Shapes of waiting runs that are written down. */
export const WAITING_SHAPES = 200;

/** The same, all together (UTF-16 units as JSON): a shape has all that a job's constraints say, and a transaction must hold the record. */
export const WAITING_LENGTH = 200_000;

/**
 * Share of a commit's writes that due jobs decided at once may fill, at two each (the run and the job's state): a burst fills
 * commits exactly, and the first are launched while the others are decided.
 */
export const DUE_SHARE = 0.9;

/**
 * A run whose record is this long (bytes as JSON) is not tried again: a transaction must hold the record as a whole, and each
 * further attempt would write all of it.
 */
export const RECORD_LENGTH = 250_000;

/**
 * A step this long (bytes as JSON) takes nothing more. Well below what the smallest store takes in one commit: one run and what goes
 * with it may still be added.
 */
export const STEP_LENGTH = 300_000;

/** Attempts that fit in a record whatever they say. */
export const ATTEMPTS_UNMEASURED = 50;

/** Results of requests kept, of all jobs together: long enough to be asked for, short enough for every node's copy. */
export const KEPT_RESULTS = 1_000;

/** Flows that a job may wait in at once: a parent that hangs must not make its children's state grow for ever. */
export const OPEN_FLOWS = 500;

/** Runs of a job that may be open at once: one that is slower than its schedule, and queues, must not grow for ever. */
export const OPEN_RUNS = 10_000;

/** Backfills of one job that may go on at once. */
export const OPEN_BACKFILLS = 100;

/** How long a job on which the engine failed is left alone, doubled with each failure, up to the longest. Trying again costs a change of leader. */
export const QUARANTINE_MS = 60_000;
export const LONGEST_QUARANTINE_MS = 3_600_000;

/** Jobs quarantined at once: where the engine fails on more, it is not the jobs that are to blame. */
export const QUARANTINED_JOBS = 100;
