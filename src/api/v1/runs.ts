/** `/v1/jobs/{name}/runs`, `/v1/runs/…`, `/v1/jobs/{name}/verdicts`: what became of a job; and running or killing on request. */

import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { jobKey, runKey, verdictsPrefix } from '../../engine/keys.ts';
import type { RunRecord, Verdict } from '../../engine/records.ts';
import { isOver } from '../../engine/world.ts';
import { describeIssues } from '../../job/schema-issues.ts';
import { envSchema } from '../../job/task-fields.ts';
import type { Entry } from '../../store/port.ts';
import { ACTIVE_RUN_STATES, RUN_OUTCOMES } from '../../telemetry/series.ts';
import { decodeNumber, encodeCursor } from '../cursor.ts';
import { ApiError } from '../errors.ts';
import type { ApiParts } from '../parts.ts';
import { maybeRecord, readRecord } from '../records.ts';
import { noParameters, pageParameters, readQuery } from '../request-query.ts';
import { lastNumber } from '../run-index.ts';
import { runView, verdictView } from '../run-view.ts';
import { callerOf, jobNameOf, runOf } from './addresses.ts';
import { answerSubmitted } from './requests.ts';

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
const triggerBody = z.strictObject({ env: envSchema.exactOptional() });

export function runRoutes(router: Router, api: ApiParts): void {
  router.get('/v1/jobs/:name/runs', (ctx) => listRuns(ctx, api));
  router.post('/v1/jobs/:name/runs', (ctx) => triggerRun(ctx, api));
  router.get('/v1/jobs/:name/verdicts', (ctx) => listVerdicts(ctx, api));
  router.get('/v1/runs/:name/:number', (ctx) => readRun(ctx, api));
  router.post('/v1/runs/:name/:number/kill', (ctx) => killRun(ctx, api));
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

async function triggerRun(ctx: Context, api: ApiParts): Promise<void> {
  readQuery(ctx, noParameters);
  const job = jobNameOf(ctx);
  const { env } = readTrigger(ctx.request.body ?? {});
  // Asked of the store itself: a job that was just made by way of another node may be run at once.
  if (api.replica.get(jobKey(job)) === undefined && (await api.store.get(jobKey(job))) === undefined) demandJob(api, job);
  const body = { type: 'run', job, ...(env === undefined ? undefined : { env }) } as const;
  answerSubmitted(ctx, await api.submitter.submit(body, callerOf(ctx)));
}

function readTrigger(body: unknown): z.output<typeof triggerBody> {
  const parsed = triggerBody.safeParse(body);
  if (parsed.success) return parsed.data;
  const issues = describeIssues(triggerBody, parsed.error, body);
  throw new ApiError('invalid-body', issues.map(({ path, message }) => `${path} ${message}`).join('; '), { issues });
}

async function killRun(ctx: Context, api: ApiParts): Promise<void> {
  readQuery(ctx, noParameters);
  const { job, number } = runOf(ctx);
  const run = maybeRecord<RunRecord>(await api.store.get(runKey(job, number)));
  if (run === undefined) throw runNotFound(job, number);
  if (isOver(run.state)) throw new ApiError('run-over', `${job}#${number} has ${run.state} already`);
  answerSubmitted(ctx, await api.submitter.submit({ type: 'kill', job, run: number }, callerOf(ctx)));
}

export function runNotFound(job: string, number: number): ApiError {
  return new ApiError('run-not-found', `there is no run ${job}#${number}, or it is not kept any more`);
}
