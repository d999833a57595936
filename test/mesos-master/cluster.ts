/**
 * Masters and agents put together: who leads, who follows, and what happens when one of them dies, freezes, or comes
 * back. With one master there is no election: agents have its address; with several they watch an election.
 */

import type { Clock } from '../../src/clock/clock.ts';
import type { StandInAgent } from './agent/agent.ts';
import type { MasterAddress } from './core/model.ts';
import { MasterNode, type NodeParts } from './master-node.ts';
import type { Timing } from './timing.ts';

export interface Election {
  /** Called with the new leader, or undefined when it has none: to publish it elsewhere (ZooKeeper). */
  readonly onLeader: (leader: (MasterAddress & { readonly id: string }) | undefined) => void;
}

export interface ClusterParts {
  readonly clock: Clock;
  readonly timing: Timing;
  readonly ports: readonly number[];
  readonly agents: readonly StandInAgent[];
  readonly node: Omit<NodeParts, 'leader'>;
  readonly election: Election;
}

export interface RestartOptions {
  /** How long the machine is down before the process starts. */
  readonly downMs?: number;
  /** From the master being up to the agents' return; default: what timing says. Infinity: they stay away. */
  readonly agentsAfterMs?: number;
  /** Stops there; booting again goes on. */
  readonly until?: 'no-routes' | 'recovering' | 'up';
}

export class Cluster {
  readonly masters: MasterNode[];
  readonly agents: readonly StandInAgent[];
  readonly #parts: ClusterParts;
  /** Whom the election names; what followers say. It may be dead. */
  #elected: MasterNode | undefined;
  #stopped = false;
  /** When the last leader died. */
  #leaderlessSince = 0;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.agents = parts.agents;
    const leader = (): MasterAddress | undefined => this.#elected?.address;
    this.masters = parts.ports.map((port) => new MasterNode({ ...parts.node, leader }, port));
  }

  /** The master that leads and lives. */
  get leader(): MasterNode | undefined {
    return this.#elected?.state === undefined ? undefined : this.#elected;
  }

  get #isElected(): boolean {
    return this.masters.length > 1;
  }

  /** All masters up, the first leading, all agents registered. */
  async start(): Promise<void> {
    for (const master of this.masters) {
      await master.start();
      master.stage = 'up';
    }
    this.#takeOffice(this.masters[0] as MasterNode);
    await Promise.all(this.agents.map((agent) => this.#connect(agent)));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const agent of this.agents) agent.process.kill();
    await Promise.all(this.masters.map((master) => master.kill()));
  }

  /** kill -9 of a master. When it led, agents follow later: to whoever leads then. */
  async kill(master: MasterNode): Promise<void> {
    const led = master === this.#elected;
    this.#leaderlessSince = this.#parts.clock.monotonic();
    await master.kill();
    if (led && this.#isElected) this.#electLater(master);
  }

  /** The process starts: refusing, then 404, then 503, then up. Resolves when it is up, or held at `until`. */
  async boot(master: MasterNode, options: RestartOptions = {}): Promise<void> {
    const { clock, timing } = this.#parts;
    const { until = 'up' } = options;
    if (master.stage === 'down') {
      await clock.sleep((options.downMs ?? 0) + timing.masterRefusesMs);
      if (!this.#stopped) await master.start();
    }
    if (until === 'no-routes') return;
    if (master.stage === 'no-routes') {
      await clock.sleep(timing.masterNoRoutesMs);
      master.stage = 'recovering';
    }
    if (until === 'recovering') return;
    await clock.sleep(timing.masterRecoversMs);
    if (this.#stopped || master.stage !== 'recovering') return;
    master.stage = 'up';
    if (this.#isElected && this.leader !== undefined) return;
    this.#takeOffice(master);
    const silentMs = clock.monotonic() - this.#leaderlessSince;
    const afterMs = this.#isElected ? timing.agentFollowsLeaderMs : Math.max(timing.agentNoticesMasterMs - silentMs, 0);
    this.#bringAgents(options.agentsAfterMs ?? afterMs);
  }

  /** SIGSTOP of the leader. With others there, one of them leads after the session's end. */
  freeze(master: MasterNode): void {
    master.process.freeze();
    if (this.#isElected && master === this.#elected) this.#electLater(master);
  }

  /** SIGCONT. A leader that lost its office meanwhile ends itself. */
  async thaw(master: MasterNode): Promise<void> {
    if (this.#isElected && master !== this.#elected) return master.kill();
    master.process.thaw();
  }

  /** The election is gone: the leader gives up when its session ends, nobody is elected. */
  async loseElection(): Promise<void> {
    const { clock, timing } = this.#parts;
    await clock.sleep(timing.zookeeperSessionMs);
    const led = this.#elected;
    this.#elected = undefined;
    this.#parts.election.onLeader(undefined);
    await led?.kill();
  }

  /** The election is back: a living master leads. */
  restoreElection(): void {
    this.#electNow();
  }

  connectAgent(agent: StandInAgent): Promise<void> {
    return this.#connect(agent);
  }

  #takeOffice(master: MasterNode): void {
    this.#elected = master;
    const state = master.lead();
    this.#parts.election.onLeader({ ...master.address, id: state.id });
  }

  /** Followers go on naming the old leader until its session has ended. */
  #electLater(old: MasterNode): void {
    this.#parts.clock.timer(this.#parts.timing.zookeeperSessionMs, () => {
      if (!this.#stopped && this.#elected === old) this.#electNow();
    });
  }

  #electNow(): void {
    const next = this.masters.find((master) => master.stage === 'up' && !master.process.isFrozen);
    if (next === undefined) {
      this.#elected = undefined;
      this.#parts.election.onLeader(undefined);
      return;
    }
    this.#takeOffice(next);
    this.#bringAgents(this.#parts.timing.agentFollowsLeaderMs);
  }

  #bringAgents(afterMs: number): void {
    if (afterMs === Number.POSITIVE_INFINITY) return;
    this.#parts.clock.timer(afterMs, () => {
      if (this.#stopped) return;
      for (const agent of this.agents) if (!agent.isDead) void this.#connect(agent);
    });
  }

  #connect(agent: StandInAgent): Promise<void> {
    const door = this.leader?.door;
    if (door === undefined) return Promise.resolve();
    const registered = agent.registered();
    agent.connect(door);
    return registered;
  }
}
