/** Reads JSON bodies: nothing else, no larger than needed, and every refusal with its reason. */

import { bodyParser } from '@koa/bodyparser';
import type { Context, Middleware } from 'koa';
import type { z } from 'zod';
import { describeIssues, type Issue } from '../job/schema-issues.ts';
import { ApiError } from './errors.ts';

export const BODY_LIMIT_BYTES = 262_144;

const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** Leaves the parsed body at `ctx.request.body`; undefined when there was none. */
export function readBody(): Middleware {
  const parse = bodyParser({ enableTypes: ['json'], jsonLimit: BODY_LIMIT_BYTES, onError: refuse });
  return async (ctx, next) => {
    if (!WITH_BODY.has(ctx.method) || !hasBody(ctx)) return next();
    if (ctx.is('application/json') === false) {
      const given = ctx.get('Content-Type') || 'no type';
      throw new ApiError('unsupported-media-type', `the body's type must be application/json; it was sent as ${given}`);
    }
    if ((ctx.request.length ?? 0) > BODY_LIMIT_BYTES) throw tooLarge();
    await parse(ctx, next);
  };
}

/** A body of this shape; none at all counts as an empty object. Throws ApiError `invalid-body`. */
export function readBodyAs<Schema extends z.ZodObject>(ctx: Context, schema: Schema): z.output<Schema> {
  const body: unknown = ctx.request.body ?? {};
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw invalidBody(describeIssues(schema, parsed.error, body));
}

export function invalidBody(issues: readonly Issue[]): ApiError {
  return new ApiError('invalid-body', issues.map(({ path, message }) => `${path} ${message}`.trim()).join('; '), { issues });
}

function hasBody(ctx: Context): boolean {
  return ctx.get('Transfer-Encoding') !== '' || (ctx.request.length ?? 0) > 0;
}

function refuse(error: Error): never {
  const status = 'status' in error ? error.status : undefined;
  if (status === 413) throw tooLarge();
  if (status === 415) throw new ApiError('unsupported-media-type', 'the encoding of the body is not supported', { cause: error });
  throw new ApiError('invalid-json', `the body must be a JSON object in UTF-8: ${error.message.slice(0, 200)}`, { cause: error });
}

function tooLarge(): ApiError {
  return new ApiError('body-too-large', `at most ${BODY_LIMIT_BYTES} bytes are allowed`, { headers: { Connection: 'close' } });
}
