/** `GET /v1/jobs`: in the order of names, filtered by what the index knows, a page at a time. */

import type { Context } from 'koa';
import { z } from 'zod';
import { JOBS } from '../../engine/keys.ts';
import type { JobRecord } from '../../job/job.ts';
import type { JobSpec } from '../../job/spec.ts';
import type { Entry } from '../../store/port.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { JobTraits } from '../definition-index.ts';
import { type JobView, jobView } from '../job-view.ts';
import type { ApiParts } from '../parts.ts';
import { readRecord } from '../records.ts';
import { pageParameters, readQuery, trueOrFalse } from '../request-query.ts';

const LIST = 'jobs';

/** Rows between two chances for other requests. */
const ROWS_AT_A_TIME = 50;

const parameters = z.strictObject({
  prefix: z.string().max(128).default('').describe('Names that begin with this.'),
  label: z.string().max(2_048).optional().describe('Labels it must have: `name=value` or `name`, separated by commas.'),
  owner: z.string().max(256).optional(),
  suspended: trueOrFalse.optional(),
  ...pageParameters,
});

export async function listJobs(ctx: Context, api: ApiParts): Promise<void> {
  const query = readQuery(ctx, parameters);
  await api.definitions.prepare(api.clock);
  const matches = filterOf(query);
  const entries = api.replica.list(`${JOBS}${query.prefix}`);
  const page: Entry[] = [];
  let isMore = false;
  for (let at = query.cursor === undefined ? 0 : firstAfter(entries, JOBS + decodeCursor(LIST, query.cursor)); at < entries.length; at++) {
    const entry = entries[at] as Entry;
    const traits = api.definitions.traits(nameOf(entry));
    if (traits === undefined || !matches(traits)) continue;
    isMore = page.length === query.limit;
    if (isMore) break;
    page.push(entry);
  }
  const jobs = await rows(page, api);
  const last = page.at(-1);
  ctx.body = { jobs, ...(isMore && last !== undefined ? { next: encodeCursor(LIST, nameOf(last)) } : undefined) };
}

async function rows(page: readonly Entry[], api: ApiParts): Promise<JobView[]> {
  const jobs: JobView[] = [];
  for (const entry of page) {
    jobs.push(jobView(readRecord<JobRecord<JobSpec>>(entry), api));
    if (jobs.length % ROWS_AT_A_TIME === 0) await api.clock.sleep(0);
  }
  return jobs;
}

function filterOf({ owner, suspended, label }: z.output<typeof parameters>): (traits: JobTraits) => boolean {
  const wanted = (label ?? '').split(',').filter((pair) => pair !== '');
  return (traits) =>
    (owner === undefined || traits.owner === owner) &&
    (suspended === undefined || traits.suspended === suspended) &&
    wanted.every((pair) => hasLabel(traits.labels ?? {}, pair));
}

function hasLabel(labels: Readonly<Record<string, string>>, pair: string): boolean {
  const equals = pair.indexOf('=');
  const name = equals < 0 ? pair : pair.slice(0, equals);
  return Object.hasOwn(labels, name) && (equals < 0 || labels[name] === pair.slice(equals + 1));
}

function nameOf(entry: Entry): string {
  return entry.key.slice(JOBS.length);
}

/** Index of the first entry whose key comes after `key`. */
function firstAfter(entries: readonly Entry[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as Entry).key <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}
