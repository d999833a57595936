/** `/v1/requests/{id}`: what became of something that was asked of the leader. */

import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { jobKey } from '../../engine/keys.ts';
import type { Refusal, Request, RunRecord } from '../../engine/records.ts';
import type { JobRecord } from '../../job/job.ts';
import type { JobSpec } from '../../job/spec.ts';
import { ApiError } from '../errors.ts';
import { type BackfillView, backfillViews, stateOf } from '../job-view.ts';
import type { ApiParts } from '../parts.ts';
import { maybeRecord } from '../records.ts';
import type { RequestFate } from '../request-index.ts';
import { noParameters, readQuery } from '../request-query.ts';
import type { Submitted } from '../request-writer.ts';
import { withIsoTimes } from '../times.ts';
import { parameter, requestPath, runPath } from './addresses.ts';

/** What the id of a request, and so of a backfill, looks like. */
export const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Why the leader could not do it when its turn came, in words. */
export const REFUSALS: Readonly<Record<Refusal, string>> = {
  'no such job': 'the job was gone',
  'no such run': 'there was no such run, or it was not kept any more',
  'not active': 'what it was to end was over',
  'not failed': 'the run was not one that had failed or been killed, or was not kept any more',
  succeeded: 'the run had succeeded already',
  running: 'the task of the run may have been running',
  suspended: 'the job was suspended',
  full: 'the record of the run was full',
  forgotten: 'a job that runs after this one may have run for it already, and its run is not kept any more; run the job anew',
  'no schedule': 'the job had no schedule any more',
  'too many backfills': 'too many backfills of the job were going on',
};

export function requestRoutes(router: Router, api: ApiParts): void {
  router.get('/v1/requests/:id', (ctx) => readRequest(ctx, api));
}

/** 202: it is durable; the leader takes it, now or when there is one. `data`: more to say of it. */
export function answerSubmitted(ctx: Context, { request, revision }: Submitted, data: Readonly<Record<string, unknown>> = {}): void {
  ctx.status = 202;
  ctx.set('Location', requestPath(request.id));
  ctx.set('X-Kairos-Revision', String(revision));
  ctx.body = { ...requestView(request), state: 'pending', ...data };
}

async function readRequest(ctx: Context, api: ApiParts): Promise<void> {
  readQuery(ctx, noParameters);
  const id = parameter(ctx, 'id');
  const fate = REQUEST_ID.test(id) ? await api.requests.find(id, api.clock) : undefined;
  if (fate === undefined) throw new ApiError('request-not-found', `nothing is known of a request ${JSON.stringify(id.slice(0, 100))}`);
  ctx.body = fateView(api, id, fate);
}

function fateView(api: ApiParts, id: string, fate: RequestFate): Record<string, unknown> {
  const request = fate.request === undefined ? { id } : requestView(fate.request);
  if (fate.state === 'pending') return { ...request, state: fate.state };
  if (fate.state === 'refused') {
    const reason = { code: fate.refusal.replaceAll(' ', '-'), text: REFUSALS[fate.refusal] };
    return { ...request, state: fate.state, reason };
  }
  const backfill = fate.request?.type === 'backfill' ? backfillOf(api, id, fate.request.job) : undefined;
  return {
    ...request,
    state: fate.state,
    ...(fate.run === undefined ? undefined : { run: runMark(fate.run) }),
    ...(backfill === undefined ? undefined : { backfill }),
  };
}

/** What is left of it; undefined: nothing. */
function backfillOf(api: ApiParts, id: string, job: string): BackfillView | undefined {
  const record = maybeRecord<JobRecord<JobSpec>>(api.replica.get(jobKey(job)));
  if (record === undefined) return undefined;
  return backfillViews(record, stateOf(record, api.replica), api.runs).find((backfill) => backfill.id === id);
}

function requestView(request: Request): Record<string, unknown> {
  // For a kill, a retry or a mark, `run` is the number asked for; the run itself is shown once it is known.
  return withIsoTimes({ ...request }, ['at', 'from', 'to']);
}

function runMark(run: RunRecord): Record<string, unknown> {
  return { job: run.job, number: run.number, state: run.state, href: runPath(run.job, run.number) };
}
