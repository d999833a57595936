/** Runs command tasks as plain processes in a group of their own, as Mesos's command executor does. */

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { CancelTimer, Clock } from '../../../src/clock/clock.ts';
import { fetchError, fetchUris } from './fetcher.ts';
import type { RunningTask, RunReport, TaskRun, TaskRunner } from './runner.ts';
import { giveSandbox, type HostUser } from './users.ts';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** As strsignal names them. */
const SIGNAL_NAMES: Readonly<Record<string, string>> = {
  SIGTERM: 'Terminated',
  SIGKILL: 'Killed',
  SIGINT: 'Interrupt',
  SIGHUP: 'Hangup',
  SIGQUIT: 'Quit',
  SIGABRT: 'Aborted',
  SIGSEGV: 'Segmentation fault',
  SIGPIPE: 'Broken pipe',
};

export class ProcessRunner implements TaskRunner {
  readonly needsSandbox = true;
  readonly #clock: Clock;
  readonly #tasks = new Set<RunningTask>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  launch(run: TaskRun, report: (report: RunReport) => void): RunningTask {
    const task = new ProcessTask(this.#clock, { run, report });
    this.#tasks.add(task);
    task.begin();
    return task;
  }

  close(): Promise<void> {
    for (const task of this.#tasks) task.destroy();
    return Promise.resolve();
  }
}

class ProcessTask implements RunningTask {
  readonly #clock: Clock;
  readonly #run: TaskRun;
  readonly #report: (report: RunReport) => void;
  #child: ChildProcess | undefined;
  #silent = false;
  #over = false;
  #stopTimer: CancelTimer = () => undefined;
  #stopGrace: CancelTimer = () => undefined;

  constructor(clock: Clock, parts: { readonly run: TaskRun; readonly report: (report: RunReport) => void }) {
    this.#clock = clock;
    this.#run = parts.run;
    this.#report = parts.report;
  }

  begin(): void {
    const { timing, info, sandbox, user, containerId } = this.#run;
    const owner = giveSandbox(sandbox, user);
    if ('error' in owner) return this.#tell({ type: 'ended', end: { how: 'dropped', message: owner.error } });
    const start = (): void => {
      this.#stopTimer = this.#clock.timer(timing.commandStartingMs, () => this.#startCommand(owner.user));
    };
    const fail = (): void => this.#tell({ type: 'ended', end: { how: 'launch-failed', message: fetchError(containerId) } });
    if (info.command?.uris === undefined) start();
    else fetchUris(info.command.uris, sandbox).then(start, fail);
  }

  kill(graceMs: number): void {
    if (this.#over) return;
    if (graceMs > 0) this.#signal('SIGTERM');
    this.#stopGrace = this.#clock.timer(graceMs, () => this.#signal('SIGKILL'));
  }

  destroy(): void {
    this.#silent = true;
    this.#stopTimer();
    this.#stopGrace();
    this.#signal('SIGKILL');
  }

  #startCommand(owner: HostUser): void {
    if (this.#silent) return;
    this.#spawn(owner);
    this.#tell({ type: 'starting', pid: this.#child?.pid ?? 0 });
    this.#stopTimer = this.#clock.timer(this.#run.timing.commandRunningMs, () => this.#tell({ type: 'running' }));
  }

  #spawn(owner: HostUser): void {
    const { command = {} } = this.#run.info;
    const shell = command.shell ?? true;
    const [argv0 = '', ...rest] = shell ? ['sh', '-c', command.value ?? ''] : (command.arguments ?? []);
    const file = shell ? '/bin/sh' : (command.value ?? '');
    const stdout = openSync(join(this.#run.sandbox, 'stdout'), 'a');
    const stderr = openSync(join(this.#run.sandbox, 'stderr'), 'a');
    const child = spawn(file, rest, {
      argv0,
      cwd: this.#run.sandbox,
      env: this.#environment(),
      detached: true,
      stdio: ['ignore', stdout, stderr],
      ...owner,
    });
    closeSync(stdout);
    closeSync(stderr);
    this.#child = child;
    // A command that cannot be executed: the executor has forked already and reports 1.
    child.on('error', () => this.#end({ how: 'exited', status: 1 }));
    child.on('exit', (status, signal) => {
      if (signal === null) this.#end({ how: 'exited', status: status ?? 1 });
      else this.#end({ how: 'signaled', signal: SIGNAL_NAMES[signal] ?? signal });
    });
  }

  /** RUNNING comes first, and the end not sooner than a real executor gets round to it. */
  #end(end: Extract<RunReport, { readonly type: 'ended' }>['end']): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopGrace();
    const { commandRunningMs, commandShortestMs } = this.#run.timing;
    this.#clock.timer(commandRunningMs + commandShortestMs, () => this.#tell({ type: 'ended', end }));
  }

  #environment(): Record<string, string> {
    const { info, frameworkId, agentId, sandbox, agentEndpoint, role, containerId } = this.#run;
    const given = (info.command?.environment?.variables ?? []).map((one) => [one.name, one.value ?? '']);
    return {
      PATH,
      MESOS_SANDBOX: sandbox,
      MESOS_DIRECTORY: sandbox,
      MESOS_EXECUTOR_ID: info.task_id.value,
      MESOS_FRAMEWORK_ID: frameworkId,
      MESOS_SLAVE_ID: agentId,
      MESOS_AGENT_ENDPOINT: agentEndpoint,
      MESOS_ALLOCATION_ROLE: role,
      MESOS_CONTAINER_ID: containerId,
      ...Object.fromEntries(given),
    };
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    const pid = this.#child?.pid;
    if (pid === undefined || this.#child?.exitCode !== null || this.#child.signalCode !== null) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // The group is gone already.
    }
  }

  #tell(report: RunReport): void {
    if (!this.#silent) this.#report(report);
  }
}
