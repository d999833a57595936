/**
 * The API of one node, as a Koa app. Every node serves every read from its own copy of the store and takes every write;
 * nothing is proxied, and nothing here needs a leader.
 *
 * Order: measure, then answer problems, then who may ask, then what the answer's headers say, then the body, then the routes.
 * The app emits and hears `closing`: its streams end.
 */

import { Router } from '@koa/router';
import Koa from 'koa';
import type { Context, Middleware } from 'koa';
import { answerProblems } from './answer-problems.ts';
import type { ApiDeps } from './deps.ts';
import { ApiError } from './errors.ts';
import { guardAccess } from './guard-access.ts';
import { type ApiParts, assemble } from './parts.ts';
import { probeRoutes } from './probes.ts';
import { readBody } from './request-body.ts';
import { backfillRoutes } from './v1/backfills.ts';
import { clusterRoutes } from './v1/cluster.ts';
import { jobRoutes } from './v1/jobs.ts';
import { logRoutes } from './v1/logs.ts';
import { requestRoutes } from './v1/requests.ts';
import { runActionRoutes } from './v1/run-actions.ts';
import { runRoutes } from './v1/runs.ts';
import { suspensionRoutes } from './v1/suspension.ts';
import { whyRoutes } from './v1/why.ts';

export function createApi(deps: ApiDeps): Koa {
  const app = new Koa();
  const closing = new AbortController();
  app.once('closing', () => closing.abort());
  app.on('error', (error: unknown) => deps.logger.debug({ error }, 'an answer could not be sent to its end'));
  const parts = assemble(deps, closing.signal);
  const router = createRouter(parts);
  app.use(measure(deps));
  app.use(securityHeaders(closing.signal));
  app.use(answerProblems(deps));
  app.use(guardAccess(deps.token));
  app.use(freshness(deps));
  app.use(readBody());
  app.use(router.routes());
  app.use(router.allowedMethods());
  return app;
}

/** Every route, and nothing else. */
export function createRouter(parts: ApiParts): Router {
  const router = new Router();
  probeRoutes(router, parts);
  jobRoutes(router, parts);
  backfillRoutes(router, parts);
  runRoutes(router, parts);
  runActionRoutes(router, parts);
  logRoutes(router, parts);
  whyRoutes(router, parts);
  requestRoutes(router, parts);
  suspensionRoutes(router, parts);
  clusterRoutes(router, parts);
  return router;
}

function measure({ clock, metrics }: ApiDeps): Middleware {
  return async (ctx, next) => {
    const startedAt = clock.monotonic();
    await next();
    const isStream = typeof ctx.body === 'object' && ctx.body !== null && 'pipe' in ctx.body;
    const seconds = (clock.monotonic() - startedAt) / 1_000;
    metrics.httpAnswered({ method: ctx.method, route: routeOf(ctx), status: ctx.status, ...(isStream ? undefined : { seconds }) });
  };
}

function routeOf(ctx: Context): string | undefined {
  const route: unknown = ctx['_matchedRoute'];
  return typeof route === 'string' ? route : undefined;
}

function securityHeaders(closing: AbortSignal): Middleware {
  return async (ctx, next) => {
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.set('Cache-Control', 'no-store');
    ctx.set('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
    ctx.set('Referrer-Policy', 'no-referrer');
    if (closing.aborted) ctx.set('Connection', 'close');
    await next();
  };
}

/** Says of which revision an answer is, at least; answers nothing from a copy that is not complete. */
function freshness({ replica }: ApiDeps): Middleware {
  return async (ctx, next) => {
    if (ctx.path.startsWith('/v1/')) {
      if (!replica.ready) {
        throw new ApiError('not-ready', "this node's copy of the store is not complete yet", { headers: { 'Retry-After': '1' } });
      }
      ctx.set('X-Kairos-Revision', String(replica.revision));
    }
    await next();
  };
}
