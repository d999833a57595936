/**
 * One simulated cluster from one seed: nodes, store, Mesos, people and faults, living through so many hours. After that faults end,
 * everything heals, and what was begun must end. Throws the first violation of an invariant.
 */

import type { Engine } from '../../src/engine/engine.ts';
import { EXECUTOR_IDENTITY_KEY } from '../../src/engine/keys.ts';
import type { ExecutorIdentity } from '../../src/engine/records.ts';
import type { Decision } from '../../src/engine/decision.ts';
import { EngineFailure } from '../../src/engine/quarantine.ts';
import type { Revision } from '../../src/store/port.ts';
import { MemoryCluster } from '../../src/store/memory/memory-store.ts';
import { LONGEST_QUARANTINE_MS } from '../invariants/limits.ts';
import type { Attributes } from '../invariants/placement-rules.ts';
import { InvariantViolation } from '../invariants/violation.ts';
import { ApiClient } from './api-client.ts';
import { drain } from './drain.ts';
import { ExecutorPatience, LOOK_EVERY_MS } from './executor-patience.ts';
import { FaultDriver } from './fault-driver.ts';
import { Happenings } from './happenings.ts';
import { LifeBook } from './life-book.ts';
import type { AgentLosses } from './mesos-agent.ts';
import { MesosMaster } from './mesos-master.ts';
import { NodeClock } from './node-clock.ts';
import { Operator } from './operator.ts';
import { Random } from './random.ts';
import { Recorder } from './recorder.ts';
import { INJECTED, SimNode } from './sim-node.ts';
import { drawSwarm, type Swarm } from './swarm.ts';
import { Trace } from './trace.ts';
import { Traffic } from './traffic.ts';
import { VirtualTime } from './virtual-time.ts';
import { drawStyle, fitStyle, type WorkloadStyle } from './workload.ts';

export interface SimulationOptions {
  readonly seed: string;
  readonly hours: number;
  /** Ends after so many of them: what happens before is the same. */
  readonly until?: number;
  /** Names of faults to leave out; `all`, `api`. */
  readonly off: ReadonlySet<string>;
  /** At most so many jobs. */
  readonly jobs?: number;
  readonly nodes?: number;
  /** Hears every line of the trace. */
  readonly echo?: (line: string) => void;
}

export interface SimulationResult {
  readonly digest: string;
  readonly lines: number;
  readonly events: number;
  readonly decisions: number;
  readonly commits: number;
  readonly launches: number;
  readonly takeovers: number;
  /** How often what happened. */
  readonly counts: ReadonlyMap<string, number>;
  /** Virtual time lived through, the end included. */
  readonly hours: number;
}

/** Within an hour of some of these the clocks of a zone that jobs have change, within hours of others; and months and years end. */
const STARTS = [
  '2026-01-15T10:00:00Z',
  '2026-03-28T20:00:00Z',
  // Berlin, an hour back at 01:00; forward at 01:00.
  '2026-10-25T00:25:00Z',
  '2026-03-29T00:40:00Z',
  '2026-02-28T22:00:00Z',
  '2027-12-31T20:00:00Z',
  // St. John's forward at 05:30, New York at 07:00.
  '2026-03-08T05:10:00Z',
  // Lord Howe, half an hour back at 15:00.
  '2026-04-04T14:35:00Z',
  // New York, an hour back at 06:00.
  '2026-11-01T05:30:00Z',
];
const HOUR_MS = 3_600_000;

