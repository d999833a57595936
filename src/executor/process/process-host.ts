/**
 * Tasks as processes of this machine. Owns the wrappers' start, signals and end; what is so is read from the tasks' files
 * (task-records.ts) and judged by evidence.ts.
 *
 * A wrapper that this connection started rings when it ends. One found after a restart does not, nor one that was killed:
 * those are missed by a glance at the process table.
 */

import { chown } from 'node:fs/promises';
import { join } from 'node:path';

import type { CancelTimer, Clock } from '../../clock/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Identity } from '../local/identity.ts';
import { isOver, isTaskId, neverBegan } from '../local/task-host.ts';
import type { HostListener, KillOrder, TaskHost, TaskReport } from '../local/task-host.ts';
import { portRanges } from '../local/resources.ts';
import type { LogChunk, LogRequest, TaskLaunch } from '../port.ts';
import { commandFile } from './command-file.ts';
import type { CommandLine } from './command-file.ts';
import { credentialsOf } from './credentials.ts';
import type { Credentials } from './credentials.ts';
import { judge } from './evidence.ts';
import { syncPath } from './group-sync.ts';
import { Launcher } from './launcher.ts';
import { readTaskLog } from './process-log.ts';
import { endRemains, signalGroup } from './process-group.ts';
import { bootId, startOf } from './process-identity.ts';
import { readExit, readKill, readLaunch, readStart, writeKill, writeLaunch, writeVoid } from './task-records.ts';
import type { LaunchRecord, StartRecord, TaskRecords } from './task-records.ts';
import { foreignPlaces, placeOf, TaskStore } from './task-store.ts';
import type { TaskPlace } from './task-store.ts';

/** How often wrappers are looked for, and how many at a time: the cost stays small however many there are. */
const GLANCE_MS = 200;
const GLANCE_AT = 200;
const HALF_CLAIM_MS = 50;
/** A wrapper that has not begun by then is kept from it. */
const START_LIMIT_MS = 30_000;
/** When it could not be read how a task ended, it is looked at again after this long. */
const LOOK_AGAIN_MS = 10_000;

export interface ProcessHostOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What every task's environment begins with. The node's own is never passed on. */
  readonly environment: Readonly<Record<string, string>>;
}

export class ProcessHost implements TaskHost {
  readonly #options: ProcessHostOptions;
  #lastStore: TaskStore | undefined;
  #boot = '';
  #connection: Connection | undefined;

  constructor(options: ProcessHostOptions) {
    this.#options = options;
  }

