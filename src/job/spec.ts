/**
 * A definition as a person writes it, and as it is stored: exactly what was given, no default filled in.
 * One schema is the type, the check and, by its descriptions, the API's documentation. Rules that span fields are in
 * validate-spec.ts, those that span jobs in check-edit.ts.
 *
 * Invariant: a definition that is stored has passed all three; nothing learned at run time is ever written into it.
 */

import { z } from 'zod';
import {
  DEFAULT_CATCH_UP,
  DEFAULT_EDGE_CONDITION,
  DEFAULT_JOIN,
  DEFAULT_KEEP_RUNS,
  DEFAULT_KILL_GRACE,
  DEFAULT_OVERLAP,
  DEFAULT_OVERLAP_DEPENDENT,
  DEFAULT_PLACEMENT,
  DEFAULT_PRIORITY,
  DEFAULT_RETRY_ATTEMPTS,
  DEFAULT_RETRY_DELAY,
  DEFAULT_RETRY_FACTOR,
  DEFAULT_RETRY_JITTER,
  DEFAULT_RETRY_MAX_DELAY,
  DEFAULT_UNREACHABLE_TIMEOUT,
} from './defaults.ts';
import { boundedText, boundedWord, durationText, jobName } from './fields.ts';
import {
  MAX_CONSTRAINTS,
  MAX_EXIT_CODES,
  MAX_KEPT_RUNS,
  MAX_LABELS,
  MAX_LABEL_LENGTH,
  MAX_OWNER_LENGTH,
  MAX_PARENTS,
  MAX_RETRY_ATTEMPTS,
  MAX_RETRY_FACTOR,
  MAX_SCHEDULE_LENGTH,
  MAX_TEXT_LENGTH,
  MAX_TIME_ZONE_LENGTH,
} from './limits.ts';
import { taskSchema } from './task-fields.ts';

const edgeSchema = z
  .union([
    jobName,
    z.strictObject({
      job: jobName.describe("The parent's name."),
      on: z
        .enum(['success', 'failure', 'completion'])
        .exactOptional()
        .describe(`What must have become of the parent's run. Default ${DEFAULT_EDGE_CONDITION}.`),
    }),
  ])
  .describe(`A parent: its name, or its name and what must have become of its run (${DEFAULT_EDGE_CONDITION} unless said).`);

const constraintSchema = z
  .tuple([
    boundedWord(128).describe(
      "An agent's attribute, or @hostname, @region, @zone. Other regions than the cluster's own are only for jobs that ask for @region, or for a @zone by name.",
    ),
    z.enum(['EQUALS', 'LIKE', 'UNLIKE', 'IS', 'IN', 'UNIQUE', 'CLUSTER', 'GROUP_BY', 'MAX_PER']),
    boundedText(1024).optional(),
  ])
  .describe(
    '[attribute, operator, value]. LIKE and UNLIKE take a regular expression for the whole value, in the syntax of RE2 (no lookaround, no backreferences).',
  );

const retrySchema = z
  .strictObject({
    attempts: z
      .int()
      .min(1)
      .max(MAX_RETRY_ATTEMPTS)
      .exactOptional()
      .describe(
        `Attempts in all that may fail by the task's own doing, the first included; 1: no retry. Default ${DEFAULT_RETRY_ATTEMPTS}.`,
      ),
    delay: durationText('zero')
      .exactOptional()
      .describe(`Wait before the second attempt, as a duration. Default ${DEFAULT_RETRY_DELAY.text}.`),
    factor: z
      .number()
      .min(1)
      .max(MAX_RETRY_FACTOR)
      .exactOptional()
      .describe(`By which each further wait is longer than the one before. Default ${DEFAULT_RETRY_FACTOR}.`),
    maxDelay: durationText('zero')
      .exactOptional()
      .describe(
        `Longest wait before jitter, as a duration; with it up to (1 + jitter) times as long. Default ${DEFAULT_RETRY_MAX_DELAY.text}, or delay when that is longer.`,
      ),
    jitter: z
      .number()
      .min(0)
      .max(1)
      .exactOptional()
      .describe(`Share of the wait, 0 to 1, by which it is spread to either side. Default ${DEFAULT_RETRY_JITTER}.`),
    on: z
      .array(z.int().min(1).max(255))
      .min(1)
      .max(MAX_EXIT_CODES)
      .exactOptional()
      .describe('Only these exit codes are worth another attempt. Absent: every failure is.'),
  })
  .describe('When a failed attempt is followed by another one.');

