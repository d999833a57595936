/**
 * What really runs (or pretends to run) a task on a stand-in agent: the part that Mesos calls containerizer and
 * executor. It outlives the agent's process: a runner's task goes on while the agent is killed, and reports later.
 */

import type { Timing } from '../timing.ts';
import type { TaskInfo } from '../wire/call.ts';

/** Decides the texts: `Container exited with status N` or `Command exited with status N`. */
export type TaskKind = 'docker' | 'command';

export interface TaskRun {
  readonly info: TaskInfo;
  readonly kind: TaskKind;
  readonly frameworkId: string;
  readonly agentId: string;
  readonly role: string;
  /** A UUID; the Docker container is called `mesos-<containerId>`. */
  readonly containerId: string;
  /** Directory for stdout and stderr; empty when the runner needs none. */
  readonly sandbox: string;
  /** Of the host: the command's, or the framework's. */
  readonly user: string;
  /** `host:port` of the agent. */
  readonly agentEndpoint: string;
  readonly timing: Timing;
}

export type RunEnd =
  | { readonly how: 'exited'; readonly status: number }
  /** Command tasks only; the name as strsignal gives it (`Terminated`, `Killed`). */
  | { readonly how: 'signaled'; readonly signal: string }
  /** The executor gave up with this message; TASK_FAILED from SOURCE_EXECUTOR. */
  | { readonly how: 'executor-failed'; readonly message: string }
  /** The executor's process itself died; TASK_FAILED with REASON_EXECUTOR_TERMINATED. */
  | { readonly how: 'executor-lost' }
  /** No executor came up at all, so there was no STARTING; TASK_FAILED with REASON_CONTAINER_LAUNCH_FAILED. */
  | { readonly how: 'launch-failed'; readonly message: string }
  /** Not even a sandbox could be made; TASK_DROPPED with REASON_EXECUTOR_TERMINATED. */
  | { readonly how: 'dropped'; readonly message: string };

export type RunReport =
  /** The executor registered: TASK_STARTING. */
  | { readonly type: 'starting'; readonly pid?: number }
  /** `data`: base64, the container's inspection. */
  | { readonly type: 'running'; readonly data?: string }
  | { readonly type: 'ended'; readonly end: RunEnd };

export interface RunningTask {
  /** TERM now, KILL after `graceMs`; 0: KILL at once. */
  kill(graceMs: number): void;
  /** Everything away at once, reporting nothing any more. */
  destroy(): void;
}

export interface TaskRunner {
  readonly needsSandbox: boolean;
  /** Reports in order: starting, running, ended; or ended alone. */
  launch(run: TaskRun, report: (report: RunReport) => void): RunningTask;
  /** Removes what is left of all tasks. */
  close(): Promise<void>;
}

/** Docker tasks to one runner, command tasks to another. */
export function byKind(runners: Readonly<Record<TaskKind, TaskRunner>>): TaskRunner {
  return {
    needsSandbox: runners.docker.needsSandbox || runners.command.needsSandbox,
    launch: (run, report) => runners[run.kind].launch(run, report),
    close: async () => {
      await Promise.all([runners.docker.close(), runners.command.close()]);
    },
  };
}
