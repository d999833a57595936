/**
 * What a local executor needs of the thing that runs its tasks: the operating system's processes, or a Docker Engine.
 *
 * A host keeps evidence of every task it was asked to begin (a directory, a container) until forget(). Evidence decides:
 * whether a task was begun, whether it still runs and how it ended is found by looking, never by remembering.
 * What is kept belongs to an identity (identity.ts): of what belongs to another one a host tells nothing, and leaves it alone.
 *
 * A method that rejects failed for the task it was about, unless isOutage() says that the host can't be worked with at all: then
 * the connection is given up and opened anew.
 */

import type { Identity } from './identity.ts';
import type { LogChunk, LogRequest, Resources, TaskLaunch, TaskStatus } from '../port.ts';

/** What the evidence says of one task. */
export interface TaskReport {
  /** Without `ack`. */
  readonly status: TaskStatus;
  /** What it was launched with; `undefined` when the evidence does not tell. */
  readonly resources: Resources | undefined;
  /** Whether evidence is kept, so that the status can be told again: it is then to be acknowledged. */
  readonly isKept: boolean;
  /** Whether the end of this task was acknowledged before. */
  readonly isAcknowledged: boolean;
  /** It was asked to end, and is to be forced at this time (milliseconds since the epoch). */
  readonly killBy?: number;
  /** Its launch was cut short before it began. It has never run, and resume() starts it. */
  readonly isInterrupted?: true;
}

export interface HostListener {
  /** A task's evidence changed: it runs, or is over. */
  changed(report: TaskReport): void;
  /** The host can't be reached any more. */
  disconnected(reason: string): void;
}

/** `killBy`: when it will be forced. `isForced`: end it now. */
export interface KillOrder {
  readonly killBy: number;
  readonly isForced: boolean;
}

export interface TaskHost {
  /** Connects. Resolves with the tasks that are not over, and those that are but were not acknowledged. Tells changes from then on. */
  open(listener: HostListener, identity: Identity): Promise<readonly TaskReport[]>;

  /** Tells nothing any more, and lets go of connections and timers. Tasks go on. */
  close(): Promise<void>;

  /**
   * Starts the task unless there is evidence of it, in which case that is reported. Once `signal` is aborted a task that has
   * not begun does not begin.
   */
  launch(launch: TaskLaunch, signal: AbortSignal): Promise<TaskReport>;

  look(taskId: string): Promise<TaskReport | undefined>;

  /** Finishes a launch that was cut short. */
  resume(taskId: string): Promise<TaskReport>;

  /** Makes the intent to kill durable if it can, then signals. Resolves with what is then so; `undefined` when there is no such task. */
  kill(taskId: string, order: KillOrder): Promise<TaskReport | undefined>;

  /** The task's end is stored elsewhere: open() need not tell it again. */
  acknowledge(taskId: string): Promise<void>;

  /** Removes the evidence of a task that is over. */
  forget(taskId: string): Promise<void>;

  /** Also without a connection. */
  readLog(request: LogRequest, identity: Identity): Promise<LogChunk | undefined>;

  /** Whether what a method rejected with is about the host and not about one task. */
  isOutage(error: unknown): boolean;
}

const OVER = new Set<TaskStatus['state']>(['finished', 'failed', 'killed', 'rejected', 'not-launched', 'lost', 'unknown']);

/** Whether nothing of the task runs, or will. */
export function isOver(status: TaskStatus): boolean {
  return OVER.has(status.state);
}

/** A report of a task that left no evidence, as it never began. */
export function neverBegan(status: TaskStatus): TaskReport {
  return { status, resources: undefined, isKept: false, isAcknowledged: false };
}

const TASK_ID = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/;

/** Task ids become names of directories and containers; anything else is refused before it gets that far. */
export function isTaskId(text: string): boolean {
  return TASK_ID.test(text);
}
