/**
 * An executor whose tasks are only pretended: each launch is answered by a script, at once or when the test says. For tests of
 * what stands above the port, and for benches in which the executor should cost nothing.
 */

import type { Executor, ExecutorCommand, ExecutorSession, LogChunk, Offer, TaskLaunch, TaskStatus } from '../../src/executor/port.ts';

/** What becomes of a task: statuses to send at once; none: it stays silent. */
export type Script = (launch: TaskLaunch) => readonly Omit<TaskStatus, 'taskId' | 'agentId'>[];

export const succeed: Script = () => [{ state: 'running' }, { state: 'finished', exitCode: 0 }];
export const staySilent: Script = () => [];

/** The medium: what was launched, whoever leads. Shared by the executors of several nodes, like a cluster. */
export class ScriptedCluster {
  readonly launches: TaskLaunch[] = [];
  readonly commands: ExecutorCommand[] = [];
  script: Script = succeed;
  /** Its executors say `reconciled` before they are asked, and never again. */
  isHasty = false;

  launchesOf(taskId: string): number {
    return this.launches.filter((launch) => launch.taskId === taskId).length;
  }
}

export class ScriptedExecutor implements Executor {
  readonly kind = 'scripted';
  readonly #cluster: ScriptedCluster;
  /** It lets nobody connect any more. */
  refuses = false;
  #session: ExecutorSession | undefined;
  #offers = 0;
  #acks = 0;

  constructor(cluster: ScriptedCluster) {
    this.#cluster = cluster;
  }

  start(session: ExecutorSession): void {
    this.#session = session;
    if (this.refuses) return this.disconnect(true);
    session.emit({ type: 'connected', identity: 'scripted', exclusive: true });
    if (this.#cluster.isHasty) this.reconciled();
    this.#offer();
  }

  perform(command: ExecutorCommand): void {
    this.#cluster.commands.push(command);
    if (command.type === 'launch') {
      for (const task of command.tasks) this.#launch(task);
      this.#offer();
    } else if (command.type === 'kill') {
      this.send(command.task.taskId, { state: 'killed' });
    } else if (command.type === 'reconcile') {
      const known = new Set(this.#cluster.launches.map((launch) => launch.taskId));
      for (const { taskId } of command.tasks) if (!known.has(taskId)) this.send(taskId, { state: 'unknown' });
      if (!this.#cluster.isHasty) this.reconciled();
    }
  }

  stop(): Promise<void> {
    this.#session = undefined;
    return Promise.resolve();
  }

  readLog(): Promise<LogChunk | undefined> {
    return Promise.resolve(undefined);
  }

  send(taskId: string, status: Omit<TaskStatus, 'taskId' | 'agentId'>): void {
    this.#acks += 1;
    this.#session?.emit({ type: 'status', status: { taskId, agentId: 'a1', ack: `ack${this.#acks}`, ...status } });
  }

  reconciled(): void {
    this.#session?.emit({ type: 'reconciled' });
  }

  disconnect(final: boolean): void {
    this.#session?.emit({ type: 'disconnected', reason: 'the test says so', final });
  }

  #launch(task: TaskLaunch): void {
    this.#cluster.launches.push(task);
    for (const status of this.#cluster.script(task)) this.send(task.taskId, status);
  }

  #offer(): void {
    this.#offers += 1;
    const offer: Offer = {
      id: `o${this.#offers}`,
      agentId: 'a1',
      hostname: 'a1.test',
      address: '',
      pool: 'a1',
      resources: { cpus: 1e6, mem: 1e9, disk: 1e9, gpus: 0, ports: [[31000, 32000]] },
      attributes: {},
    };
    this.#session?.emit({ type: 'offers', offers: [offer] });
  }
}
