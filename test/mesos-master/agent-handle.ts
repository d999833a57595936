/** One agent as a test holds it: what can be done to it, with the order of events that Mesos would show. */

import { agentDisconnected, loseAgent, markAgentGone } from './core/agents.ts';
import { planMaintenance } from './core/maintenance.ts';
import type { MasterState, Unavailability } from './core/model.ts';
import { rescindAll } from './core/offers.ts';
import { deactivateAgent, drainAgent, reactivateAgent, type DrainOrder } from './core/operator.ts';
import type { StandInAgent } from './agent/agent.ts';
import type { Cluster } from './cluster.ts';
import type { HttpFront } from './http/front.ts';

export class AgentHandle {
  readonly #agent: StandInAgent;
  readonly #cluster: Cluster;
  readonly #front: HttpFront | undefined;

  constructor(agent: StandInAgent, cluster: Cluster, front: HttpFront | undefined) {
    this.#agent = agent;
    this.#cluster = cluster;
    this.#front = front;
  }

  get name(): string {
    return this.#agent.name;
  }

  /** The id that the master gave; fails before the first registration. */
  get id(): string {
    if (this.#agent.id === undefined) throw new Error(`agent ${this.name} has not registered`);
    return this.#agent.id;
  }

  get port(): number {
    return this.#agent.parts.info.port;
  }

  /** Base URL of its HTTP endpoints. */
  get url(): string {
    return `${this.#agent.parts.info.scheme}://127.0.0.1:${this.port}`;
  }

  /** kill -9 (or SIGTERM) of its process: offers are rescinded at once, tasks go on, unreachable after the pings. */
  async kill(): Promise<void> {
    this.#agent.kill();
    await this.#front?.close();
  }

  /** Starts it again after kill(); resolves when it has re-registered, or at once when no master leads. */
  async restart(): Promise<void> {
    await this.#front?.listen(this.port);
    const registered = this.#agent.registered();
    this.#agent.restart(() => this.#cluster.leader?.door);
    if (this.#cluster.leader !== undefined) await registered;
  }

  /** Starts it again after kill() with an empty work directory: a new agent at the same address. */
  async replace(): Promise<void> {
    this.#agent.wipe();
    await this.restart();
  }

  /** SIGSTOP: silence; unreachable after the pings. */
  stop(): void {
    this.#agent.stop();
  }

  /** SIGCONT. An agent that was taken for unreachable registers again, with whoever leads then. */
  resume(): void {
    const { process, parts } = this.#agent;
    this.#agent.resume(() => process.timer(parts.timing.agentFollowsLeaderMs, () => void this.#cluster.connectAgent(this.#agent)));
  }

  /** Registers with the leader now: for agents that were told to stay away after a master's restart. */
  reconnect(): Promise<void> {
    return this.#cluster.connectAgent(this.#agent);
  }

  /** The master gives up on it now, as if the pings had run out. */
  loseNow(): void {
    loseAgent(this.#master(), this.id);
  }

  /** The connection to the master breaks while the process lives; reconnect() brings it back. */
  disconnect(): void {
    agentDisconnected(this.#master(), this.id);
  }

  /** SIGUSR1: unregisters and ends. */
  async unregister(): Promise<void> {
    this.#agent.unregister();
    await this.#front?.close();
  }

  markGone(): void {
    markAgentGone(this.#master(), this.id);
  }

  drain(order: Partial<DrainOrder> = {}): void {
    drainAgent(this.#master(), this.id, { maxGraceMs: undefined, markGone: false, ...order });
  }

  deactivate(): void {
    deactivateAgent(this.#master(), this.id);
  }

  reactivate(): void {
    reactivateAgent(this.#master(), this.id);
  }

  /** Times in milliseconds since the epoch; new offers and inverse offers say so. A schedule by machine: POST /maintenance/schedule. */
  planMaintenance(planned: Unavailability | undefined): void {
    planMaintenance(this.#master(), this.id, planned);
  }

  /** Takes its outstanding offers back. */
  rescindOffers(): void {
    const master = this.#master();
    const entry = master.agents.get(this.id);
    if (entry !== undefined) rescindAll(master, entry);
  }

  /** Kills the executor of a running task, and what it runs. */
  loseExecutor(frameworkId: string, taskId: string): void {
    this.#agent.loseExecutor(frameworkId, taskId);
  }

  /** The sandbox of an executor is garbage-collected. */
  collectSandbox(frameworkId: string, taskId: string): void {
    this.#agent.parts.sandboxes.collect(frameworkId, taskId);
  }

  #master(): MasterState {
    const state = this.#cluster.leader?.state;
    if (state === undefined) throw new Error('no master leads');
    return state;
  }
}
