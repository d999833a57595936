/** The rules of a single run's life: numbers, run-life, deadline, retries, timeout, suspended, totals, kept-runs (words: invariants.ts). */

import type { Attempt, JobState, Outcome, RunRecord, RunState } from '../../src/engine/records.ts';
import { INFRASTRUCTURE_DELAY_MS, INFRASTRUCTURE_FAILURES, INFRASTRUCTURE_LONGEST_DELAY_MS } from './limits.ts';
import { isDeepStrictEqual } from 'node:util';
import { keepsGoing } from './flow-ends.ts';
import type { Change, History, JobStep, Step } from './history.ts';
import { checkEnd, checkSame } from './attempt-rules.ts';
import { checkOverlap } from './overlap-rules.ts';
import { checkTiming, isKilledForGood } from './timing-rules.ts';
import { InvariantViolation } from './violation.ts';

const OVER: readonly RunState[] = ['succeeded', 'failed', 'killed', 'skipped', 'missed'];
const NEXT: Readonly<Record<RunState | 'none', readonly RunState[]>> = {
  none: ['queued', 'pending', 'skipped'],
  // Any run without a task may be marked as succeeded.
  queued: ['queued', 'pending', 'killed', 'skipped', 'missed', 'succeeded'],
  pending: ['pending', 'launching', 'killed', 'skipped', 'missed', 'succeeded'],
  backoff: ['pending', 'killed', 'succeeded'],
  launching: ['launching', 'running', 'killing', 'backoff', 'succeeded', 'failed', 'killed'],
  running: ['running', 'killing', 'backoff', 'succeeded', 'failed', 'killed'],
  killing: ['killing', 'backoff', 'succeeded', 'failed', 'killed'],
  ...{ succeeded: [], failed: [], killed: [], skipped: [], missed: [] },
};
/** States that a run may be in after any number of steps. */
const LATER = new Map(Object.keys(NEXT).map((state) => [state, reachable(state as RunState | 'none')]));

const isOver = (run: RunRecord): boolean => OVER.includes(run.state);

function reachable(from: RunState | 'none'): ReadonlySet<RunState> {
  const found = new Set<RunState>(NEXT[from]);
  for (const state of found) for (const next of NEXT[state]) found.add(next);
  return found;
}

export function checkRuns(history: History, step: Step, job: JobStep): void {
  checkNumbers(job);
  for (const [number, change] of job.runs) {
    if (change.after) checkRun({ history, step, job }, change.after, change.before);
    else checkForgotten(history, step, { job, number, change });
  }
  checkOverlap(history, step, job);
  const own = { ...job, runs: new Map([...job.runs].filter(([number]) => isOwn(history, job, number))) };
  checkTotals(own);
  // Where steps are not told apart, a run may have ended more than once.
  if (step.context) checkLast(own);
}

/** Whether a run is of the job that has the name now, and not of one that was deleted. */
function isOwn(history: History, { name, state }: JobStep, number: number): boolean {
  return history.job(name).uids.get(number) === (state.after ?? history.job(name).state)?.uid;
}

interface Place {
  readonly history: History;
  readonly step: Step;
  readonly job: JobStep;
}

function checkNumbers({ name, state, runs }: JobStep): void {
  // Made and forgotten in one step: only its deletion is seen.
  const created = [...runs]
    .filter(([number, { before, after }]) => !before && (after || number > (state.before?.lastRun ?? 0)))
    .map(([number]) => number);
  const from = state.before?.lastRun ?? 0;
  const to = state.after?.lastRun ?? 0;
  const expected = Array.from({ length: Math.max(0, to - from) }, (_, index) => from + 1 + index);
  if (
    to < from ||
    !isDeepStrictEqual(
      created.sort((a, b) => a - b),
      expected,
    )
  ) {
    throw new InvariantViolation(
      'numbers',
      `${name}: runs ${created.join(', ') || 'none'} were made while the counter went from ${from} to ${to}`,
      [name],
    );
  }
}

