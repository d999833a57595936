/**
 * Decides whether an input is a definition, and says everything that is wrong with it at once. Looks at one definition alone;
 * what other jobs have to do with it is checked by check-edit.ts.
 */

import { compileSchedule } from '../schedule/compile-schedule.ts';
import { durationToMs, parseDuration } from '../schedule/duration.ts';
import { ScheduleError } from '../schedule/errors.ts';
import type { Instant } from '../schedule/schedule.ts';
import { DEFAULT_CPUS, DEFAULT_MEM, DEFAULT_NETWORK } from './defaults.ts';
import { MAX_SPEC_BYTES } from './limits.ts';
import { compilePattern } from './pattern.ts';
import { describeIssues, type Issue } from './schema-issues.ts';
import { type ConstraintSpec, type JobSpec, jobSpecSchema } from './spec.ts';

export type SpecValidation = { readonly ok: true; readonly spec: JobSpec } | { readonly ok: false; readonly issues: readonly Issue[] };

/** `anchor` stands in for an empty start of the schedule: the time at which the definition would be set. */
export function validateSpec(input: unknown, anchor: Instant = 0): SpecValidation {
  const parsed = jobSpecSchema.safeParse(input);
  const issues = [
    ...hiddenKeys(input),
    ...(parsed.success ? spanning(parsed.data, anchor) : describeIssues(jobSpecSchema, parsed.error, input)),
  ];
  return parsed.success && issues.length === 0 ? { ok: true, spec: parsed.data } : { ok: false, issues };
}

/** A parser drops `__proto__` from free-named objects without a word; a person is owed one. */
function hiddenKeys(input: unknown): Issue[] {
  const issues: Issue[] = [];
  const look = (value: unknown, path: string): void => {
    if (typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__')) {
      issues.push({ path: `${path}.__proto__`, message: 'is not a usable name' });
    }
  };
  if (typeof input === 'object' && input !== null) {
    const { labels, task } = input as { labels?: unknown; task?: { env?: unknown; secrets?: unknown; volumes?: unknown } | null };
    look(labels, 'labels');
    look(task?.env, 'task.env');
    look(task?.secrets, 'task.secrets');
    if (Array.isArray(task?.volumes))
      for (const [index, volume] of (task.volumes as ({ driverOptions?: unknown } | null)[]).entries())
        look(volume?.driverOptions, `task.volumes[${index}].driverOptions`);
  }
  return issues;
}

/** Rules that span fields. */
function spanning(spec: JobSpec, anchor: Instant): Issue[] {
  return [
    ...triggerIssues(spec),
    ...scheduleIssues(spec, anchor),
    ...parentIssues(spec),
    ...taskIssues(spec),
    ...(spec.constraints ?? []).flatMap(constraintIssues),
    ...retryIssues(spec),
    ...sizeIssues(spec),
  ];
}

function triggerIssues(spec: JobSpec): Issue[] {
  const issues: Issue[] = [];
  const dependent = spec.after !== undefined && spec.after.length > 0;
  if (spec.schedule !== undefined && dependent)
    issues.push({ path: 'after', message: 'must not be given together with schedule: a job has one or the other' });
  if (spec.timeZone !== undefined && spec.schedule === undefined)
    issues.push({ path: 'timeZone', message: 'must be given only with a schedule' });
  if (spec.join !== undefined && !dependent) issues.push({ path: 'join', message: 'must be given only with after' });
  return issues;
}

/** An empty start is the anchor: a schedule may do for one, and not for another that is past its end. */
export function scheduleIssues(spec: JobSpec, anchor: Instant): Issue[] {
  if (spec.schedule === undefined) return [];
  try {
    const zone = spec.timeZone === undefined ? {} : { timeZone: spec.timeZone };
    compileSchedule({ text: spec.schedule, ...zone, seed: spec.name, anchor });
    return [];
  } catch (error) {
    if (error instanceof ScheduleError) return [{ path: error.field === 'timeZone' ? 'timeZone' : 'schedule', message: error.message }];
    throw error;
  }
}

function parentIssues(spec: JobSpec): Issue[] {
  const seen = new Set<string>();
  const issues: Issue[] = [];
  for (const [index, edge] of (spec.after ?? []).entries()) {
    const parent = typeof edge === 'string' ? edge : edge.job;
    if (seen.has(parent)) issues.push({ path: `after[${index}]`, message: `names ${parent} a second time` });
    seen.add(parent);
  }
  return issues;
}

