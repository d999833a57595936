/**
 * What the leader writes, and the requests it takes: the durable facts, as JSON values of the keys in keys.ts.
 * Times are milliseconds since the epoch. Optional fields are absent, never null, so that records stay small.
 */

import type { JobSpec } from '../job/spec.ts';
import type { Suspension } from '../job/suspension.ts';
import type { Instant } from '../schedule/schedule.ts';
import type { TaskStatus } from '../executor/port.ts';

/** `<root job>#<run number>`: the run that started the flow. */
export type FlowId = string;

/** What caused a run. */
export type Trigger =
  | { readonly type: 'schedule'; readonly scheduledFor: Instant; readonly caughtUp?: true; readonly backfill?: string }
  | { readonly type: 'parents'; readonly parents: Readonly<Record<string, number>> }
  | { readonly type: 'request'; readonly id: string; readonly by: string };

export type RunState =
  /** Waits for an earlier run of the same job (overlap `queue`, `replace`, or caught-up runs). */
  | 'queued'
  /** Waits for an offer. */
  | 'pending'
  /** The last attempt failed; waits for `notBefore`. */
  | 'backoff'
  /** An attempt's intent is durable; no sign of the task yet. */
  | 'launching'
  | 'running'
  /** The task was told to end. */
  | 'killing'
  | 'succeeded'
  | 'failed'
  | 'killed'
  /** Never launched: a parent's outcome did not satisfy its edge, or the job was busy. */
  | 'skipped'
  /** Never launched: the starting deadline passed. */
  | 'missed';

export type Outcome = Extract<RunState, 'succeeded' | 'failed' | 'killed' | 'skipped' | 'missed'>;