function checkRun(place: Place, after: RunRecord, before: RunRecord | undefined): void {
  const id = `${after.job}#${after.number}`;
  if (before && isOver(before)) return checkOver(place, before, after);
  const from = before?.state ?? 'none';
  if (place.step.context ? !NEXT[from].includes(after.state) : !LATER.get(from)?.has(after.state)) {
    throw new InvariantViolation('run-life', `${id} went from ${before?.state ?? 'nothing'} to ${after.state}`, [after.job]);
  }
  checkAttempts(place, before, after);
  // Where steps are not told apart, it may have been over and run again between them.
  if (before && place.step.context) {
    checkSame(before, after);
    checkEnd(before, after);
  }
  checkDeadline(place, before, after);
  checkRetry(place, before, after);
  checkTiming(place.history, place.step, { before, after });
  if (!before || (!before.spec && after.spec)) checkDefinition(place, after);
  checkOwner(place, after);
  if (after.attempts.length > (before?.attempts.length ?? 0)) checkMaintenance(place, after);
}

/** Of a deleted job only what has a task stays, until it ends and its children have heard. */
function checkOwner({ history, job }: Place, run: RunRecord): void {
  if (isOwn(history, job, run.number)) return;
  if (isOver(run) && run.handover === undefined && !run.owed)
    throw new InvariantViolation('kept-runs', `${run.job}#${run.number} is kept, though its job was deleted`, [run.job]);
}

function checkMaintenance({ history, step }: Place, run: RunRecord): void {
  if (!step.context) return;
  const isSuspended = history.visibleMaintenance(step.context).every((span) => span !== undefined && span.to === undefined);
  if (isSuspended)
    throw new InvariantViolation('suspended', `${run.job}#${run.number} was launched while the cluster is suspended`, [run.job]);
}

/** Over is over: only the token moves on; unless it is run again, or marked. */
function checkOver(place: Place, before: RunRecord, after: RunRecord): void {
  const { handover: _before, owed: _owed, ...was } = before;
  const { handover: _after, owed: _still, ...is } = after;
  if (isDeepStrictEqual(was, is) && isFurther(before, after)) return;
  if (before.spec && after.spec && !isDeepStrictEqual(before.spec, after.spec)) {
    throw new InvariantViolation('again', `${after.job}#${after.number} has another definition than before`, [after.job]);
  }
  const isSame =
    isDeepStrictEqual(before.attempts, after.attempts) && before.flow === after.flow && after.firstAttempt === before.attempts.length;
  if (isSame && isAskedFor(place, before, after)) return;
  throw new InvariantViolation('again', `${after.job}#${after.number} was ${before.state} and changed afterwards, to ${after.state}`, [
    after.job,
  ]);
}

/** Nobody is to hear of it who was not before. */
function isFurther(before: RunRecord, after: RunRecord): boolean {
  const wasToHear = (child: string): boolean =>
    (before.handover !== undefined && child > before.handover) || before.owed?.includes(child) === true;
  const isMarkFurther = after.handover === undefined || (before.handover !== undefined && after.handover >= before.handover);
  return isMarkFurther && (after.owed ?? []).every(wasToHear);
}

function isAskedFor({ history, step }: Place, before: RunRecord, after: RunRecord): boolean {
  const asked = [...step.requests.values()].flatMap(({ before: request, after: left }) => (request && !left ? [request] : []));
  const mine = asked.filter((request) => 'run' in request && request.job === after.job && request.run === after.number);
  if (after.state === 'succeeded') return mine.some(({ type }) => type === 'mark');
  if (isOver(after)) return false;
  if (before.state === 'failed' || before.state === 'killed') return mine.some(({ type }) => type === 'retry');
  // A skipped child: a parent in its flow must have come to life again before.
  if (before.state !== 'skipped' || before.reason?.code !== 'upstream' || after.trigger.type !== 'parents') return false;
  return Object.entries(after.trigger.parents).some(([job, number]) => history.run(job, number)?.firstAttempt !== undefined);
}

