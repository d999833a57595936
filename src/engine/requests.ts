/** Requests of people and programs: removed in the step that has their effect, so that none is lost and none counts twice. */

import type { JobSpec } from '../job/spec.ts';
import { cancelBackfill, startBackfill } from './backfill.ts';
import { handOverTokens, hasForgottenChild, withdrawTokens } from './flows.ts';
import { killAttempt } from './kills.ts';
import type { Reason, Request } from './records.ts';
import { isFull } from './record-size.ts';
import { type Effect, recordResult } from './request-results.ts';
import { reopenRun, retake } from './reopen.ts';
import { createRun, settleRun } from './runs.ts';
import { runId } from './task-id.ts';
import { isAlive } from './run-state.ts';
import type { World } from './world.ts';

export function takeRequest(world: World, request: Request): void {
  recordResult(world, request, perform(world, request));
  handOverTokens(world);
  world.recorder.close();
}

function perform(world: World, request: Request): Effect {
  switch (request.type) {
    case 'run':
      return runNow(world, request);
    case 'kill':
      return killRun(world, request);
    case 'retry':
      return retryRun(world, request);
    case 'mark':
      return markSucceeded(world, request);
    case 'backfill':
      return startBackfill(world, request);
    case 'cancel-backfill':
      return cancelBackfill(world, request);
  }
}

function runNow(world: World, request: Extract<Request, { type: 'run' }>): Effect {
  const slot = world.slots.get(request.job);
  if (!slot?.job || !slot.record || !slot.state) return { refused: 'no such job' };
  const spec = request.env ? withEnvironment(slot.record.spec, request.env) : undefined;
  const trigger = { type: 'request', id: request.id, by: request.by } as const;
  const run = createRun(world, slot, { trigger, ...(spec ? { spec } : {}) });
  return { done: runId(run.job, run.number), run: run.number };
}

function withEnvironment(spec: JobSpec, env: Readonly<Record<string, string>>): JobSpec {
  return { ...spec, task: { ...spec.task, env: { ...spec.task?.env, ...env } } };
}

/** A person's kill is final: no retry follows. A run that is already over stays as it is. */
function killRun(world: World, request: Extract<Request, { type: 'kill' }>): Effect {
  const run = world.run(request.job, request.run);
  if (!run) return { refused: 'not active' };
  const reason: Reason = {
    code: 'kill-request',
    text: `killed by ${request.by || 'request'}`,
    data: { by: request.by, request: request.id },
  };
  if (isAlive(run.state)) {
    killAttempt(world, run, reason);
    return { done: 'killing' };
  }
  settleRun(world, run, { outcome: 'killed', reason });
  return { done: 'killed' };
}

/** Runs a failed or killed run again: the same run, with as many attempts as the first time. */
function retryRun(world: World, request: Extract<Request, { type: 'retry' }>): Effect {
  const slot = world.slots.get(request.job);
  const record = slot && world.keptRun(slot, request.run)?.record;
  if (!slot?.job) return { refused: 'no such job' };
  if (!record || (record.state !== 'failed' && record.state !== 'killed')) return { refused: 'not failed' };
  if (slot.job.suspended) return { refused: 'suspended' };
  if (isFull(record)) return { refused: 'full' };
  if (hasForgottenChild(world, record)) return { refused: 'forgotten' };
  withdrawTokens(world, slot, record.flow);
  reopenRun(world, slot, record);
  return { done: 'running again' };
}

/** Counts a run as succeeded. One with a task at the executor is refused: what it does can't be known beforehand. */
function markSucceeded(world: World, request: Extract<Request, { type: 'mark' }>): Effect {
  const slot = world.slots.get(request.job);
  const open = world.run(request.job, request.run);
  if (!slot || (open && isAlive(open.state))) return { refused: open ? 'running' : 'no such job' };
  const kept = world.keptRun(slot, request.run);
  if (!open && kept?.outcome === 'succeeded') return { refused: 'succeeded' };
  const record = open ?? kept?.record;
  if (!record) return { refused: 'no such run' };
  if (!open && hasForgottenChild(world, record)) return { refused: 'forgotten' };
  const reason: Reason = { code: 'marked', text: `marked as succeeded by ${request.by || 'request'}`, data: { by: request.by } };
  settleRun(world, open ?? retake(world, slot, record), { outcome: 'succeeded', reason });
  return { done: 'succeeded' };
}
