/** Reads query parameters: each one known, each given once. */

import type { Context } from 'koa';
import { z } from 'zod';
import { describeIssues } from '../job/schema-issues.ts';
import { ApiError } from './errors.ts';

export const DEFAULT_PAGE = 100;
export const LARGEST_PAGE = 1_000;

/** A whole number between two bounds, as text. */
export function wholeNumber(least: number, most: number): z.ZodType<number, string> {
  const message = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^-?\d{1,16}$/, { error: message })
    .transform(Number)
    .refine((value) => value >= least && value <= most, { error: message });
}

export const trueOrFalse: z.ZodType<boolean, string> = z.enum(['true', 'false']).transform((text) => text === 'true');

/** Parameters of every list. */
export const pageParameters = {
  limit: wholeNumber(1, LARGEST_PAGE).default(DEFAULT_PAGE),
  cursor: z.string().max(512).optional(),
};

export const noParameters = z.strictObject({});

export function readQuery<Schema extends z.ZodObject>(ctx: Context, schema: Schema): z.output<Schema> {
  for (const [name, value] of Object.entries(ctx.query)) {
    if (Array.isArray(value)) throw new ApiError('invalid-query', `the parameter ${name} is given ${value.length} times`);
  }
  const input = { ...ctx.query };
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issues = describeIssues(schema, parsed.error, input);
  throw new ApiError('invalid-query', issues.map(({ path, message }) => `${path} ${message}`).join('; '), { issues });
}