function checkAttempts({ step }: Place, before: RunRecord | undefined, after: RunRecord): void {
  const fail = (message: string): never => {
    throw new InvariantViolation('run-life', `${after.job}#${after.number}: ${message}`, [after.job]);
  };
  const had = before?.attempts ?? [];
  const has = after.attempts;
  if (has.length < had.length || has.length > had.length + 1) fail(`attempts went from ${had.length} to ${has.length}`);
  had.forEach((attempt, index) => {
    if (attempt.endedAt !== undefined && !isDeepStrictEqual(attempt, has[index])) fail(`attempt ${attempt.number} had ended and changed`);
  });
  if (has.length > had.length) {
    const last = has.at(-1) as Attempt;
    // One that is not launched yet can be told to end already.
    if (after.state !== 'launching' && (step.context || after.state !== 'killing')) fail(`an attempt was made in state ${after.state}`);
    if (last.number !== has.length || last.taskId !== `${after.job}.${after.number}.${has.length}`)
      fail(`attempt ${has.length} is called ${last.taskId}`);
    if ((step.context ? had : has.slice(0, -1)).some((attempt) => attempt.endedAt === undefined))
      fail('an attempt was made while another was open');
  }
  const isTaskOpen = after.state === 'launching' || after.state === 'running' || after.state === 'killing';
  const open = has.filter((attempt) => attempt.endedAt === undefined).length;
  if (open !== (isTaskOpen ? 1 : 0)) fail(`is ${after.state} with ${open} open attempts`);
  if (isOver(after) !== (after.endedAt !== undefined)) fail(`is ${after.state} and its end is ${after.endedAt}`);
  const lost = has.slice(after.firstAttempt).filter((attempt) => attempt.fault === 'infrastructure').length;
  if (after.lost !== lost) fail(`counts ${after.lost} lost attempts of ${lost}`);
  if (after.state === 'succeeded' && after.reason?.code !== 'marked' && (had.length === 0 || has.at(-1)?.fault !== undefined))
    fail('succeeded without a good attempt');
}

function checkDeadline({ step }: Place, before: RunRecord | undefined, after: RunRecord): void {
  const fail = (message: string): never => {
    throw new InvariantViolation('deadline', `${after.job}#${after.number}: ${message}`, [after.job]);
  };
  const deadline = before?.deadline;
  const first = after.attempts[0];
  if (deadline !== undefined && before?.attempts.length === 0 && first && first.createdAt >= deadline) {
    fail(`started ${first.createdAt - deadline} ms after its deadline`);
  }
  if (after.state === 'missed') {
    if (deadline === undefined || (after.endedAt ?? 0) < deadline) fail('is missed before its deadline');
    if (after.attempts.length > 0) fail('is missed though it was launched');
  }
  const context = step.context;
  if (after.endedAt !== undefined && context && after.endedAt !== context.now) fail('ended at a time that is not the decision’s');
}

/** The pause before the next attempt, before jitter; undefined: there is to be none. */
function pauseMs(history: History, run: RunRecord): { readonly ms: number; readonly jitter: number } | undefined {
  if (!run.spec) return undefined;
  const { retry } = history.resolve(run.spec);
  const last = run.attempts.at(-1) as Attempt;
  if (last.fault === 'infrastructure') {
    const lost = run.attempts.slice(run.firstAttempt).filter((attempt) => attempt.fault === 'infrastructure').length;
    if (lost >= INFRASTRUCTURE_FAILURES) return undefined;
    return { ms: Math.min(INFRASTRUCTURE_LONGEST_DELAY_MS, INFRASTRUCTURE_DELAY_MS * 2 ** (lost - 1)), jitter: 0 };
  }
  const failures = run.attempts.slice(run.firstAttempt).filter((attempt) => attempt.fault === 'task').length;
  if (failures >= retry.attempts || last.reason?.code === 'rejected') return undefined;
  if (retry.on && !(last.exitCode !== undefined && retry.on.includes(last.exitCode))) return undefined;
  return { ms: Math.min(retry.maxDelayMs, retry.delayMs * retry.factor ** (failures - 1)), jitter: retry.jitter };
}