/** Why a run or a nominal time came out as it did: a stable word, a sentence for people, and the data behind it. */
export interface Reason {
  readonly code: ReasonCode;
  readonly text: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export type ReasonCode =
  | 'overlap'
  | 'upstream'
  | 'too-many-flows'
  | 'too-many-runs'
  | 'no-leader'
  | 'quarantined'
  | 'edited'
  | 'catch-up'
  | 'deadline'
  | 'suspended'
  | 'kill-request'
  | 'replaced'
  | 'timeout'
  | 'launch-timeout'
  | 'exit'
  | 'signal'
  | 'out-of-memory'
  | 'rejected'
  | 'infrastructure'
  | 'job-deleted'
  | 'marked'
  | 'backfill-cancelled';

/** Who is to blame for an attempt's end. */
export type Fault = 'task' | 'infrastructure' | 'request';

export interface Attempt {
  readonly number: number;
  readonly taskId: string;
  readonly agentId: string;
  readonly hostname: string;
  readonly address: string;
  readonly ports?: readonly number[];
  /** The values its agent had for the attributes that the job's constraints name, for UNIQUE, CLUSTER, GROUP_BY and MAX_PER. */
  readonly placed?: Readonly<Record<string, string>>;
  /** When the intent was decided. */
  readonly createdAt: Instant;
  /** When the task was first said to be starting or running. */
  readonly startedAt?: Instant;
  readonly endedAt?: Instant;
  /** Since when its agent is cut off. */
  readonly unreachableSince?: Instant;
  /** The latest state told by the executor. */
  readonly state?: TaskStatus['state'];
  readonly exitCode?: number;
  readonly signal?: string;
  readonly fault?: Fault;
  readonly reason?: Reason;
}

/** The value at `runs/<job>/<number>`. */
export interface RunRecord {
  readonly job: string;
  readonly number: number;
  readonly flow: FlowId;
  readonly trigger: Trigger;
  readonly state: RunState;
  readonly createdAt: Instant;
  readonly endedAt?: Instant;
  /** The definition it was created with; absent once it is over and can't be run again (succeeded, skipped, missed). */
  readonly spec?: JobSpec;
  readonly jobVersion: number;
  readonly attempts: readonly Attempt[];
  /** Of them, how many ended by the infrastructure's doing, since it was last run again. */
  readonly lost: number;
  /** It was run again from its failure: attempts before this index belong to its earlier life and use up nothing. */
  readonly firstAttempt?: number;
  /** An earlier life of it failed or was killed, which all its children have heard but these: heard once more, it is no news. */
  readonly failedBefore?: readonly string[];
  /** Since when it waits for an offer. */
  readonly pendingSince?: Instant;
  /** In `backoff`: when the next attempt may start. */
  readonly notBefore?: Instant;
  /** Past this it is not launched any more. */
  readonly deadline?: Instant;
  readonly kill?: { readonly at: Instant; readonly reason: Reason };
  readonly reason?: Reason;
  /**
   * Present while its token has not been handed to all its children (a fan-out larger than one transaction): children up to
   * this name, in order of names, have it. Empty: none yet. Moves on in the same step as their states, so none gets it twice.
   */
  readonly handover?: string;
  /** Children that could not take its token, as they are quarantined: they get it when they are let go. */
  readonly owed?: readonly string[];
  /** Present while older runs that it replaces are still to be given up: more of them than one transaction takes. */
  readonly replaces?: true;
  /** Its job was deleted while it had a task: what becomes of it says nothing of a job that is made under the name again. */
  readonly jobDeleted?: true;
}

/** A parent's word to a child that joins the latest. `run` is the parent's run. */
export interface Token {
  readonly run: number;
  readonly outcome: Outcome;
}

/**
 * The tokens a job holds in one flow, counted: a join of 10,000 parents stays a few bytes. Exact because a token is counted in
 * the step that settles its parent; after an edit of the graph it is counted again from the parents' runs.
 */
export interface FlowTokens {
  /** How many parents have spoken. */
  readonly spoken: number;
  /** Of how many that take part in the flow. */
  readonly of: number;
  /** Those whose outcome did not satisfy their edge, the first BLOCKED_NAMES of them. */
  readonly blocked?: readonly string[];
}

/** A range of nominal times to be run (again), a few at a time. */
export interface Backfill {
  /** Nominal times after this are still to be created. */
  readonly cursor: Instant;
  /** The last nominal time wanted, inclusive. */
  readonly to: Instant;
  /** Most of its runs that may be open at once. */
  readonly limit: number;
}

export interface JobTotals {
  readonly succeeded: number;
  readonly failed: number;
  readonly killed: number;
  readonly skipped: number;
  readonly missed: number;
}

/** The value at `state/<job>`: everything learned about a job. */
export interface JobState {
  /** The definition's uid this state belongs to; empty when the job was deleted: the run counter outlives it, so that no task id comes twice. */
  readonly uid: string;
  /** Nominal times up to here have their verdict. */
  readonly cursor: Instant;
  /** `scheduledSince` of the definition the cursor belongs to. */
  readonly scheduledSince: Instant;
  /** That definition's schedule: it is needed once more when it is replaced. Absent: it has none. */
  readonly schedule?: { readonly text: string; readonly timeZone?: string };
  /** Nominal times after the cursor that have their verdict too, in order: a schedule before this one named them, when it was set already. */
  readonly ahead?: readonly Instant[];
  /** The number of the newest run; 0 when there was none. */
  readonly lastRun: number;
  readonly totals: JobTotals;
  readonly lastSuccess?: { readonly run: number; readonly at: Instant };
  readonly lastFailure?: { readonly run: number; readonly at: Instant };
  /** Tokens of the flows in which this job has not been decided yet. */
  readonly tokens?: Readonly<Record<FlowId, FlowTokens>>;
  /** `join: latest`: the newest satisfying token of each parent since this job's last run. */
  readonly latest?: Readonly<Record<string, Token>>;
  /** Backfills that have not created all their runs: id -> what is left. */
  readonly backfills?: Readonly<Record<string, Backfill>>;
  /** The newest verdict record, so that an equal one extends it. */
  readonly verdict?: Verdict;
}

/**
 * What became of nominal times that did not become a run, first to last (equal ones are kept as one range).
 * The value at `verdicts/<job>/<from>`. A nominal time that became a run has the run as its verdict.
 */
export interface Verdict {
  readonly from: Instant;
  readonly to: Instant;
  /** How many nominal times; absent when over VERDICT_COUNT_LIMIT. */
  readonly count?: number;
  readonly verdict: 'skipped' | 'missed' | 'suspended';
  readonly reason: Reason;
  readonly decidedAt: Instant;
}

/** The value at `requests/<ulid>`: created by any node, removed by the leader in the commit that has its effect. */
export type Request = { readonly id: string; readonly at: Instant; readonly by: string } & RequestBody;

export type RequestBody =
  /** Run now. `number` is not known yet: the run's trigger carries the request's id. */
  | { readonly type: 'run'; readonly job: string; readonly env?: Readonly<Record<string, string>> }
  | { readonly type: 'kill'; readonly job: string; readonly run: number }
  /** Run it again from its failure: the same run, new attempts; its flow then goes on. */
  | { readonly type: 'retry'; readonly job: string; readonly run: number }
  /** Count it as succeeded, whatever became of it; its flow then goes on. */
  | { readonly type: 'mark'; readonly job: string; readonly run: number }
  /** Run every nominal time from `from` to `to`, both inclusive, oldest first, `limit` at a time. The request's id is the backfill's. */
  | { readonly type: 'backfill'; readonly job: string; readonly from: Instant; readonly to: Instant; readonly limit: number }
  /** Make no more runs of a backfill, and give up those that have not begun. `kill`: those that have, too. */
  | { readonly type: 'cancel-backfill'; readonly job: string; readonly backfill: string; readonly kill: boolean };

/** Why the leader could not do what it was asked for: it was not so any more, or not yet, when its turn came. */
export type Refusal =
  | 'no such job'
  | 'no such run'
  | 'not active'
  | 'not failed'
  | 'succeeded'
  | 'running'
  | 'suspended'
  | 'full'
  | 'forgotten'
  | 'no schedule'
  | 'too many backfills';

/** The value at `results/<request id>`: what became of a request that the leader has taken. */
export interface RequestResult {
  /** As it was, without its environment. */
  readonly request: Request;
  readonly takenAt: Instant;
  /** The run that it made. */
  readonly run?: number;
  /** It had no effect, for this reason. */
  readonly refusal?: Refusal;
}

/**
 * The value at `suspension`: maintenance. Nothing is launched in it, nominal times in it are recorded as suspended; what runs goes
 * on, and what was asked for waits.
 */
export type ClusterSuspension = Suspension;

/** One thing an offer lacked. */
export type Lack =
  | { readonly what: 'cpus' | 'mem' | 'disk' | 'gpus'; readonly wanted: number; readonly offered: number }
  | { readonly what: 'ports' }
  /** Before the agent is taken down for maintenance. */
  | { readonly what: 'time' }
  /** It is in this other region, and the job does not ask for one. */
  | { readonly what: 'region'; readonly region: string }
  /** It is kept for a run that has waited longer: see reservation.ts. */
  | { readonly what: 'reserved' }
  | { readonly what: 'constraint'; readonly constraint: readonly [attribute: string, operator: string, value: string] };

/** Why nothing of a shape could be launched: the offer that came nearest, and what it lacked. */
export interface Shortage {
  readonly at: Instant;
  /** How many pools of offers were looked at. */
  readonly offers: number;
  readonly nearest: { readonly agentId: string; readonly hostname: string; readonly lacks: readonly Lack[] };
}

/** `reconciling`: connected, but not everything alive has been answered for, so nothing is launched yet. */
export type ExecutorState = 'disconnected' | 'reconciling' | 'ready';

/**
 * The value at `executor/waiting`: how the leader's executor stands, and the runs that have waited for an offer for a while, by
 * what they ask for (see shapeKey).
 */
export interface WaitingRecord {
  readonly at: Instant;
  readonly executor: ExecutorState;
  readonly shapes: readonly WaitingShape[];
}

export interface WaitingShape {
  readonly key: string;
  readonly since: Instant;
  readonly runs: number;
  readonly shortage?: Shortage;
  /** The agent that is kept for the first of them, and until when at most. */
  readonly reserved?: { readonly agentId: string; readonly hostname: string; readonly until: Instant };
}

/** The value at `decided`. */
export interface DecidedRecord {
  readonly at: Instant;
}

/** The value at `executor/identity`. */
export interface ExecutorIdentity {
  /** The kind that was connected last. */
  readonly kind: string;
  readonly identity: string;
  /** Of the kinds that were connected before it. */
  readonly others?: Readonly<Record<string, string>>;
}

/** A job on which the engine failed, and how it is kept from failing for all. */
export interface QuarantinedJob {
  /** The error, for people. */
  readonly problem: string;
  readonly at: Instant;
  /** In a row, of this definition. */
  readonly failures: number;
  /** From then on it is tried again. */
  readonly until: Instant;
  /** Tells the definition it failed on; a changed one is tried at once. Absent: there was none. */
  readonly definition?: string;
}

/** The value at `quarantine`, by job. */
export type QuarantineRecord = Readonly<Record<string, QuarantinedJob>>;
