/**
 * One scheduler node in the simulation: the real leadership, loop, engine and replica, over a connection to the memory cluster and the
 * model of Mesos. It can die at any of its dealings with the outside: from then on nothing it holds acts any more.
 */

import type { EngineEvent } from '../../src/engine/engine.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { Decision } from '../../src/engine/decision.ts';
import { jobOfKey, nodeKey } from '../../src/engine/keys.ts';
import { EngineFailure } from '../../src/engine/quarantine.ts';
import type { QuarantinedJob } from '../../src/engine/records.ts';
import type { ExecutorCommand, ExecutorEvent } from '../../src/executor/port.ts';
import { Leadership } from '../../src/leader/leadership.ts';
import type { LeaderObserver } from '../../src/leader/observer.ts';
import type { MemoryFaults } from '../../src/store/memory/memory-faults.ts';
import type { MemoryConnection } from '../../src/store/memory/memory-connection.ts';
import type { MemoryCluster } from '../../src/store/memory/memory-store.ts';
import type { CommitLimits, Revision, Snapshot, Store } from '../../src/store/port.ts';
import { Replica } from '../../src/store/replica.ts';
import { heldIn } from '../invariants/quarantine-rules.ts';
import { dealingStore } from './dealing-store.ts';
import { MesosAdapter, type MesosNetwork } from './mesos-adapter.ts';
import type { MesosMaster } from './mesos-master.ts';
import { NodeClock } from './node-clock.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface NodeWatcher {
  line(who: string, what: string): void;
  /** It dies or stands still at this dealing. */
  onFuse(where: string): void;
  onDecision(node: SimNode, engine: Engine, made: { decision: Decision; freeAt: number }): void;
  /** What became of the commit number `sequence` of a term, as the leader was told. */
  onCommitOutcome(term: Revision, sequence: number, outcome: 'landed' | 'term-lost' | 'unknown' | 'other'): void;
  onTerm(node: SimNode, term: Revision): void;
  onExecutorEvent(node: SimNode, event: ExecutorEvent): void;
  onPerform(node: SimNode, command: ExecutorCommand): void;
  /** A command of a leader that does not know yet that its term is over. */
  onStaleCommand(node: SimNode, command: ExecutorCommand): void;
  /** A command of a leader that knows already that it leads no more. */
  onLateCommand(node: SimNode, command: string): void;
  /** Something went wrong in a way that no fault explains. */
  onTrouble(node: SimNode, where: string, error: unknown): void;
}

export interface SimNodeOptions {
  readonly id: string;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly cluster: MemoryCluster;
  readonly master: MesosMaster;
  readonly network: MesosNetwork;
  readonly faults: MemoryFaults;
  readonly offsetMs: number;
  readonly driftPpm: number;
  readonly nodeCount: number;
  /** Whether the engine fails whenever it writes anything of a job. */
  readonly isBroken: (job: string) => boolean;
  /** See TermDependencies. */
  readonly longestWaitMs: number;
  readonly executorPatienceMs: number;
  readonly commitLimits: CommitLimits;
  readonly watcher: NodeWatcher;
  readonly probe: ((address: string) => Promise<'open' | 'refused' | 'unclear'>) | undefined;
}

/** Why the engine fails on broken jobs. */
export const INJECTED = new Error('injected');

export class SimNode {
  readonly id: string;
  readonly clock: NodeClock;
  /** The connection itself, for faults. */
  readonly connection: MemoryConnection;
  /** As the node uses it: with the fuse in it. */
  readonly store: Store;
  readonly replica: Replica;
  readonly adapter: MesosAdapter;
  readonly leadership: Leadership;
  readonly commitLimits: CommitLimits;
  readonly #options: SimNodeOptions;
  /** Dealings with the outside until something happens to it. */
  #fuse: { left: number; readonly act: () => void } | undefined;
  #isDead = false;
  #isStopping = false;
  isCommitting = false;
  /** When, by its wall clock, it last went on after a commit. */
  commitOverAt: number | undefined;
  engine: Engine | undefined;
  /** While it leads without its executor: since when, by its monotonic clock. */
  executorLostAt: number | undefined;
  /** Of the snapshot the present term began with. */
  snapshotRevision: Revision = 0n;
  /** The jobs that it found in quarantine then. */
  held: ReadonlyMap<string, QuarantinedJob> = new Map();
  /** Commits tried in the present term. */
  #commits: { term: Revision; count: number } = { term: 0n, count: 0 };

