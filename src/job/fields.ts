/**
 * The kinds of value that fields of a definition are made of: names, durations, bounded texts.
 * Messages complete the sentence that begins with the field's path. Nothing here fills in a default.
 */

import { z } from 'zod';
import { ScheduleError } from '../schedule/errors.ts';
import { durationToMs, parseDuration } from '../schedule/duration.ts';
import { MAX_DURATION_LENGTH, MAX_DURATION_MS, MAX_NAME_LENGTH } from './limits.ts';

const JOB_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** Whether this can be a job's name. Names every object has (`constructor`) are refused: records are keyed by job name. */
export function isJobName(name: string): boolean {
  return JOB_NAME.test(name) && !(name in Object.prototype);
}

export const jobName = z
  .string()
  .max(MAX_NAME_LENGTH)
  .refine((name) => isJobName(name) || name.length > MAX_NAME_LENGTH, {
    error: 'must begin with a letter, a digit or _ and go on with letters, digits, _ . or - (and not be a reserved word like constructor)',
  });

/** Text without control characters, except those that lay out text. NUL ends strings in what the task is run by. */
export function boundedText(maxLength: number): z.ZodString {
  return z.string().max(maxLength).refine(hasNoNul, { error: 'must not contain the character NUL' });
}

/** As boundedText(), and not empty. */
export function boundedWord(maxLength: number): z.ZodString {
  return boundedText(maxLength).min(1);
}

function hasNoNul(text: string): boolean {
  return !text.includes('\0');
}

/** An ISO 8601 duration of days or less (`PT1H30M`, `P2D`), as text. */
export function durationText(least: 'zero' | 'above zero'): z.ZodString {
  return z
    .string()
    .max(MAX_DURATION_LENGTH)
    .superRefine((text, context) => {
      const problem = durationProblem(text, least);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    });
}

function durationProblem(text: string, least: 'zero' | 'above zero'): string | undefined {
  try {
    const ms = durationToMs(parseDuration(text));
    if (ms === 0 && least === 'above zero') return 'must be longer than zero';
    return ms > MAX_DURATION_MS ? 'must be at most ten years' : undefined;
  } catch (error) {
    if (error instanceof ScheduleError) return error.message;
    throw error;
  }
}
