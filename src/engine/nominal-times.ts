/**
 * Nominal times become runs or verdicts, each exactly once, in order: the job's cursor moves over a time only in the step that
 * decides it. Times that passed while nobody could decide are caught up as the job says; times in a suspension are recorded as
 * such. Ranges are found by arithmetic.
 */

import type { Job } from '../job/job.ts';
import { spansOf, type Suspension, type SuspensionSpan } from '../job/suspension.ts';
import { formatDuration } from '../schedule/duration.ts';
import type { Instant, Schedule } from '../schedule/schedule.ts';
import { ownSchedule } from './earlier-schedule.ts';
import { handOverTokens } from './flows.ts';
import { CATCH_UP_LIMIT, VERDICT_COUNT_LIMIT } from './limits.ts';
import { failureOf } from './quarantine.ts';
import type { JobState, QuarantinedJob, Reason } from './records.ts';
import { createRun, crowdReason } from './runs.ts';
import { isoTime, recordVerdict, type VerdictInput } from './verdicts.ts';
import type { Slot, World } from './world.ts';

/**
 * Decides every nominal time up to `until` (the time of the decision, or earlier) and sets the job's timer. Of very many some, and goes
 * on in the next decision.
 */
export function decideNominalTimes(world: World, slot: Slot, until: Instant = world.now): void {
  if (world.quarantined.has(slot.name)) return;
  world.subject = slot.name;
  if (slot.job?.schedule && slot.state) {
    decideAround(world, slot, until);
    world.recorder.close();
  }
  const next = nextDue(world, slot);
  // What is left of very many comes after everything that is due now.
  const isBehind = next !== undefined && next <= until;
  world.timers.set(slot.name, isBehind ? world.now + 1 : next);
}

/** Sets the job's timer and decides nothing: what is due already has its turn with all else that is, however many jobs that are. */
export function awaitNominalTimes(world: World, slot: Slot): void {
  if (world.quarantined.has(slot.name)) return;
  world.subject = slot.name;
  world.timers.set(slot.name, nextDue(world, slot));
}

/**
 * When the job's next nominal time comes due; undefined while there is none or it is suspended. Whoever suspended it may have a clock
 * that is ahead: what comes due before that moment is decided yet.
 */
function nextDue(world: World, slot: Slot): Instant | undefined {
  if (!slot.state) return undefined;
  const next = ownSchedule(slot)?.next(slot.state.cursor);
  const span = lastingSuspension(world, slot);
  return next !== undefined && span !== undefined && next >= span.from ? undefined : next;
}

/** The suspension, of the job or of the cluster, that the job is in and that began first. */
function lastingSuspension(world: World, slot: Slot): Suspension | undefined {
  const lasting = [slot.record?.suspension, world.suspension].filter(
    (span): span is Suspension => span !== undefined && span.to === undefined,
  );
  return lasting.sort((a, b) => a.from - b.from)[0];
}

/** Suspensions, of the job and of the cluster, that began before `until` and are not passed yet; by their beginning. */
function openSpans(world: World, slot: Slot, until: Instant): SuspensionSpan[] {
  const cursor = cursorOf(slot);
  const spans = [...spansOf(slot.record?.suspension), ...spansOf(world.suspension)];
  return spans.filter(({ from, to }) => from <= until && (to === undefined || to > cursor)).sort((a, b) => a.from - b.from);
}

/** Before, in, between and after suspensions. */
function decideAround(world: World, slot: Slot, until: Instant): void {
  const spans = openSpans(world, slot, until);
  for (const [index, span] of spans.entries()) {
    const isFollowed = hasOpenTime(slot, spans.slice(index), until);
    if (!decideOpen(world, slot, { until: span.from - 1, isFollowed, end: until })) return;
    if (span.to === undefined) return;
    // Where one that lasts has begun meanwhile, its end decides.
    const lasting = lastingSuspension(world, slot)?.from ?? Infinity;
    recordSuspended(world, slot, { ...span, to: Math.min(span.to, until + 1, lasting) });
  }
  decideOpen(world, slot, { until, isFollowed: false, end: until });
}

/** Whether a nominal time lies after the first of these suspensions, up to `until`, and in none of the others. */
function hasOpenTime(slot: Slot, [first, ...others]: readonly SuspensionSpan[], until: Instant): boolean {
  const schedule = ownSchedule(slot) as Schedule;
  let from = first?.to;
  for (const span of others) {
    if (from === undefined) return false;
    const next = schedule.next(from - 1);
    if (next !== undefined && next <= until && next < span.from) return true;
    from = span.to === undefined ? undefined : Math.max(from, span.to);
  }
  const next = from === undefined ? undefined : schedule.next(from - 1);
  return next !== undefined && next <= until;
}