  constructor(options: SimNodeOptions) {
    const { id, time, random, cluster, faults, offsetMs, driftPpm, watcher, master, network } = options;
    this.#options = options;
    this.id = id;
    this.clock = new NodeClock(time, random.fork('clock'), { offsetMs, driftPpm });
    this.commitLimits = options.commitLimits;
    this.connection = cluster.connect({ name: id, clock: this.clock, faults });
    this.store = dealingStore(this.connection, {
      commitLimits: options.commitLimits,
      pass: (where) => this.#pass(where),
      onCommit: (term) => this.#onCommit(term),
      onCommitOver: () => {
        this.commitOverAt = this.clock.now();
      },
    });
    const line = (what: string): void => watcher.line(id, what);
    this.replica = new Replica({
      ...{ store: this.store, clock: this.clock },
      probeEveryMs: 30_000,
      reconcileEveryMs: 600_000,
      onError: (error) => line(`replica: ${String(error)}`),
    });
    this.adapter = new MesosAdapter({
      ...{ node: id, master, time, clock: this.clock, random: random.fork('adapter'), network, line },
      onPerform: (command) => this.#onPerform(command),
      isAlive: () => !this.#isDead,
      isStandingStill: () => this.clock.isPaused,
    });
    this.leadership = new Leadership(
      {
        ...{ store: this.#leadersStore(), replica: this.replica, executor: this.adapter, clock: this.clock, observer: this.#observer() },
        longestWaitMs: options.longestWaitMs,
        onDecision: (engine, decision, freeAt) => {
          this.engine = undefined;
          this.#failOnBroken(engine, decision);
          this.engine = engine;
          watcher.onDecision(this, engine, { decision, freeAt });
        },
      },
      {
        candidate: { node: id, address: id },
        nodeCount: () => options.nodeCount,
        executorPatienceMs: options.executorPatienceMs,
        ...(options.probe ? { probe: options.probe } : {}),
      },
    );
  }

  /** The leader's snapshots are told from the replica's. */
  #leadersStore(): Store {
    const snapshot = async (): Promise<Snapshot> => {
      const taken = await this.store.snapshot();
      this.snapshotRevision = taken.revision;
      this.held = heldIn(taken.entries, this.clock.now());
      return taken;
    };
    return { ...this.store, snapshot };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Whether it can be given work by a person. */
  get isServing(): boolean {
    return !this.#isDead && !this.#isStopping && !this.clock.isPaused && this.replica.ready;
  }

  start(): void {
    // A leader hears of what came after its snapshot from the replica, so that must be there first.
    void this.replica
      .start()
      .then(() => this.store.announce(nodeKey(this.id), JSON.stringify({ id: this.id })))
      .then(() => this.leadership.start());
  }

  /** Something happens to it after so many more dealings with the outside: in the middle of what it does. */
  lightFuse(dealings: number, act: () => void): void {
    this.#fuse ??= { left: dealings, act };
  }

  putOutFuse(): void {
    this.#fuse = undefined;
  }

  crash(): void {
    if (this.#isDead) return;
    this.#options.watcher.line(this.id, 'dies');
    this.#isDead = true;
    this.engine = undefined;
    this.clock.kill();
    this.connection.crash();
    const { subscription } = this.adapter;
    if (subscription) this.#options.time.after(10, () => this.#options.master.disconnect(subscription));
  }

  /** Ends in order. */
  async stop(): Promise<void> {
    this.#options.watcher.line(this.id, 'stops');
    this.#isStopping = true;
    await this.leadership.stop();
    await this.replica.stop();
    await this.connection.close();
    this.#isDead = true;
    this.clock.kill();
    this.#options.watcher.line(this.id, 'stopped');
  }

  pause(): void {
    this.clock.pause();
    this.connection.pause();
  }

  /** Its machine is suspended: as pause(), and its monotonic clock stands still as well. */
  suspend(): void {
    this.clock.suspend();
    this.connection.pause();
  }

  /** `newsAfterMs`: see MemoryConnection.resume. */
  resume(newsAfterMs = 0): void {
    this.clock.resume();
    this.connection.resume(newsAfterMs);
  }

  /** As if the engine had thrown in the middle of this decision: nobody gets to see it. */
  #failOnBroken(engine: Engine, { steps }: Decision): void {
    for (const { key } of steps.flatMap(({ writes }) => writes)) {
      const job = jobOfKey(key);
      if (job !== undefined && !engine.quarantined.has(job) && this.#options.isBroken(job)) throw new EngineFailure(job, INJECTED);
    }
  }

  /** Counts one dealing with the outside; whether it lives after it. */
  #deal(where: string): boolean {
    const fuse = this.#fuse;
    if (fuse && !this.#isDead) {
      fuse.left -= 1;
      if (fuse.left <= 0) {
        this.#fuse = undefined;
        this.#options.watcher.onFuse(where);
        fuse.act();
      }
    }
    return !this.#isDead;
  }

  #pass(where: string): boolean | Promise<boolean> {
    const isAlive = this.#deal(where);
    // A timer of a process that stands still fires when it goes on.
    return isAlive && this.clock.isPaused ? this.clock.sleep(0).then(() => !this.#isDead) : isAlive;
  }

  #onPerform(command: ExecutorCommand): boolean {
    if (!this.#deal('executor')) return false;
    this.#options.watcher.line(this.id, `performs ${describe(command)}`);
    if (this.leadership.term === undefined) this.#options.watcher.onLateCommand(this, describe(command));
    else if (this.leadership.term !== this.#options.cluster.term) this.#options.watcher.onStaleCommand(this, command);
    this.#options.watcher.onPerform(this, command);
    return true;
  }

  /** Counts a commit of the present term. */
  #onCommit(term: Revision): (outcome: 'landed' | 'term-lost' | 'unknown' | 'other') => void {
    if (this.#commits.term !== term) this.#commits = { term, count: 0 };
    this.#commits.count += 1;
    const sequence = this.#commits.count;
    this.isCommitting = true;
    return (outcome) => {
      this.isCommitting = false;
      this.#options.watcher.onCommitOutcome(term, sequence, outcome);
    };
  }

  #observer(): LeaderObserver {
    const { watcher } = this.#options;
    const line = (what: string): void => watcher.line(this.id, what);
    return {
      termBegan: (term) => {
        watcher.onTerm(this, term);
        this.executorLostAt = this.clock.monotonic();
        line(`leads in term ${term}`);
      },
      termEnded: (term, reason) => {
        this.engine = undefined;
        this.executorLostAt = undefined;
        line(`no longer leads in term ${term}: ${reason}`);
      },
      fact: (fact) => {
        if (fact.type === 'job-quarantined' || fact.type === 'unusable-record' || fact.type === 'stray-task')
          line(`fact ${JSON.stringify(fact)}`);
      },
      decided: () => undefined,
      committed: () => undefined,
      executorEvent: (event) => {
        if (event.type === 'connected') this.executorLostAt = undefined;
        if (event.type === 'disconnected') this.executorLostAt ??= this.clock.monotonic();
        watcher.onExecutorEvent(this, event);
        line(`hears ${describeEvent({ type: 'executor', event })}`);
      },
      performed: () => undefined,
      trouble: (where, error) => watcher.onTrouble(this, where, error),
    };
  }
}

function describe(command: ExecutorCommand): string {
  switch (command.type) {
    case 'launch':
      return `launch ${command.tasks.map((task) => task.taskId).join(' ')} on ${command.tasks[0]?.agentId ?? ''} with ${command.offerIds.join(' ')}`;
    case 'kill':
      return `kill ${command.task.taskId}`;
    case 'acknowledge':
      return `acknowledge ${command.taskId} ${command.ack}`;
    case 'decline':
      return `decline ${command.offerIds.join(' ')} for ${command.refuseMs} ms`;
    case 'reconcile':
      return `reconcile ${command.tasks.map((task) => task.taskId).join(' ')}`;
    case 'forget':
      return `forget ${command.tasks.map((task) => task.taskId).join(' ')}`;
    case 'suppress':
    case 'revive':
    case 'answer-inverse-offers':
      return command.type;
  }
}

function describeEvent(event: EngineEvent): string {
  if (event.type !== 'executor') return event.type;
  const { event: told } = event;
  switch (told.type) {
    case 'status':
      return `status ${told.status.taskId} ${told.status.state} ${told.status.reason ?? ''} ${told.status.ack ?? 'without ack'}`;
    case 'offers':
      return `offers ${told.offers.map((offer) => `${offer.id} (${offer.agentId}: ${offer.resources.cpus} cpus)`).join(' ')}`;
    case 'connected':
      return `connected as ${told.identity}`;
    case 'disconnected':
      return `disconnected: ${told.reason}`;
    case 'rescinded':
      return `rescinded ${told.offerId}`;
    case 'agent-lost':
      return `agent lost ${told.agentId}`;
    case 'reconciled':
    case 'inverse-offers':
      return told.type;
  }
}
