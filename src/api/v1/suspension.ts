/** `/v1/suspend`, `/v1/resume`, `/v1/suspension`: maintenance of the whole cluster. */

import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { SUSPENSION_KEY } from '../../engine/keys.ts';
import type { ClusterSuspension } from '../../engine/records.ts';
import type { ApiParts } from '../parts.ts';
import { maybeRecord } from '../records.ts';
import { noParameters, readQuery } from '../request-query.ts';
import { iso } from '../times.ts';
import { callerOf } from './addresses.ts';

export function suspensionRoutes(router: Router, api: ApiParts): void {
  router.get('/v1/suspension', (ctx) => readSuspension(ctx, api));
  router.post('/v1/suspend', (ctx) => setSuspended(ctx, api, true));
  router.post('/v1/resume', (ctx) => setSuspended(ctx, api, false));
}

function readSuspension(ctx: Context, { replica }: ApiParts): void {
  readQuery(ctx, noParameters);
  ctx.body = suspensionView(maybeRecord<ClusterSuspension>(replica.get(SUSPENSION_KEY)));
}

async function setSuspended(ctx: Context, api: ApiParts, isSuspended: boolean): Promise<void> {
  readQuery(ctx, noParameters);
  const { result, revision } = await api.suspension.set(isSuspended, callerOf(ctx));
  if (revision !== undefined) ctx.set('X-Kairos-Revision', String(revision));
  ctx.body = suspensionView(result);
}

/** `latest`: the span that lasts, or the last one that did; absent when there was none. */
function suspensionView(latest: ClusterSuspension | undefined): Record<string, unknown> {
  if (latest === undefined) return { suspended: false };
  const { from, to, by } = latest;
  return { suspended: to === undefined, latest: { from: iso(from), ...(to === undefined ? undefined : { to: iso(to) }), by } };
}
