/** Makes the faults happen that a seed has turned on, and heals everything at the end. */

import type { Fate, MemoryFaults, MemoryRequest } from '../../src/store/memory/memory-faults.ts';
import { MesosAdapter, type MesosNetwork } from './mesos-adapter.ts';
import { Mending } from './mending.ts';
import { Outages } from './outages.ts';
import type { Random } from './random.ts';
import type { SimNode } from './sim-node.ts';
import type { Simulation } from './simulation.ts';
import { StoreTroubles } from './store-troubles.ts';
import type { FaultName } from './swarm.ts';

const MOST_DRIFT_PPM = 100;

export class FaultDriver {
  readonly #simulation: Simulation;
  readonly #networks = new Map<string, MesosNetwork>();
  readonly #storeFaults = new Map<string, MemoryFaults>();
  readonly #offsets = new Map<string, number>();
  /** Until when the engine fails on a job. */
  readonly #defects = new Map<string, number>();
  readonly #mending: Mending;
  readonly outages: Outages;
  readonly troubles: StoreTroubles;
  #isOn = true;
  #agents = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    this.#mending = new Mending(simulation.time);
    this.outages = new Outages(simulation, this.#mending);
    this.troubles = new StoreTroubles(simulation, this.#mending);
  }

  networkOf(id: string): MesosNetwork {
    let network = this.#networks.get(id);
    if (!network) {
      const delayMs = 5 + 8_000 * this.#rate('mesos-delay');
      network = { delayMs, callLossRate: this.#rate('mesos-calls'), repeatRate: this.#rate('mesos-repeats'), isCut: false };
      this.#networks.set(id, network);
    }
    return network;
  }

  storeFaultsOf(id: string): MemoryFaults {
    let faults = this.#storeFaults.get(id);
    if (!faults) {
      const random = this.#random(`fate/${id}`);
      const lag = this.#rate('watch-lag');
      const delayRate = this.#rate('store-delay');
      const errorRate = this.#rate('store-errors');
      const usual = (request: MemoryRequest): Fate =>
        delayRate + errorRate > 0 ? this.#fate(random, request, { delayRate, errorRate }) : {};
      faults = {
        watchLagMs: lag > 0 ? Math.ceil(20_000 * lag * random.next()) : 0,
        ...this.troubles.faultsOf(id, usual),
      };
      this.#storeFaults.set(id, faults);
    }
    return faults;
  }

  clockOf(id: string): { readonly offsetMs: number; readonly driftPpm: number } {
    const driftPpm = this.#rate('clock-drift') * MOST_DRIFT_PPM * (this.#random(`drift/${id}`).next() * 2 - 1);
    return { offsetMs: this.#offsetOf(id), driftPpm };
  }

  #offsetOf(id: string): number {
    let offset = this.#offsets.get(id);
    if (offset === undefined) {
      const random = this.#random(`offset/${id}`);
      offset = this.#rate('clock-skew') * random.pick([100, 2_000, 60_000]) * (random.next() * 2 - 1);
      this.#offsets.set(id, offset);
    }
    return offset;
  }

  addAgent(index: number): void {
    const { master, options } = this.#simulation;
    const random = this.#random(`agent/${index}`);
    this.#agents = Math.max(this.#agents, index);
    master.add({
      ...{ id: `agent-${index}`, hostname: `host-${index}`, rack: random.pick(['a', 'b', 'c']), seed: options.seed },
      ...{ cpus: random.pick([2, 4, 16]), mem: random.pick([2_048, 16_384]) },
      ...{ lossRate: this.#rate('mesos-updates'), brokenStartRate: this.#rate('broken-start') },
      ...{ stuckStartRate: this.#rate('stuck-start'), slowStartRate: this.#rate('slow-start') },
    });
  }

  begin(): void {
    const { cluster, master, losses } = this.#simulation;
    this.#strike('watch-cut', (random) => this.#victim(random)?.connection.cutWatches());
    this.#strike('compaction', () => cluster.compact());
    this.#strike('lease-loss', (random) => this.#loseLease(random));
    this.#strike('partition', (random) => this.#partition(random));
    this.#strike('crash', (random) => this.#crash(random));
    this.#strike('stop', (random) => this.#stop(random));
    this.#strike('pause', (random) => this.#pause(random));
    this.#strike('clock-steps', (random) => this.#step(random));
    this.#strike('mesos-cut', (random) => this.#cutMesos(random));
    this.#strike('mesos-failover', (random) => this.#failOver(random));
    this.#strike('agent-stop', (random) => this.#stopAgent(random));
    this.#strike('agent-replace', (random) => this.#replaceAgent(random));
    this.#strike('executor-death', (random) => this.#killExecutor(random));
    this.#strike('engine-failure', (random) => this.#breakJob(random));
    this.#strike('rescind', () => master.rescindOne());
    this.#strike('framework-removed', () => this.#simulation.operator.removeFramework());
    this.#strike('outage', (random) => this.outages.strike(random));
    this.#strike('machine-sleep', (random) => this.#sendToSleep(random));
    this.#strike('store-full', (random) => this.troubles.fill(random));
    this.#strike('store-slow', (random) => this.troubles.slowDown(random));
    this.#strike('agent-drain', (random) => this.#drainAgent(random));
    this.#strike('agent-gone', (random) => this.#markGone(random));
    Object.assign(losses, { kills: this.#rate('mesos-kills'), acknowledgements: this.#rate('mesos-acks') });
    master.questions.lateMs = 8_000 * this.#rate('mesos-answers');
  }

  /** No fault from now on; all that is broken is mended now. What that leads to is over in a minute. */
  async end(): Promise<void> {
    const simulation = this.#simulation;
    this.#isOn = false;
    simulation.line('faults', 'end');
    for (const faults of this.#storeFaults.values()) {
      delete faults.fate;
      Object.assign(faults, { watchLagMs: 0, laterPages: 0 });
    }
    this.#defects.clear();
    for (const network of this.#networks.values()) Object.assign(network, { delayMs: 5, callLossRate: 0, repeatRate: 0 });
    simulation.master.questions.lateMs = 0;
    Object.assign(simulation.losses, { kills: 0, acknowledgements: 0 });
    for (const agent of simulation.master.agents) agent.resendAll();
    for (const node of simulation.living) node.putOutFuse();
    this.#mending.hurry();
    await simulation.operator.finish();
    await simulation.time.run(simulation.time.now + 60_000);
  }

  /** Whether the engine fails on the job now. */
  isBroken(job: string): boolean {
    return (this.#defects.get(job) ?? 0) > this.#simulation.time.now;
  }

  #breakJob(random: Random): void {
    const names = [...this.#simulation.recorder.invariants.history.jobs.keys()];
    if (names.length === 0) return;
    const job = random.pick(names);
    const lastsMs = random.logarithmic(1_000, 600_000);
    this.#say(`the engine fails on ${job} for ${Math.round(lastsMs)} ms`);
    this.#defects.set(job, this.#simulation.time.now + lastsMs);
  }

  #random(name: string): Random {
    return this.#simulation.random.fork(`faults/${name}`);
  }

  #rate(name: FaultName): number {
    return this.#simulation.swarm.faults.get(name) ?? 0;
  }

  #strike(name: FaultName, act: (random: Random) => void): void {
    const meanMs = this.#simulation.swarm.faults.get(name);
    if (meanMs === undefined) return;
    const random = this.#random(name);
    const next = (): void => {
      this.#simulation.time.after(random.exponential(meanMs), () => {
        if (!this.#isOn) return;
        this.#simulation.happenings.note(`fault: ${name}`);
        act(random);
        next();
      });
    };
    next();
  }

  #fate(random: Random, { kind, connection }: MemoryRequest, { delayRate, errorRate }: { delayRate: number; errorRate: number }): Fate {
    const outcome = random.chance(errorRate) ? random.pick(['refused', 'request-lost', 'answer-lost', 'answer-lost'] as const) : 'answered';
    if (outcome !== 'answered') this.#simulation.happenings.note(`fault: store ${outcome}`);
    if (outcome !== 'answered') this.#simulation.line('faults', `${kind} of ${connection}: ${outcome}`);
    if (!random.chance(delayRate)) return { outcome };
    const delayMs = (): number => Math.round(random.logarithmic(1, 4_000));
    return { outcome, requestDelayMs: delayMs(), answerDelayMs: delayMs() };
  }

  /** The leader more often than others. */
  #victim(random: Random): SimNode | undefined {
    const nodes = this.#simulation.living.filter((node) => !node.clock.isPaused);
    const leader = nodes.find((node) => node.leadership.term !== undefined);
    if (leader && random.chance(0.6)) return leader;
    return nodes.length > 0 ? random.pick(nodes) : undefined;
  }

  #later(delayMs: number, act: () => void): void {
    this.#simulation.time.after(delayMs, act);
  }

  #say(what: string): void {
    this.#simulation.line('faults', what);
  }

