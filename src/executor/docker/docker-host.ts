/**
 * Tasks as containers of one Docker Engine. All that must be remembered is with the Engine: a container's labels and name
 * (container-name.ts); what is so is judged by container-evidence.ts. Ends are noticed by the Engine's events.
 */

import { uptime } from 'node:os';
import type { Readable } from 'node:stream';

import type { CancelTimer, Clock } from '../../clock/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Identity } from '../local/identity.ts';
import { isOver, isTaskId, neverBegan } from '../local/task-host.ts';
import type { HostListener, KillOrder, TaskHost, TaskReport } from '../local/task-host.ts';
import type { LogChunk, LogRequest, TaskLaunch, TaskStatus } from '../port.ts';
import { LABELS } from './container-config.ts';
import { containerReport } from './container-evidence.ts';
import { ContainerIndex } from './container-index.ts';
import { readContainerLog } from './container-log.ts';
import { containerName, parseContainerName } from './container-name.ts';
import { makeContainer } from './container-launch.ts';
import { ownPrefix } from './container-owner.ts';
import type { Owner } from './container-owner.ts';
import { EngineError, isSilence } from './engine-api.ts';
import type { ContainerDetails, EngineApi } from './engine-api.ts';
import { ImagePull } from './image-pull.ts';
import { jsonLines } from './json-lines.ts';

const PING_EVERY_MS = 15_000;
const DEFAULT_STOP_SIGNAL = 'SIGTERM';
/** When the Engine could not say how a container ended, it is asked again after this long. */
const LOOK_AGAIN_MS = 10_000;

export interface DockerHostOptions {
  readonly api: EngineApi;
  /** First part of the containers' names. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Connection {
  readonly listener: HostListener;
  readonly owner: Owner;
  readonly ended: AbortController;
  stopPing: CancelTimer | undefined;
}

export class DockerHost implements TaskHost {
  readonly #options: DockerHostOptions;
  #index: ContainerIndex | undefined;
  readonly #pull: ImagePull;
  #connection: Connection | undefined;
  /** When this machine was started. */
  #bootedAt = 0;

  constructor(options: DockerHostOptions) {
    this.#options = options;
    this.#pull = new ImagePull(options.api);
  }

