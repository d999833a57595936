/**
 * Who may be answered at all. With a token: who carries it. Without one the API is on loopback only, and the danger is a web
 * page that makes the user's own browser ask: such requests are told by their Host and Origin and refused.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { Context, Middleware } from 'koa';
import { ApiError } from './errors.ts';

const OPEN_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz']);
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export function guardAccess(token: string | undefined): Middleware {
  const expected = token === undefined ? undefined : digest(`Bearer ${token}`);
  return async (ctx, next) => {
    if (!OPEN_PATHS.has(ctx.path)) {
      if (expected === undefined) refuseForeignHost(ctx);
      else refuseWithoutToken(ctx, expected);
      refuseForeignPage(ctx);
    }
    await next();
  };
}

function refuseWithoutToken(ctx: Context, expected: Buffer): void {
  // Digests have one length, so that comparing tells nothing of the token's.
  if (timingSafeEqual(digest(ctx.get('Authorization')), expected)) return;
  throw new ApiError('unauthorized', 'the request must carry the header Authorization: Bearer <token>', {
    headers: { 'WWW-Authenticate': 'Bearer realm="kairos"' },
  });
}

/** A name that an attacker's DNS points at this machine would pass for the same origin; addresses and localhost can't be pointed. */
function refuseForeignHost(ctx: Context): void {
  const name = ctx.hostname.replace(/^\[(.*)\]$/, '$1');
  if (name === 'localhost' || isIP(name) !== 0) return;
  throw new ApiError('misdirected-request', 'without a token only requests to localhost or an address are answered');
}

function refuseForeignPage(ctx: Context): void {
  const origin = ctx.get('Origin');
  if (SAFE_METHODS.has(ctx.method) || origin === '' || origin === `${ctx.protocol}://${ctx.host}`) return;
  throw new ApiError('cross-origin', `a page of ${origin} may not do this`);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
