/** `/v1/runs/{name}/{number}/logs`: what a task wrote. Read through the executor; an agent's address never leaves the cluster. */

import { Readable } from 'node:stream';
import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { runKey } from '../../engine/keys.ts';
import type { Attempt, RunRecord } from '../../engine/records.ts';
import type { LogChunk } from '../../executor/port.ts';
import { ApiError } from '../errors.ts';
import { followLog } from '../follow-log.ts';
import type { ApiParts } from '../parts.ts';
import { maybeRecord } from '../records.ts';
import { readQuery, trueOrFalse, wholeNumber } from '../request-query.ts';
import { runOf } from './addresses.ts';
import { runNotFound } from './runs.ts';

const DEFAULT_LENGTH = 65_536;
const LARGEST_LENGTH = 1_048_576;

const parameters = z.strictObject({
  attempt: wholeNumber(1, 1_000_000).optional().describe('Default: the latest.'),
  stream: z.enum(['stdout', 'stderr']).default('stdout'),
  offset: wholeNumber(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    .default(0)
    .describe('Byte to begin at; negative counts from the end.'),
  limit: wholeNumber(1, LARGEST_LENGTH).default(DEFAULT_LENGTH).describe('Bytes at most; not when following.'),
  follow: trueOrFalse.default(false).describe('Go on until the run is over; with `attempt`: until that attempt is.'),
});

type Query = z.output<typeof parameters>;

export function logRoutes(router: Router, api: ApiParts): void {
  router.get('/v1/runs/:name/:number/logs', async (ctx) => {
    const query = readQuery(ctx, parameters);
    const { job, number } = runOf(ctx);
    const find = (): RunRecord | undefined => maybeRecord<RunRecord>(api.replica.get(runKey(job, number)));
    const run = find();
    if (run === undefined) throw runNotFound(job, number);
    const attempt = attemptOf(run, query);
    ctx.type = 'text/plain; charset=utf-8';
    if (query.follow) follow(ctx, api, { query, attempt, find });
    else await readOnce(ctx, api, { query, attempt });
  });
}

/** undefined: there is none yet, and it is waited for. */
function attemptOf(run: RunRecord, { attempt: number, follow: isFollowing }: Query): Attempt | undefined {
  const attempt = number === undefined ? run.attempts.at(-1) : run.attempts.find((candidate) => candidate.number === number);
  if (attempt !== undefined || (isFollowing && number === undefined)) return attempt;
  const which = number === undefined ? 'any attempt' : `attempt ${number}`;
  throw new ApiError('attempt-not-found', `${run.job}#${run.number} does not have ${which}${number === undefined ? ' yet' : ''}`);
}

async function readOnce(ctx: Context, api: ApiParts, { query, attempt }: { query: Query; attempt: Attempt | undefined }): Promise<void> {
  const chunk = attempt === undefined ? undefined : await readChunk(api, attempt, query);
  if (chunk === undefined) throw new ApiError('log-not-found', 'the task has left no log, or it is not kept any more');
  ctx.set('X-Log-Offset', String(chunk.offset));
  ctx.set('X-Log-Next-Offset', String(chunk.offset + chunk.data.length));
  if (chunk.size !== undefined) ctx.set('X-Log-Size', String(chunk.size));
  // Set by hand, since an empty body would be taken for none.
  ctx.status = 200;
  ctx.body = Buffer.from(chunk.data.buffer, chunk.data.byteOffset, chunk.data.byteLength);
  ctx.type = 'text/plain; charset=utf-8';
}

async function readChunk(api: ApiParts, attempt: Attempt, query: Query): Promise<LogChunk | undefined> {
  try {
    return await api.executor.readLog({
      task: { taskId: attempt.taskId, agentId: attempt.agentId, address: attempt.address },
      stream: query.stream,
      offset: query.offset,
      length: query.limit,
    });
  } catch (cause) {
    api.logger.warn({ taskId: attempt.taskId, error: cause }, 'a log could not be read');
    throw new ApiError('executor-failed', 'the log could not be read; try again', { cause });
  }
}

interface Following {
  readonly query: Query;
  readonly attempt: Attempt | undefined;
  readonly find: () => RunRecord | undefined;
}

function follow(ctx: Context, api: ApiParts, { query, attempt, find }: Following): void {
  const leave = api.followers.enter();
  const gone = new AbortController();
  ctx.res.once('close', () => {
    leave();
    gone.abort();
  });
  const log = followLog(api, {
    find,
    first: attempt,
    isPinned: query.attempt !== undefined,
    stream: query.stream,
    offset: query.offset,
    signal: AbortSignal.any([gone.signal, api.closing]),
  });
  // A proxy that gathers what it passes on would hold back the newest lines.
  ctx.set('X-Accel-Buffering', 'no');
  const body = Readable.from(log, { objectMode: false });
  // An answer that has begun can't become an error any more; cut off, it is at least not taken for the whole.
  body.once('error', () => ctx.res.destroy());
  ctx.body = body;
  ctx.type = 'text/plain; charset=utf-8';
  // Now, not with the first line, which may be long in coming.
  ctx.flushHeaders();
}