  async open(listener: HostListener, identity: Identity): Promise<readonly TaskReport[]> {
    const { api, namespace, clock, logger } = this.#options;
    const owner = { namespace, identity };
    const connection: Connection = { listener, owner, ended: new AbortController(), stopPing: undefined };
    this.#connection = connection;
    const index = new ContainerIndex(api, owner);
    this.#index = index;
    this.#bootedAt = clock.now() - uptime() * 1000;
    await api.ping();
    // Events first, so that no end falls between the listing and them.
    const filters = JSON.stringify({ type: ['container'], event: ['die'], label: [`${LABELS.namespace}=${namespace}`] });
    const events = await api.stream({ path: '/events', query: { filters }, signal: connection.ended.signal });
    this.#follow(events, connection).catch((error: unknown) => this.#lose(connection, error));
    this.#pingLater(connection);
    const { unacknowledged, foreign } = await index.load();
    if (foreign > 0)
      logger.info({ namespace, identity: identity.id, containers: foreign }, 'containers of another identity are left alone');
    const found = await Promise.all([...unacknowledged].map(([taskId, id]) => this.#find(taskId, id)));
    return found.filter((report) => report !== undefined);
  }

  close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.stopPing?.();
    connection?.ended.abort();
    return Promise.resolve();
  }

  async launch(launch: TaskLaunch, signal: AbortSignal): Promise<TaskReport> {
    const { taskId } = launch;
    if (!isTaskId(taskId))
      return neverBegan({ taskId, state: 'rejected', reason: 'invalid-task-id', message: 'letters, digits, and _ . - only' });
    const known = this.#tasks.has(taskId) ? await this.look(taskId) : undefined;
    if (known !== undefined) return known.isInterrupted === true && !signal.aborted ? this.resume(taskId) : known;
    const { listener, owner, ended } = this.#connected();
    const { api } = this.#options;
    const pulling = (): void => listener.changed(neverBegan({ taskId, state: 'staging', message: 'its image is being pulled' }));
    const made = await makeContainer({ api, owner, launch, pull: this.#pull, signal, connectionEnded: ended.signal, pulling });
    if (made.type === 'none') return neverBegan(made.status);
    if (made.type === 'exists') return this.#takeOver(taskId, signal);
    this.#tasks.add(taskId, made.id);
    if (signal.aborted) return this.#report(await api.inspect(made.id)) ?? cutShort(taskId);
    return this.#start(taskId, made.id);
  }

  async look(taskId: string): Promise<TaskReport | undefined> {
    return this.#report(await this.#tasks.find(taskId));
  }

  /** Harmless if it has started after all. */
  async resume(taskId: string): Promise<TaskReport> {
    const container = await this.#tasks.find(taskId);
    const report = this.#report(container);
    if (container === undefined || report === undefined) return cutShort(taskId);
    return report.isInterrupted === true ? this.#start(taskId, container.Id) : report;
  }

  async kill(taskId: string, { killBy, isForced }: KillOrder): Promise<TaskReport | undefined> {
    const container = isTaskId(taskId) ? await this.#tasks.find(taskId) : undefined;
    const report = this.#report(container);
    if (container === undefined || report === undefined || isOver(report.status)) return report;
    // The mark comes first: if the node dies after the signal, the end is still known to have been asked for.
    await this.#mark(container, { killBy }).catch((error: unknown) => this.#goOn(taskId, error));
    if (report.isInterrupted !== true) {
      await this.#signal(container.Id, isForced ? 'SIGKILL' : (container.Config.StopSignal ?? DEFAULT_STOP_SIGNAL));
    }
    return this.look(taskId);
  }

  async acknowledge(taskId: string): Promise<void> {
    const container = isTaskId(taskId) ? await this.#tasks.find(taskId) : undefined;
    const report = this.#report(container);
    if (container !== undefined && report !== undefined && isOver(report.status)) await this.#mark(container, { isAcknowledged: true });
  }

  async forget(taskId: string): Promise<void> {
    const container = isTaskId(taskId) ? await this.#tasks.find(taskId) : undefined;
    if (container === undefined) return;
    await unless([404], this.#options.api.remove(container.Id));
    this.#tasks.delete(taskId);
  }

  async readLog(request: LogRequest, identity: Identity): Promise<LogChunk | undefined> {
    const { api, namespace } = this.#options;
    const container = await new ContainerIndex(api, { namespace, identity }).find(request.task.taskId);
    return container && readContainerLog(api, container.Id, request);
  }

  /**
   * An answer of the Engine, or the lack of one, is about what was asked: whether it is there at all is found out by the pings. No
   * word with the Engine at all, or anything unforeseen, is about all.
   */
  isOutage(error: unknown): boolean {
    return !(error instanceof EngineError) && !isSilence(error);
  }

  async #start(taskId: string, id: string): Promise<TaskReport> {
    const { api, clock, logger } = this.#options;
    try {
      await api.start(id);
      const status: TaskStatus = { taskId, state: 'running', at: clock.now() };
      return { status, resources: undefined, isKept: true, isAcknowledged: false };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      logger.warn({ taskId, error }, 'container not started');
      // The Engine writes down why, and so the same is told after any crash.
      const report = await this.look(taskId);
      if (report?.isInterrupted !== true) return report ?? cutShort(taskId);
      await this.forget(taskId);
      return neverBegan({ taskId, state: 'not-launched', reason: 'start-failed', message: error.message });
    }
  }

  /** Its name is taken: a predecessor's call came through after all, or it is not a task's. */
  async #takeOver(taskId: string, signal: AbortSignal): Promise<TaskReport> {
    const report = await this.look(taskId);
    if (report === undefined)
      return neverBegan({ taskId, state: 'rejected', reason: 'name-taken', message: 'another container has its name' });
    return report.isInterrupted === true && !signal.aborted ? this.resume(taskId) : report;
  }

  get #tasks(): ContainerIndex {
    if (this.#index === undefined) throw new Error('never connected to the Docker Engine');
    return this.#index;
  }

  #connected(): Connection {
    if (this.#connection === undefined) throw new Error('not connected to the Docker Engine');
    return this.#connection;
  }

  /** One container that the Engine can't tell of does not keep all the others from being found. */
  async #find(taskId: string, id: string): Promise<TaskReport | undefined> {
    try {
      return this.#report(await this.#options.api.inspect(id));
    } catch (error) {
      if (this.isOutage(error)) throw error;
      this.#options.logger.warn({ taskId, container: id, error }, 'the Engine does not tell of a container');
      return undefined;
    }
  }

  /** Who asked for the kill knows that it did; the end must not wait for the mark. */
  #goOn(taskId: string, error: unknown): void {
    if (this.isOutage(error)) throw error;
    this.#options.logger.warn({ taskId, error }, 'a kill could not be noted; it is done all the same');
  }

