/** `/v1/jobs/{name}/runs`, `/v1/runs/…`, `/v1/jobs/{name}/verdicts`: what became of a job. */

import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { jobKey, runKey, verdictsPrefix } from '../../engine/keys.ts';
import type { RunRecord, Verdict } from '../../engine/records.ts';
import type { Entry } from '../../store/port.ts';
import { ACTIVE_RUN_STATES, RUN_OUTCOMES } from '../../telemetry/series.ts';
import { decodeNumber, encodeCursor } from '../cursor.ts';
import { ApiError } from '../errors.ts';
import type { ApiParts } from '../parts.ts';
import { maybeRecord, readRecord } from '../records.ts';
import { noParameters, pageParameters, readQuery } from '../request-query.ts';
import { lastNumber } from '../run-index.ts';
import { runView, verdictView } from '../run-view.ts';
import { jobNameOf, runOf } from './addresses.ts';

const RUN_STATES: readonly string[] = [...ACTIVE_RUN_STATES, ...RUN_OUTCOMES];

const runListParameters = z.strictObject({
  state: z
    .string()
    .max(256)
    .transform((text) => text.split(','))
    .refine((states) => states.every((state) => RUN_STATES.includes(state)), { error: `must be some of ${RUN_STATES.join(',')}` })
    .optional(),
  ...pageParameters,
});
const verdictListParameters = z.strictObject(pageParameters);

export function runRoutes(router: Router, api: ApiParts): void {
  router.get('/v1/jobs/:name/runs', (ctx) => listRuns(ctx, api));
  router.get('/v1/jobs/:name/verdicts', (ctx) => listVerdicts(ctx, api));
  router.get('/v1/runs/:name/:number', (ctx) => readRun(ctx, api));
}

function listRuns(ctx: Context, api: ApiParts): void {
  const query = readQuery(ctx, runListParameters);
  const job = jobNameOf(ctx);
  const entries = api.runs.list(job);
  if (entries.length === 0) demandJob(api, job);
  const page = pageOf(entries, { list: `runs ${job}`, ...query }, (entry) => {
    const run = readRecord<RunRecord>(entry);
    return query.state === undefined || query.state.includes(run.state) ? runView(run, { spec: false }) : undefined;
  });
  ctx.body = { runs: page.items, ...page.next };
}

function listVerdicts(ctx: Context, api: ApiParts): void {
  const query = readQuery(ctx, verdictListParameters);
  const job = jobNameOf(ctx);
  const entries = [...api.replica.list(verdictsPrefix(job))].sort((a, b) => lastNumber(b.key) - lastNumber(a.key));
  if (entries.length === 0) demandJob(api, job);
  const page = pageOf(entries, { list: `verdicts ${job}`, ...query }, (entry) => verdictView(readRecord<Verdict>(entry)));
  ctx.body = { verdicts: page.items, ...page.next };
}

interface PageRequest {
  readonly list: string;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** Of entries with falling numbers, those after the cursor that `view` shows. */
function pageOf<View>(
  entries: readonly Entry[],
  { list, limit, cursor }: PageRequest,
  view: (entry: Entry) => View | undefined,
): { items: readonly View[]; next: { next?: string } } {
  const before = cursor === undefined ? Number.POSITIVE_INFINITY : decodeNumber(list, cursor);
  const items: View[] = [];
  let last = '';
  for (const entry of entries) {
    if (lastNumber(entry.key) >= before) continue;
    const item = view(entry);
    if (item === undefined) continue;
    if (items.length === limit) return { items, next: { next: encodeCursor(list, last) } };
    items.push(item);
    last = String(lastNumber(entry.key));
  }
  return { items, next: {} };
}

function demandJob({ replica }: ApiParts, job: string): void {
  if (replica.get(jobKey(job)) === undefined) throw new ApiError('job-not-found', `there is no job ${job}`);
}

function readRun(ctx: Context, api: ApiParts): void {
  readQuery(ctx, noParameters);
  const { job, number } = runOf(ctx);
  const run = maybeRecord<RunRecord>(api.replica.get(runKey(job, number)));
  if (run === undefined) throw runNotFound(job, number);
  ctx.body = runView(run, { spec: true });
}

export function runNotFound(job: string, number: number): ApiError {
  return new ApiError('run-not-found', `there is no run ${job}#${number}, or it is not kept any more`);
}
