/**
 * What one step tells the executor follows from what it writes: the rules commands and content, and of killed and reconciled-first what
 * a step alone shows (words: invariants.ts). To be asked when the step has just been applied to the history.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Attempt, RunRecord } from '../../src/engine/records.ts';
import { isAlive } from '../../src/engine/run-state.ts';
import { parseTaskId } from '../../src/engine/task-id.ts';
import type { ExecutorCommand, TaskLaunch, TaskRef } from '../../src/executor/port.ts';
import type { Revision } from '../../src/store/port.ts';
import type { History, Step } from './history.ts';
import { checkDefined } from './launch-rules.ts';
import { InvariantViolation } from './violation.ts';

export type CommandOf<T extends ExecutorCommand['type']> = Extract<ExecutorCommand, { type: T }>;

/** A run, and its newest attempt, which may have a task at the executor. */
export interface Alive {
  readonly run: RunRecord;
  readonly attempt: Attempt;
}

export interface Told {
  readonly commands: readonly ExecutorCommand[];
  readonly term: Revision;
}

export function checkCommands(history: History, step: Step, told: Told): void {
  checkLaunches(history, step, told);
  checkFirstKills(step, told.commands);
  for (const command of of(told.commands, 'kill')) checkKill(history, command);
  for (const { tasks } of of(told.commands, 'reconcile')) for (const task of tasks) checkAsked(history, task);
  checkForgotten(step, told.commands);
}

export function of<T extends ExecutorCommand['type']>(commands: readonly ExecutorCommand[], type: T): CommandOf<T>[] {
  return commands.filter((command): command is CommandOf<T> => command.type === type);
}

/** Every task that the store believes alive, of whatever job: also of one that is deleted, or in quarantine. */
export function* aliveIn(history: History): Generator<Alive> {
  for (const run of history.open.values()) {
    const attempt = run.attempts.at(-1);
    if (attempt && isAlive(run.state)) yield { run, attempt };
  }
}

/** The run that a task is the newest attempt of, if that may be going on. */
export function aliveTask(history: History, taskId: string): Alive | undefined {
  const id = parseTaskId(taskId);
  const run = id && history.run(id.job, id.run);
  const attempt = run?.attempts.at(-1);
  return run && attempt?.taskId === taskId && isAlive(run.state) ? { run, attempt } : undefined;
}

/** commands: what is launched is what is intended, all of it and nothing beside. */
function checkLaunches(history: History, step: Step, { commands, term }: Told): void {
  const launches = of(commands, 'launch');
  const tasks = new Map(launches.flatMap((launch) => launch.tasks.map((task) => [task.taskId, task] as const)));
  const count = launches.reduce((sum, launch) => sum + launch.tasks.length, 0);
  if (count !== tasks.size) fail('commands', `a step launches a task twice: ${[...tasks.keys()].join(' ')}`, '');
  for (const { run, attempt } of intentsOf(step)) {
    const task = tasks.get(attempt.taskId);
    if (!task) return fail('commands', `${attempt.taskId} is intended, and its step does not launch it`, run.job);
    tasks.delete(attempt.taskId);
    checkTask(history, { run, attempt }, { task, term });
  }
  for (const { taskId, job } of tasks.values()) fail('commands', `${taskId} is launched by a step that does not intend it`, job);
  for (const launch of launches) {
    const agents = new Set(launch.tasks.map(({ agentId }) => agentId));
    if (agents.size !== 1) fail('commands', `one launch is for the agents ${[...agents].join(', ') || 'none'}`, '');
  }
}

function intentsOf(step: Step): Alive[] {
  const found: Alive[] = [];
  for (const { runs } of step.jobs.values()) {
    for (const { before, after } of runs.values()) {
      const attempt = after?.attempts.at(-1);
      if (after?.state === 'launching' && attempt && attempt.number > (before?.attempts.length ?? 0)) found.push({ run: after, attempt });
    }
  }
  return found;
}

/** content: the task is the one that the attempt tells of. */
function checkTask(history: History, { run, attempt }: Alive, { task, term }: { task: TaskLaunch; term: Revision }): void {
  const told = refOf(task);
  const wanted = refOf(attempt);
  const where = { ...told, job: task.job, run: task.run, attempt: task.attempt, ports: task.ports };
  const expected = { ...wanted, job: run.job, run: run.number, attempt: attempt.number, ports: attempt.ports ?? [] };
  if (!isDeepStrictEqual(where, expected))
    fail('content', `${task.taskId} is launched as ${JSON.stringify(where)} instead of ${JSON.stringify(expected)}`, run.job);
  checkDefined(history, run, task);
  const env = environmentOf(history, { run, attempt }, term);
  const names = new Set([...Object.keys(env), ...Object.keys(task.env)]);
  for (const name of names) {
    if (env[name] === task.env[name]) continue;
    fail('content', `${task.taskId} has ${name} = ${task.env[name] ?? 'nothing'} instead of ${env[name] ?? 'nothing'}`, run.job);
  }
}