function checkRetry({ history, step }: Place, before: RunRecord | undefined, after: RunRecord): void {
  const id = `${after.job}#${after.number}`;
  const fail = (message: string): never => {
    throw new InvariantViolation('retries', `${id}: ${message}`, [after.job]);
  };
  const isFinalKill = before !== undefined && isKilledForGood(before);
  if (isFinalKill && !isOver(after) && after.state !== 'killing')
    fail(`was to be killed (${before.kill?.reason.code}) and is ${after.state}`);
  if (isFinalKill && after.state === 'failed') fail('was to be killed and counts as failed');
  const last = after.attempts.at(-1);
  if (after.state === 'backoff' && last && before) {
    const withSpec = { ...after, ...(before.spec ? { spec: before.spec } : {}) };
    const pause = pauseMs(history, withSpec) ?? fail('is tried again though its attempts are used up');
    const took = (after.notBefore ?? 0) - (last.endedAt ?? 0);
    const margin = pause.ms * pause.jitter + 1;
    if (Math.abs(took - pause.ms) > margin) fail(`pauses ${took} ms instead of ${pause.ms} ± ${margin}`);
  }
  if (after.state === 'failed' && before) {
    if (pauseMs(history, { ...after, ...(before.spec ? { spec: before.spec } : {}) })) fail('was given up with attempts left');
  }
  if (before?.state === 'backoff' && after.state === 'pending' && step.context && step.context.now < (before.notBefore ?? 0)) {
    fail(`was made ready ${(before.notBefore ?? 0) - step.context.now} ms before its pause was over`);
  }
}

/**
 * A run is made, or comes to life without one of its own, with a definition that the leader could see, and starts nothing while that is
 * suspended. A backfill waits meanwhile: its times are not given up.
 */
function checkDefinition({ history, step, job }: Place, run: RunRecord): void {
  const visible = history.visible(job.name, step.context).filter((record) => record?.uid === job.state.after?.uid);
  const used = visible.find((record) => record?.version === run.jobVersion);
  if (!used) {
    throw new InvariantViolation(
      'definitions',
      `${run.job}#${run.number} was made with version ${run.jobVersion}, which the leader could not go by`,
      [run.job],
    );
  }
  const isFilledIn = run.trigger.type === 'schedule' && run.trigger.backfill !== undefined;
  if (used.spec.suspended && (run.state !== 'skipped' || isFilledIn))
    throw new InvariantViolation('suspended', `${run.job}#${run.number} was made while its job is suspended`, [run.job]);
  const isPlain = run.trigger.type !== 'request' && run.spec !== undefined;
  if (isPlain && !isDeepStrictEqual(run.spec, used.spec))
    throw new InvariantViolation('definitions', `${run.job}#${run.number} has another definition than it was made with`, [run.job]);
}

const NONE = { succeeded: 0, failed: 0, killed: 0, skipped: 0, missed: 0 };

/** The newest result of each kind is the one of a run that ended in the step, or what it was. */
function checkLast({ name, state, runs }: JobStep): void {
  if (!state.after || !state.before || state.before.uid !== state.after.uid) return;
  const ended = [...runs.values()].flatMap(({ before, after }) =>
    after && isOver(after) && (before?.state !== after.state || before.endedAt !== after.endedAt) ? [after] : [],
  );
  const isGone = [...runs.values()].some(({ after }) => !after);
  const check = (what: 'lastSuccess' | 'lastFailure', outcomes: readonly RunState[]): void => {
    const numbers = ended.filter((run) => outcomes.includes(run.state)).map((run) => run.number);
    const [was, is] = [state.before?.[what]?.run, state.after?.[what]?.run];
    const isRight = numbers.length > 0 ? numbers.includes(is ?? 0) : isDeepStrictEqual(state.before?.[what], state.after?.[what]);
    if (isRight || isGone) return;
    const message = `${name}: ${what} went from #${was ?? 'none'} to #${is ?? 'none'}, while ${numbers.join(', ') || 'none'} ended so`;
    throw new InvariantViolation('totals', message, [name]);
  };
  check('lastSuccess', ['succeeded']);
  check('lastFailure', ['failed', 'killed']);
}