  async open(listener: HostListener, identity: Identity): Promise<readonly TaskReport[]> {
    const { dataDir, logger } = this.#options;
    const foreign = await foreignPlaces(dataDir, identity);
    if (foreign.length > 0) logger.info({ identity: identity.id, foreign }, 'tasks of another identity are left alone');
    this.#lastStore = new TaskStore(placeOf(dataDir, identity));
    await this.#store.open();
    this.#boot = await bootId();
    const ended = new AbortController();
    const starts = new Map<string, () => void>();
    const launcher = await Launcher.start({
      started: (taskId) => starts.get(taskId)?.(),
      ended: (taskId) => {
        starts.get(taskId)?.();
        this.#tell(taskId, connection);
      },
      lost: (reason) => {
        ended.abort();
        listener.disconnected(reason);
      },
    });
    const connection: Connection = { listener, launcher, starts, ended, running: new Map(), stopGlances: undefined };
    this.#connection = connection;
    const found = await Promise.all((await this.#store.unacknowledged()).filter(isTaskId).map((taskId) => this.#find(taskId)));
    return found.filter((report) => report !== undefined);
  }

  close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.stopGlances?.();
    connection?.launcher.stop();
    connection?.ended.abort();
    return Promise.resolve();
  }

  async launch(launch: TaskLaunch, signal: AbortSignal): Promise<TaskReport> {
    const { taskId } = launch;
    if (!isTaskId(taskId)) return refused(taskId, 'invalid-task-id', 'letters, digits, and _ . - only');
    const plan = await this.#plan(launch);
    if ('status' in plan) return plan;
    if (signal.aborted) return (await this.look(taskId)) ?? neverBegan({ taskId, state: 'killed', message: 'killed before it began' });
    const directory = await this.#create(taskId);
    if (directory === undefined) return this.#again(taskId, signal);
    if (typeof directory === 'object') return directory;
    try {
      if (plan.owner !== undefined) await chown(join(directory, 'sandbox'), plan.owner.uid, plan.owner.gid);
      await writeLaunch(directory, plan.record, plan.command);
      // If the machine dies from here on, the task is known to have been on its way.
      await this.#store.makeDurable();
    } catch (error) {
      // Made above and not started, so nothing of it need stay.
      await this.#store.discard(taskId);
      return this.#notStarted(taskId, error);
    }
    if (signal.aborted) return (await this.look(taskId)) ?? cutShort(taskId);
    return this.resume(taskId);
  }

  /** The task's new directory, or why there is none; `undefined` when it was launched before. */
  #create(taskId: string): Promise<string | undefined | TaskReport> {
    return this.#store.create(taskId).catch((error: unknown) => this.#notStarted(taskId, error));
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

  /** Safe even if a wrapper of an earlier try is alive after all: only one of them can claim the launch. */
  async resume(taskId: string): Promise<TaskReport> {
    const place = this.#store.find(taskId);
    const connection = this.#connection;
    if (place === undefined || connection === undefined) return (await this.look(taskId)) ?? cutShort(taskId);
    const { launcher, starts, ended } = connection;
    const limit = new AbortController();
    const begun = new Promise<void>((resolve) => starts.set(taskId, resolve));
    launcher.launch(place.directory);
    await Promise.race([begun, this.#options.clock.sleep(START_LIMIT_MS, AbortSignal.any([limit.signal, ended.signal]))]);
    limit.abort();
    starts.delete(taskId);
    const report = await this.#lookAt(taskId, place);
    // Left as it is when there is no telling whether a wrapper is on its way: the next connection goes on with it.
    if (report.isInterrupted !== true || ended.signal.aborted) return report;
    // It came and could not claim, or it did not come; from here on it can't.
    this.#options.logger.warn({ taskId }, 'task not started');
    await writeVoid(place.directory);
    return this.#lookAt(taskId, place);
  }

  async kill(taskId: string, order: KillOrder): Promise<TaskReport | undefined> {
    const place = isTaskId(taskId) ? this.#store.find(taskId) : undefined;
    if (place === undefined) return undefined;
    const report = await this.#lookAt(taskId, place);
    if (isOver(report.status)) return report;
    // The mark comes first: if the node dies after the signal, the end is still known to have been asked for.
    // Who asked for the kill knows that it did; a full disk must not keep a task alive that may be what filled it.
    await writeKill(place.directory, order.killBy).catch((error: unknown) =>
      this.#options.logger.warn({ taskId, error }, 'a kill could not be noted; it is done all the same'),
    );
    if (report.isInterrupted === true) await writeVoid(place.directory);
    const start = readStart(place.directory);
    if (typeof start === 'object') signalGroup(start.pid, order.isForced ? 'SIGKILL' : 'SIGTERM');
    return this.#lookAt(taskId, place);
  }

  acknowledge(taskId: string): Promise<void> {
    return isTaskId(taskId) ? this.#store.acknowledge(taskId) : Promise.resolve();
  }

  forget(taskId: string): Promise<void> {
    return isTaskId(taskId) ? this.#store.forget(taskId) : Promise.resolve();
  }

  async readLog(request: LogRequest, identity: Identity): Promise<LogChunk | undefined> {
    const { taskId } = request.task;
    const store = new TaskStore(placeOf(this.#options.dataDir, identity));
    for (;;) {
      const place = store.find(taskId);
      if (place === undefined) return undefined;
      const chunk = await readTaskLog(join(place.directory, request.stream), request);
      if (chunk !== undefined || store.find(taskId)?.directory === place.directory) return chunk;
    }
  }

  /** That the launcher is gone it says itself; all else is about one task's files and processes. */
  isOutage(): boolean {
    return false;
  }

  get #store(): TaskStore {
    if (this.#lastStore === undefined) throw new Error('never opened');
    return this.#lastStore;
  }

  /** One directory that can't be read does not keep all others from being found. */
  #find(taskId: string): Promise<TaskReport | undefined> {
    return this.look(taskId).catch((error: unknown) => {
      this.#options.logger.warn({ taskId, error }, 'a task can not be looked at');
      return undefined;
    });
  }

  async #plan(launch: TaskLaunch): Promise<TaskReport | Plan> {
    const { taskId, task } = launch;
    const { command } = task;
    if (command === undefined || command.length === 0)
      return refused(taskId, 'command-required', 'a process has no image to take a command from');
    if (task.volumes.length > 0) return refused(taskId, 'volumes-unsupported', 'volumes need a container');
    if (task.artifacts.length > 0) return refused(taskId, 'artifacts-unsupported', 'artifacts are fetched by Mesos only');
    if (task.limits !== undefined) return refused(taskId, 'limits-unsupported', 'limits need a container; a process has none');
    const as = await credentialsOf(task.user);
    if (as.type === 'refused') return refused(taskId, as.reason, as.message);
    const record: LaunchRecord = {
      boot: this.#boot,
      at: this.#options.clock.now(),
      ...(typeof command === 'string' ? {} : { program: command[0] ?? '' }),
      resources: { cpus: task.cpus, mem: task.mem, disk: task.disk, gpus: task.gpus, ports: portRanges(launch.ports) },
    };
    try {
      return { record, command: commandFile(this.#commandLine(launch, command, as)), owner: as.type === 'other' ? as : undefined };
    } catch (error) {
      if (error instanceof RangeError) return refused(taskId, 'invalid-command', error.message);
      throw error;
    }
  }

  #commandLine({ taskId, task, env }: TaskLaunch, command: string | readonly string[], as: Credentials): CommandLine {
    const home = join(this.#store.pathOf(taskId), 'sandbox');
    const isSecret = (name: string): boolean => task.secrets !== undefined && Object.hasOwn(task.secrets, name);
    const all = Object.entries({ ...this.#options.environment, HOME: home, ...env });
    return {
      prefix: as.type === 'other' ? as.command : [],
      command: typeof command === 'string' ? ['/bin/sh', '-c', command] : command,
      env: Object.fromEntries(all.filter(([name]) => !isSecret(name))),
      secrets: Object.fromEntries(all.filter(([name]) => isSecret(name))),
    };
  }

  /** Looks and tells; what can't be read now is looked at again. */
  #tell(taskId: string, connection: Connection): void {
    const { listener, ended } = connection;
    this.look(taskId).then(
      (report) => report !== undefined && isTold(report) && listener.changed(report),
      async (error: unknown) => {
        this.#options.logger.warn({ taskId, error }, 'a task can not be looked at; it is tried again');
        await this.#options.clock.sleep(LOOK_AGAIN_MS, ended.signal);
        if (!ended.signal.aborted) this.#tell(taskId, connection);
      },
    );
  }

  async #lookAt(taskId: string, { directory, isAcknowledged }: TaskPlace): Promise<TaskReport> {
    const launch = readLaunch(directory);
    const start = await this.#startSeen(directory);
    // A start time counts from the machine's boot, so in another boot it may be that of some other process.
    const isAlive = typeof start === 'object' && launch?.boot === this.#boot && (await startOf(start.pid)) === start.since;
    // Read last: a wrapper that was seen alive may have ended since, one that was seen dead has written all it ever will.
    const files = { start, exit: readExit(directory), killBy: readKill(directory) };
    const report = judge({ ...files, taskId, launch, isAlive, isAcknowledged, boot: this.#boot });
    if (!isOver(report.status)) {
      if (typeof start === 'object') this.#watch(taskId, start);
      return report;
    }
    this.#connection?.running.delete(taskId);
    if (isAcknowledged) return report;
    // Told only when durable: it must come out the same after a power failure.
    if (files.exit !== undefined) await syncPath(join(directory, 'exit'));
    else if (typeof start === 'object' && launch?.boot === this.#boot) await endRemains(start.pid);
    return report;
  }

  /** A claim caught between two system calls gets a moment; one that was cut off stays unreadable. */
  async #startSeen(directory: string): Promise<TaskRecords['start']> {
    const start = readStart(directory);
    if (start !== 'unreadable') return start;
    await this.#options.clock.sleep(HALF_CLAIM_MS);
    return readStart(directory);
  }

  #watch(taskId: string, start: StartRecord): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.running.set(taskId, start);
    connection.stopGlances ??= this.#options.clock.timer(GLANCE_MS, () => void this.#glance(connection));
  }

  async #glance(connection: Connection): Promise<void> {
    const { running } = connection;
    for (const [taskId, start] of [...running].slice(0, GLANCE_AT)) {
      running.delete(taskId);
      if ((await startOf(start.pid)) !== start.since) this.#tell(taskId, connection);
      // To the end of the line.
      else if (this.#connection === connection) running.set(taskId, start);
    }
    if (this.#connection !== connection) return;
    connection.stopGlances = running.size === 0 ? undefined : this.#options.clock.timer(GLANCE_MS, () => void this.#glance(connection));
  }

  #notStarted(taskId: string, error: unknown): TaskReport {
    this.#options.logger.warn({ taskId, error }, 'task not started');
    const message = error instanceof Error ? error.message : String(error);
    return neverBegan({ taskId, state: 'not-launched', reason: 'start-failed', message });
  }
}

interface Connection {
  readonly listener: HostListener;
  readonly launcher: Launcher;
  /** Called when a wrapper has begun, or has come to nothing. */
  readonly starts: Map<string, () => void>;
  readonly ended: AbortController;
  /** What runs, to be missed. */
  readonly running: Map<string, StartRecord>;
  stopGlances: CancelTimer | undefined;
}

interface Plan {
  readonly record: LaunchRecord;
  readonly command: string;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

/** A wrapper that came too late rings as well; whoever waits for the start tells of it. */
function isTold(report: TaskReport): boolean {
  return report.isInterrupted !== true;
}

function refused(taskId: string, reason: string, message: string): TaskReport {
  return neverBegan({ taskId, state: 'rejected', reason, message });
}

function cutShort(taskId: string): TaskReport {
  return neverBegan({ taskId, state: 'not-launched', reason: 'launch-interrupted', message: 'its launch was cut short' });
}
