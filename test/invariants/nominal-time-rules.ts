/** The rules nominal-times and verdicts (words: invariants.ts), checked against the second reading of schedules alone. */

import { AHEAD_TIMES, CATCH_UP_LIMIT, EARLIER_SPANS, VERDICT_COUNT_LIMIT } from './limits.ts';
import type { JobState, RunRecord, Verdict } from '../../src/engine/records.ts';
import type { Job } from '../../src/job/job.ts';
import type { SuspensionSpan } from '../../src/job/suspension.ts';
import type { Schedule } from '../../src/schedule/schedule.ts';
import type { History, JobStep, Step } from './history.ts';
import { spansOf } from './read-spec.ts';
import {
  checkEditedReason,
  checkKeptVerdicts,
  checkMerged,
  checkNominalTimePunctual,
  checkOutageReason,
  checkSuspended,
} from './verdict-rules.ts';
import { InvariantViolation } from './violation.ts';

/** One decision on nominal times: those after the cursor up to `to`. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly run?: RunRecord;
  readonly verdict?: Verdict;
  /** How many more nominal times the verdict counts than before. */
  readonly added?: number;
}

interface Place {
  readonly history: History;
  readonly step: Step;
  readonly job: JobStep;
  readonly definition: Job;
  readonly schedule: Schedule;
}

export function checkNominalTimes(history: History, step: Step, job: JobStep): void {
  const { before, after } = job.state;
  checkKeptVerdicts(history, step, job);
  const pieces = piecesOf(job);
  if (!after || after.uid === '') {
    if (pieces.length > 0) throw new InvariantViolation('nominal-times', `${job.name} has decisions but is no job`, [job.name]);
    return;
  }
  checkBackfills(history, step, { job, before, after });
  const isNew = !before || before.uid !== after.uid;
  const isEdited = !isNew && before.scheduledSince !== after.scheduledSince;
  if (!step.context && (isNew || isEdited))
    return checkFirst({ history, step, job }, pieces, { before: isNew ? undefined : before, after });
  if (isNew) return checkBegin(history, step, { job, state: after });
  if (isEdited) return checkEdit(history, job, { before, after });
  checkPieces({ history, step, job }, pieces, { from: before.cursor, after });
}

function checkPieces(
  { history, step, job }: Pick<Place, 'history' | 'step' | 'job'>,
  pieces: readonly Piece[],
  { from, after }: { from: number; after: JobState },
): void {
  const definition = history.scheduleOf(job.name, after.uid, after.scheduledSince);
  const schedule = ownTimes(definition?.schedule, after);
  if (!definition || !schedule) {
    if (pieces.length === 0 && from === after.cursor) return;
    throw new InvariantViolation('nominal-times', `${job.name} has no schedule, but decisions on nominal times`, [job.name]);
  }
  walk({ history, step, job, definition, schedule }, pieces, { from, to: after.cursor });
}

/** A schedule's beginning and its first decisions in one step: the parts of a commit that are not told apart. */
function checkFirst(
  place: Pick<Place, 'history' | 'step' | 'job'>,
  pieces: readonly Piece[],
  { before, after }: { before: JobState | undefined; after: JobState },
): void {
  const { cursor: from } = before ? beginning(place.history, place.job.name, { before, after }) : { cursor: after.scheduledSince - 1 };
  const own = pieces.filter((piece) => piece.from > from && !after.ahead?.includes(piece.to));
  checkPieces(place, own, { from, after });
}

/** What the step decided, in order. */
function piecesOf({ runs, verdicts }: JobStep): Piece[] {
  const pieces: Piece[] = [];
  for (const { before, after } of runs.values()) {
    if (before || after?.trigger.type !== 'schedule' || after.trigger.backfill !== undefined) continue;
    pieces.push({ from: after.trigger.scheduledFor, to: after.trigger.scheduledFor, run: after });
  }
  for (const { before, after } of verdicts.values()) {
    if (!after || after.to === before?.to) continue;
    const added = after.count === undefined ? {} : { added: after.count - (before?.count ?? 0) };
    pieces.push({ from: before ? before.to + 1 : after.from, to: after.to, verdict: after, ...added });
  }
  return pieces.sort((a, b) => a.to - b.to);
}

