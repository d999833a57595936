/** What a path names, and the path of what there is. A name that can't be one is the name of nothing. */

import type { Context } from 'koa';
import { isJobName } from '../../job/fields.ts';
import { ApiError } from '../errors.ts';

export const jobPath = (name: string): string => `/v1/jobs/${name}`;
export const runPath = (job: string, number: number): string => `/v1/runs/${job}/${number}`;
export const requestPath = (id: string): string => `/v1/requests/${id}`;

export function jobNameOf(ctx: Context): string {
  const name = parameter(ctx, 'name');
  if (isJobName(name)) return name;
  throw new ApiError('job-not-found', `there is no job ${JSON.stringify(name.slice(0, 200))}`);
}

export function runOf(ctx: Context): { readonly job: string; readonly number: number } {
  const number = parameter(ctx, 'number');
  const name = parameter(ctx, 'name');
  if (isJobName(name) && /^[1-9]\d{0,14}$/.test(number)) return { job: name, number: Number(number) };
  throw new ApiError('run-not-found', `there is no run ${JSON.stringify(`${name}#${number}`.slice(0, 200))}`);
}

export function parameter(ctx: Context, name: string): string {
  return (ctx['params'] as Record<string, string>)[name] ?? '';
}

/** Who asks, as far as they say: until there are accounts it is a note for people, not a proof. */
export function callerOf(ctx: Context): string {
  const said = ctx.get('X-Kairos-User').trim();
  return /^[\x20-\x7e]{1,128}$/.test(said) ? said : `anonymous@${ctx.ip}`;
}
