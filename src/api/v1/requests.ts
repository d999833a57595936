/** `/v1/requests/{id}`: what became of something that was asked of the leader. */

import type { Router } from '@koa/router';
import type { Context } from 'koa';
import type { Request, RunRecord } from '../../engine/records.ts';
import { ApiError } from '../errors.ts';
import type { ApiParts } from '../parts.ts';
import type { RequestFate } from '../request-index.ts';
import { noParameters, readQuery } from '../request-query.ts';
import type { Submitted } from '../request-writer.ts';
import { withIsoTimes } from '../times.ts';
import { parameter, requestPath, runPath } from './addresses.ts';

const ID = /^[A-Za-z0-9_-]{1,64}$/;

export function requestRoutes(router: Router, api: ApiParts): void {
  router.get('/v1/requests/:id', (ctx) => readRequest(ctx, api));
}

/** 202: it is durable; the leader takes it, now or when there is one. */
export function answerSubmitted(ctx: Context, { request, revision }: Submitted): void {
  ctx.status = 202;
  ctx.set('Location', requestPath(request.id));
  ctx.set('X-Kairos-Revision', String(revision));
  ctx.body = { ...requestView(request), state: 'pending' };
}

function readRequest(ctx: Context, api: ApiParts): void {
  readQuery(ctx, noParameters);
  const id = parameter(ctx, 'id');
  const fate = ID.test(id) ? api.requests.find(id) : undefined;
  if (fate === undefined) throw new ApiError('request-not-found', `nothing is known of a request ${JSON.stringify(id.slice(0, 100))}`);
  ctx.body = fateView(id, fate);
}

function fateView(id: string, fate: RequestFate): Record<string, unknown> {
  const request = fate.request === undefined ? { id } : requestView(fate.request);
  const run = fate.state === 'taken' ? fate.run : undefined;
  return { ...request, state: fate.state, ...(run === undefined ? undefined : { run: runMark(run) }) };
}

function requestView(request: Request): Record<string, unknown> {
  // For a kill, `run` is the number asked for; the run itself is shown once it is known.
  const { at, ...rest } = request;
  return { ...rest, ...withIsoTimes({ at }, ['at']) };
}

function runMark(run: RunRecord): Record<string, unknown> {
  return { job: run.job, number: run.number, state: run.state, href: runPath(run.job, run.number) };
}