const labelsSchema = z
  .record(boundedWord(MAX_LABEL_LENGTH), boundedText(MAX_LABEL_LENGTH))
  .refine((labels) => Object.keys(labels).length <= MAX_LABELS, { error: `must have at most ${MAX_LABELS} labels` })
  .describe('Free names and values, to find jobs by; handed to the executor with each task.');

export const jobSpecSchema = z
  .strictObject({
    name: jobName.describe('1 to 128 letters, digits, _ . and -; dots group.'),
    schedule: boundedWord(MAX_SCHEDULE_LENGTH)
      .exactOptional()
      .describe(
        'When it runs: an ISO 8601 repeating interval (R/2026-01-01T03:00:00Z/P1D) or a cron expression (0 3 * * *, @daily). Not together with after.',
      ),
    timeZone: boundedWord(MAX_TIME_ZONE_LENGTH)
      .exactOptional()
      .describe('IANA name of the zone whose wall clock the schedule follows. Default UTC.'),
    after: z.array(edgeSchema).max(MAX_PARENTS).exactOptional().describe('The jobs it runs after. Not together with schedule.'),
    join: z
      .enum(['flow', 'latest'])
      .exactOptional()
      .describe(`flow: once per flow; latest: when each parent has completed since this job's last run. Default ${DEFAULT_JOIN}.`),
    task: taskSchema,
    constraints: z
      .array(constraintSchema)
      .max(MAX_CONSTRAINTS)
      .exactOptional()
      .describe('Which agents may run it. All must hold. Default none.'),
    placement: z
      .enum(['pack', 'spread'])
      .exactOptional()
      .describe(
        `pack: on the fullest agent that has room, so that others stay free for large tasks; spread: on the emptiest, in turn. Default ${DEFAULT_PLACEMENT}.`,
      ),
    retry: retrySchema.exactOptional(),
    timeout: durationText('above zero').exactOptional().describe('Longest an attempt may run, as a duration. Default: no limit.'),
    killGrace: durationText('zero')
      .exactOptional()
      .describe(`Time between the polite and the forced end of a task, as a duration. Default ${DEFAULT_KILL_GRACE.text}.`),
    unreachableTimeout: durationText('zero')
      .exactOptional()
      .describe(
        `How long to wait for an attempt whose agent is cut off before it counts as lost. Default ${DEFAULT_UNREACHABLE_TIMEOUT.text}.`,
      ),
    overlap: z
      .enum(['forbid', 'queue', 'allow', 'replace'])
      .exactOptional()
      .describe(
        `What to do when a run comes due while another is active. Default ${DEFAULT_OVERLAP}; ${DEFAULT_OVERLAP_DEPENDENT} for a job with after.`,
      ),
    startingDeadline: durationText('above zero')
      .exactOptional()
      .describe('How late a run may be launched, queueing included; past it the run is missed. Default: no limit.'),
    catchUp: z
      .enum(['none', 'last', 'all'])
      .exactOptional()
      .describe(`Which nominal times run that passed while nobody could decide. Default ${DEFAULT_CATCH_UP}.`),
    priority: z.int().min(0).max(9).exactOptional().describe(`0 to 9, higher first. Default ${DEFAULT_PRIORITY}.`),
    suspended: z.boolean().exactOptional().describe('While true no run is made; those that wait already go on. Default false.'),
    owner: boundedText(MAX_OWNER_LENGTH).exactOptional().describe('Who to ask about it.'),
    description: boundedText(MAX_TEXT_LENGTH).exactOptional().describe('What it is for.'),
    labels: labelsSchema.exactOptional(),
    keepRuns: z
      .int()
      .min(1)
      .max(MAX_KEPT_RUNS)
      .exactOptional()
      .describe(`How many runs that are over are kept. Default ${DEFAULT_KEEP_RUNS}.`),
  })
  .meta({ id: 'JobSpec', description: 'A job: when it runs, what it runs, what it runs after.' });

type DeepReadonly<T> = T extends (infer Item)[] | readonly (infer Item)[]
  ? T extends [unknown, ...unknown[]]
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

export type JobSpec = DeepReadonly<z.infer<typeof jobSpecSchema>>;
export type EdgeSpec = NonNullable<JobSpec['after']>[number];
export type ConstraintSpec = NonNullable<JobSpec['constraints']>[number];