  #partition(random: Random): void {
    const node = this.#victim(random);
    if (!node) return;
    this.#say(`${node.id} loses the store`);
    node.connection.partition();
    this.#mending.after(random.logarithmic(200, 60_000), () => {
      if (node.isDead || this.outages.isStoreGone) return;
      this.#say(`${node.id} has the store again`);
      node.connection.heal();
    });
  }

  /**
   * Half of the time the leader, which learns of it late, has just lost the master too: it takes the executor back from its successor,
   * and hears of tasks that it knows nothing of.
   */
  #loseLease(random: Random): void {
    const { cluster, living } = this.#simulation;
    const leader = living.find((node) => node.leadership.term !== undefined && node.leadership.term === cluster.term);
    if (leader && random.chance(0.5)) leader.adapter.breakConnection('the stream was cut');
    if (random.chance(0.5)) this.#simulation.runSomething(random);
    this.#later(random.int(1, 50), () => cluster.loseLease());
  }

  /** A commit landed that left tokens to be handed on by the next: a good moment to die. */
  onHalfway(node: SimNode | undefined): void {
    const random = this.#random(`halfway/${this.#simulation.time.now}`);
    if (this.#rate('crash') === 0 || !this.#isOn || !node || !random.chance(0.3)) return;
    node.crash();
    this.#mending.after(random.logarithmic(500, 30_000), () => this.#restart(node.id));
  }

  /** At once, or at one of its next dealings with store or executor: in the middle of what it does. */
  #crash(random: Random): void {
    const node = this.#victim(random);
    if (!node) return;
    if (random.chance(0.3)) node.crash();
    else node.lightFuse(random.int(1, 60), () => node.crash());
    const downMs = random.logarithmic(500, 120_000);
    const wait = (): void => {
      if (node.isDead) this.#mending.after(downMs, () => this.#restart(node.id));
      else if (this.#isOn) this.#later(1_000, wait);
    };
    wait();
  }

  /** Once, however many faults brought it down. */
  #restart(id: string): void {
    if (!this.outages.areNodesGone && this.#simulation.node(id).isDead) this.#simulation.startNode(id);
  }

  #stop(random: Random): void {
    const node = this.#victim(random);
    if (!node?.isServing) return;
    const downMs = random.logarithmic(500, 60_000);
    const isOver = node.stop();
    this.#simulation.perform(async () => {
      await isOver;
      this.#mending.after(downMs, () => this.#restart(node.id));
    });
  }

  #pause(random: Random): void {
    const node = this.#victim(random);
    if (!node) return;
    const lastsMs = random.logarithmic(50, 60_000);
    if (random.chance(0.5)) this.#standStill(node, lastsMs);
    else node.lightFuse(random.int(1, 60), () => this.#standStill(node, lastsMs));
  }

  #standStill(node: SimNode, lastsMs: number): void {
    if (node.isDead || node.clock.isPaused || !this.#isOn) return;
    this.#say(`${node.id} stands still`);
    node.pause();
    this.#mending.after(lastsMs, () => {
      if (node.isDead) return;
      this.#say(`${node.id} goes on`);
      node.resume();
    });
  }

  #sendToSleep(random: Random): void {
    const node = this.#victim(random);
    if (!node) return;
    const lastsMs = random.logarithmic(500, 600_000);
    const newsAfterMs = random.next() * (this.#simulation.cluster.leaseMs / 3);
    const sleep = (): void => {
      if (node.isDead || node.clock.isPaused || !this.#isOn) return;
      this.#say(`${node.id}'s machine sleeps`);
      node.suspend();
      this.#mending.after(lastsMs, () => {
        if (node.isDead) return;
        this.#say(`${node.id}'s machine wakes`);
        if (node.leadership.term !== undefined && node.leadership.term !== this.#simulation.cluster.term)
          this.#simulation.happenings.note('woke as a leader that is none');
        node.resume(newsAfterMs);
      });
    };
    if (random.chance(0.5)) sleep();
    else node.lightFuse(random.int(1, 60), sleep);
  }

  #step(random: Random): void {
    const node = this.#victim(random);
    if (!node) return;
    const offset = random.chance(0.5) ? 0 : random.pick([500, 5_000, 120_000, 4_000_000]) * (random.next() * 2 - 1);
    this.#say(`${node.id}'s clock goes from ${node.clock.offsetMs} to ${Math.round(offset)} ms`);
    this.#offsets.set(node.id, offset);
    node.clock.setOffset(offset);
  }

  #cutMesos(random: Random): void {
    const node = this.#victim(random);
    if (!node) return;
    const network = this.networkOf(node.id);
    if (network.isCut) return;
    this.#say(`${node.id} loses the master`);
    network.isCut = true;
    const lastsMs = random.logarithmic(1_000, 120_000);
    if (lastsMs > MesosAdapter.silenceMs) this.#later(MesosAdapter.silenceMs, () => this.#break(node.id));
    this.#mending.after(lastsMs, () => {
      this.#say(`${node.id} has the master again`);
      this.#break(node.id);
      network.isCut = false;
    });
  }

  #break(id: string): void {
    const node = this.#simulation.node(id);
    if (!node.isDead) node.clock.timer(0, () => node.adapter.breakConnection('no heartbeats'));
  }

  #failOver(random: Random): void {
    const { master, lives } = this.#simulation;
    if (!master.isUp) return;
    this.#say('the master dies');
    lives.doubt(master.agents);
    master.die();
    this.#mending.after(random.logarithmic(500, 30_000), () =>
      master.comeBack(() => random.pick([500, 2_000, 75_000]) * random.next() + 100),
    );
  }

  #stopAgent(random: Random): void {
    const { master, lives } = this.#simulation;
    const agents = master.agents.filter((agent) => agent.isUp);
    if (agents.length === 0) return;
    const agent = random.pick(agents);
    this.#say(`${agent.id} is gone`);
    lives.doubt([agent]);
    master.stopAgent(agent);
    this.#mending.after(random.logarithmic(1_000, 600_000), () => {
      this.#say(`${agent.id} is back`);
      lives.doubt([agent]);
      master.startAgent(agent);
    });
  }

  #replaceAgent(random: Random): void {
    const { master, lives } = this.#simulation;
    const agents = master.agents;
    if (agents.length === 0) return;
    const agent = random.pick(agents);
    this.#agents += 1;
    this.#say(`${agent.id} is replaced by agent-${this.#agents}`);
    lives.doubt([agent]);
    master.replaceAgent(agent, `agent-${this.#agents}`, random.chance(0.6));
  }

  #drainAgent(random: Random): void {
    const { master } = this.#simulation;
    const agents = master.agents.filter((agent) => agent.isUp && agent.isRegistered);
    if (agents.length === 0) return;
    const agent = random.pick(agents);
    this.#say(`${agent.id} is drained`);
    master.drainAgent(agent);
    this.#mending.after(random.logarithmic(10_000, 900_000), () => {
      this.#say(`${agent.id} is in service again`);
      master.reactivate(agent);
    });
  }

  #markGone(random: Random): void {
    const { master } = this.#simulation;
    if (master.agents.length === 0) return;
    const agent = random.pick(master.agents);
    this.#agents += 1;
    this.#say(`${agent.id} is marked as gone; agent-${this.#agents} takes its place`);
    master.markGone(agent, `agent-${this.#agents}`);
  }

  #killExecutor(random: Random): void {
    const agents = this.#simulation.master.agents.filter((agent) => agent.tasks.size > 0);
    if (agents.length === 0) return;
    const agent = random.pick(agents);
    const task = random.pick([...agent.tasks.keys()]);
    this.#say(`the executor of ${task} dies`);
    agent.breakExecutor(task);
  }
}
