/**
 * From a definition as given to a job with every default filled in and every unit resolved.
 * Trusts that the definition was validated when it was stored: it is used for every job at every load, so nothing is checked
 * twice. Parts that a definition does not mention are shared between jobs, not copied.
 */

import type { Artifact, PortMapping, TaskSpec, Volume } from '../executor/port.ts';
import { compileSchedule } from '../schedule/compile-schedule.ts';
import { durationToMs, parseDuration } from '../schedule/duration.ts';
import type { Instant, Schedule } from '../schedule/schedule.ts';
import {
  DEFAULT_ARTIFACT_EXTRACT,
  DEFAULT_CATCH_UP,
  DEFAULT_CPUS,
  DEFAULT_DISK,
  DEFAULT_EDGE_CONDITION,
  DEFAULT_GPUS,
  DEFAULT_JOIN,
  DEFAULT_KEEP_RUNS,
  DEFAULT_KILL_GRACE,
  DEFAULT_MEM,
  DEFAULT_NETWORK,
  DEFAULT_OVERLAP,
  DEFAULT_OVERLAP_DEPENDENT,
  DEFAULT_PORT_PROTOCOL,
  DEFAULT_PLACEMENT,
  DEFAULT_PRIORITY,
  DEFAULT_PULL,
  DEFAULT_RETRY_ATTEMPTS,
  DEFAULT_RETRY_DELAY,
  DEFAULT_RETRY_FACTOR,
  DEFAULT_RETRY_JITTER,
  DEFAULT_RETRY_MAX_DELAY,
  DEFAULT_UNREACHABLE_TIMEOUT,
  DEFAULT_VOLUME_MODE,
} from './defaults.ts';
import type { GraphNode } from './graph.ts';
import type { Constraint, Edge, Job, JobRecord, RetryPolicy } from './job.ts';
import type { ConstraintSpec, EdgeSpec, JobSpec } from './spec.ts';

const NONE: readonly never[] = Object.freeze([]);
const NO_NAMES: Readonly<Record<string, string>> = Object.freeze({});
const DEFAULT_RETRY: RetryPolicy = Object.freeze({
  attempts: DEFAULT_RETRY_ATTEMPTS,
  delayMs: DEFAULT_RETRY_DELAY.ms,
  factor: DEFAULT_RETRY_FACTOR,
  maxDelayMs: DEFAULT_RETRY_MAX_DELAY.ms,
  jitter: DEFAULT_RETRY_JITTER,
  on: undefined,
});

/** The job a stored definition stands for, its schedule compiled. Throws ScheduleError when the schedule can't be used. */
export function resolveJob(record: Pick<JobRecord<JobSpec>, 'spec' | 'scheduledSince'>): Job {
  return resolveSpec(record.spec, scheduleOf(record.spec, record.scheduledSince));
}

/** The job a definition stands for, with this schedule or none. Runs keep the definition they were made with: for them, none is needed. */
export function resolveSpec(spec: JobSpec, schedule?: Schedule): Job {
  return {
    name: spec.name,
    schedule,
    after: resolveEdges(spec.after),
    join: spec.join ?? DEFAULT_JOIN,
    task: resolveTask(spec.task),
    constraints: spec.constraints === undefined ? NONE : spec.constraints.map(resolveConstraint),
    placement: spec.placement ?? DEFAULT_PLACEMENT,
    retry: resolveRetry(spec.retry),
    timeoutMs: optionalMs(spec.timeout),
    killGraceMs: optionalMs(spec.killGrace) ?? DEFAULT_KILL_GRACE.ms,
    unreachableTimeoutMs: optionalMs(spec.unreachableTimeout) ?? DEFAULT_UNREACHABLE_TIMEOUT.ms,
    overlap: spec.overlap ?? (isDependent(spec) ? DEFAULT_OVERLAP_DEPENDENT : DEFAULT_OVERLAP),
    startingDeadlineMs: optionalMs(spec.startingDeadline),
    catchUp: spec.catchUp ?? DEFAULT_CATCH_UP,
    priority: spec.priority ?? DEFAULT_PRIORITY,
    suspended: spec.suspended ?? false,
    owner: spec.owner ?? '',
    labels: spec.labels ?? NO_NAMES,
    keepRuns: spec.keepRuns ?? DEFAULT_KEEP_RUNS,
  };
}

/** The parents a definition names, with their conditions. */
export function resolveEdges(after: JobSpec['after']): readonly Edge[] {
  return after === undefined || after.length === 0 ? NONE : after.map(resolveEdge);
}