/** backfill: its runs are made in order, none left out, each once; it ends at its end. */
function checkBackfills(
  history: History,
  step: Step,
  { job, before, after }: { job: JobStep; before: JobState | undefined; after: JobState },
): void {
  const runs = [...job.runs.values()].flatMap(({ before: old, after: run }) => (run && !old ? [run] : []));
  checkBackfillEnds(history, { name: job.name, runs, cancelled: cancelledBy(step), before, after });
  for (const run of runs.sort((a, b) => a.number - b.number)) {
    const { trigger } = run;
    if (trigger.type !== 'schedule' || trigger.backfill === undefined) continue;
    const old = before?.backfills?.[trigger.backfill];
    const expected = old && history.scheduleOf(job.name, after.uid, after.scheduledSince)?.schedule?.next(old.cursor);
    const isRight = old && trigger.scheduledFor === expected && trigger.scheduledFor <= old.to;
    const open = [...history.job(job.name).runs.values()].filter(
      (other) => other.endedAt === undefined && isOf(other, trigger.backfill),
    ).length;
    if (old && open > old.limit) {
      throw new InvariantViolation('backfill', `${job.name} has ${open} runs of backfill ${trigger.backfill} open, of ${old.limit}`, [
        job.name,
      ]);
    }
    if (isRight && after.backfills?.[trigger.backfill]?.cursor === expected) continue;
    throw new InvariantViolation(
      'backfill',
      `${job.name}#${run.number} for ${iso(trigger.scheduledFor)} instead of ${iso(expected ?? NaN)}`,
      [job.name],
    );
  }
}

interface BackfillStep {
  readonly name: string;
  /** Made in the step. */
  readonly runs: readonly RunRecord[];
  readonly cancelled: ReadonlySet<string>;
  readonly before: JobState | undefined;
  readonly after: JobState;
}

/** The backfills that requests taken in the step ask to cancel. */
function cancelledBy(step: Step): ReadonlySet<string> {
  const taken = [...step.requests.values()].flatMap(({ before, after }) => (before && !after ? [before] : []));
  return new Set(taken.flatMap((request) => (request.type === 'cancel-backfill' ? [request.backfill] : [])));
}

/** It ends when nothing of its range is left, or it is cancelled. */
function checkBackfillEnds(history: History, { name, runs, cancelled, before, after }: BackfillStep): void {
  if (before?.uid !== after.uid || before.scheduledSince !== after.scheduledSince) return;
  const schedule = history.scheduleOf(name, after.uid, after.scheduledSince)?.schedule;
  for (const [id, { cursor, to }] of Object.entries(before.backfills ?? {})) {
    if (after.backfills?.[id] || cancelled.has(id)) continue;
    const made = runs.flatMap((run) => (run.trigger.type === 'schedule' && run.trigger.backfill === id ? [run.trigger.scheduledFor] : []));
    const next = schedule?.next(Math.max(cursor, ...made));
    if (next !== undefined && next <= to)
      throw new InvariantViolation('backfill', `${name}: backfill ${id} ended before ${iso(next)}`, [name]);
  }
}

const isOf = (run: RunRecord, backfill: string | undefined): boolean =>
  run.trigger.type === 'schedule' && run.trigger.backfill === backfill;

function checkBegin(history: History, step: Step, { job, state }: { job: JobStep; state: JobState }): void {
  const isKnown = history
    .visible(job.name, step.context)
    .some((record) => record?.uid === state.uid && record.scheduledSince === state.scheduledSince);
  if (isKnown && state.cursor === state.scheduledSince - 1) return;
  throw new InvariantViolation('nominal-times', `${job.name} begins at ${iso(state.cursor)} instead of ${iso(state.scheduledSince)}`, [
    job.name,
  ]);
}

/** The old schedule's times up to the edit were decided before; or the edit was made unseen, and that is said. */
function checkEdit(history: History, job: JobStep, { before, after }: { before: JobState; after: JobState }): void {
  const fail = (message: string): never => {
    throw new InvariantViolation('nominal-times', `${job.name}, whose schedule was replaced: ${message}`, [job.name]);
  };
  const { cursor, ahead, isCut } = beginning(history, job.name, { before, after });
  const schedule = history.scheduleOf(job.name, after.uid, after.scheduledSince)?.schedule;
  const first = schedule?.next(after.scheduledSince - 1);
  const isPassed = isCut && first !== undefined && first <= cursor;
  const isSaid = [...job.verdicts.values()].some(({ after: verdict }) => verdict?.reason.code === 'edited' && verdict.to === cursor);
  if (after.cursor !== cursor) fail(`goes on at ${iso(after.cursor)} instead of ${iso(cursor)}`);
  if (isPassed && !isSaid) fail(`${iso(first)} and later have no verdict`);
  if (String(after.ahead ?? []) !== String(ahead)) fail(`holds ${String(after.ahead)} for decided instead of ${String(ahead)}`);
  const forgotten = ownTimes(history.scheduleOf(job.name, before.uid, before.scheduledSince)?.schedule, before)?.next(before.cursor);
  if (forgotten !== undefined && forgotten < after.scheduledSince) fail(`${iso(forgotten)}, before the edit, has no verdict`);
}

