/** `/v1/jobs/{name}/why` and `/v1/runs/{name}/{number}/why`: what became of it, or what it waits for, in words and in data. */

import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { jobKey, runKey } from '../../engine/keys.ts';
import type { RunRecord } from '../../engine/records.ts';
import type { JobRecord } from '../../job/job.ts';
import type { JobSpec } from '../../job/spec.ts';
import type { Instant } from '../../schedule/schedule.ts';
import { ApiError } from '../errors.ts';
import { MAX_TIMESTAMP_LENGTH, readInstant } from '../instants.ts';
import { scheduleOf } from '../job-schedule.ts';
import type { ApiParts } from '../parts.ts';
import { maybeRecord } from '../records.ts';
import { noParameters, readQuery } from '../request-query.ts';
import { iso } from '../times.ts';
import { dependentFacts, nominalFacts, runFacts } from '../why-facts.ts';
import { defaultTime, explainNominal, noMoreTimes } from '../why/nominal-why.ts';
import { explainDependent } from '../why/parents-why.ts';
import { explainRun } from '../why/run-why.ts';
import { jobNameOf, runOf } from './addresses.ts';
import { runNotFound } from './runs.ts';

const parameters = z.strictObject({
  at: z
    .string()
    .max(MAX_TIMESTAMP_LENGTH)
    .optional()
    .describe('A nominal time. Default: the latest that is not after now, or else the first to come.'),
});

export function whyRoutes(router: Router, api: ApiParts): void {
  router.get('/v1/jobs/:name/why', (ctx) => whyJob(ctx, api));
  router.get('/v1/runs/:name/:number/why', (ctx) => whyRun(ctx, api));
}

function whyRun(ctx: Context, api: ApiParts): void {
  readQuery(ctx, noParameters);
  const { job, number } = runOf(ctx);
  const run = maybeRecord<RunRecord>(api.replica.get(runKey(job, number)));
  if (run === undefined) throw runNotFound(job, number);
  ctx.body = { job, run: number, ...explainRun(runFacts(api, run)) };
}

async function whyJob(ctx: Context, api: ApiParts): Promise<void> {
  const query = readQuery(ctx, parameters);
  const name = jobNameOf(ctx);
  await api.definitions.prepare(api.clock);
  const record = maybeRecord<JobRecord<JobSpec>>(api.replica.get(jobKey(name)));
  if (record === undefined) throw new ApiError('job-not-found', `there is no job ${name}`);
  const asked = query.at === undefined ? undefined : readAt(query.at, record.spec.timeZone);
  if (record.spec.schedule !== undefined) whyScheduled(ctx, api, { record, asked });
  else if (asked === undefined) ctx.body = { job: name, ...explainDependent(dependentFacts(api, record)) };
  else throw new ApiError('job-has-no-schedule', `${name} has no schedule, so it has no nominal times; ask without the parameter at`);
}

function readAt(text: string, timeZone: string | undefined): Instant {
  const parsed = readInstant(text, timeZone);
  if ('at' in parsed) return parsed.at;
  // In a query a + means a space.
  const hint = text.includes(' ') ? '; write + as %2B' : '';
  throw new ApiError('invalid-query', `the parameter at ${parsed.reason}${hint}`, { issues: [{ path: 'at', message: parsed.reason }] });
}

interface Question {
  readonly record: JobRecord<JobSpec>;
  readonly asked: Instant | undefined;
}

function whyScheduled(ctx: Context, api: ApiParts, { record, asked }: Question): void {
  const job = record.spec.name;
  const schedule = scheduleOf(record);
  if (schedule === undefined) throw new ApiError('job-has-no-schedule', `this version can not read the schedule of ${job}`);
  const at = asked ?? defaultTime(record, schedule, api.clock.now());
  if (at === undefined) ctx.body = { job, ...noMoreTimes(record) };
  else ctx.body = { job, at: iso(at), ...explainNominal(nominalFacts(api, record, { at, schedule })) };
}