export class Simulation {
  readonly options: SimulationOptions;
  readonly random: Random;
  readonly swarm: Swarm;
  readonly style: WorkloadStyle;
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly cluster: MemoryCluster;
  readonly master: MesosMaster;
  readonly recorder: Recorder;
  /** The latest life of each; those before it are gone. */
  nodes: readonly SimNode[] = [];
  readonly #lives = new Map<string, number>();
  readonly faults: FaultDriver;
  readonly traffic: Traffic;
  readonly lives: LifeBook;
  readonly operator: Operator;
  readonly happenings = new Happenings();
  /** Between the master and its agents. */
  readonly losses: AgentLosses = { kills: 0, acknowledgements: 0 };
  launches = 0;
  /** Of them, those of frameworks that were removed and forgotten. */
  #launchesOfOthers = 0;
  readonly #apis = new WeakMap<SimNode, ApiClient>();
  readonly #attributes = new Map<string, Attributes>();
  #words = 0;
  #isBusy = true;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.swarm = drawSwarm(options.seed, options);
    const style = drawStyle(this.random.fork('style'));
    this.style = fitStyle(style, options.hours);
    const start = Date.parse(this.random.fork('start').pick(STARTS));
    this.time = new VirtualTime(start);
    this.trace = new Trace(start, options.echo);
    const fail = (error: unknown): void => this.time.fail(error);
    this.cluster = new MemoryCluster({ clock: new NodeClock(this.time, this.random.fork('store'), { offsetMs: 0, driftPpm: 0 }) });
    this.recorder = new Recorder(this.cluster, {
      happenings: this.happenings,
      attributesOf: (agentId) => this.attributesOf(agentId),
      onForgotten: () => {
        this.#launchesOfOthers = this.launches;
      },
      ...{ line: (what) => this.line('store', what), fail },
      // Also where its agent is gone since: that it is over was the answer, and its end was to come.
      isEnding: ({ taskId }) => this.lives.hasEnded(taskId),
      onHalfway: (id) => this.faults.onHalfway(this.nodes.find((node) => node.id === id && !node.isDead)),
    });
    this.lives = new LifeBook(
      (error) => this.time.fail(error),
      () => this.recorder.invariants.history,
    );
    this.master = new MesosMaster({
      ...{ time: this.time, random: this.random.fork('master'), line: (what) => this.line('mesos', what) },
      onLaunch: ({ task, subscription }) => {
        this.launches += 1;
        this.happenings.note('launch');
        this.line('mesos', `launches ${task.taskId} on ${task.agentId}`);
        const term = BigInt(task.env['KAIROS_TERM'] ?? '0');
        if (this.recorder.nodeOf(term) !== subscription.node)
          fail(new InvariantViolation('launched-once', `${task.taskId} of term ${term} came from ${subscription.node}`));
        this.recorder.invariants.onLaunch(task, term, this.attributesOf(task.agentId));
      },
      onSubscribe: (identity) => this.#checkIdentity(identity),
      onRefused: ({ taskId, job }) =>
        fail(new InvariantViolation('content', `${taskId} asks for more than was offered, or was launched before`, [job])),
      onAcknowledged: ({ taskId }) => {
        this.recorder.invariants.onAcknowledged(taskId);
        this.line('mesos', `forgets ${taskId}`);
      },
      onKill: (taskId, graceMs) => {
        this.happenings.note('order to kill');
        this.recorder.invariants.onKill(taskId, graceMs);
      },
      losses: this.losses,
      note: (what) => this.happenings.note(what),
      onLateAnswer: () => this.happenings.note('late answer'),
      onLife: (agent, launch, life) => {
        this.line(agent.id, `${launch.taskId} ${life}`);
        this.lives.onLife(agent, launch, life);
      },
    });
    this.operator = new Operator(this);
    this.faults = new FaultDriver(this);
    this.traffic = new Traffic({
      ...{ random: this.random.fork('traffic'), style: this.style, maxJobs: Math.min(this.swarm.jobs, options.jobs ?? Infinity) },
      line: (what) => this.line('people', what),
      wait: (ms) => new Promise((resolve) => void this.time.after(ms, () => resolve(this.#isBusy))),
    });
  }

  /** framework: once its identity is stored, a leader that has read it is no other to the master. */
  #checkIdentity({ node: id, frameworkId }: { readonly node: string; readonly frameworkId: string | undefined }): void {
    const stored = this.recorder.invariants.history.value(EXECUTOR_IDENTITY_KEY);
    const node = this.node(id);
    // Before anything was launched under it there may have been no time to store it.
    if ((stored === undefined && this.launches === this.#launchesOfOthers) || node.leadership.term !== this.cluster.term) return;
    const identity = stored === undefined ? undefined : (JSON.parse(stored) as ExecutorIdentity).identity;
    if (identity === undefined || identity !== frameworkId)
      this.time.fail(
        new InvariantViolation('framework', `${id} subscribes as ${frameworkId ?? 'a new one'}; stored is ${identity ?? 'none'}`),
      );
  }

  /** Also of an agent that is gone, if it was ever asked for. */
  attributesOf(agentId: string): Attributes | undefined {
    const found = this.master.agents.find((agent) => agent.id === agentId)?.options;
    if (found) this.#attributes.set(agentId, { rack: found.rack, '@hostname': found.hostname });
    return this.#attributes.get(agentId);
  }

  line(who: string, what: string): void {
    this.trace.line(this.time.now, who, what);
  }

  async run(): Promise<SimulationResult> {
    const { hours, until = hours } = this.options;
    const start = this.time.now;
    for (let index = 1; index <= this.swarm.agents; index++) this.faults.addAgent(index);
    const nodes = Math.min(this.swarm.nodes, this.options.nodes ?? Infinity);
    for (let index = 1; index <= nodes; index++) this.startNode(`node-${index}`);
    this.#makeJobs();
    this.faults.begin();
    this.#everyNow('takeover', 900_000, () => {
      for (const node of this.nodes) if (!node.isDead && !node.clock.isPaused) this.recorder.checkTakeover(node);
    });
    if (!this.options.off.has('api')) {
      this.#everyNow('people', this.swarm.apiEveryMs, () => this.#doSomething());
      this.#everyNow('insisting', 2 * this.swarm.apiEveryMs, () => this.#insist());
    }
    if (nodes > 1) this.#watchExecutors();
    await this.time.run(start + until * HOUR_MS);
    this.#isBusy = false;
    await this.faults.end();
    await drain(this);
    const { decisions, commits, takeovers } = this.recorder;
    return {
      ...{ digest: this.trace.digest(), lines: this.trace.count, events: this.time.count, launches: this.launches },
      ...{ decisions, commits, takeovers, counts: this.happenings.counts, hours: (this.time.now - start) / HOUR_MS },
    };
  }

  startNode(id: string): SimNode {
    const generation = this.#lives.get(id) ?? 0;
    this.#lives.set(id, generation + 1);
    const node = new SimNode({
      ...{ id, time: this.time, cluster: this.cluster, master: this.master, random: this.random.fork(`${id}/${generation}`) },
      ...{ network: this.faults.networkOf(id), faults: this.faults.storeFaultsOf(id), ...this.faults.clockOf(id) },
      nodeCount: this.swarm.nodes,
      isBroken: (job: string) => this.faults.isBroken(job),
      longestWaitMs: this.swarm.longestWaitMs,
      executorPatienceMs: this.swarm.executorPatienceMs,
      commitLimits: this.swarm.commitLimits,
      probe: this.swarm.hasProbe ? (address) => this.#probe(address) : undefined,
      watcher: {
        line: (who, what) => this.line(who, what),
        onFuse: (where) => this.happenings.note(`fuse at ${where}`),
        onDecision: (from: SimNode, engine: Engine, made: { decision: Decision; freeAt: number }) =>
          this.recorder.onDecision(from, engine, made),
        onCommitOutcome: (term: Revision, sequence, outcome) => this.recorder.onCommitOutcome(term, sequence, outcome),
        onTerm: (from, term) => this.recorder.commands.onTerm(from, term),
        onExecutorEvent: (from, event) => this.recorder.commands.onEvent(from, event),
        onPerform: (from, command) => this.recorder.commands.onPerform(from, command),
        onStaleCommand: (_, { type }) => this.happenings.note(`${type} of a leader that is none`),
        onLateCommand: (from, command) => this.time.fail(new InvariantViolation('fenced', `${from.id} performs ${command} after its term`)),
        onTrouble: (from, where, error) => this.#onTrouble(from, where, error),
      },
    });
    this.line(id, 'starts');
    this.nodes = [...this.nodes.filter((other) => other.id !== id), node];
    if (this.faults.outages.isStoreGone) node.connection.partition();
    node.start();
    return node;
  }

  /** Until every job is decided about again: a clock may have been ahead when one was put into quarantine. */
  async outliveQuarantine(): Promise<void> {
    const isEmpty = (): boolean => this.living.every(({ engine }) => (engine?.quarantined.size ?? 0) === 0);
    for (let waitedMs = 0; !isEmpty() && waitedMs <= 2 * LONGEST_QUARANTINE_MS; waitedMs += HOUR_MS / 60)
      await this.time.run(this.time.now + HOUR_MS / 60);
  }

  /** The node's latest life. */
  node(id: string): SimNode {
    return this.nodes.find((node) => node.id === id) as SimNode;
  }

  get living(): readonly SimNode[] {
    return this.nodes.filter((node) => !node.isDead);
  }

  /** One per life of a node, as in production. */
  apiOf(node: SimNode): ApiClient {
    let api = this.#apis.get(node);
    if (!api) {
      api = new ApiClient({
        ...{ nodeId: node.id, store: node.store, replica: node.replica, clock: node.clock },
        ids: () => `w${String((this.#words += 1)).padStart(9, '0')}`,
        onAnswer: (transaction, answer) => this.recorder.onAnswer(transaction, answer),
        onDefined: (name, spec, revision) => this.recorder.onDefined(name, spec, revision),
      });
      this.#apis.set(node, api);
    }
    return api;
  }

  /** Runs a person's doing to its end, whatever becomes of the node. */
  perform(act: () => Promise<void>): void {
    act().catch((error: unknown) => this.time.fail(error));
  }

  /** A node that could serve a person now. */
  serving(random: Random): SimNode | undefined {
    const nodes = this.nodes.filter((node) => node.isServing);
    return nodes.length > 0 ? random.pick(nodes) : undefined;
  }

  /** A person starts a job now. */
  runSomething(random: Random): void {
    const node = this.serving(random);
    const jobs = node ? this.apiOf(node).definitions() : [];
    if (!node || jobs.length === 0 || this.options.off.has('api')) return;
    const job = random.pick(jobs).spec.name;
    this.perform(async () => this.line('people', `run ${job}: ${await this.apiOf(node).request({ type: 'run', job })}`));
  }

  #doSomething(): void {
    // Now and then several people at once, each at a node of their own choice.
    for (let people = this.random.chance(0.1) ? this.random.int(2, 5) : 1; people > 0; people--) {
      const node = this.serving(this.random);
      if (node) this.perform(() => this.traffic.something(this.apiOf(node), node.clock.now()));
    }
  }

