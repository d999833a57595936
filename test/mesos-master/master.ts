/**
 * A stand-in Mesos: one master or several, with agents, in this process, speaking the v1 scheduler API over real HTTP
 * as a real 1.12 master was seen to do (docs/mesos.md). Built from those facts and not from what our client sends.
 *
 * Nothing goes wrong unless a test asks for it: `faults` for messages, `agent(name)` for agents, and the methods here
 * for masters. `history` tells what was launched, run, killed and acknowledged, over all restarts.
 */

import { rmSync } from 'node:fs';
import type { AgentHandle } from './agent-handle.ts';
import { assemble, type Assembly, type StandInOptions } from './assembly.ts';
import type { RestartOptions } from './cluster.ts';
import { rescind } from './core/offers.ts';
import type { MasterState } from './core/model.ts';
import type { Faults } from './faults.ts';
import type { History } from './history.ts';
import type { MasterNode } from './master-node.ts';
import type { Call } from './wire/call.ts';
import type { MesosEvent } from './wire/event.ts';

export type { StandInOptions } from './assembly.ts';

export class StandInMaster {
  readonly history: History;
  readonly faults: Faults;
  /** Every call that a master accepted, and every event that one sent, in order. */
  readonly calls: readonly Call[];
  readonly events: readonly MesosEvent[];
  readonly agents: readonly AgentHandle[];
  readonly #parts: Assembly;

  private constructor(parts: Assembly) {
    this.#parts = parts;
    this.history = parts.history;
    this.faults = parts.faults;
    this.calls = parts.calls;
    this.events = parts.events;
    this.agents = parts.handles;
  }

  /** Resolves when the first master leads and every agent has registered. */
  static async start(options: StandInOptions = {}): Promise<StandInMaster> {
    const master = new StandInMaster(await assemble(options));
    await master.#parts.cluster.start();
    return master;
  }

  /** `host:port` of the leader, or of the first master while nobody leads. */
  get address(): string {
    return addressOf(this.#parts.cluster.leader ?? this.#node(0));
  }

  get addresses(): readonly string[] {
    return this.#parts.cluster.masters.map(addressOf);
  }

  get url(): string {
    return `${this.#parts.scheme}://${this.address}`;
  }

  /** The leader's own view, for looking; undefined while nobody leads. */
  get state(): MasterState | undefined {
    return this.#parts.cluster.leader?.state;
  }

  agent(name: string): AgentHandle {
    const found = this.agents.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no agent is called ${name}`);
    return found;
  }

  /** How often a task of this id was sent to an agent. */
  launchCount(taskId: string): number {
    return this.history.count('launch', taskId);
  }

  /** kill -9 of a master (by index; default: the leader). */
  async killMaster(index = this.#leaderIndex()): Promise<void> {
    await this.#parts.cluster.kill(this.#node(index));
  }

  /** Starts a killed master; resolves when it is up. Agents come back when timing or `agentsAfterMs` says. */
  async bootMaster(index = 0, options: RestartOptions = {}): Promise<void> {
    await this.#parts.cluster.boot(this.#node(index), options);
  }

  /** kill -9 and a new start of the leader; it has forgotten all but the registry of agents. */
  async restartMaster(options: RestartOptions = {}): Promise<void> {
    const index = this.#leaderIndex();
    await this.killMaster(index);
    await this.bootMaster(index, options);
  }

  /** SIGSTOP of a master: sockets stay open, nothing comes. */
  freezeMaster(index = this.#leaderIndex()): void {
    this.#parts.cluster.freeze(this.#node(index));
  }

  /** SIGCONT. One that lost its office meanwhile ends itself. */
  async thawMaster(index: number): Promise<void> {
    await this.#parts.cluster.thaw(this.#node(index));
  }

  /** The election service is gone, and back. Only with several masters. */
  async loseElection(): Promise<void> {
    await this.#parts.cluster.loseElection();
  }

  restoreElection(): void {
    this.#parts.cluster.restoreElection();
  }

  /** Breaks all subscriptions' connections; the masters see the disconnect. */
  cutStreams(): void {
    for (const node of this.#parts.cluster.masters) for (const stream of node.subscriptions) stream.cut();
  }

  rescindOffer(offerId: string): void {
    const offer = this.state?.offers.get(offerId);
    if (this.state !== undefined && offer !== undefined) rescind(this.state, offer);
  }

  /** Resolves when the condition holds; rejects after `ms`. */
  async until(condition: () => boolean, ms = 10_000): Promise<void> {
    const { clock } = this.#parts;
    const limit = clock.monotonic() + ms;
    while (!condition()) {
      if (clock.monotonic() > limit) throw new Error(`not so after ${ms} ms: ${condition.toString()}`);
      await clock.sleep(5);
    }
  }

  /** Ends everything: masters, agents, tasks, containers and files. */
  async stop(): Promise<void> {
    const { cluster, fronts, runners, ownWorkDir } = this.#parts;
    await cluster.stop();
    await Promise.all(fronts.map((front) => front.close()));
    await Promise.all([...runners].map((runner) => runner.close()));
    if (ownWorkDir !== undefined) rmSync(ownWorkDir, { recursive: true, force: true });
  }

  #leaderIndex(): number {
    const { masters, leader } = this.#parts.cluster;
    if (leader === undefined) throw new Error('no master leads');
    return masters.indexOf(leader);
  }

  #node(index: number): MasterNode {
    const node = this.#parts.cluster.masters[index];
    if (node === undefined) throw new Error(`there is no master ${index}`);
    return node;
  }
}

function addressOf(node: MasterNode): string {
  return `127.0.0.1:${node.port}`;
}
