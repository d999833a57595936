/**
 * Turns whatever a handler throws into an answer of RFC 9457. The last stop: what is not foreseen becomes `internal`, with an
 * id that is also in the log, and never with a message or a stack of ours.
 */

import type { Context, Middleware } from 'koa';
import { StoreError } from '../store/errors.ts';
import type { ApiDeps } from './deps.ts';
import { ApiError, PROBLEMS } from './errors.ts';

const RETRY_SOON = { 'Retry-After': '1' };

export function answerProblems({ logger, ids }: Pick<ApiDeps, 'logger' | 'ids'>): Middleware {
  return async (ctx, next) => {
    try {
      await next();
      refuseUnrouted(ctx);
    } catch (error) {
      const problem = toApiError(error);
      if (problem !== undefined) return answer(ctx, problem);
      const instance = `urn:kairos:incident:${ids()}`;
      logger.error({ error, instance, method: ctx.method, path: ctx.path }, 'a request failed unexpectedly');
      answer(ctx, new ApiError('internal', 'the failure is in the log of this node, under the id given here', { data: { instance } }));
    }
  };
}

/** What the router leaves without a body was found by no route, or by none for this method; then it has set Allow. */
function refuseUnrouted(ctx: Context): void {
  if (ctx.body !== undefined && ctx.body !== null) return;
  if (ctx.status === 404) throw new ApiError('not-found', `there is nothing at ${ctx.path}`);
  if (ctx.status === 405 || ctx.status === 501) throw new ApiError('method-not-allowed', `${ctx.path} can't be asked with ${ctx.method}`);
}

function answer(ctx: Context, { code, message, details }: ApiError): void {
  const { status, title } = PROBLEMS[code];
  ctx.status = status;
  if (details.headers !== undefined) ctx.set({ ...details.headers });
  ctx.body = JSON.stringify({
    type: `urn:kairos:problem:${code}`,
    status,
    code,
    title,
    detail: message,
    ...(details.issues === undefined ? undefined : { issues: details.issues }),
    ...details.data,
  });
  ctx.type = 'application/problem+json';
}

function toApiError(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof StoreError) return fromStore(error);
  return undefined;
}

function fromStore(error: StoreError): ApiError | undefined {
  switch (error.code) {
    case 'unavailable':
    case 'closed':
      return new ApiError('store-unavailable', 'nothing was written; try again', { headers: RETRY_SOON, cause: error });
    case 'unknown':
      return new ApiError('outcome-unknown', 'the store did not say whether it was written; read it back before trying again', {
        headers: RETRY_SOON,
        cause: error,
      });
    case 'compacted':
    case 'term-lost':
    case 'too-large':
    case 'locked':
    case 'corrupt':
      return undefined;
  }
}
