/**
 * What people ask of the leader about runs: run now, kill, run again, count as succeeded. Each is refused when the run's state, read
 * from the store itself, does not allow it; what changes between that and the leader's turn is the leader's to judge.
 */

import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { jobKey, runKey } from '../../engine/keys.ts';
import { isFull } from '../../engine/record-size.ts';
import type { RunRecord } from '../../engine/records.ts';
import { isAlive, isOver } from '../../engine/run-state.ts';
import type { JobRecord } from '../../job/job.ts';
import type { JobSpec } from '../../job/spec.ts';
import { envSchema } from '../../job/task-fields.ts';
import { ApiError } from '../errors.ts';
import type { ApiParts } from '../parts.ts';
import { maybeRecord } from '../records.ts';
import { readBodyAs } from '../request-body.ts';
import { noParameters, readQuery } from '../request-query.ts';
import { callerOf, jobNameOf, runOf } from './addresses.ts';
import { answerSubmitted } from './requests.ts';
import { runNotFound } from './runs.ts';

const triggerBody = z.strictObject({ env: envSchema.exactOptional() });
const noBody = z.strictObject({});

export function runActionRoutes(router: Router, api: ApiParts): void {
  router.post('/v1/jobs/:name/runs', (ctx) => triggerRun(ctx, api));
  router.post('/v1/runs/:name/:number/kill', (ctx) => act(ctx, api, 'kill'));
  router.post('/v1/runs/:name/:number/retry', (ctx) => act(ctx, api, 'retry'));
  router.post('/v1/runs/:name/:number/mark-success', (ctx) => act(ctx, api, 'mark'));
}

async function triggerRun(ctx: Context, api: ApiParts): Promise<void> {
  readQuery(ctx, noParameters);
  const job = jobNameOf(ctx);
  const { env } = readBodyAs(ctx, triggerBody);
  await storedJob(api, job);
  const body = { type: 'run', job, ...(env === undefined ? undefined : { env }) } as const;
  answerSubmitted(ctx, await api.submitter.submit(body, callerOf(ctx)));
}

/** Asked of the store itself: a job that was just made by way of another node may be asked about at once. */
export async function storedJob({ store }: ApiParts, job: string): Promise<JobRecord<JobSpec>> {
  const record = maybeRecord<JobRecord<JobSpec>>(await store.get(jobKey(job)));
  if (record === undefined) throw new ApiError('job-not-found', `there is no job ${job}`);
  return record;
}

type Action = 'kill' | 'retry' | 'mark';

async function act(ctx: Context, api: ApiParts, type: Action): Promise<void> {
  readQuery(ctx, noParameters);
  readBodyAs(ctx, noBody);
  const { job, number } = runOf(ctx);
  const run = maybeRecord<RunRecord>(await api.store.get(runKey(job, number)));
  if (run === undefined) throw runNotFound(job, number);
  const refusal = refusalOf(type, run);
  if (refusal !== undefined) throw refusal;
  if (type === 'retry') await demandRunning(api, job);
  answerSubmitted(ctx, await api.submitter.submit({ type, job, run: number }, callerOf(ctx)));
}

/** Why the state does not allow it; the same rules as the leader's. */
function refusalOf(type: Action, run: RunRecord): ApiError | undefined {
  const { job, number, state } = run;
  const id = `${job}#${number}`;
  const data = { data: { state } };
  if (type === 'kill') return isOver(state) ? new ApiError('run-over', `${id} has ${state} already`, data) : undefined;
  if (type === 'retry') {
    if (state !== 'failed' && state !== 'killed')
      return new ApiError('run-not-retryable', `${id} is ${state}; only a run that failed or was killed can be run again`, data);
    if (!isFull(run)) return undefined;
    const text = `${id} has had ${run.attempts.length} attempts, and its record is full; run the job anew`;
    return new ApiError('run-not-retryable', text, data);
  }
  if (state === 'succeeded') return new ApiError('run-not-markable', `${id} has succeeded already`, data);
  if (!isAlive(state)) return undefined;
  return new ApiError('run-not-markable', `${id} is ${state}: its task may still run; kill it first, or wait for its end`, data);
}

async function demandRunning(api: ApiParts, job: string): Promise<void> {
  const { spec, suspension } = await storedJob(api, job);
  if (spec.suspended !== true) return;
  const by = suspension === undefined ? '' : ` by ${suspension.by}`;
  throw new ApiError('job-suspended', `${job} was suspended${by}; resume it first`);
}
