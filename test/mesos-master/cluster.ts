/**
 * Masters and agents put together: who leads, who follows, and what happens when one of them dies, freezes, or comes
 * back. With one master there is no election: agents have its address; with several they watch an election.
 */

import type { Clock } from '../../src/clock/clock.ts';
import type { StandInAgent } from './agent/agent.ts';
import type { MasterAddress } from './core/model.ts';
import { MasterNode, type NodeParts } from './master-node.ts';
import { ProcessClock } from './process-clock.ts';
import type { Timing } from './timing.ts';

export interface Contender extends MasterAddress {
  /** Of the process: a restarted master has another. */
  readonly id: string;
}

/** Who wants to lead, in the order of joining: the first leads. To be shown elsewhere (zookeeper-election.ts). */
export interface Election {
  joined(contender: Contender): void;
  /** Its session has ended. */
  left(contender: Contender): void;
}

export interface ClusterParts {
  readonly clock: Clock;
  readonly timing: Timing;
  readonly ports: readonly number[];
  readonly agents: readonly StandInAgent[];
  readonly node: Omit<NodeParts, 'leader'>;
  readonly elections: readonly Election[];
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
  /** Ends with the cluster, and all that was to come. */
  readonly #clock: ProcessClock;
  /** Whose sessions live, in the order of joining. The first is elected, and may be dead already. */
  #contenders: { readonly node: MasterNode; readonly contender: Contender }[] = [];
  #hasElection = true;
  #stopped = false;
  /** When the last leader died. */
  #leaderlessSince = 0;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.#clock = new ProcessClock(parts.clock);
    this.agents = parts.agents;
    const leader = (): MasterAddress | undefined => this.#elected?.address;
    this.masters = parts.ports.map((port) => new MasterNode({ ...parts.node, leader }, port));
  }

  /** The master that leads and lives. */
  get leader(): MasterNode | undefined {
    return this.#elected?.state === undefined ? undefined : this.#elected;
  }

  /** Whom followers name. */
  get #elected(): MasterNode | undefined {
    return this.#hasElection ? this.#contenders[0]?.node : undefined;
  }

  get #isElected(): boolean {
    return this.masters.length > 1;
  }

  /** All masters up, the first leading, all agents registered. */
  async start(): Promise<void> {
    for (const master of this.masters) {
      await master.start();
      master.stage = 'up';
      this.#join(master);
    }
    this.#elected?.lead();
    await Promise.all(this.agents.map((agent) => this.#connect(agent)));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#clock.kill();
    for (const agent of this.agents) agent.shutdown();
    await Promise.all(this.masters.map((master) => master.kill()));
  }

  /** kill -9 of a master. When it led, followers go on naming it until its session has ended. */
  async kill(master: MasterNode): Promise<void> {
    const { id } = master;
    this.#leaderlessSince = this.#clock.monotonic();
    await master.kill();
    if (this.#isElected) this.#clock.timer(this.#parts.timing.zookeeperSessionMs, () => this.#leave(id));
    else this.#leave(id);
  }

  /** The process starts: refusing, then 404, then 503, then up. Resolves when it is up, or held at `until`. */
  async boot(master: MasterNode, options: RestartOptions = {}): Promise<void> {
    const { timing } = this.#parts;
    const { until = 'up' } = options;
    if (master.stage === 'down') {
      await this.#clock.sleep((options.downMs ?? 0) + timing.masterRefusesMs);
      if (!this.#stopped) await master.start();
    }
    if (until === 'no-routes') return;
    if (master.stage === 'no-routes') {
      await this.#clock.sleep(timing.masterNoRoutesMs);
      master.stage = 'recovering';
    }
    if (until === 'recovering') return;
    await this.#clock.sleep(timing.masterRecoversMs);
    if (this.#stopped || master.stage !== 'recovering') return;
    master.stage = 'up';
    this.#join(master);
    if (this.#elected !== master) return;
    master.lead();
    const silentMs = this.#clock.monotonic() - this.#leaderlessSince;
    const afterMs = this.#isElected ? timing.agentFollowsLeaderMs : Math.max(timing.agentNoticesMasterMs - silentMs, 0);
    this.#bringAgents(options.agentsAfterMs ?? afterMs);
  }

  /** SIGSTOP of a master: its session ends, and if it led another one leads. */
  freeze(master: MasterNode): void {
    const { id } = master;
    master.process.freeze();
    if (!this.#isElected) return;
    this.#clock.timer(this.#parts.timing.zookeeperSessionMs, () => {
      if (master.process.isFrozen) this.#leave(id);
    });
  }

  /** SIGCONT. A master whose session ended meanwhile ends itself. */
  async thaw(master: MasterNode): Promise<void> {
    if (this.#contenders.some(({ node }) => node === master)) master.process.thaw();
    else await master.kill();
  }

  /** The election is gone: the leader gives up when its session ends, nobody is elected. */
  async loseElection(): Promise<void> {
    await this.#clock.sleep(this.#parts.timing.zookeeperSessionMs);
    const led = this.#elected;
    this.#hasElection = false;
    if (led === undefined) return;
    this.#leave(led.id);
    await led.kill();
  }

  /** The election is back: the master that has waited longest leads. */
  restoreElection(): void {
    this.#hasElection = true;
    this.#leadIfElected();
  }

  connectAgent(agent: StandInAgent): Promise<void> {
    return this.#connect(agent);
  }

  #join(node: MasterNode): void {
    const contender = { ...node.address, id: node.id };
    this.#contenders.push({ node, contender });
    for (const election of this.#parts.elections) election.joined(contender);
  }

  #leave(id: string): void {
    const gone = this.#contenders.find(({ contender }) => contender.id === id);
    if (gone === undefined || this.#stopped) return;
    this.#contenders = this.#contenders.filter((one) => one !== gone);
    for (const election of this.#parts.elections) election.left(gone.contender);
    this.#leadIfElected();
  }

  #leadIfElected(): void {
    const next = this.#elected;
    if (next === undefined || next.stage !== 'up' || next.state !== undefined) return;
    next.lead();
    this.#bringAgents(this.#parts.timing.agentFollowsLeaderMs);
  }

  #bringAgents(afterMs: number): void {
    if (afterMs === Number.POSITIVE_INFINITY) return;
    this.#clock.timer(afterMs, () => {
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
