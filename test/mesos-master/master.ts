/**
 * A stand-in Mesos: one master or several, with agents, in this process, speaking the v1 scheduler API over real HTTP
 * as a real 1.12 master was seen to do (docs/mesos.md). Built from those facts and not from what our client sends.
 *
 * Nothing goes wrong unless a test asks for it: `faults` for messages, `agent(name)` for agents, and the methods here
 * for masters. `history` tells what was launched, run, killed and acknowledged, over all restarts.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/clock/clock.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { StandInAgent, type AgentParts } from './agent/agent.ts';
import { Sandboxes } from './agent/sandboxes.ts';
import { AgentHandle } from './agent-handle.ts';
import { agentInfo, type AgentSpec } from './agent-spec.ts';
import { Cluster, type Election, type RestartOptions } from './cluster.ts';
import { rescind } from './core/offers.ts';
import type { MasterState, Registry } from './core/model.ts';
import { Faults } from './faults.ts';
import { History } from './history.ts';
import { serveAgent } from './http/agent-front.ts';
import type { Credentials } from './http/credentials.ts';
import { HttpFront } from './http/front.ts';
import type { MasterNode } from './master-node.ts';
import type { TaskRunner } from './runner/runner.ts';
import { ScriptedRunner } from './runner/scripted.ts';
import { Seeded } from './seeded.ts';
import { REAL_TIMING, type Timing } from './timing.ts';
import type { Call } from './wire/call.ts';
import type { MesosEvent } from './wire/event.ts';

export interface StandInOptions {
  /** Port of the (first) master; 0: any free one. The others get free ones. */
  readonly port?: number;
  /** How many masters; the first leads. With more than one there is an election. */
  readonly masters?: number;
  /** Default: one agent with 4 cpus and 4 GiB. */
  readonly agents?: readonly AgentSpec[];
  /** Replaces single durations of the real timing. */
  readonly timing?: Partial<Timing>;
  /** What runs the tasks of agents that name no runner; default: scripted outcomes (runner/scripted.ts). */
  readonly runner?: TaskRunner;
  readonly clock?: Clock;
  /** Decides ids, orders and delays; default: a new one each time. Give two of them on one Docker Engine different ones. */
  readonly seed?: number;
  /** Lets events and answers overtake each other as the seed says. */
  readonly interleave?: boolean;
  /** Ends HTTP chunks anywhere. */
  readonly splitChunks?: boolean;
  /** Principal to secret: frameworks must authenticate. */
  readonly credentials?: Credentials;
  /** What the masters and agents call their host. */
  readonly hostname?: string;
  /** Where sandboxes go; default: a directory of its own, removed at the end. */
  readonly workDir?: string;
  /** Told of each new leader: to publish it in ZooKeeper, for example. */
  readonly onLeader?: Election['onLeader'];
}

interface Assembly {
  readonly cluster: Cluster;
  readonly handles: readonly AgentHandle[];
  readonly fronts: readonly HttpFront[];
  readonly faults: Faults;
  readonly history: History;
  readonly clock: Clock;
  readonly runners: ReadonlySet<TaskRunner>;
  readonly ownWorkDir: string | undefined;
  readonly calls: Call[];
  readonly events: MesosEvent[];
}

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
    return `http://${this.address}`;
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

async function assemble(options: StandInOptions): Promise<Assembly> {
  const clock = options.clock ?? systemClock;
  const timing = { ...REAL_TIMING, ...options.timing };
  const seeded = new Seeded(options.seed ?? Math.floor(clock.random() * 2 ** 32));
  const history = new History(() => clock.now());
  const registry: Registry = { admitted: new Map(), unreachable: new Map(), gone: new Set() };
  const faults = new Faults();
  const calls: Call[] = [];
  const events: MesosEvent[] = [];
  const shared = { clock, timing, seeded, history, registry };
  const runner = options.runner ?? new ScriptedRunner(clock);
  const workDir = options.workDir ?? mkdtempSync(join(tmpdir(), 'stand-in-mesos-'));
  const specs = options.agents ?? [{}];
  const built = await Promise.all(
    specs.map((spec, index) =>
      buildAgent({ spec: { hostname: options.hostname ?? 'localhost', ...spec }, index, shared, runner, workDir }),
    ),
  );
  const cluster = new Cluster({
    clock,
    timing,
    ports: Array.from({ length: options.masters ?? 1 }, (_, index) => (index === 0 ? (options.port ?? 0) : 0)),
    agents: built.map(({ agent }) => agent),
    election: { onLeader: options.onLeader ?? ((): void => undefined) },
    node: {
      ...shared,
      hostname: options.hostname ?? 'localhost',
      faults,
      credentials: options.credentials,
      interleave: options.interleave ?? false,
      splitChunks: options.splitChunks ?? false,
      onCall: (call) => void calls.push(call),
      onEvent: (event) => void events.push(event),
    },
  });
  return {
    cluster,
    handles: built.map(({ agent, front }) => new AgentHandle(agent, cluster, front)),
    fronts: built.flatMap(({ front }) => (front === undefined ? [] : [front])),
    faults,
    history,
    clock,
    runners: new Set([runner, ...specs.flatMap((spec) => (spec.runner === undefined ? [] : [spec.runner]))]),
    ownWorkDir: options.workDir === undefined ? workDir : undefined,
    calls,
    events,
  };
}

interface AgentPlan {
  readonly spec: AgentSpec;
  readonly index: number;
  readonly shared: Pick<AgentParts, 'clock' | 'timing' | 'seeded' | 'history' | 'registry'>;
  readonly runner: TaskRunner;
  readonly workDir: string;
}

async function buildAgent(plan: AgentPlan): Promise<{ readonly agent: StandInAgent; readonly front: HttpFront | undefined }> {
  const { spec, index, shared, workDir } = plan;
  const name = spec.name ?? `agent-${index}`;
  const served: { agent?: StandInAgent } = {};
  const front =
    spec.http === false
      ? undefined
      : new HttpFront((exchange) => {
          const { agent } = served;
          if (agent !== undefined) agent.process.post(() => serveAgent(agent, exchange));
        });
  const port = front === undefined ? (spec.port ?? 20_000 + index) : await front.listen(spec.port ?? 0);
  const agent = new StandInAgent({
    ...shared,
    name,
    info: agentInfo(spec, port),
    runner: spec.runner ?? plan.runner,
    launchesPerSecond: spec.launchesPerSecond,
    sandboxes: new Sandboxes(join(workDir, name)),
    provisionsImages: spec.provisionsImages ?? false,
  });
  served.agent = agent;
  return { agent, front };
}