  /** An earlier force wins over a later one. */
  async #mark(container: ContainerDetails, mark: { readonly killBy?: number; readonly isAcknowledged?: boolean }): Promise<void> {
    const name = parseContainerName(container.Name);
    if (name === undefined) return;
    const killBy = Math.min(name.killBy ?? Infinity, mark.killBy ?? Infinity);
    const marked = {
      ...name,
      ...(killBy < Infinity ? { killBy } : {}),
      isAcknowledged: name.isAcknowledged || mark.isAcknowledged === true,
    };
    if (containerName(marked) !== containerName(name)) await unless([404], this.#options.api.rename(container.Id, containerName(marked)));
  }

  /** Gone or ended by itself is fine: the end is being noticed. */
  #signal(id: string, signal: string): Promise<void> {
    return unless([404, 409], this.#options.api.kill(id, signal));
  }

  #report(container: ContainerDetails | undefined): TaskReport | undefined {
    return container && containerReport(container, this.#bootedAt);
  }

  async #follow(events: Readable, connection: Connection): Promise<void> {
    for await (const event of jsonLines(events)) {
      const { Attributes = {} } = (event['Actor'] ?? {}) as { Attributes?: Readonly<Record<string, string>> };
      const taskId = Attributes[LABELS.task];
      if (taskId === undefined || ownPrefix(connection.owner, Attributes) === undefined) continue;
      this.#ended(taskId, connection).catch((error: unknown) => this.#lose(connection, error));
    }
    this.#lose(connection, new Error('the Docker Engine closed its stream of events'));
  }

  async #ended(taskId: string, connection: Connection): Promise<void> {
    const { listener, ended } = connection;
    try {
      const report = await this.look(taskId);
      if (report !== undefined) return listener.changed(report);
      listener.changed(neverBegan({ taskId, state: 'lost', reason: 'container-removed', message: 'someone removed its container' }));
    } catch (error) {
      if (this.isOutage(error)) throw error;
      this.#options.logger.warn({ taskId, error }, 'the Engine does not tell how a container ended; it is asked again');
      await this.#options.clock.sleep(LOOK_AGAIN_MS, ended.signal);
      if (!ended.signal.aborted) await this.#ended(taskId, connection);
    }
  }

  #pingLater(connection: Connection): void {
    const { api, clock } = this.#options;
    connection.stopPing = clock.timer(PING_EVERY_MS, () => {
      api.ping().then(
        () => this.#connection === connection && this.#pingLater(connection),
        (error: unknown) => this.#lose(connection, error),
      );
    });
  }

  #lose(connection: Connection, error: unknown): void {
    if (this.#connection !== connection) return;
    connection.listener.disconnected(error instanceof Error ? error.message : String(error));
  }
}

/** Lets these answers pass: what was wanted is so already. */
async function unless(statuses: readonly number[], call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof EngineError) || !statuses.includes(error.status)) throw error;
  }
}

function cutShort(taskId: string): TaskReport {
  return neverBegan({ taskId, state: 'not-launched', reason: 'launch-interrupted', message: 'its launch was cut short' });
}
