/**
 * Task statuses become facts. A status is stored in the same step that orders its acknowledgement, so the acknowledgement is
 * sent only when the status is durable. Repeated, late and unknown statuses are answered without harm.
 */

import type { TaskState, TaskStatus } from '../executor/port.ts';
import { type AttemptEnd, endAttempt, withLastAttempt } from './attempts.ts';
import { boundedText } from './bounded-text.ts';
import { handOverTokens } from './flows.ts';
import { killAttempt } from './kills.ts';
import type { Attempt, Reason, RunRecord, RunState } from './records.ts';
import { storeOpen } from './runs.ts';
import { launchUntil, setRunTimer } from './run-timer.ts';
import { parseTaskId } from './task-id.ts';
import type { World } from './world.ts';
import { isAlive } from './run-state.ts';

export function takeStatus(world: World, status: TaskStatus): void {
  const id = parseTaskId(status.taskId);
  const run = id && world.run(id.job, id.run);
  const attempt = run?.attempts.at(-1);
  if (run && attempt?.taskId === status.taskId && isAlive(run.state)) applyStatus(world, run, status);
  else answerStray(world, status);
  acknowledge(world, status);
  handOverTokens(world);
  world.recorder.close();
}

function acknowledge(world: World, { taskId, agentId, ack }: TaskStatus): void {
  if (ack !== undefined) world.recorder.command({ type: 'acknowledge', taskId, agentId: agentId ?? '', ack });
}

/**
 * A task whose attempt is over (or that no record knows) must not go on: it was given up, and another may have taken its place.
 * One that no record knows may also be a newer leader's: it is killed, and its end acknowledged, only if this term still stands.
 */
function answerStray(world: World, { taskId, agentId, state }: TaskStatus): void {
  if (!isKnown(world, taskId)) world.recorder.fence();
  if (!isRunning(state)) return;
  world.recorder.fact({ type: 'stray-task', taskId, state });
  world.recorder.command({ type: 'kill', task: { taskId, agentId: agentId ?? '', address: '' }, graceMs: 0 });
}

function isKnown(world: World, task: string): boolean {
  const id = parseTaskId(task);
  const slot = id && world.slots.get(id.job);
  const attempts = slot && (world.run(id.job, id.run)?.attempts ?? world.keptRun(slot, id.run)?.tasks);
  return attempts?.some(({ taskId }) => taskId === task) ?? false;
}

function isRunning(state: TaskState): boolean {
  return state === 'staging' || state === 'starting' || state === 'running';
}

function applyStatus(world: World, run: RunRecord, status: TaskStatus): void {
  switch (status.state) {
    case 'staging':
      return confirmLaunch(world, backInReach(world, run));
    case 'starting':
    case 'running':
      return noteStart(world, run, status);
    case 'killing':
      backInReach(world, run);
      return;
    case 'unreachable':
      return noteUnreachable(world, run, status);
    default:
      return endAttempt(world, run, attemptEnd(run, status));
  }
}

/** Its agent answers again. */
function backInReach(world: World, run: RunRecord): RunRecord {
  const { unreachableSince, ...known } = run.attempts.at(-1) as Attempt;
  if (unreachableSince === undefined) return run;
  const back: RunRecord = { ...run, attempts: [...run.attempts.slice(0, -1), known] };
  storeOpen(world, back);
  return back;
}

/**
 * Answered, but not started: asked again later. Ended when its time is up, and only by such an answer: nobody else knows that it has
 * not begun, least of all a new leader, or one that was without its executor for a while.
 */
function confirmLaunch(world: World, run: RunRecord): void {
  if (run.state === 'launching' && launchUntil(world, run) <= world.now) {
    const { launchTimeoutMs } = world;
    const text = `had not begun ${launchTimeoutMs} ms after its launch: its agent is stuck, or its image does not come`;
    return killAttempt(world, run, { code: 'launch-timeout', text, data: { launchTimeoutMs } });
  }
  world.setAsked(run);
  setRunTimer(world, run);
}

