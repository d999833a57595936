/** What became of a nominal time of a scheduled job, or will. */

import type { JobState, RunRecord, Verdict } from '../../engine/records.ts';
import { backfillOf } from '../../engine/runs.ts';
import { runId } from '../../engine/task-id.ts';
import type { JobRecord } from '../../job/job.ts';
import { DEFAULT_CATCH_UP } from '../../job/defaults.ts';
import type { JobSpec } from '../../job/spec.ts';
import { spansOf } from '../../job/suspension.ts';
import type { Instant, Schedule } from '../../schedule/schedule.ts';
import { cursorOf } from '../job-schedule.ts';
import { reasonView } from '../run-view.ts';
import { iso, maybeIso } from '../times.ts';
import type { ClusterFacts, Explanation } from './explanation.ts';
import { inQuarantine } from './in-quarantine.ts';
import { standstill } from './standstill.ts';

export interface NominalFacts {
  readonly at: Instant;
  readonly record: JobRecord<JobSpec>;
  readonly schedule: Schedule;
  readonly state: JobState | undefined;
  /** Those of the job that are kept. */
  readonly verdicts: readonly Verdict[];
  /** Runs that were scheduled for this time, oldest first. */
  readonly runs: readonly RunRecord[];
  readonly explainRun: (run: RunRecord) => Explanation;
  readonly cluster: ClusterFacts;
}

/** The latest nominal time that is not after now; else the first one to come; undefined: there is none. */
export function defaultTime({ scheduledSince }: JobRecord<JobSpec>, schedule: Schedule, now: Instant): Instant | undefined {
  const latest = schedule.previous(now + 1);
  return latest !== undefined && latest >= scheduledSince ? latest : schedule.next(Math.max(now, scheduledSince - 1));
}

export function noMoreTimes({ spec }: JobRecord<JobSpec>): Explanation {
  return { code: 'no-more-times', text: `the schedule ${spec.schedule} names no time`, data: { schedule: spec.schedule } };
}

export function explainNominal(facts: NominalFacts): Explanation {
  const { at, record, schedule, verdicts, runs, state, cluster } = facts;
  const own = runs.findLast((run) => backfillOf(run) === undefined);
  if (own !== undefined) return explainLaunched(facts, own);
  const isPresent = at >= record.scheduledSince;
  // Of a schedule that was replaced, the times it named can't be told any more; its verdicts can.
  if (isPresent && schedule.next(at - 1) !== at) return explainNotNominal(facts);
  const verdict = verdicts.find(({ from, to }) => from <= at && at <= to);
  if (verdict !== undefined) return explainVerdict(facts, verdict);
  const backfilled = runs.at(-1);
  if (backfilled !== undefined) return explainLaunched(facts, backfilled);
  if (!isPresent) return explainEarlier(facts);
  if (at <= cursorOf(record, state)) return explainForgotten(facts);
  return at > cluster.now ? explainFuture(facts) : explainUndecided(facts);
}

function explainLaunched({ at, runs, explainRun }: NominalFacts, run: RunRecord): Explanation {
  const { code, text, data } = explainRun(run);
  const backfill = backfillOf(run);
  const others = backfillsAmong(runs, run);
  return {
    code: code === 'skipped' || code === 'missed' ? code : 'launched',
    text: `${iso(at)} became ${runId(run.job, run.number)}${backfill === undefined ? '' : `, by the backfill ${backfill}`}: ${text}`,
    data: { run: run.number, state: run.state, why: { code, data }, ...(backfill === undefined ? undefined : { backfill }), ...others },
  };
}

function backfillsAmong(runs: readonly RunRecord[], but?: RunRecord): { backfillRuns?: readonly number[] } {
  const numbers = runs.filter((run) => run !== but && backfillOf(run) !== undefined).map((run) => run.number);
  return numbers.length === 0 ? {} : { backfillRuns: numbers };
}

function explainNotNominal({ at, schedule, record }: NominalFacts): Explanation {
  const earlier = schedule.previous(at);
  const before = earlier !== undefined && earlier >= record.scheduledSince ? iso(earlier) : undefined;
  const after = maybeIso(schedule.next(at));
  const nearest = [before === undefined ? 'none before' : `before: ${before}`, after === undefined ? 'none after' : `after: ${after}`];
  return {
    code: 'not-nominal',
    text: `${iso(at)} is not a nominal time of ${record.spec.schedule}; the nearest are ${nearest.join(', ')}`,
    data: { before, after },
  };
}