function taskIssues(spec: JobSpec): Issue[] {
  const { image, command } = spec.task;
  const issues = [...fieldIssues(spec.task), ...volumeIssues(spec.task)];
  if (image === undefined && command === undefined) issues.push({ path: 'task', message: 'must have an image, a command, or both' });
  if (Array.isArray(command) && command[0] === '')
    issues.push({ path: 'task.command[0]', message: 'must not be empty: it is the program' });
  return issues;
}

/** A driver has named volumes, and only a driver takes options. */
function volumeIssues(task: JobSpec['task']): Issue[] {
  const issues: Issue[] = [];
  for (const [index, { source, driver, driverOptions }] of (task.volumes ?? []).entries()) {
    const path = `task.volumes[${index}]`;
    if (driver !== undefined && source.startsWith('/'))
      issues.push({ path: `${path}.driver`, message: 'must be given only with the name of a volume: a path on the agent has none' });
    if (driverOptions !== undefined && driver === undefined)
      issues.push({ path: `${path}.driverOptions`, message: 'must be given only with driver' });
  }
  return issues;
}

/** What only a container has, variables given twice, and limits, which are never below what is asked for. */
function fieldIssues(task: JobSpec['task']): Issue[] {
  const issues: Issue[] = [];
  for (const field of ['hostname', 'shmSize', 'pullSecret'] as const)
    if (task[field] !== undefined && task.image === undefined)
      issues.push({ path: `task.${field}`, message: 'must be given only with an image: a container has it' });
  if (task.hostname !== undefined && (task.network ?? DEFAULT_NETWORK) === 'host')
    issues.push({ path: 'task.hostname', message: "must not be given on the host network, where the name is the agent's" });
  for (const name of Object.keys(task.secrets ?? {}))
    if (task.env?.[name] !== undefined) issues.push({ path: `task.secrets.${name}`, message: 'stands in env too' });
  const asked = { cpus: task.cpus ?? DEFAULT_CPUS, mem: task.mem ?? DEFAULT_MEM };
  for (const name of ['cpus', 'mem'] as const) {
    const limit = task.limits?.[name];
    if (limit !== undefined && limit < asked[name])
      issues.push({ path: `task.limits.${name}`, message: `must not be below the ${asked[name]} that is asked for` });
  }
  return issues;
}

function constraintIssues(constraint: ConstraintSpec, index: number): Issue[] {
  const message = constraintProblem(constraint);
  return message === undefined ? [] : [{ path: `constraints[${index}][2]`, message }];
}

function constraintProblem([, operator, value]: ConstraintSpec): string | undefined {
  switch (operator) {
    case 'UNIQUE':
      return value === undefined ? undefined : 'must be absent: UNIQUE takes no value';
    case 'CLUSTER':
      return undefined;
    case 'GROUP_BY':
      return value === undefined || isCount(value) ? undefined : 'must be a whole number above zero, as text';
    case 'MAX_PER':
      return value !== undefined && isCount(value) ? undefined : 'must be a whole number above zero, as text: MAX_PER needs it';
    case 'LIKE':
    case 'UNLIKE':
      return value === undefined ? `is required: ${operator} needs a regular expression` : patternProblem(value);
    case 'EQUALS':
    case 'IS':
    case 'IN':
      return value === undefined ? `is required: ${operator} needs a value` : undefined;
  }
}

function isCount(text: string): boolean {
  return /^[1-9]\d{0,5}$/.test(text);
}

function patternProblem(text: string): string | undefined {
  const compiled = compilePattern(text);
  return compiled.ok ? undefined : compiled.problem;
}

function retryIssues({ retry }: JobSpec): Issue[] {
  if (retry?.delay === undefined || retry.maxDelay === undefined) return [];
  if (durationToMs(parseDuration(retry.maxDelay)) >= durationToMs(parseDuration(retry.delay))) return [];
  return [{ path: 'retry.maxDelay', message: 'must not be shorter than retry.delay' }];
}

function sizeIssues(spec: JobSpec): Issue[] {
  if (Buffer.byteLength(JSON.stringify(spec)) <= MAX_SPEC_BYTES) return [];
  return [{ path: '', message: `a definition must have at most ${MAX_SPEC_BYTES} bytes as JSON` }];
}