function checkTotals({ name, state, runs, verdicts }: JobStep): void {
  if (!state.after || !state.before || state.before.uid !== state.after.uid) return;
  const expected: Record<Outcome, number> = { ...(state.before.totals ?? NONE) };
  for (const { before, after } of runs.values()) {
    // It may have been given up and marked as succeeded at the same moment.
    if (!after || (before?.endedAt === after.endedAt && before?.state === after.state)) continue;
    if (isOver(after)) expected[after.state as Outcome] += 1;
    if (before && isOver(before)) expected[before.state as Outcome] -= 1;
  }
  for (const { before, after } of verdicts.values()) {
    if (!after || after.verdict === 'suspended') continue;
    expected[after.verdict] += (after.count ?? 0) - (before?.count ?? 0);
  }
  // A run that ended, or was marked, and was forgotten in the same step has an outcome that nobody saw.
  const gone = [...runs.values()].filter(({ after }) => !after);
  const unseen = gone.filter(({ before }) => !before || !isOver(before)).length;
  if (gone.length > 0 && sum(state.after.totals) === sum(expected) + unseen) return;
  const hasUncounted = [...verdicts.values()].some(({ after }) => after && after.count === undefined);
  if (hasUncounted || isDeepStrictEqual(state.after.totals, expected)) return;
  throw new InvariantViolation('totals', `${name}: ${JSON.stringify(state.after.totals)} instead of ${JSON.stringify(expected)}`, [name]);
}

const sum = (totals: JobState['totals']): number => Object.values(totals).reduce((all, one) => all + one, 0);

function checkForgotten(
  history: History,
  step: Step,
  { job, number, change }: { job: JobStep; number: number; change: Change<RunRecord> },
): void {
  const { before } = change;
  if (!before || !isOwn(history, job, number)) return;
  const fail = (message: string): never => {
    throw new InvariantViolation('kept-runs', `${job.name}#${number} ${message}`, [job.name]);
  };
  const over = [...history.job(job.name).runs.values()].filter(isOver);
  const visible = history.visible(job.name, step.context);
  const isGone = visible.some((record) => record === undefined || record.uid !== uidOf(job.state.after ?? history.job(job.name).state));
  if (isGone) return;
  const isKept = (flow: string): boolean => isGoingOn(history, flow) || wasGoingOn(step, flow);
  if (over.some((run) => run.number < number && !job.runs.has(run.number) && !isKept(run.flow))) fail('was forgotten before an older one');
  if (isGoingOn(history, before.flow)) fail(`was forgotten while its flow ${before.flow} goes on`);
  const keep = Math.min(...visible.map((record) => (record ? history.resolve(record.spec).keepRuns : 0)));
  if (over.length < keep) fail(`was forgotten, ${before.state}, with ${over.length} others kept of ${keep}`);
}

/** Whether a run of the flow is open, or a job waits in it. */
function isGoingOn(history: History, flow: string): boolean {
  for (const { state, runs } of history.jobs.values()) {
    if (state?.tokens?.[flow]) return true;
    for (const run of runs.values()) if (run.flow === flow && keepsGoing(run)) return true;
  }
  return false;
}

/** The same of when the step began: it may have ended after others were forgotten for it, as a token that was handed on makes new runs. */
function wasGoingOn(step: Step, flow: string): boolean {
  for (const { state, runs } of step.jobs.values()) {
    if (state.before?.tokens?.[flow]) return true;
    for (const { before } of runs.values()) if (before?.flow === flow && keepsGoing(before)) return true;
  }
  return false;
}

const uidOf = (state: JobState | undefined): string | undefined => state?.uid;