  /** Of a job that is suspended people ask all the same what it must not do. */
  #insist(): void {
    const node = this.nodes.find(({ isServing }) => isServing);
    if (node) this.perform(() => this.traffic.insist(this.apiOf(node), node.clock.now()));
  }

  #watchExecutors(): void {
    const patience = new ExecutorPatience(this.swarm.executorPatienceMs);
    const look = (): void => {
      for (const node of this.living) patience.look(node);
      this.time.after(LOOK_EVERY_MS, look);
    };
    look();
  }

  #makeJobs(): void {
    const count = Math.min(this.swarm.jobs, this.options.jobs ?? Infinity);
    for (let index = 0; index < count; index++) {
      this.time.after(500 + index * 200, () => {
        const node = this.serving(this.random);
        if (node) this.perform(() => this.traffic.create(this.apiOf(node), node.clock.now()));
      });
    }
  }

  /** Calls again and again, at random, while the simulation's main part lasts. */
  #everyNow(name: string, meanMs: number, act: () => void): void {
    const random = this.random.fork(name);
    const next = (): void => {
      this.time.after(random.exponential(meanMs), () => {
        if (!this.#isBusy) return;
        act();
        next();
      });
    };
    next();
  }

  #probe(address: string): Promise<'open' | 'refused' | 'unclear'> {
    const node = this.node(address);
    if (node.isDead) return Promise.resolve('refused');
    return Promise.resolve(node.clock.isPaused ? 'unclear' : 'open');
  }

  #onTrouble(node: SimNode, where: string, error: unknown): void {
    this.line(node.id, `trouble in ${where}: ${String(error)}`);
    const code = (error as { code?: string }).code;
    if (error instanceof EngineFailure && error.cause === INJECTED) return;
    const isExpected = code === 'unavailable' || code === 'unknown' || code === 'term-lost' || code === 'closed';
    if (!isExpected && !node.isDead) this.time.fail(error);
  }
}
