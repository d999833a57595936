/** The rule requests (words: invariants.ts): the effect is in the step that removes it. */

import { resultKey, RESULTS } from '../../src/engine/keys.ts';
import type { Request, RequestResult, RunRecord } from '../../src/engine/records.ts';
import type { Write } from '../../src/store/port.ts';
import type { History, Step } from './history.ts';
import { KEPT_RESULTS } from './limits.ts';
import { isKilledForGood } from './timing-rules.ts';
import { InvariantViolation } from './violation.ts';

function offend(id: string, message: string): never {
  throw new InvariantViolation('requests', `request ${id} ${message}`);
}

export function checkRequests(history: History, step: Step): void {
  const started = startedBy(step);
  for (const [id, { before, after }] of step.requests) {
    if (after) continue;
    if (!before) offend(id, 'was taken twice');
    const runs = started.get(id) ?? [];
    started.delete(id);
    checkResult(history, step, { request: before, runs });
    if (before.type === 'run') checkRunNow(history, step, { request: before, runs });
    else if (runs.length > 0) offend(id, 'started a run though it is no request to run');
    if (before.type === 'kill') checkKill(history, before);
    // Where steps are not told apart, what it did may be undone by the next.
    if (step.context) checkEffect(history, step, before);
  }
  for (const id of started.keys()) offend(id, 'started a run without being removed');
}

function startedBy(step: Step): Map<string, RunRecord[]> {
  const started = new Map<string, RunRecord[]>();
  for (const job of step.jobs.values()) {
    for (const { before, after } of job.runs.values()) {
      if (before || after?.trigger.type !== 'request') continue;
      started.set(after.trigger.id, [...(started.get(after.trigger.id) ?? []), after]);
    }
  }
  return started;
}

interface Taken {
  readonly request: Request;
  readonly runs: readonly RunRecord[];
}

interface RunNow extends Taken {
  readonly request: Request & { readonly type: 'run' };
}

/** What is told of it is what it was, without its environment, and what it did. */
function checkResult(history: History, { context }: Step, { request, runs }: Taken): void {
  const { id } = request;
  const value = history.value(resultKey(id));
  if (value === undefined) return offend(id, 'was taken without a word of what became of it');
  const result = JSON.parse(value) as RequestResult;
  const told = request.type === 'run' ? { ...request, env: undefined } : request;
  if (JSON.stringify(result.request) !== JSON.stringify(told)) offend(id, `is told of as ${JSON.stringify(result.request)}`);
  if (context && result.takenAt !== context.now) offend(id, `is said to have been taken ${context.now - result.takenAt} ms before it was`);
  if (result.refusal !== undefined && runs.length > 0) offend(id, `was refused (${result.refusal}), and made a run`);
  if (runs.length > 0 && result.run !== runs[0]?.number) offend(id, `made #${runs[0]?.number} and is said to have made #${result.run}`);
  if (runs.length === 0 && result.run !== undefined && context) offend(id, `made nothing and is said to have made #${result.run}`);
}

/** Results are there for those who ask: the oldest go, where more are kept than are. */
export function checkKeptResults(kept: Set<string>, writes: readonly Write[]): void {
  for (const { key, value } of writes) {
    if (!key.startsWith(RESULTS)) continue;
    if (value !== undefined) {
      kept.add(key);
      continue;
    }
    kept.delete(key);
    if (kept.size < KEPT_RESULTS) offend(key.slice(RESULTS.length), `is told of no more, with ${kept.size} results kept`);
  }
  if (kept.size > KEPT_RESULTS) throw new InvariantViolation('requests', `${kept.size} results are kept`);
}

function checkRunNow(history: History, step: Step, { request: { id, job, env }, runs }: RunNow): void {
  const seen = history.visible(job, step.context);
  if (runs.length > 1) offend(id, `started ${runs.length} runs`);
  if (runs.length === 0 && step.context && seen.every((record) => record !== undefined)) offend(id, `to run ${job} had no effect`);
  for (const { spec, number } of runs) {
    const missing = Object.entries(env ?? {}).find(([name, value]) => spec && spec.task?.env?.[name] !== value);
    if (missing) offend(id, `asks for ${missing[0]}=${missing[1]}, and ${job}#${number} is without it`);
  }
}

function checkKill(history: History, { id, job, run: number }: Request & { readonly type: 'kill' }): void {
  const run = history.run(job, number);
  const isTold = run?.state === 'killing' && isKilledForGood(run);
  if (run && run.endedAt === undefined && !isTold) offend(id, `to kill ${job}#${number} had no effect: it is ${run.state}`);
}

function checkEffect(history: History, step: Step, request: Request): void {
  const seen = history.visible(request.job, step.context);
  if (!seen.every((record) => record !== undefined)) return;
  if (request.type === 'backfill') {
    const isStarted = history.job(request.job).state?.backfills?.[request.id] !== undefined;
    if (!isStarted && seen.every(({ spec }) => spec.schedule !== undefined)) offend(request.id, `to fill in ${request.job} had no effect`);
  }
  if (request.type === 'cancel-backfill') checkCancelled(history, request);
  if (request.type !== 'retry' && request.type !== 'mark') return;
  const is = history.run(request.job, request.run);
  const change = step.jobs.get(request.job)?.runs.get(request.run);
  const was = change ? change.before : is;
  if (!was || !is) return;
  const what = `to ${request.type} ${request.job}#${request.run} had no effect: it was ${was.state} and is ${is.state}`;
  if (isTooLate(history, request, was)) return;
  const isFailed = was.state === 'failed' || was.state === 'killed';
  const mayStart = seen.every(({ spec }) => !spec.suspended);
  if (request.type === 'retry' && isFailed && mayStart && is.endedAt !== undefined) offend(request.id, what);
  const mayNotStart = seen.every(({ spec }) => spec.suspended === true);
  if (request.type === 'retry' && isFailed && mayNotStart && is.endedAt === undefined)
    offend(request.id, `to retry ${request.job}#${request.run} had its effect, though the job is suspended`);
  const isAlive = was.state === 'launching' || was.state === 'running' || was.state === 'killing';
  if (request.type === 'mark' && !isAlive && is.state !== 'succeeded') offend(request.id, what);
}

/** Nothing of it is left to be created, and nothing waits that has not begun; with `kill`, what has begun is told to end. */
function checkCancelled(history: History, request: Request & { readonly type: 'cancel-backfill' }): void {
  const { state, runs } = history.job(request.job);
  if (state?.backfills?.[request.backfill]) offend(request.id, `to cancel the backfill ${request.backfill} had no effect`);
  for (const run of runs.values()) {
    const isOf = run.trigger.type === 'schedule' && run.trigger.backfill === request.backfill;
    if (!isOf || run.endedAt !== undefined || isKilledForGood(run)) continue;
    if (run.attempts.length > 0 && !request.kill) continue;
    offend(request.id, `to cancel the backfill ${request.backfill} left ${run.job}#${run.number} ${run.state}`);
  }
}

/** It was refused as a child's run may be forgotten: so one that may have run for it has no run in the flow that is kept. */
function isTooLate(history: History, { id, job }: Request, { flow }: RunRecord): boolean {
  const result = history.value(resultKey(id));
  if (result === undefined || (JSON.parse(result) as RequestResult).refusal !== 'forgotten') return false;
  const isKept = (child: string): boolean => [...history.job(child).runs.values()].some((run) => run.flow === flow);
  if ([...history.graph.children(job).keys()].every(isKept)) offend(id, `was refused, though every child of ${job} has its run in ${flow}`);
  return true;
}
