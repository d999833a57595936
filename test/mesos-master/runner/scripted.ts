/**
 * Tasks without processes: what becomes of each is a function of its TaskInfo. Thousands of agents can run them.
 * The default script understands small shell commands (`sleep 4; exit 3`), so that one test can run against it and
 * against real containers alike.
 */

import type { CancelTimer, Clock } from '../../../src/clock/clock.ts';
import type { RunEnd, RunningTask, RunReport, TaskRun, TaskRunner } from './runner.ts';

export interface Script {
  /** From launch to STARTING; default: Timing's for the kind. Infinity: the executor never registers. */
  readonly startingMs?: number;
  /** From STARTING to RUNNING. */
  readonly runningMs?: number;
  /** From RUNNING to the end; Infinity: only a kill ends it. */
  readonly durationMs?: number;
  readonly end?: RunEnd;
  /** The container cannot be made: no RUNNING, and the end only when the executor has stopped looking for it. */
  readonly uncreatable?: boolean;
  /** What TERM does: by default it ends a command at once, and does nothing to a container's shell. */
  readonly onTerm?: RunEnd | 'ignored';
  /** Base64 in TASK_RUNNING; a Docker task has some by default. */
  readonly data?: string;
}

export type ScriptOf = (run: TaskRun) => Script;

export class ScriptedRunner implements TaskRunner {
  readonly needsSandbox = false;
  readonly #clock: Clock;
  readonly #scriptOf: ScriptOf;
  readonly #byTask = new Map<string, PlayedTask>();

  constructor(clock: Clock, scriptOf: ScriptOf = shellScript) {
    this.#clock = clock;
    this.#scriptOf = scriptOf;
  }

  launch(run: TaskRun, report: (report: RunReport) => void): RunningTask {
    const id = run.info.task_id.value;
    const task = play(this.#clock, withDefaults(run, this.#scriptOf(run)), (sent) => {
      if (sent.type === 'ended' && this.#byTask.get(id) === task) this.#byTask.delete(id);
      report(sent);
    });
    this.#byTask.set(id, task);
    return task;
  }

  /** Ends a running task now: as its script says, or otherwise, as `docker rm -f` behind the agent's back does. */
  end(taskId: string, end?: RunEnd): void {
    this.#byTask.get(taskId)?.end(end);
  }

  close(): Promise<void> {
    for (const task of this.#byTask.values()) task.destroy();
    this.#byTask.clear();
    return Promise.resolve();
  }
}

/** Understands `sleep <seconds>`, `exit <status>`, `kill -9 $$` in command tasks, and `trap "" TERM`; the rest succeeds at once. */
export function shellScript(run: TaskRun): Script {
  const command = [run.info.command?.value ?? '', ...(run.info.command?.arguments ?? [])].join(' ');
  const sleeps = [...command.matchAll(/sleep ([0-9.]+)/g)].map((match) => Number(match[1]) * 1000);
  const endless = /while true/.test(command);
  const status = Number(/exit ([0-9]+)/.exec(command)?.[1] ?? 0);
  const ignoresTerm = /trap "" TERM/.test(command);
  return {
    durationMs: endless ? Number.POSITIVE_INFINITY : sleeps.reduce((sum, ms) => sum + ms, 0),
    end: /kill -9/.test(command) && status === 0 ? ownKill(run) : { how: 'exited', status },
    ...(ignoresTerm ? { onTerm: 'ignored' } : {}),
  };
}

/** A container's first process survives its own SIGKILL, unless something else is the first. */
function ownKill(run: TaskRun): RunEnd {
  if (run.kind === 'command') return { how: 'signaled', signal: 'Killed' };
  const hasInit = run.info.container?.docker?.parameters?.some(({ key, value }) => key === 'init' && value === 'true') ?? false;
  return { how: 'exited', status: hasInit ? 137 : 0 };
}

function withDefaults(run: TaskRun, script: Script): Required<Script> {
  const { timing, kind } = run;
  const docker = kind === 'docker';
  const failsToPull = script.end?.how === 'launch-failed';
  return {
    startingMs: failsToPull ? timing.dockerPullMs : docker ? timing.dockerStartingMs : timing.commandStartingMs,
    runningMs: script.uncreatable ? timing.dockerInspectMs : docker ? timing.dockerRunningMs : timing.commandRunningMs,
    durationMs: 0,
    end: { how: 'exited', status: 0 },
    uncreatable: false,
    onTerm: docker ? 'ignored' : { how: 'signaled', signal: 'Terminated' },
    data: docker ? inspection(run) : '',
    ...script,
    ...(docker ? {} : { durationMs: Math.max(script.durationMs ?? 0, timing.commandShortestMs) }),
  };
}

interface PlayedTask extends RunningTask {
  end(end?: RunEnd): void;
}

function play(clock: Clock, script: Required<Script>, report: (report: RunReport) => void): PlayedTask {
  let cancel: CancelTimer = () => undefined;
  let over = false;
  const after = (ms: number, fn: () => void): void => {
    if (ms < Number.POSITIVE_INFINITY) cancel = clock.timer(ms, fn);
  };
  const end = (how: RunEnd = script.end): void => {
    if (over) return;
    over = true;
    cancel();
    report({ type: 'ended', end: how });
  };
  const running = (): void => {
    report(script.data === '' ? { type: 'running' } : { type: 'running', data: script.data });
    after(script.durationMs, () => end(script.end));
  };
  const starting = (): void => {
    if (script.end.how === 'launch-failed' || script.end.how === 'dropped') return end(script.end);
    report({ type: 'starting', pid: 10_000 });
    if (script.uncreatable) after(script.runningMs, () => end(script.end));
    else after(script.runningMs, running);
  };
  after(script.startingMs, starting);
  return {
    end,
    kill: (graceMs) => {
      const { onTerm } = script;
      cancel();
      if (onTerm !== 'ignored' && graceMs > 0) after(0, () => end(onTerm));
      else after(graceMs, () => end(script.data === '' ? { how: 'signaled', signal: 'Killed' } : { how: 'exited', status: 137 }));
    },
    destroy: () => {
      over = true;
      cancel();
    },
  };
}

/** Of the size that `docker inspect` has for real, about 6 kB. */
const FILLER = Array.from({ length: 90 }, (_, index) => `FILLER_${String(index).padStart(3, '0')}=${'x'.repeat(36)}`);

function inspection(run: TaskRun): string {
  const config = { Image: run.info.container?.docker?.image ?? '', Env: FILLER };
  const state = { Status: 'running', Running: true, ExitCode: 0 };
  const text = JSON.stringify([{ Id: run.containerId, Name: `/mesos-${run.containerId}`, State: state, Config: config }], null, 4);
  return Buffer.from(text).toString('base64');
}