function noteStart(world: World, run: RunRecord, status: TaskStatus): void {
  const attempt = run.attempts.at(-1) as Attempt;
  const state: RunState = run.state === 'killing' ? 'killing' : 'running';
  const isNews = attempt.startedAt === undefined || attempt.unreachableSince !== undefined || run.state !== state;
  if (!isNews) return;
  const { unreachableSince: _back, ...known } = attempt;
  const startedAt = known.startedAt ?? world.now;
  const changed: RunRecord = { ...run, state, attempts: [...run.attempts.slice(0, -1), { ...known, state: status.state, startedAt }] };
  storeOpen(world, changed);
  if (attempt.startedAt === undefined) world.recorder.fact({ type: 'attempt-started', taskId: attempt.taskId, at: startedAt });
}

/** Cut off, perhaps still running: it is waited for, as long as the job says. */
function noteUnreachable(world: World, run: RunRecord, status: TaskStatus): void {
  const attempt = run.attempts.at(-1) as Attempt;
  if (attempt.unreachableSince !== undefined) return;
  storeOpen(world, withLastAttempt(run, { state: status.state, unreachableSince: world.now }));
}

type FinalState = Exclude<TaskState, 'staging' | 'starting' | 'running' | 'killing' | 'unreachable'>;

function attemptEnd(run: RunRecord, status: TaskStatus): AttemptEnd {
  const known = {
    state: status.state,
    ...(status.exitCode === undefined ? {} : { exitCode: status.exitCode }),
    ...(status.signal === undefined ? {} : { signal: status.signal }),
  };
  const state = status.state as FinalState;
  switch (state) {
    case 'finished':
      return { ...known, outcome: 'succeeded' };
    case 'failed':
      return { ...known, outcome: 'failed', fault: 'task', reason: failureReason(status) };
    case 'rejected':
      return { ...known, outcome: 'failed', fault: 'task', reason: reasonOf('rejected', status, 'it can not be run as defined') };
    case 'killed':
      return { ...known, outcome: 'failed', fault: 'infrastructure', reason: reasonOf('infrastructure', status, 'killed by the executor') };
    case 'not-launched':
      return { ...known, outcome: 'failed', fault: 'infrastructure', reason: reasonOf('infrastructure', status, 'it was not launched') };
    case 'lost':
      return { ...known, outcome: 'failed', fault: 'infrastructure', reason: reasonOf('infrastructure', status, 'its result is lost') };
    case 'unknown':
      return { ...known, outcome: 'failed', fault: 'infrastructure', reason: unknownReason(run, status) };
  }
}

function failureReason(status: TaskStatus): Reason {
  if (status.outOfMemory) return reasonOf('out-of-memory', status, 'it used more memory than it asked for');
  if (status.signal !== undefined) return reasonOf('signal', status, `ended by ${status.signal}`);
  const text = `exited with code ${status.exitCode ?? '(not told)'}`;
  return reasonOf('exit', tellsOnlyCode(status) ? withoutMessage(status) : status, text);
}

/** `Container exited with status 3`: says nothing that the code does not. */
function tellsOnlyCode({ message, exitCode }: TaskStatus): boolean {
  return exitCode !== undefined && message !== undefined && new RegExp(`exit\\w*( with)? (code|status) ${exitCode}\\.?$`).test(message);
}

function withoutMessage({ message: _redundant, ...status }: TaskStatus): TaskStatus {
  return status;
}

/** A task that was never heard of and that the executor, able to know, does not know: it never ran. */
function unknownReason(run: RunRecord, status: TaskStatus): Reason {
  const hasStarted = run.attempts.at(-1)?.startedAt !== undefined;
  return reasonOf('infrastructure', status, hasStarted ? 'the executor lost all trace of it' : 'it never ran: the launch was lost');
}

function reasonOf(code: Reason['code'], status: TaskStatus, text: string): Reason {
  const data = {
    state: status.state,
    ...(status.reason === undefined ? {} : { reason: status.reason }),
    ...(status.exitCode === undefined ? {} : { exitCode: status.exitCode }),
    ...(status.signal === undefined ? {} : { signal: status.signal }),
  };
  return { code, text: status.message ? `${text}: ${boundedText(status.message)}` : text, data };
}