/** Where a new schedule begins, and which times after that the old ones had decided: all of them, or the newest AHEAD_TIMES. */
function beginning(
  history: History,
  name: string,
  { before, after }: { before: JobState; after: JobState },
): { readonly cursor: number; readonly ahead: readonly number[]; readonly isCut: boolean } {
  const since = after.scheduledSince;
  const schedule = history.scheduleOf(name, before.uid, before.scheduledSince)?.schedule;
  const decided = new Set((before.ahead ?? []).filter((at) => at >= since));
  for (let at = schedule?.next(since - 1); at !== undefined && at <= before.cursor; at = schedule?.next(at)) decided.add(at);
  const times = [...decided].sort((a, b) => a - b);
  const cut = times.at(-AHEAD_TIMES - 1);
  return { cursor: cut ?? since - 1, ahead: times.slice(-AHEAD_TIMES), isCut: cut !== undefined };
}

/** A schedule without the times that an earlier one of the job had decided. */
export function ownTimes(schedule: Schedule | undefined, { ahead }: JobState): Schedule | undefined {
  if (!schedule || !ahead) return schedule;
  const skip = (start: number | undefined, step: (at: number) => number | undefined): number | undefined => {
    let at = start;
    while (at !== undefined && ahead.includes(at)) at = step(at);
    return at;
  };
  const next = (after: number): number | undefined => skip(schedule.next(after), (at) => schedule.next(at));
  const previous = (to: number): number | undefined => skip(schedule.previous(to), (at) => schedule.previous(at));
  const count = (after: number, until: number, limit: number): number => {
    let passed = 0;
    for (const at of ahead) if (at > after && at <= until && schedule.next(at - 1) === at) passed += 1;
    return Math.min(limit, schedule.count(after, until, limit + passed) - passed);
  };
  return { kind: schedule.kind, next, previous, count };
}

/** From the old cursor to the new one every nominal time lies in exactly one piece. */
function walk(place: Place, pieces: readonly Piece[], { from, to }: { from: number; to: number }): void {
  const { job, schedule } = place;
  const fail = (message: string): never => {
    throw new InvariantViolation('nominal-times', `${job.name}: ${message}`, [job.name]);
  };
  let cursor = from;
  for (const piece of pieces) {
    const next = schedule.next(cursor);
    if (next === undefined) return fail(`${iso(piece.to)} was decided, but nothing follows ${iso(cursor)}`);
    if (piece.to < next) fail(`${iso(piece.to)} was decided, but the next nominal time after ${iso(cursor)} is ${iso(next)}`);
    if (piece.from > next) fail(`${iso(next)} was passed over: after ${iso(cursor)} comes a decision on ${iso(piece.from)}`);
    if (schedule.previous(piece.to + 1) !== piece.to) fail(`${iso(piece.to)} was decided and is no nominal time`);
    if (piece.run) checkRun(place, piece.run, piece.to);
    if (piece.verdict) checkVerdict(place, piece, { cursor, next });
    if (next >= (place.step.context?.decidableSince ?? 0)) checkNominalTimePunctual(place.history, place.step, { job: job.name, next });
    cursor = piece.to;
  }
  if (cursor !== to) fail(`the cursor went from ${iso(from)} to ${iso(to)}, decisions to ${iso(cursor)}`);
}

function checkRun({ step, job, definition, schedule, history }: Place, run: RunRecord, at: number): void {
  const { context } = step;
  if (!context) return;
  const fail = (message: string): never => {
    throw new InvariantViolation('verdicts', `${job.name}#${run.number} for ${iso(at)} ${message}`, [job.name]);
  };
  if (at > context.now) fail(`was made before its time, at ${iso(context.now)}`);
  const isLate = at < context.decidableSince;
  const isCaughtUp = run.trigger.type === 'schedule' && run.trigger.caughtUp === true;
  if (isLate !== isCaughtUp)
    fail(isLate ? 'was missed in an outage and is not marked as caught up' : 'is marked as caught up and was not missed');
  const rules = visibleJobs(history, step, job.name);
  if (isLate && rules.every(({ catchUp }) => catchUp === 'none')) fail('was missed in an outage, and catchUp is none');
  const spans = [...(jobSpans(history, step, job.name).at(-1) ?? []), ...(clusterSpans(history, step).at(-1) ?? [])];
  const following = nextOutside(schedule, at, spans);
  if (isLate && following !== undefined && following < context.decidableSince && rules.every(({ catchUp }) => catchUp === 'last')) {
    fail(`was caught up though ${iso(following)} was missed after it, and catchUp is last`);
  }
  const covers = (known: readonly SuspensionSpan[]): boolean => known.some(({ from, to = Infinity }) => from <= at && at < to);
  const isSuspended = jobSpans(history, step, job.name).every(covers) || clusterSpans(history, step).every(covers);
  const isPast = covers(history.pastSuspensions(job.name, job.state.after?.uid, context));
  if ((isSuspended || isPast) && run.state !== 'skipped') {
    throw new InvariantViolation('suspended', `${job.name}#${run.number} for ${iso(at)}, when it was suspended`, [job.name]);
  }
  const deadlineMs = definition.startingDeadlineMs;
  if (deadlineMs !== undefined && rules.every((rule) => rule.startingDeadlineMs === deadlineMs) && context.now > at + deadlineMs)
    fail('was made after its deadline');
}

