/** Plays the leader to one executor: keeps its offers, writes down its events, and waits for them. */

import type {
  Executor,
  ExecutorCommand,
  ExecutorEvent,
  Offer,
  TaskLaunch,
  TaskSpec,
  TaskState,
  TaskStatus,
} from '../../src/executor/port.ts';
import { until } from './until.ts';

const LIMIT_MS = 20_000;

export const PLAIN_TASK: TaskSpec = {
  env: {},
  cpus: 0.1,
  mem: 32,
  disk: 0,
  gpus: 0,
  network: 'host',
  ports: [],
  volumes: [],
  artifacts: [],
  dockerParameters: [],
  pull: 'missing',
};

export type LaunchOptions = Partial<Pick<TaskLaunch, 'env' | 'ports' | 'killGraceMs' | 'labels'>> & { readonly task?: Partial<TaskSpec> };

/** That of a store which all drivers share, unless told otherwise. */
export const IDENTITY = '0123456789abcdef';

export class ExecutorDriver {
  /** What the store holds when it is started. */
  identity: string | undefined = IDENTITY;
  readonly executor: Executor;
  readonly events: ExecutorEvent[] = [];
  readonly offers = new Map<string, Offer>();
  readonly #task: TaskSpec;

  constructor(executor: Executor, task: TaskSpec = PLAIN_TASK) {
    this.executor = executor;
    this.#task = task;
  }

  /** Starts it and waits until it is connected and has answered for `alive`. */
  async start(alive: readonly string[] = []): Promise<this> {
    const from = this.events.length;
    this.executor.start({ identity: this.identity, emit: (event) => this.#take(event) });
    await this.awaitEvent((event) => event.type === 'connected', 'connected', from);
    await this.reconcile(alive);
    return this;
  }

  async reconcile(taskIds: readonly string[]): Promise<readonly TaskStatus[]> {
    const from = this.events.length;
    this.executor.perform({ type: 'reconcile', tasks: taskIds.map((taskId) => this.ref(taskId)) });
    await this.awaitEvent((event) => event.type === 'reconciled', 'reconciled', from);
    return this.events.slice(from).flatMap((event) => (event.type === 'status' ? [event.status] : []));
  }

  ref(taskId: string): { taskId: string; agentId: string; address: string } {
    return { taskId, agentId: `${this.executor.kind}@here`, address: '' };
  }

  taskLaunch(taskId: string, command: TaskSpec['command'], options: LaunchOptions = {}): TaskLaunch {
    const { env = {}, ports = [], killGraceMs = 1000, labels = {}, task = {} } = options;
    const spec: TaskSpec = { ...this.#task, ...(command === undefined ? {} : { command }), ...task };
    return { ...this.ref(taskId), job: 'job', run: 1, attempt: 1, task: spec, env, ports, killGraceMs, labels };
  }

  /** Launches on all the offers there are, waiting for one if there is none. */
  async launch(taskId: string, command: TaskSpec['command'], options: LaunchOptions = {}): Promise<void> {
    await until(() => this.offers.size > 0, { limitMs: LIMIT_MS, what: 'an offer' });
    this.perform({ type: 'launch', offerIds: [...this.offers.keys()], tasks: [this.taskLaunch(taskId, command, options)] });
  }

  perform(command: ExecutorCommand): void {
    if (command.type === 'launch' || command.type === 'decline') for (const id of command.offerIds) this.offers.delete(id);
    this.executor.perform(command);
  }

  kill(taskId: string, graceMs: number): void {
    this.executor.perform({ type: 'kill', task: this.ref(taskId), graceMs });
  }

  acknowledge(status: TaskStatus): void {
    if (status.ack === undefined) throw new Error(`${status.taskId} ${status.state} is not to be acknowledged`);
    this.executor.perform({ type: 'acknowledge', taskId: status.taskId, agentId: status.agentId ?? '', ack: status.ack });
  }

  statuses(taskId: string): readonly TaskStatus[] {
    return this.events.flatMap((event) => (event.type === 'status' && event.status.taskId === taskId ? [event.status] : []));
  }

  states(taskId: string): readonly TaskState[] {
    return this.statuses(taskId).map((status) => status.state);
  }

  async awaitState(taskId: string, state: TaskState): Promise<TaskStatus> {
    const find = (): TaskStatus | undefined => this.statuses(taskId).findLast((status) => status.state === state);
    const what = (): string => `${taskId} to be ${state}; it was told ${JSON.stringify(this.statuses(taskId))}`;
    await until(() => find() !== undefined, { limitMs: LIMIT_MS, what });
    return find() as TaskStatus;
  }

  async awaitEvent(isWanted: (event: ExecutorEvent) => boolean, what: string, from = 0): Promise<ExecutorEvent> {
    const find = (): ExecutorEvent | undefined => this.events.slice(from).find(isWanted);
    const told = (): string =>
      `${what}; there were ${this.events
        .slice(from)
        .map((event) => event.type)
        .join(', ')}`;
    await until(() => find() !== undefined, { limitMs: LIMIT_MS, what: told });
    return find() as ExecutorEvent;
  }

  /** The cpus on offer now. */
  offeredCpus(): number {
    return Math.round([...this.offers.values()].reduce((sum, offer) => sum + offer.resources.cpus, 0) * 1000) / 1000;
  }

  async log(taskId: string, request: { stream?: 'stdout' | 'stderr'; offset?: number; length?: number } = {}): Promise<string | undefined> {
    const { stream = 'stdout', offset = 0, length = 100_000 } = request;
    const chunk = await this.executor.readLog({ task: this.ref(taskId), stream, offset, length });
    return chunk === undefined ? undefined : Buffer.from(chunk.data).toString();
  }

  #take(event: ExecutorEvent): void {
    this.events.push(event);
    if (event.type === 'connected' || event.type === 'disconnected') this.offers.clear();
    if (event.type === 'offers') for (const offer of event.offers) this.offers.set(offer.id, offer);
    if (event.type === 'rescinded') this.offers.delete(event.offerId);
  }
}