/** Decides what is left of a schedule that was replaced at `end`: what lies in suspensions, and what `text` says nobody decided. */
export function endSchedule(world: World, slot: Slot, { end, text }: { end: Instant; text: string }): void {
  if (!slot.job?.schedule || !slot.state) return;
  const missed = { verdict: 'missed', reason: { code: 'edited', text, data: { to: end - 1 } } } as const;
  for (const span of openSpans(world, slot, end - 1)) {
    recordSpan(world, slot, { to: span.from - 1, ...missed });
    recordSuspended(world, slot, { ...span, to: Math.min(span.to ?? end, end) });
  }
  recordSpan(world, slot, { to: end - 1, ...missed });
  world.recorder.close();
}

function recordSuspended(world: World, slot: Slot, { from, to, by }: Required<SuspensionSpan>): void {
  const text = `suspended${by ? ` by ${by}` : ''} from ${isoTime(from)} to ${isoTime(to)}`;
  recordSpan(world, slot, { to: to - 1, verdict: 'suspended', reason: { code: 'suspended', text, data: { by, from, to } } });
}

interface OpenSpan {
  readonly until: Instant;
  /** A later nominal time of another such span is decided next. */
  readonly isFollowed: boolean;
  /** The end of the last of these spans. */
  readonly end: Instant;
}

/** Nominal times of a span in which the job was not suspended. Returns whether that was all. */
function decideOpen(world: World, slot: Slot, { until, isFollowed, end }: OpenSpan): boolean {
  const { catchUp } = slot.job as Job;
  const schedule = ownSchedule(slot) as Schedule;
  const outageEnd = Math.min(until, world.decidableSince - 1);
  const newest = outageEnd > cursorOf(slot) ? schedule.previous(outageEnd + 1) : undefined;
  if (newest !== undefined && newest > cursorOf(slot)) {
    const following = schedule.next(outageEnd);
    const isSuperseded = isFollowed || (following !== undefined && following <= until);
    if (catchUp !== 'all') catchUpLast(world, slot, { newest, runs: catchUp === 'last' && !isSuperseded });
    else if (!catchUpAll(world, slot, { newest, outageEnd: Math.min(end, world.decidableSince - 1) })) return false;
  }
  let at = schedule.next(cursorOf(slot));
  while (at !== undefined && at <= until) {
    decideOne(world, slot, { at });
    at = schedule.next(at);
    world.timesLeft -= 1;
    if (world.timesLeft <= 0) return at === undefined || at > until;
  }
  return true;
}

/** Only the newest of the missed times may run. */
function catchUpLast(world: World, slot: Slot, { newest, runs }: { newest: Instant; runs: boolean }): void {
  const reason = outageReason(world, slot);
  recordSpan(world, slot, { to: runs ? newest - 1 : newest, verdict: 'missed', reason });
  if (runs) decideOne(world, slot, { at: newest, caughtUp: true });
}

/**
 * Each of the missed times runs, oldest first, the newest CATCH_UP_LIMIT of them, over as many decisions as it takes. Returns whether
 * that was all.
 */
function catchUpAll(world: World, slot: Slot, { newest, outageEnd }: { newest: Instant; outageEnd: Instant }): boolean {
  // Not even one beside those of others: what there is to catch up is found anew each time.
  if (world.timesLeft <= 0) return false;
  const schedule = ownSchedule(slot) as Schedule;
  const oldest = oldestCaughtUp(world, slot, outageEnd);
  recordSpan(world, slot, { to: Math.min(oldest - 1, newest), verdict: 'missed', reason: outageReason(world, slot) });
  for (let at: Instant | undefined = oldest; at !== undefined && at <= newest; at = schedule.next(at)) {
    if (world.timesLeft <= 0) return false;
    decideOne(world, slot, { at, caughtUp: true, waits: true });
    world.timesLeft -= 1;
  }
  return true;
}