/** What a task finds in its environment, as users are told, from the run's record alone. */
function environmentOf(history: History, { run, attempt }: Alive, term: Revision): Record<string, string | undefined> {
  const { number, flow, trigger, createdAt, spec } = run;
  if (!spec) return {};
  const { task, owner } = history.resolve(spec);
  const nominal = trigger.type === 'schedule' ? new Date(trigger.scheduledFor) : undefined;
  const ports = (attempt.ports ?? []).map((port, index) => [`KAIROS_PORT${index}`, `${port}`]);
  return {
    ...{ HOST: attempt.hostname, ...spec.task?.env },
    ...{ CHRONOS_JOB_NAME: run.job, CHRONOS_JOB_OWNER: owner, CHRONOS_JOB_RUN_ATTEMPT: `${attempt.number - 1}` },
    CHRONOS_JOB_RUN_TIME: `${nominal?.getTime() ?? createdAt}`,
    ...{ CHRONOS_RESOURCE_CPU: `${task.cpus}`, CHRONOS_RESOURCE_MEM: `${task.mem}`, CHRONOS_RESOURCE_DISK: `${task.disk}` },
    ...{ KAIROS_JOB: run.job, KAIROS_RUN: `${number}`, KAIROS_ATTEMPT: `${attempt.number}`, KAIROS_FLOW: flow },
    ...{ KAIROS_SCHEDULED_FOR: nominal?.toISOString() ?? '', KAIROS_TERM: `${term}`, KAIROS_HOST: attempt.hostname },
    ...{ KAIROS_CPUS: `${task.cpus}`, KAIROS_MEM: `${task.mem}`, KAIROS_DISK: `${task.disk}`, KAIROS_GPUS: `${task.gpus}` },
    ...Object.fromEntries(ports),
  };
}

/** killed: the step in which a run begins to be killed tells its task so. */
function checkFirstKills(step: Step, commands: readonly ExecutorCommand[]): void {
  const told = of(commands, 'kill').map(({ task }) => task.taskId);
  const twice = told.find((taskId, index) => told.indexOf(taskId) !== index);
  if (twice !== undefined) fail('killed', `${twice} is told to end twice in one step`, parseTaskId(twice)?.job ?? '');
  for (const { runs } of step.jobs.values()) {
    for (const { before, after } of runs.values()) {
      const taskId = after?.attempts.at(-1)?.taskId;
      if (after?.state !== 'killing' || before?.state === 'killing' || taskId === undefined || told.includes(taskId)) continue;
      fail('killed', `${taskId} is to be killed, and is not told so in that step`, after.job);
    }
  }
}

/** killed: with the grace of its run's definition; what is given up already, and goes on, with none. */
function checkKill(history: History, { task, graceMs }: CommandOf<'kill'>): void {
  const alive = aliveTask(history, task.taskId);
  const job = parseTaskId(task.taskId)?.job ?? '';
  if (!alive) {
    if (graceMs !== 0) fail('killed', `${task.taskId}, which is over, is given ${graceMs} ms to end`, job);
    return;
  }
  const { run, attempt } = alive;
  if (run.state !== 'killing') fail('killed', `${task.taskId} is to be killed while its run is ${run.state}`, job);
  if (!isDeepStrictEqual(refOf(task), refOf(attempt)))
    fail('killed', `${task.taskId} is to be killed at ${JSON.stringify(task)} instead of ${JSON.stringify(refOf(attempt))}`, job);
  checkGrace(history, { run, attempt }, graceMs);
}

export function checkGrace(history: History, { run, attempt }: Alive, graceMs: number): void {
  const expected = run.spec && history.resolve(run.spec).killGraceMs;
  if (expected === undefined || expected === graceMs) return;
  fail('killed', `${attempt.taskId} is given ${graceMs} ms to end instead of ${expected}`, run.job);
}

/** reconciled-first: what is asked about is alive, and asked about where it is. */
function checkAsked(history: History, task: TaskRef): void {
  const alive = aliveTask(history, task.taskId);
  const job = parseTaskId(task.taskId)?.job ?? '';
  if (!alive) return fail('reconciled-first', `${task.taskId} is asked about, which is not alive`, job);
  if (isDeepStrictEqual(refOf(task), refOf(alive.attempt))) return;
  fail('reconciled-first', `${task.taskId} is asked about at ${JSON.stringify(task)}`, job);
}

/** commands: what the executor may forget are the tasks of runs that are forgotten, all of them. */
function checkForgotten(step: Step, commands: readonly ExecutorCommand[]): void {
  const told = of(commands, 'forget').flatMap(({ tasks }) => tasks.map(refOf));
  const gone = [...step.jobs.values()].flatMap(({ runs }) =>
    [...runs.values()].flatMap(({ before, after }) => (before && !after ? before.attempts.map(refOf) : [])),
  );
  const surplus = told.find((task) => !gone.some((other) => isDeepStrictEqual(task, other)));
  if (surplus) fail('commands', `${surplus.taskId} is to be forgotten, and its run is not`, parseTaskId(surplus.taskId)?.job ?? '');
  const missing = gone.find(({ taskId }) => !told.some((task) => task.taskId === taskId));
  if (missing) fail('commands', `${missing.taskId} is kept though its run is forgotten`, parseTaskId(missing.taskId)?.job ?? '');
}

function refOf({ taskId, agentId, address }: TaskRef): TaskRef {
  return { taskId, agentId, address };
}

function fail(invariant: string, message: string, job: string): never {
  throw new InvariantViolation(invariant, message, job === '' ? [] : [job]);
}
