/**
 * A second reading of definitions: what the API stored, as the rules need it. Shares no code with src/job, whose mistakes would else be
 * taken for what a person asked for; every default is written out here as the API's documentation says it.
 */

import type { TaskSpec } from '../../src/executor/port.ts';
import type { Constraint, Edge, Job, RetryPolicy } from '../../src/job/job.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import type { Suspension, SuspensionSpan } from '../../src/job/suspension.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const UNITS_MS: Readonly<Record<string, number>> = {
  ...{ W: 7 * 24 * 60 * MINUTE_MS, D: 24 * 60 * MINUTE_MS },
  ...{ TH: 60 * MINUTE_MS, TM: MINUTE_MS, TS: SECOND_MS },
};

/** A duration, unit by unit: `M` before the T are months, `TM` after it are minutes. */
export function durationParts(text: string): ReadonlyMap<string, number> {
  const parts = new Map<string, number>();
  let isTime = false;
  let number = '';
  for (const sign of text.slice(1)) {
    if (sign === 'T') isTime = true;
    else if (/[\d.,]/.test(sign)) number += sign === ',' ? '.' : sign;
    else {
      parts.set(isTime ? `T${sign}` : sign, Number(number));
      number = '';
    }
  }
  if (!text.startsWith('P') || number !== '' || parts.size === 0) throw new Error(`${JSON.stringify(text)} is no duration`);
  return parts;
}

/** Of a duration without years and months. */
export function durationMs(text: string): number {
  let sum = 0;
  for (const [unit, count] of durationParts(text)) {
    const ms = UNITS_MS[unit];
    if (ms === undefined) throw new Error(`${JSON.stringify(text)} has no fixed length`);
    sum += Math.round(count * ms);
  }
  return sum;
}

/** Without its schedule: see read-schedule.ts. */
export function readSpec(spec: JobSpec): Job {
  const { after, join } = placeOf(spec);
  return {
    ...{ name: spec.name, schedule: undefined, after, join, task: readTask(spec.task) },
    constraints: (spec.constraints ?? []).map(([attribute, operator, value]): Constraint => ({ attribute, operator, value })),
    placement: spec.placement ?? 'pack',
    retry: readRetry(spec.retry ?? {}),
    timeoutMs: spec.timeout === undefined ? undefined : durationMs(spec.timeout),
    killGraceMs: durationMs(spec.killGrace ?? 'PT10S'),
    unreachableTimeoutMs: durationMs(spec.unreachableTimeout ?? 'PT15M'),
    // No parent's word is dropped because the last run is still busy.
    overlap: spec.overlap ?? (after.length > 0 ? 'queue' : 'forbid'),
    startingDeadlineMs: spec.startingDeadline === undefined ? undefined : durationMs(spec.startingDeadline),
    catchUp: spec.catchUp ?? 'last',
    priority: spec.priority ?? 5,
    suspended: spec.suspended === true,
    owner: spec.owner ?? '',
    labels: spec.labels ?? {},
    keepRuns: spec.keepRuns ?? 50,
  };
}

/** A definition's place in the graph. */
export function placeOf({ schedule, join, after = [] }: JobSpec): {
  readonly scheduled: boolean;
  readonly join: 'flow' | 'latest';
  readonly after: readonly Edge[];
} {
  const edges = after.map((edge): Edge => (typeof edge === 'string' ? { job: edge, on: 'success' } : { on: 'success', ...edge }));
  return { scheduled: schedule !== undefined, join: join ?? 'flow', after: edges };
}

/** The suspensions that are known, oldest first. */
export function spansOf(suspension: Suspension | undefined): readonly SuspensionSpan[] {
  return suspension === undefined ? [] : [...(suspension.earlier ?? []), suspension];
}

function readRetry({ attempts, delay, factor, maxDelay, jitter, on }: NonNullable<JobSpec['retry']>): RetryPolicy {
  const delayMs = durationMs(delay ?? 'PT30S');
  return {
    attempts: attempts ?? 3,
    delayMs,
    factor: factor ?? 2,
    // A first delay is never cut short by a limit that nobody asked for.
    maxDelayMs: maxDelay === undefined ? Math.max(delayMs, durationMs('PT10M')) : durationMs(maxDelay),
    jitter: jitter ?? 0.1,
    on,
  };
}

/** What an executor is to be asked for. Parts without a default stay absent. */
function readTask({ ports, volumes, artifacts, secrets, ...given }: JobSpec['task']): TaskSpec {
  return {
    ...{ env: {}, cpus: 0.1, mem: 128, disk: 0, gpus: 0, network: 'host', dockerParameters: [], pull: 'missing' },
    ...given,
    ...(secrets === undefined || Object.keys(secrets).length === 0 ? {} : { secrets }),
    ports: (ports ?? []).map((port) => ({ hostPort: 0, containerPort: 0, protocol: 'tcp', ...port })),
    volumes: (volumes ?? []).map((volume) => ({ mode: 'rw', ...volume })),
    artifacts: (artifacts ?? []).map((artifact) => ({ extract: true, executable: false, cache: false, ...artifact })),
  };
}
