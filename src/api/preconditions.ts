/** `If-Match` and `If-None-Match` (RFC 9110 §13.1) on definitions, whose entity tag is their version. */

import type { Context } from 'koa';
import { ApiError } from './errors.ts';

export interface Preconditions {
  /** Versions of which the present one must be one; `any`: there must be one. */
  readonly ifMatch?: readonly number[] | 'any';
  /** There must be none. */
  readonly ifNoneMatch?: true;
}

const TAG = /^"(\d{1,15})"$/;

export function etag(version: number): string {
  return `"${version}"`;
}

export function readPreconditions(ctx: Context): Preconditions {
  const match = ctx.get('If-Match').trim();
  const noneMatch = ctx.get('If-None-Match').trim();
  if (noneMatch !== '' && noneMatch !== '*') throw new ApiError('invalid-header', 'If-None-Match must be * when writing');
  return {
    ...(match === '' ? undefined : { ifMatch: match === '*' ? 'any' : match.split(',').map(readTag) }),
    ...(noneMatch === '' ? undefined : { ifNoneMatch: true }),
  };
}

/** A weak or foreign tag is well-formed but matches nothing; version 0 does not exist. */
function readTag(text: string): number {
  const tag = text.trim();
  if (!/^(W\/)?"[^"]*"$/.test(tag)) throw new ApiError('invalid-header', 'If-Match must be * or a list of entity tags in quotes');
  return Number(TAG.exec(tag)?.[1] ?? 0);
}

/** What keeps a write from being done on the definition of this version; undefined: nothing. */
export function unmet({ ifMatch, ifNoneMatch }: Preconditions, version: number | undefined): string | undefined {
  if (ifNoneMatch && version !== undefined) return `If-None-Match: * asks for none, but there is version ${version}`;
  if (ifMatch === undefined) return undefined;
  if (version === undefined) return 'If-Match asks for a present definition, but there is none';
  if (ifMatch === 'any' || ifMatch.includes(version)) return undefined;
  return `the present version is ${version}`;
}
