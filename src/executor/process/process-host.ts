/**
 * Tasks as processes of this machine. Owns the wrappers' start, signals and end; what is so is read from the tasks' files
 * (task-records.ts) and judged by evidence.ts.
 *
 * A wrapper started here is noticed to end by its parent, the node; one found after a restart by a glance at the process
 * table a few times a second.
 */

import { spawn } from 'node:child_process';
import { chown } from 'node:fs/promises';
import { join } from 'node:path';

import type { CancelTimer, Clock } from '../../clock/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { isOver, isTaskId, neverBegan } from '../local/task-host.ts';
import type { HostListener, KillOrder, TaskHost, TaskReport } from '../local/task-host.ts';
import { portRanges } from '../local/resources.ts';
import type { LogChunk, LogRequest, TaskLaunch, TaskStatus } from '../port.ts';
import { credentialsOf } from './credentials.ts';
import { judge } from './evidence.ts';
import { syncPath } from './group-sync.ts';
import { readTaskLog } from './process-log.ts';
import { endRemains, signalGroup } from './process-group.ts';
import { bootId, startOf } from './process-identity.ts';
import { isCode, readExit, readKill, readLaunch, readStart, writeKill, writeLaunch, writeVoid } from './task-records.ts';
import type { LaunchRecord, StartRecord, TaskRecords } from './task-records.ts';
import { TaskStore } from './task-store.ts';
import type { TaskPlace } from './task-store.ts';
import { wrapperCommand } from './wrapper.ts';

const ADOPTED_POLL_MS = 200;
const HALF_CLAIM_MS = 50;

export interface ProcessHostOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What every task's environment begins with. The node's own is never passed on. */
  readonly environment: Readonly<Record<string, string>>;
}

export class ProcessHost implements TaskHost {
  readonly #options: ProcessHostOptions;
  readonly #store: TaskStore;
  #listener: HostListener | undefined;
  #boot = '';
  /** Wrappers that this connection started. */
  readonly #children = new Map<string, number>();
  /** Wrappers that it found. */
  readonly #adopted = new Map<string, StartRecord>();
  #stopPolling: CancelTimer | undefined;
  #starting: Promise<void> = Promise.resolve();

  constructor(options: ProcessHostOptions) {
    this.#options = options;
    this.#store = new TaskStore(options.dataDir);
  }

