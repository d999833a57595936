/**
 * A stand-in agent: its process (which can be killed, stopped and restarted), its disk (tasks and unacknowledged
 * updates, which stay) and its link to the leading master.
 */

import { taskKey, type AgentInfo, type AgentLink, type AgentReport, type FrameworkFacts, type Registry } from '../core/model.ts';
import type { AgentUpdate } from '../core/updates.ts';
import { ProcessClock } from '../process-clock.ts';
import type { Clock } from '../../../src/clock/clock.ts';
import type { History } from '../history.ts';
import type { TaskRunner } from '../runner/runner.ts';
import type { Seeded } from '../seeded.ts';
import type { Timing } from '../timing.ts';
import { containerStatusOf, type AgentTask } from './agent-task.ts';
import type { Sandboxes } from './sandboxes.ts';
import { TaskDriver } from './task-driver.ts';

/** Messages from an agent to a master process; lost when that is dead, late when it is frozen. */
export interface MasterPort {
  register(info: AgentInfo, link: AgentLink): void;
  reregister(agentId: string, report: AgentReport): void;
  update(update: AgentUpdate): void;
  unregister(agentId: string): void;
  /** The connection of the agent's process closed. */
  disconnected(agentId: string): void;
  /** It does not answer pings any more. */
  silent(agentId: string): void;
  /** It does again; `whenLost`: too late. */
  answers(agentId: string, whenLost: () => void): void;
}

export interface AgentParts {
  readonly name: string;
  readonly info: AgentInfo;
  readonly runner: TaskRunner;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly seeded: Seeded;
  readonly history: History;
  readonly registry: Registry;
  readonly launchesPerSecond: number | undefined;
  readonly sandboxes: Sandboxes;
  /** UCR images can be provisioned (`--image_providers=docker`). */
  readonly provisionsImages: boolean;
}

export class StandInAgent {
  readonly name: string;
  readonly parts: AgentParts;
  readonly tasks = new Map<string, AgentTask>();
  readonly frameworks = new Map<string, FrameworkFacts>();
  /** The id that the master gave; none before the first registration and after a wipe. */
  id: string | undefined;
  /** Of the process that lives now (or died last). */
  process: ProcessClock;
  master: MasterPort | undefined;
  readonly #driver: TaskDriver;
  /** Who waits for the next registration: it may be asked for again before it has come. */
  #waiting: (() => void)[] = [];

  constructor(parts: AgentParts) {
    this.name = parts.name;
    this.parts = parts;
    this.process = new ProcessClock(parts.clock);
    this.#driver = new TaskDriver(this);
  }

  get isDead(): boolean {
    return this.process.isDead;
  }

  /** Registers with this master, anew or again. */
  connect(master: MasterPort): void {
    if (this.process.isDead) return;
    this.process.post(() => {
      this.master = master;
      if (this.id === undefined) master.register(this.parts.info, this.#link());
      else master.reregister(this.id, this.#report());
    });
  }

  /** Resolves at the next completed registration. */
  registered(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** SIGKILL or SIGTERM of the agent's process. Executors and containers go on, except what is not checkpointed. */
  kill(): void {
    if (this.process.isDead) return;
    this.process.kill();
    this.#driver.processDied();
    this.#toldMaster((master, id) => {
      master.disconnected(id);
      master.silent(id);
    });
  }

  /** SIGSTOP: it keeps its connection and answers nothing. */
  stop(): void {
    if (this.process.isDead || this.process.isFrozen) return;
    this.process.freeze();
    this.#toldMaster((master, id) => master.silent(id));
  }

  /** SIGCONT. `whenLost`: its master has taken it for unreachable meanwhile, and it must register again. */
  resume(whenLost: () => void): void {
    if (!this.process.isFrozen || this.process.isDead) return;
    this.process.thaw();
    if (this.id !== undefined && this.parts.registry.unreachable.has(this.id)) whenLost();
    else this.#toldMaster((master, id) => master.answers(id, whenLost));
  }

  /** Starts the process again; it registers with `leader` once it has recovered. */
  restart(leader: () => MasterPort | undefined): void {
    if (!this.process.isDead) throw new Error(`agent ${this.name} is running`);
    this.process = new ProcessClock(this.parts.clock);
    this.process.timer(this.parts.timing.agentRecoveryMs, () => {
      this.#driver.recover();
      const master = leader();
      if (master !== undefined) this.connect(master);
    });
  }

  /** Loses its disk, as if restarted with an empty work directory: what still runs belongs to nobody from now on. */
  wipe(): void {
    if (!this.process.isDead) throw new Error(`agent ${this.name} is running`);
    this.#driver.abandonAll();
    this.id = undefined;
  }

  /** SIGUSR1: unregisters, ends all tasks without a word, and dies. */
  unregister(): void {
    this.#toldMaster((master, id) => master.unregister(id));
    this.shutdown();
  }

  shutdown(): void {
    this.#driver.destroyAll();
    this.process.kill();
  }

  /** The executor of a running task dies, its container or process with it. */
  loseExecutor(frameworkId: string, taskId: string): void {
    this.#driver.loseExecutor(taskKey(frameworkId, taskId));
  }

  #tellRegistered(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #toldMaster(tell: (master: MasterPort, id: string) => void): void {
    if (this.master !== undefined && this.id !== undefined) tell(this.master, this.id);
  }

  #report(): AgentReport {
    const tasks = [...this.tasks.values()].map((task) => ({
      ...task.order,
      state: task.state,
      updateState: task.updates.lastSent?.state,
      updateUuid: task.updates.lastSent?.uuid,
      containerStatus: task.started ? containerStatusOf(task) : undefined,
    }));
    return { info: this.parts.info, link: this.#link(), tasks, frameworks: new Map(this.frameworks) };
  }

  /** Bound to the process that lives now: what is sent to it after its death is lost. */
  #link(): AgentLink {
    const { process } = this;
    const driver = this.#driver;
    return {
      run: (order) => process.post(() => driver.run(order)),
      kill: (order) => process.post(() => driver.kill(order)),
      acknowledge: (ack) => process.post(() => driver.acknowledge(ack)),
      frameworkUpdated: (frameworkId) => process.post(() => driver.resume(frameworkId)),
      registered: (id) =>
        process.post(() => {
          this.id = id;
          this.#tellRegistered();
        }),
      reregistered: (expected) =>
        process.post(() => {
          driver.resume(undefined);
          driver.compare(expected);
          this.#tellRegistered();
        }),
      drain: (drain) => process.post(() => driver.drain(drain)),
      shutdownFramework: (frameworkId) => process.post(() => driver.shutdownFramework(frameworkId)),
      shutdown: () => process.post(() => this.shutdown()),
    };
  }
}
