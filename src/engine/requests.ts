/** Requests of people and programs: removed in the step that has their effect, so that none is lost and none counts twice. */

import type { JobSpec } from '../job/spec.ts';
import { cancelBackfill, startBackfill } from './backfill.ts';
import { handOverTokens, withdrawTokens } from './flows.ts';
import { killAttempt } from './kills.ts';
import { requestKey } from './keys.ts';
import type { Reason, Request } from './records.ts';
import { isFull } from './record-size.ts';
import { reopenRun, retake } from './reopen.ts';
import { createRun, settleRun } from './runs.ts';
import { runId } from './task-id.ts';
import { isAlive } from './run-state.ts';
import type { World } from './world.ts';

export function takeRequest(world: World, request: Request): void {
  const result = perform(world, request);
  world.recorder.put(requestKey(request.id), undefined);
  world.recorder.fact({ type: 'request-taken', id: request.id, request: request.type, job: request.job, result });
  handOverTokens(world);
  world.recorder.close();
}

function perform(world: World, request: Request): string {
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

function runNow(world: World, request: Extract<Request, { type: 'run' }>): string {
  const slot = world.slots.get(request.job);
  if (!slot?.job || !slot.record || !slot.state) return 'no such job';
  const spec = request.env ? withEnvironment(slot.record.spec, request.env) : undefined;
  const trigger = { type: 'request', id: request.id, by: request.by } as const;
  const run = createRun(world, slot, { trigger, ...(spec ? { spec } : {}) });
  return runId(run.job, run.number);
}

function withEnvironment(spec: JobSpec, env: Readonly<Record<string, string>>): JobSpec {
  return { ...spec, task: { ...spec.task, env: { ...spec.task?.env, ...env } } };
}

/** A person's kill is final: no retry follows. A run that is already over stays as it is. */
function killRun(world: World, request: Extract<Request, { type: 'kill' }>): string {
  const run = world.run(request.job, request.run);
  if (!run) return 'not active';
  const reason: Reason = {
    code: 'kill-request',
    text: `killed by ${request.by || 'request'}`,
    data: { by: request.by, request: request.id },
  };
  if (isAlive(run.state)) {
    killAttempt(world, run, reason);
    return 'killing';
  }
  settleRun(world, run, { outcome: 'killed', reason });
  return 'killed';
}

/** Runs a failed or killed run again: the same run, with as many attempts as the first time. */
function retryRun(world: World, request: Extract<Request, { type: 'retry' }>): string {
  const slot = world.slots.get(request.job);
  const record = slot && world.keptRun(slot, request.run)?.record;
  if (!slot?.job) return 'no such job';
  if (!record || (record.state !== 'failed' && record.state !== 'killed')) return 'not failed';
  if (slot.job.suspended) return 'suspended';
  if (isFull(record)) return 'full';
  withdrawTokens(world, slot, record.flow);
  reopenRun(world, slot, record);
  return 'running again';
}

/** Counts a run as succeeded. One with a task at the executor is refused: what it does can't be known beforehand. */
function markSucceeded(world: World, request: Extract<Request, { type: 'mark' }>): string {
  const slot = world.slots.get(request.job);
  const open = world.run(request.job, request.run);
  if (!slot || (open && isAlive(open.state))) return open ? 'running' : 'no such job';
  const record = open ?? world.keptRun(slot, request.run)?.record;
  if (!record) return 'no such run';
  const reason: Reason = { code: 'marked', text: `marked as succeeded by ${request.by || 'request'}`, data: { by: request.by } };
  settleRun(world, open ?? retake(world, slot, record), { outcome: 'succeeded', reason });
  return 'succeeded';
}