  async open(listener: HostListener): Promise<readonly TaskReport[]> {
    await this.#store.open();
    this.#boot = await bootId();
    this.#listener = listener;
    const found = await Promise.all((await this.#store.unacknowledged()).filter(isTaskId).map((taskId) => this.look(taskId)));
    return found.filter((report) => report !== undefined);
  }

  close(): Promise<void> {
    this.#listener = undefined;
    this.#stopPolling?.();
    this.#stopPolling = undefined;
    this.#children.clear();
    this.#adopted.clear();
    return Promise.resolve();
  }

  async launch(launch: TaskLaunch, signal: AbortSignal): Promise<TaskReport> {
    const { taskId } = launch;
    if (!isTaskId(taskId)) return refused(taskId, 'invalid-task-id', 'letters, digits, and _ . - only');
    const plan = await this.#plan(launch);
    if ('status' in plan) return plan;
    if (signal.aborted) return neverBegan({ taskId, state: 'killed', message: 'killed before it began' });
    try {
      const directory = await this.#store.create(taskId);
      if (directory === undefined) return await this.#again(taskId, signal);
      if (plan.owner !== undefined) await chown(join(directory, 'sandbox'), plan.owner.uid, plan.owner.gid);
      await writeLaunch(directory, plan.record);
      // If the machine dies from here on, the task is known to have been on its way.
      await this.#store.makeDurable();
      return await this.#start({ taskId, directory, record: plan.record, signal });
    } catch (error) {
      if (this.#children.has(taskId)) throw error;
      return this.#notStarted(taskId, error);
    }
  }

  /** It was launched before: what became of it counts, and what was cut short goes on. */
  async #again(taskId: string, signal: AbortSignal): Promise<TaskReport> {
    const report = await this.look(taskId);
    return report?.isInterrupted === true && !signal.aborted ? this.resume(taskId) : (report ?? cutShort(taskId));
  }

  async look(taskId: string): Promise<TaskReport | undefined> {
    for (;;) {
      const place = this.#store.find(taskId);
      if (place === undefined) return undefined;
      const report = await this.#lookAt(taskId, place);
      // Moved meanwhile: what was read may be half of it.
      if (this.#store.find(taskId)?.directory === place.directory) return report;
    }
  }

  /** Safe even if the wrapper of the first try is alive after all: only one of them can claim the launch. */
  async resume(taskId: string): Promise<TaskReport> {
    const place = this.#store.find(taskId);
    const record = place === undefined ? undefined : readLaunch(place.directory);
    if (place === undefined || record === undefined) return (await this.look(taskId)) ?? cutShort(taskId);
    try {
      return await this.#start({ taskId, directory: place.directory, record });
    } catch (error) {
      this.#options.logger.warn({ taskId, error }, 'task not started');
      // The first try's wrapper may yet come: from here on it finds the launch claimed.
      await writeVoid(place.directory);
      return this.#lookAt(taskId, place);
    }
  }

  async kill(taskId: string, order: KillOrder): Promise<TaskReport | undefined> {
    const place = isTaskId(taskId) ? this.#store.find(taskId) : undefined;
    if (place === undefined) return undefined;
    const report = await this.#lookAt(taskId, place);
    if (isOver(report.status)) return report;
    // The mark comes first: if the node dies after the signal, the end is still known to have been asked for.
    await writeKill(place.directory, order.killBy);
    if (report.isInterrupted === true) await writeVoid(place.directory);
    const start = readStart(place.directory);
    const pid = typeof start === 'object' ? start.pid : this.#children.get(taskId);
    if (pid !== undefined) signalGroup(pid, order.isForced ? 'SIGKILL' : 'SIGTERM');
    return this.#lookAt(taskId, place);
  }

  acknowledge(taskId: string): Promise<void> {
    return isTaskId(taskId) ? this.#store.acknowledge(taskId) : Promise.resolve();
  }

  forget(taskId: string): Promise<void> {
    return isTaskId(taskId) ? this.#store.forget(taskId) : Promise.resolve();
  }

  async readLog(request: LogRequest): Promise<LogChunk | undefined> {
    const { taskId } = request.task;
    for (;;) {
      const place = this.#store.find(taskId);
      if (place === undefined) return undefined;
      const chunk = await readTaskLog(join(place.directory, request.stream), request);
      if (chunk !== undefined || this.#store.find(taskId)?.directory === place.directory) return chunk;
    }
  }

  async #plan(launch: TaskLaunch): Promise<TaskReport | Plan> {
    const { taskId, task } = launch;
    const { command } = task;
    if (command === undefined || command.length === 0)
      return refused(taskId, 'command-required', 'a process has no image to take a command from');
    if (task.volumes.length > 0) return refused(taskId, 'volumes-unsupported', 'volumes need a container');
    if (task.artifacts.length > 0) return refused(taskId, 'artifacts-unsupported', 'artifacts are fetched by Mesos only');
    const as = await credentialsOf(task.user);
    if (as.type === 'refused') return refused(taskId, as.reason, as.message);
    const prefix = as.type === 'other' ? as.command : [];
    const record: LaunchRecord = {
      boot: this.#boot,
      at: this.#options.clock.now(),
      command: [...prefix, ...(typeof command === 'string' ? ['/bin/sh', '-c', command] : command)],
      env: launch.env,
      resources: { cpus: task.cpus, mem: task.mem, disk: task.disk, gpus: task.gpus, ports: portRanges(launch.ports) },
    };
    return { record, owner: as.type === 'other' ? as : undefined };
  }

  /** Resolves when the wrapper is there; its end comes by changed(). One at a time: each holds up the event loop for some ms. */
  async #start(start: Start): Promise<TaskReport> {
    const { taskId, directory, record } = start;
    const before = this.#starting;
    let done: () => void = () => undefined;
    this.#starting = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await before;
      if (start.signal?.aborted === true) return await this.#lookAt(taskId, { directory, isAcknowledged: false });
      await this.#spawn(start);
    } finally {
      // Others get their turn in between: the leader's lease, for one.
      this.#options.clock.timer(0, done);
    }
    const status: TaskStatus = { taskId, state: 'running', at: this.#options.clock.now() };
    return { status, resources: record.resources, isKept: true, isAcknowledged: false };
  }

  async #spawn({ taskId, directory, record: { command, env } }: Start): Promise<void> {
    const { file, args } = wrapperCommand(directory, command);
    const child = spawn(file, args, {
      // A session of its own: signals meant for the node, and the node's death, don't reach it.
      detached: true,
      stdio: 'ignore',
      cwd: directory,
      env: { ...this.#options.environment, HOME: join(directory, 'sandbox'), ...env },
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    if (child.pid !== undefined) this.#children.set(taskId, child.pid);
    child.once('exit', () => this.#wrapperEnded(taskId));
  }

  #wrapperEnded(taskId: string): void {
    if (this.#children.delete(taskId)) this.#tell(taskId, (report) => this.#conclude(report));
  }

  /** A wrapper that ended without a claim will not make one: what it was to start has not begun, and won't. */
  async #conclude(report: TaskReport): Promise<TaskReport> {
    const { taskId } = report.status;
    const place = report.isInterrupted === true ? this.#store.find(taskId) : undefined;
    if (place === undefined) return report;
    await writeVoid(place.directory);
    return this.#lookAt(taskId, place);
  }

  /** Looks and tells; what can't be read ends the connection, so that all is looked at anew. */
  #tell(taskId: string, conclude: (report: TaskReport) => Promise<TaskReport> = (report) => Promise.resolve(report)): void {
    const listener = this.#listener;
    const told = async (): Promise<void> => {
      const report = await this.look(taskId);
      if (report !== undefined) listener?.changed(await conclude(report));
    };
    told().catch((error: unknown) => listener?.disconnected(`${taskId}: ${String(error)}`));
  }

  async #lookAt(taskId: string, { directory, isAcknowledged }: TaskPlace): Promise<TaskReport> {
    const launch = readLaunch(directory);
    const child = this.#children.get(taskId);
    const start = await this.#startSeen(directory, child);
    const isAlive = child !== undefined || (typeof start === 'object' && (await startOf(start.pid)) === start.since);
    // Read last: a wrapper that was seen alive may have ended since, one that was seen dead has written all it ever will.
    const files = { start, exit: readExit(directory), killBy: readKill(directory) };
    const report = judge({ ...files, taskId, launch, isAlive, isAcknowledged, boot: this.#boot });
    if (!isOver(report.status)) {
      if (typeof start === 'object' && child === undefined) this.#adopt(taskId, start);
      return report;
    }
    this.#adopted.delete(taskId);
    if (isAcknowledged) return report;
    // Told only when durable: it must come out the same after a power failure.
    if (files.exit !== undefined) await syncPath(join(directory, 'exit'));
    else if (typeof start === 'object' && launch?.boot === this.#boot) await endRemains(start.pid);
    return report;
  }

  /** Between its start and its claim a wrapper of ours leaves no trace, or half of one, but it is there. */
  async #startSeen(directory: string, child: number | undefined): Promise<TaskRecords['start']> {
    const start = readStart(directory);
    if (typeof start === 'object' || start === 'void') return start;
    if (child !== undefined) return { pid: child, since: '', at: this.#options.clock.now() };
    if (start === undefined) return undefined;
    // Someone else's claim, caught between two system calls, or cut off for ever.
    await this.#options.clock.sleep(HALF_CLAIM_MS);
    return readStart(directory);
  }

  #adopt(taskId: string, start: StartRecord): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    this.#adopted.set(taskId, start);
    this.#stopPolling ??= this.#options.clock.timer(ADOPTED_POLL_MS, () => void this.#poll(listener));
  }

  async #poll(listener: HostListener): Promise<void> {
    for (const [taskId, { pid, since }] of this.#adopted) {
      if ((await startOf(pid)) === since) continue;
      this.#adopted.delete(taskId);
      this.#tell(taskId);
    }
    if (this.#listener !== listener) return;
    const isDone = this.#adopted.size === 0;
    this.#stopPolling = isDone ? undefined : this.#options.clock.timer(ADOPTED_POLL_MS, () => void this.#poll(listener));
  }

  /** Nothing was started, so nothing of it need stay. */
  async #notStarted(taskId: string, error: unknown): Promise<TaskReport> {
    this.#options.logger.warn({ taskId, error }, 'task not started');
    await this.#store.discard(taskId);
    const message = error instanceof Error ? error.message : String(error);
    // The command and its environment don't fit: no other try will do better.
    if (isCode(error, 'E2BIG', 'ERR_INVALID_ARG_VALUE')) return refused(taskId, 'invalid-command', message);
    return neverBegan({ taskId, state: 'not-launched', reason: 'start-failed', message });
  }
}

interface Start {
  readonly taskId: string;
  readonly directory: string;
  readonly record: LaunchRecord;
  /** Once aborted, it does not begin. */
  readonly signal?: AbortSignal;
}

interface Plan {
  readonly record: LaunchRecord;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

function refused(taskId: string, reason: string, message: string): TaskReport {
  return neverBegan({ taskId, state: 'rejected', reason, message });
}

function cutShort(taskId: string): TaskReport {
  return neverBegan({ taskId, state: 'not-launched', reason: 'launch-interrupted', message: 'its launch was cut short' });
}