/** A definition's place in the graph. */
export function nodeOfSpec(spec: JobSpec): GraphNode {
  return { scheduled: spec.schedule !== undefined, join: spec.join ?? DEFAULT_JOIN, after: resolveEdges(spec.after) };
}

function resolveEdge(edge: EdgeSpec): Edge {
  return typeof edge === 'string' ? { job: edge, on: DEFAULT_EDGE_CONDITION } : { job: edge.job, on: edge.on ?? DEFAULT_EDGE_CONDITION };
}

function scheduleOf(spec: JobSpec, anchor: Instant): Schedule | undefined {
  if (spec.schedule === undefined) return undefined;
  const input = { text: spec.schedule, seed: spec.name, anchor };
  return compileSchedule(spec.timeZone === undefined ? input : { ...input, timeZone: spec.timeZone });
}

function resolveConstraint([attribute, operator, value]: ConstraintSpec): Constraint {
  return { attribute, operator, value };
}

function resolveRetry(retry: JobSpec['retry']): RetryPolicy {
  if (retry === undefined) return DEFAULT_RETRY;
  const delayMs = optionalMs(retry.delay) ?? DEFAULT_RETRY_DELAY.ms;
  return {
    attempts: retry.attempts ?? DEFAULT_RETRY_ATTEMPTS,
    delayMs,
    factor: retry.factor ?? DEFAULT_RETRY_FACTOR,
    maxDelayMs: optionalMs(retry.maxDelay) ?? Math.max(DEFAULT_RETRY_MAX_DELAY.ms, delayMs),
    jitter: retry.jitter ?? DEFAULT_RETRY_JITTER,
    on: retry.on,
  };
}

function resolveTask(task: JobSpec['task']): TaskSpec {
  return {
    ...(task.image === undefined ? undefined : { image: task.image }),
    ...(task.command === undefined ? undefined : { command: task.command }),
    ...(task.user === undefined ? undefined : { user: task.user }),
    env: task.env ?? NO_NAMES,
    ...(task.secrets === undefined || Object.keys(task.secrets).length === 0 ? undefined : { secrets: task.secrets }),
    cpus: task.cpus ?? DEFAULT_CPUS,
    mem: task.mem ?? DEFAULT_MEM,
    disk: task.disk ?? DEFAULT_DISK,
    gpus: task.gpus ?? DEFAULT_GPUS,
    ...(task.limits === undefined ? undefined : { limits: task.limits }),
    ...(task.shmSize === undefined ? undefined : { shmSize: task.shmSize }),
    ...(task.hostname === undefined ? undefined : { hostname: task.hostname }),
    network: task.network ?? DEFAULT_NETWORK,
    ports: task.ports === undefined ? NONE : task.ports.map(resolvePort),
    volumes: task.volumes === undefined ? NONE : task.volumes.map(resolveVolume),
    artifacts: task.artifacts === undefined ? NONE : task.artifacts.map(resolveArtifact),
    dockerParameters: task.dockerParameters ?? NONE,
    ...(task.pullSecret === undefined ? undefined : { pullSecret: task.pullSecret }),
    pull: task.pull ?? DEFAULT_PULL,
  };
}

type TaskItem<Key extends 'ports' | 'volumes' | 'artifacts'> = NonNullable<JobSpec['task'][Key]>[number];

function resolvePort(port: TaskItem<'ports'>): PortMapping {
  return {
    hostPort: port.hostPort ?? 0,
    containerPort: port.containerPort ?? 0,
    protocol: port.protocol ?? DEFAULT_PORT_PROTOCOL,
    ...(port.name === undefined ? undefined : { name: port.name }),
  };
}

function resolveVolume(volume: TaskItem<'volumes'>): Volume {
  const { containerPath, source, mode = DEFAULT_VOLUME_MODE, driver, driverOptions } = volume;
  return {
    containerPath,
    source,
    mode,
    ...(driver === undefined ? undefined : { driver }),
    ...(driverOptions === undefined ? undefined : { driverOptions }),
  };
}

function resolveArtifact(artifact: TaskItem<'artifacts'>): Artifact {
  return {
    uri: artifact.uri,
    extract: artifact.extract ?? DEFAULT_ARTIFACT_EXTRACT,
    executable: artifact.executable ?? false,
    cache: artifact.cache ?? false,
    ...(artifact.destination === undefined ? undefined : { destination: artifact.destination }),
  };
}

function isDependent(spec: JobSpec): boolean {
  return spec.after !== undefined && spec.after.length > 0;
}

function optionalMs(text: string | undefined): number | undefined {
  return text === undefined ? undefined : durationToMs(parseDuration(text));
}