/** The first of the newest CATCH_UP_LIMIT nominal times that were missed in the outage and lie in no suspension. */
function oldestCaughtUp(world: World, slot: Slot, outageEnd: Instant): Instant {
  const schedule = ownSchedule(slot) as Schedule;
  const spans = openSpans(world, slot, outageEnd);
  let oldest = outageEnd + 1;
  let at = schedule.previous(oldest);
  for (let left = CATCH_UP_LIMIT; at !== undefined && at > cursorOf(slot) && left > 0; ) {
    const earlier: Instant = at;
    const span = spans.find(({ from, to }) => from <= earlier && (to === undefined || earlier < to));
    if (!span) [oldest, left] = [earlier, left - 1];
    at = schedule.previous(span?.from ?? earlier);
  }
  return oldest;
}

function outageReason(world: World, slot: Slot): Reason {
  const cursor = cursorOf(slot);
  const to = world.decidableSince;
  const entry = failureOf(world.failures, slot.name);
  const first = ownSchedule(slot)?.next(cursor) ?? Infinity;
  // Where it can't be, the job was not known to who decided last, or was left alone.
  const isKnown = world.decidedBefore !== undefined && world.decidedBefore > cursor && world.decidedBefore < first;
  const from = isKnown ? (world.decidedBefore as Instant) : cursor;
  if (entry !== undefined && entry.at <= to && first <= entry.until) return quarantineReason(slot, { entry, from: cursor, to });
  const text = `no leader could decide between ${isoTime(from)} and ${isoTime(to)}, and catchUp is ${slot.job?.catchUp}`;
  return { code: 'no-leader', text, data: { from, to, catchUp: slot.job?.catchUp } };
}

function quarantineReason(slot: Slot, { entry, from, to }: { entry: QuarantinedJob; from: Instant; to: Instant }): Reason {
  const catchUp = slot.job?.catchUp;
  const text = `nothing could be decided about the job between ${isoTime(from)} and ${isoTime(to)}, and catchUp is ${catchUp}: ${entry.problem}`;
  return { code: 'quarantined', text, data: { from, to, catchUp, failures: entry.failures } };
}

/** One verdict for all nominal times after the cursor up to `to`, if there are any. */
function recordSpan(world: World, slot: Slot, span: Pick<VerdictInput, 'to' | 'verdict' | 'reason'>): void {
  const schedule = ownSchedule(slot) as Schedule;
  const cursor = cursorOf(slot);
  const from = schedule.next(cursor);
  const last = schedule.previous(span.to + 1);
  if (from === undefined || last === undefined || from > last) return;
  const count = schedule.count(cursor, last, VERDICT_COUNT_LIMIT);
  recordVerdict(world, slot, { from, to: last, count, verdict: span.verdict, reason: span.reason });
}

interface Due {
  readonly at: Instant;
  readonly caughtUp?: true;
  /** Queues where overlap is forbidden. */
  readonly waits?: true;
}

/** One nominal time: a run, or the verdict why not. A step of its own. */
function decideOne(world: World, slot: Slot, due: Due): void {
  const { at, caughtUp, waits } = due;
  world.recorder.close();
  const refusal = lateVerdict(world, slot, at) ?? crowdVerdict(world, slot, due);
  if (refusal) {
    recordVerdict(world, slot, { from: at, to: at, count: 1, ...refusal });
    return;
  }
  const { verdict: _ended, ...state } = slot.state as JobState;
  world.putState(slot, { ...state, cursor: at });
  const trigger = { type: 'schedule', scheduledFor: at, ...(caughtUp ? { caughtUp } : {}) } as const;
  createRun(world, slot, { trigger, ...(waits ? { waits } : {}) });
  handOverTokens(world);
}

function lateVerdict(world: World, slot: Slot, at: Instant): Pick<VerdictInput, 'verdict' | 'reason'> | undefined {
  const deadlineMs = slot.job?.startingDeadlineMs;
  if (deadlineMs === undefined || world.now <= at + deadlineMs) return undefined;
  // Equal verdicts are one range: what it says must hold of each of its times.
  const text = `the starting deadline of ${formatDuration(deadlineMs)} had passed when it could be decided`;
  return { verdict: 'missed', reason: { code: 'deadline', text, data: { deadlineMs } } };
}

function crowdVerdict(world: World, slot: Slot, due: Pick<Due, 'waits'>): Pick<VerdictInput, 'verdict' | 'reason'> | undefined {
  const reason = crowdReason(world, slot, due);
  return reason && { verdict: 'skipped', reason };
}

function cursorOf(slot: Slot): Instant {
  return (slot.state as JobState).cursor;
}