function explainVerdict({ at, runs }: NominalFacts, { from, to, count, verdict, reason, decidedAt }: Verdict): Explanation {
  const verb = verdict === 'suspended' ? 'fell into a suspension' : `was ${verdict}`;
  const others = backfillsAmong(runs);
  const later = others.backfillRuns === undefined ? '' : '; a backfill ran it later';
  const range = { from: iso(from), to: iso(to), ...(count === undefined ? undefined : { count }) };
  return {
    code: verdict,
    text: `${iso(at)} ${verb}: ${reason.text}${later}`,
    data: { reason: reasonView(reason), range, decidedAt: iso(decidedAt), ...others },
  };
}

function explainEarlier({ at, record, schedule, cluster }: NominalFacts): Explanation {
  const since = iso(record.scheduledSince);
  const next = maybeIso(defaultTime(record, schedule, cluster.now));
  const text = `${iso(at)} is before the present schedule was set, at ${since}; nothing is known of it any more, or it never was a nominal time`;
  return { code: 'before-schedule', text, data: { since, nearest: next } };
}

function explainForgotten({ at, record }: NominalFacts): Explanation {
  const text = `${iso(at)} was decided, but its run or verdict is not kept any more`;
  return { code: 'forgotten', text, data: { ...(record.spec.keepRuns === undefined ? undefined : { keepRuns: record.spec.keepRuns }) } };
}

function explainFuture(facts: NominalFacts): Explanation {
  const { at, cluster } = facts;
  const suspension = suspensionAt(facts);
  const held = suspension === undefined ? '' : `; as it is now it will be recorded as suspended, since ${suspension.text}`;
  const text = `${iso(at)} is in the future: due in ${Math.ceil((at - cluster.now) / 1_000)} s${held}`;
  return {
    code: 'future',
    text,
    data: { dueInMs: at - cluster.now, ...(suspension === undefined ? undefined : { suspension: suspension.data }) },
  };
}

function explainUndecided(facts: NominalFacts): Explanation {
  const { at, record, cluster } = facts;
  const suspension = suspensionAt(facts);
  if (suspension !== undefined) return { ...suspension, text: `${iso(at)} fell into a suspension: ${suspension.text}` };
  // What was due before the whole cluster was suspended is decided all the same.
  const hold = cluster.leader === undefined ? standstill(cluster) : undefined;
  const catchUp = record.spec.catchUp ?? DEFAULT_CATCH_UP;
  if (hold !== undefined) {
    const text = `${iso(at)} has come, but ${hold.text}; what becomes of it is decided when one does (catchUp is ${catchUp})`;
    return { code: hold.code, text, data: { ...hold.data, dueSinceMs: cluster.now - at, catchUp } };
  }
  const text = `${iso(at)} came ${cluster.now - at} ms ago, and the leader, ${cluster.leader}, has not decided it yet`;
  const undecided = { code: 'undecided', text, data: { leader: cluster.leader, dueSinceMs: cluster.now - at } } as const;
  return inQuarantine(undecided, record.spec.name, cluster);
}

/** The suspension that the time lies in, of the job or of the cluster. */
function suspensionAt({ at, record, cluster }: NominalFacts): Explanation | undefined {
  const spans = [
    ...spansOf(record.suspension).map((span) => ({ scope: 'job', what: record.spec.name, span })),
    ...spansOf(cluster.suspension).map((span) => ({ scope: 'cluster', what: 'the whole cluster', span })),
  ];
  for (const { scope, what, span } of spans) {
    if (span.from > at || (span.to !== undefined && span.to <= at)) continue;
    const { by, from, to } = span;
    const end = to === undefined ? '' : ` and resumed at ${iso(to)}`;
    const data = { scope, by, from: iso(from), ...(to === undefined ? undefined : { to: iso(to) }) };
    return { code: 'suspended', text: `${what} was suspended by ${by} at ${iso(from)}${end}`, data };
  }
  return undefined;
}
