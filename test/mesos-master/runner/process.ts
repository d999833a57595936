/** Runs command tasks as plain processes in a group of their own, as Mesos's command executor does. */

import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CancelTimer, Clock } from '../../../src/clock/clock.ts';
import type { RunningTask, RunReport, TaskRun, TaskRunner } from './runner.ts';

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

  constructor(clock: Clock, parts: { readonly run: TaskRun; readonly report: (report: RunReport) => void }) {
    this.#clock = clock;
    this.#run = parts.run;
    this.#report = parts.report;
  }

  begin(): void {
    const { timing, info, sandbox } = this.#run;
    const user = info.command?.user;
    const owner = user === undefined ? undefined : userNamed(user);
    if (user !== undefined && owner === undefined) {
      const message = `Failed to create executor directory '${sandbox}': Failed to chown directory to '${user}': No such user '${user}'`;
      return this.#tell({ type: 'ended', end: { how: 'dropped', message } });
    }
    if (owner !== undefined) chownSync(sandbox, owner.uid, owner.gid);
    this.#stopTimer = this.#clock.timer(timing.commandStartingMs, () => {
      this.#spawn(owner);
      this.#tell({ type: 'starting', pid: this.#child?.pid ?? 0 });
      this.#stopTimer = this.#clock.timer(timing.commandRunningMs, () => this.#tell({ type: 'running' }));
    });
  }

  kill(graceMs: number): void {
    if (this.#over) return;
    if (graceMs > 0) this.#signal('SIGTERM');
    this.#clock.timer(graceMs, () => this.#signal('SIGKILL'));
  }

  destroy(): void {
    this.#silent = true;
    this.#stopTimer();
    this.#signal('SIGKILL');
  }

  #spawn(owner: { readonly uid: number; readonly gid: number } | undefined): void {
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

function userNamed(name: string): { readonly uid: number; readonly gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