function checkVerdict(place: Place, piece: Piece, { cursor, next }: { cursor: number; next: number }): void {
  const { step, job, schedule, history } = place;
  const verdict = piece.verdict as Verdict;
  const fail = (message: string): never => {
    throw new InvariantViolation(
      'verdicts',
      `${job.name}: ${verdict.verdict} (${verdict.reason.code}) for ${iso(next)} to ${iso(piece.to)}: ${message}`,
      [job.name],
    );
  };
  const count = schedule.count(cursor, piece.to, VERDICT_COUNT_LIMIT);
  if (piece.added !== undefined && piece.added !== count) fail(`counts ${piece.added} of ${count} nominal times`);
  const { context } = step;
  if (!context) return;
  const rules = visibleJobs(history, step, job.name);
  const many = next !== piece.to;
  const judged = { job: job.name, verdict, next };
  checkMerged(history, judged, cursor);
  switch (verdict.reason.code) {
    case 'suspended':
      return checkSuspended(history, step, judged);
    case 'overlap': {
      const blocker = verdict.reason.data?.['run'];
      const isOpen =
        [...job.runs.values()].some(({ before }) => before?.number === blocker) ||
        history.run(job.name, Number(blocker))?.endedAt === undefined;
      if (many || !isOpen || history.run(job.name, Number(blocker)) === undefined) fail(`#${String(blocker)} is not open`);
      if (rules.length > 0 && rules.every(({ overlap }) => overlap !== 'forbid')) fail('overlap is not forbidden');
      return;
    }
    case 'deadline':
      if (many || !rules.some(({ startingDeadlineMs }) => startingDeadlineMs !== undefined && context.now > piece.to + startingDeadlineMs))
        fail('the deadline has not passed');
      return;
    case 'quarantined':
    case 'no-leader': {
      checkOutageReason(history, step, judged);
      if (piece.to >= context.decidableSince) fail('it could be decided in time');
      const { from, to } = verdict.reason.data as { readonly from: number; readonly to: number };
      if (from >= next || to !== context.decidableSince) fail(`it tells of an outage from ${from} to ${to}`);
      const following = schedule.next(piece.to);
      const isNewest = following === undefined || following > context.now;
      if (isNewest && rules.length > 0 && rules.every(({ catchUp }) => catchUp !== 'none')) fail('the newest missed time is to run');
      if (
        rules.length > 0 &&
        rules.every(({ catchUp }) => catchUp === 'all') &&
        schedule.count(piece.to, context.decidableSince - 1, CATCH_UP_LIMIT) < CATCH_UP_LIMIT
      ) {
        fail('each missed time is to run');
      }
      return;
    }
    case 'edited':
      return checkEditedReason(history, step, judged);
    default:
      return fail('this is no reason for a verdict');
  }
}

/** The definitions the leader may have gone by, resolved. */
function visibleJobs(history: History, step: Step, name: string): readonly Job[] {
  return history.visible(name, step.context).flatMap((record) => (record ? [history.resolve(record.spec)] : []));
}

/** The next nominal time that lies in no suspension. */
function nextOutside(schedule: Schedule, after: number, spans: readonly SuspensionSpan[]): number | undefined {
  let next = schedule.next(after);
  for (let tries = 0; tries < 2 * EARLIER_SPANS + 4 && next !== undefined; tries++) {
    const at = next;
    const span = spans.find(({ from, to = Infinity }) => from <= at && at < to);
    if (!span) return at;
    next = span.to === undefined ? undefined : schedule.next(span.to - 1);
  }
  return next;
}

/** The suspensions that each visible definition knows of. */
function jobSpans(history: History, step: Step, name: string): readonly (readonly SuspensionSpan[])[] {
  return history.visible(name, step.context).map((record) => spansOf(record?.suspension));
}

function clusterSpans(history: History, step: Step): readonly (readonly SuspensionSpan[])[] {
  return history.visibleMaintenance(step.context).map(spansOf);
}

const iso = (at: number): string => (Number.isFinite(at) ? new Date(at).toISOString() : String(at));
