/** `/v1/jobs/{name}/backfill`, `/backfills/{id}`: a range of past nominal times run on request, a few at a time, until it is cancelled. */

import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { requestKey, stateKey } from '../../engine/keys.ts';
import { OPEN_BACKFILLS } from '../../engine/limits.ts';
import type { JobState, Request } from '../../engine/records.ts';
import type { Issue } from '../../job/schema-issues.ts';
import type { Instant } from '../../schedule/schedule.ts';
import { ApiError } from '../errors.ts';
import { MAX_TIMESTAMP_LENGTH, readInstant } from '../instants.ts';
import { scheduleOf } from '../job-schedule.ts';
import type { ApiParts } from '../parts.ts';
import { maybeRecord } from '../records.ts';
import { invalidBody, readBodyAs } from '../request-body.ts';
import { noParameters, readQuery, trueOrFalse } from '../request-query.ts';
import { iso } from '../times.ts';
import { callerOf, jobNameOf, parameter } from './addresses.ts';
import { answerSubmitted, REQUEST_ID } from './requests.ts';
import { storedJob } from './run-actions.ts';

/** Nominal times in one backfill. */
export const LARGEST_BACKFILL = 10_000;
const MOST_OPEN = 100;

const cancellation = z.strictObject({ kill: trueOrFalse.default(false) });
const timestamp = z.string().max(MAX_TIMESTAMP_LENGTH);
const body = z.strictObject({
  from: timestamp.describe('The first nominal time, inclusive.'),
  to: timestamp.describe('The last nominal time, inclusive.'),
  limit: z.int().min(1).max(MOST_OPEN).default(1).describe('Most of its runs that may be open at once.'),
});

export function backfillRoutes(router: Router, api: ApiParts): void {
  router.post('/v1/jobs/:name/backfill', (ctx) => backfill(ctx, api));
  router.delete('/v1/jobs/:name/backfills/:id', (ctx) => cancelBackfill(ctx, api));
}

async function backfill(ctx: Context, api: ApiParts): Promise<void> {
  readQuery(ctx, noParameters);
  const job = jobNameOf(ctx);
  const { limit, ...texts } = readBodyAs(ctx, body);
  const record = await storedJob(api, job);
  const schedule = scheduleOf(record);
  if (schedule === undefined) throw new ApiError('job-has-no-schedule', `${job} has no schedule, so it has no nominal times`);
  const range = readRange(texts, { timeZone: record.spec.timeZone, now: api.clock.now() });
  const count = schedule.count(range.from - 1, range.to, LARGEST_BACKFILL + 1);
  if (count > LARGEST_BACKFILL) {
    const detail = `from ${iso(range.from)} to ${iso(range.to)} there are more than ${LARGEST_BACKFILL} nominal times; ask for a shorter range`;
    throw new ApiError('backfill-too-large', detail, { data: { limit: LARGEST_BACKFILL } });
  }
  const state = maybeRecord<JobState>(await api.store.get(stateKey(job)));
  if (Object.keys(state?.backfills ?? {}).length >= OPEN_BACKFILLS) {
    const detail = `${OPEN_BACKFILLS} backfills of ${job} go on already; wait for one to end`;
    throw new ApiError('too-many-backfills', detail, { data: { limit: OPEN_BACKFILLS } });
  }
  answerSubmitted(ctx, await api.submitter.submit({ type: 'backfill', job, ...range, limit }, callerOf(ctx)), { count });
}

async function cancelBackfill(ctx: Context, api: ApiParts): Promise<void> {
  const { kill } = readQuery(ctx, cancellation);
  const job = jobNameOf(ctx);
  const id = parameter(ctx, 'id');
  await storedJob(api, job);
  if (!(await isUnderWay(api, job, id))) {
    const detail = `no backfill ${JSON.stringify(id.slice(0, 100))} of ${job} goes on; it may be over`;
    throw new ApiError('backfill-not-found', detail);
  }
  answerSubmitted(ctx, await api.submitter.submit({ type: 'cancel-backfill', job, backfill: id, kill }, callerOf(ctx)));
}

/** It has runs to create, or runs that are not over, or no leader has taken it yet. */
async function isUnderWay({ store, runs }: ApiParts, job: string, id: string): Promise<boolean> {
  if (!REQUEST_ID.test(id)) return false;
  const state = maybeRecord<JobState>(await store.get(stateKey(job)));
  if (state?.backfills?.[id] !== undefined || runs.activeBackfills(job).has(id)) return true;
  const request = maybeRecord<Request>(await store.get(requestKey(id)));
  return request?.type === 'backfill' && request.job === job;
}

interface RangeTexts {
  readonly from: string;
  readonly to: string;
}

function readRange(texts: RangeTexts, { timeZone, now }: { timeZone: string | undefined; now: Instant }): { from: Instant; to: Instant } {
  const issues: Issue[] = [];
  const read = (path: keyof RangeTexts): Instant => {
    const parsed = readInstant(texts[path], timeZone);
    if ('at' in parsed) return parsed.at;
    issues.push({ path, message: parsed.reason });
    return 0;
  };
  const range = { from: read('from'), to: read('to') };
  if (issues.length === 0 && range.from > range.to) issues.push({ path: 'from', message: `must not be after to (${iso(range.to)})` });
  // A time that is still to come would run now and again when it is due.
  if (range.to > now) issues.push({ path: 'to', message: `must not be in the future; here it is ${iso(now)}` });
  if (issues.length > 0) throw invalidBody(issues);
  return range;
}
