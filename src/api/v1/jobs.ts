/** `/v1/jobs`: definitions. Any node takes a write, with or without a leader. */

import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { jobKey } from '../../engine/keys.ts';
import type { JobRecord } from '../../job/job.ts';
import type { JobSpec } from '../../job/spec.ts';
import { validateSpec } from '../../job/validate-spec.ts';
import { type PutResult, unusable } from '../definition-writer.ts';
import { ApiError } from '../errors.ts';
import type { Applied } from '../guarded-writer.ts';
import { READ_ONLY_MEMBERS, jobView } from '../job-view.ts';
import type { ApiParts } from '../parts.ts';
import { etag, readPreconditions } from '../preconditions.ts';
import { maybeRecord } from '../records.ts';
import { noParameters, readQuery } from '../request-query.ts';
import { callerOf, jobNameOf, jobPath } from './addresses.ts';
import { listJobs } from './job-list.ts';

const deletion = z.strictObject({ children: z.enum(['refuse', 'detach', 'delete']).default('refuse') });

export function jobRoutes(router: Router, api: ApiParts): void {
  router.get('/v1/jobs', (ctx) => listJobs(ctx, api));
  router.post('/v1/jobs', (ctx) => createJob(ctx, api));
  router.get('/v1/jobs/:name', (ctx) => readJob(ctx, api));
  router.put('/v1/jobs/:name', (ctx) => putJob(ctx, api));
  router.delete('/v1/jobs/:name', (ctx) => deleteJob(ctx, api));
  router.post('/v1/jobs/:name/suspend', (ctx) => setSuspended(ctx, api, true));
  router.post('/v1/jobs/:name/resume', (ctx) => setSuspended(ctx, api, false));
}

async function createJob(ctx: Context, api: ApiParts): Promise<void> {
  readQuery(ctx, noParameters);
  await api.definitions.prepare(api.clock);
  const spec = specOf(ctx.request.body);
  answerWritten(ctx, api, await api.writer.put(spec, { ...author(ctx), create: true }));
}

async function putJob(ctx: Context, api: ApiParts): Promise<void> {
  readQuery(ctx, noParameters);
  await api.definitions.prepare(api.clock);
  const name = jobNameOf(ctx);
  const spec = specOf(named(ctx.request.body, name));
  if (spec.name !== name) {
    const issue = { path: 'name', message: `must be ${name}, as in the path, or absent: a job can't be renamed` };
    throw new ApiError('invalid-definition', `${issue.path} ${issue.message}`, { issues: [issue] });
  }
  answerWritten(ctx, api, await api.writer.put(spec, author(ctx)));
}

function readJob(ctx: Context, api: ApiParts): void {
  readQuery(ctx, noParameters);
  const name = jobNameOf(ctx);
  const record = maybeRecord<JobRecord<JobSpec>>(api.replica.get(jobKey(name)));
  if (record === undefined) throw new ApiError('job-not-found', `there is no job ${name}`);
  answerJob(ctx, api, record);
}

async function deleteJob(ctx: Context, api: ApiParts): Promise<void> {
  const { children } = readQuery(ctx, deletion);
  await api.definitions.prepare(api.clock);
  const { result, revision } = await api.writer.delete(jobNameOf(ctx), children, author(ctx));
  if (revision !== undefined) ctx.set('X-Kairos-Revision', String(revision));
  ctx.body = result;
}

async function setSuspended(ctx: Context, api: ApiParts, isSuspended: boolean): Promise<void> {
  readQuery(ctx, noParameters);
  await api.definitions.prepare(api.clock);
  answerWritten(ctx, api, await api.writer.setSuspended(jobNameOf(ctx), isSuspended, author(ctx)));
}

function author(ctx: Context): Parameters<ApiParts['writer']['put']>[1] {
  return { by: callerOf(ctx), preconditions: readPreconditions(ctx) };
}

/**
 * What was read may be sent back as it is: members that are not the definition's own are left out. The writer looks at
 * its schedule once more, as it knows from when on it counts.
 */
function specOf(body: unknown): JobSpec {
  const validation = validateSpec(isObject(body) ? withoutReadOnly(body) : body);
  if (validation.ok) return validation.spec;
  throw unusable(validation.issues);
}

function named(body: unknown, name: string): unknown {
  return isObject(body) && !('name' in body) ? { name, ...body } : body;
}

function withoutReadOnly(body: object): object {
  const copy: Record<string, unknown> = { ...body };
  for (const member of READ_ONLY_MEMBERS) delete copy[member];
  return copy;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function answerWritten(ctx: Context, api: ApiParts, { result, revision }: Applied<PutResult>): void {
  const { record, outcome } = result;
  if (revision !== undefined) ctx.set('X-Kairos-Revision', String(revision));
  if (outcome === 'created') {
    ctx.status = 201;
    ctx.set('Location', jobPath(record.spec.name));
  }
  answerJob(ctx, api, record);
}

function answerJob(ctx: Context, api: ApiParts, record: JobRecord<JobSpec>): void {
  ctx.set('ETag', etag(record.version));
  ctx.body = jobView(record, api);
}
