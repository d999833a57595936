/**
 * What a task's files mean. Pure: the same files and the same look at the process table give the same report, before and
 * after any crash.
 */

import type { TaskStatus } from '../port.ts';
import type { TaskReport } from '../local/task-host.ts';
import { exitStatus } from '../local/exit-status.ts';
import type { TaskRecords } from './task-records.ts';

export interface Sighting extends TaskRecords {
  readonly taskId: string;
  /** Whether the wrapper that `start` names runs. Looked at before `exit` was read, so that no end falls between. */
  readonly isAlive: boolean;
  /** The machine's boot now. */
  readonly boot: string;
  readonly isAcknowledged: boolean;
}

export function judge(seen: Sighting): TaskReport {
  const status: TaskStatus = { taskId: seen.taskId, ...verdict(seen) };
  const report = { status, resources: seen.launch?.resources, isKept: true, isAcknowledged: seen.isAcknowledged };
  if (status.state === 'staging') return { ...report, isInterrupted: true };
  return status.state === 'killing' && seen.killBy !== undefined ? { ...report, killBy: seen.killBy } : report;
}

type Verdict = Omit<TaskStatus, 'taskId'>;

function verdict(seen: Sighting): Verdict {
  const { exit, start, killBy, launch } = seen;
  if (exit !== undefined) return { ...exitStatus({ code: exit.code, wasKilled: killBy !== undefined }), at: exit.at, ...missing(seen) };
  if (start === 'void') return voided(killBy);
  if (start === undefined) return launch === undefined ? cutOff() : unclaimed(seen);
  if (start === 'unreadable') return lost('wrapper-died', 'the wrapper died as it began; whether the task ran is not known');
  if (seen.isAlive) return { state: killBy === undefined ? 'running' : 'killing', at: start.at };
  if (killBy !== undefined) return { state: 'killed', signal: 'SIGKILL', message: 'ended by force' };
  if (launch !== undefined && launch.boot !== seen.boot) return lost('machine-restarted', 'the machine went down while the task ran');
  return lost('wrapper-died', 'the wrapper was killed before it could write how the task ended');
}

/** Nobody has claimed the launch. In the same boot no claim can have been lost, so the task has not begun. */
function unclaimed({ launch, boot, killBy }: Sighting): Verdict {
  if (launch?.boot !== boot) return lost('machine-restarted', 'the machine went down as the task was launched');
  if (killBy !== undefined) return { state: 'killed', message: 'killed before it began' };
  return { state: 'staging', message: 'its launch was cut short' };
}

function voided(killBy: number | undefined): Verdict {
  if (killBy !== undefined) return { state: 'killed', message: 'killed before it began' };
  return { state: 'not-launched', reason: 'launch-interrupted', message: 'its launch was cut short' };
}

function cutOff(): Verdict {
  return lost('launch-interrupted', 'its launch was cut short, and what is left does not tell how far it came');
}

function lost(reason: string, message: string): Verdict {
  return { state: 'lost', reason, message };
}

/** In exec form the shell's two special codes are about the command itself. */
function missing({ exit, launch, killBy }: Sighting): Pick<Verdict, 'reason' | 'message'> {
  const program = launch?.program;
  if (killBy !== undefined || program === undefined) return {};
  if (exit?.code === 127) return { reason: 'command-not-found', message: `exit code 127: command not found: ${program}` };
  if (exit?.code === 126) return { reason: 'command-not-executable', message: `exit code 126: not executable: ${program}` };
  return {};
}
