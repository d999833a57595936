/**
 * The adapter on the stand-in master, with a leader's least manners: it reconciles what it is told when connected,
 * acknowledges every status, and keeps offers until it launches on them. Real sockets, real time, shortened durations.
 */

import { systemClock } from '../../../src/clock/system-clock.ts';
import { staticMasters } from '../../../src/executor/mesos/master-detector.ts';
import { MesosExecutor } from '../../../src/executor/mesos/mesos-executor.ts';
import type { MesosOptions } from '../../../src/executor/mesos/options.ts';
import type { ExecutorEvent, Offer, TaskLaunch, TaskRef, TaskSpec, TaskState, TaskStatus } from '../../../src/executor/port.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { StandInMaster, type StandInOptions } from '../../mesos-master/master.ts';
import { REAL_TIMING, type Timing } from '../../mesos-master/timing.ts';
import { until } from '../../support/until.ts';

/** Everything quick, in the proportions of the real ones. */
export const QUICK: Timing = {
  ...REAL_TIMING,
  heartbeatMs: 1_000,
  allocationMs: 50,
  statusRetryMs: 300,
  ackMs: 2,
  agentPingMs: 100,
  agentReregisterTimeoutMs: 2_000,
  agentRecoveryMs: 50,
  agentFollowsLeaderMs: 50,
  agentNoticesMasterMs: 300,
  masterRefusesMs: 50,
  masterNoRoutesMs: 30,
  masterRecoversMs: 30,
  zookeeperSessionMs: 300,
  commandStartingMs: 20,
  commandRunningMs: 5,
  commandShortestMs: 10,
  dockerStartingMs: 20,
  dockerRunningMs: 20,
  dockerInspectMs: 100,
  dockerPullMs: 30,
};

export const PLAIN: TaskSpec = {
  image: 'busybox:1.36',
  command: 'true',
  env: {},
  cpus: 0.1,
  mem: 32,
  disk: 0,
  gpus: 0,
  network: 'host',
  ports: [],
  volumes: [],
  artifacts: [],
  dockerParameters: [],
  pull: 'missing',
};

export class Leader {
  readonly executor: MesosExecutor;
  readonly events: ExecutorEvent[] = [];
  readonly statuses: TaskStatus[] = [];
  readonly offers = new Map<string, Offer>();
  identity: string | undefined;
  reconciled = 0;
  connected = 0;
  down: { readonly reason: string; readonly final: boolean } | undefined;
  /** What it reconciles on every `connected`. */
  alive: TaskRef[] = [];
  acknowledges = true;

  constructor(master: StandInMaster, options: Partial<MesosOptions> = {}) {
    const detector = staticMasters(master.addresses);
    this.executor = new MesosExecutor({ detector, clock: systemClock, logger: silentLogger, reconcileBoundMs: 500, ...options });
  }

  /** Resolves when it may launch, or was deposed before it could: an older SUBSCRIBE may have been on its way still. */
  async start(identity?: string): Promise<this> {
    this.executor.start({ identity, emit: (event) => this.#take(event) });
    await until(() => this.reconciled > 0 || this.down?.final === true, {
      limitMs: 30_000,
      what: () =>
        `reconciled; heard ${JSON.stringify(this.events.slice(-20).map((event) => event.type))}, down: ${JSON.stringify(this.down)}`,
    });
    return this;
  }

  #take(event: ExecutorEvent): void {
    this.events.push(event);
    switch (event.type) {
      case 'connected':
        this.identity = event.identity;
        this.connected += 1;
        this.down = undefined;
        this.offers.clear();
        return this.executor.perform({ type: 'reconcile', tasks: this.alive });
      case 'disconnected':
        this.down = event;
        return this.offers.clear();
      case 'reconciled':
        this.reconciled += 1;
        return undefined;
      case 'offers':
        for (const offer of event.offers) this.offers.set(offer.id, offer);
        return undefined;
      case 'rescinded':
        this.offers.delete(event.offerId);
        return undefined;
      case 'inverse-offers':
        // Left to come again: who plans sees that nobody answers.
        return undefined;
      case 'status':
        this.statuses.push(event.status);
        return this.#acknowledge(event.status);
      case 'agent-lost':
        for (const offer of [...this.offers.values()]) if (offer.agentId === event.agentId) this.offers.delete(offer.id);
    }
  }

  #acknowledge({ taskId, agentId, ack }: TaskStatus): void {
    if (ack !== undefined && this.acknowledges) this.executor.perform({ type: 'acknowledge', taskId, agentId: agentId ?? '', ack });
  }

  async anOffer(fits: (offer: Offer) => boolean = () => true): Promise<Offer> {
    const find = (): Offer | undefined => [...this.offers.values()].find(fits);
    await until(() => find() !== undefined, { limitMs: 10_000, what: 'an offer that fits' });
    return find() as Offer;
  }

  /** Launches one task on the first offer that fits. */
  async launch(taskId: string, change: Partial<TaskSpec> = {}, more: Partial<TaskLaunch> = {}): Promise<TaskRef> {
    const task = { ...PLAIN, ...change };
    const offer = await this.anOffer(({ resources }) => resources.cpus >= task.cpus && resources.mem >= task.mem);
    return this.launchOn(offer, [{ taskId, task, ...more }])[0] as TaskRef;
  }

  launchOn(offer: Offer, tasks: readonly (Partial<TaskLaunch> & { readonly taskId: string })[]): TaskRef[] {
    this.offers.delete(offer.id);
    const launches = tasks.map((task): TaskLaunch => {
      const { agentId, address } = offer;
      const base = { agentId, address, job: 'job', run: 1, attempt: 1, task: PLAIN, env: {}, ports: [], killGraceMs: 1_000, labels: {} };
      return { ...base, ...task };
    });
    this.alive.push(...launches.map(({ taskId, agentId, address }) => ({ taskId, agentId, address })));
    this.executor.perform({ type: 'launch', offerIds: [offer.id], tasks: launches });
    return this.alive.slice(-launches.length);
  }

  states(taskId: string): TaskState[] {
    return this.statuses.filter((status) => status.taskId === taskId).map((status) => status.state);
  }

  /** The newest status with this state; waits for it. */
  async awaitState(taskId: string, state: TaskState, limitMs = 10_000): Promise<TaskStatus> {
    const find = (): TaskStatus | undefined => this.statuses.findLast((status) => status.taskId === taskId && status.state === state);
    const what = (): string => `${taskId} to be ${state}; so far: ${this.states(taskId).join()}`;
    await until(() => find() !== undefined, { limitMs, what });
    return find() as TaskStatus;
  }
}

export interface Rig {
  readonly master: StandInMaster;
  /** How many there were. */
  readonly leaders: number;
  /** `alive`: what it believes alive before it connects. */
  lead(identity?: string, options?: Partial<MesosOptions>, alive?: readonly TaskRef[]): Promise<Leader>;
}

/** A master and its leaders, ended with the test whatever came of it. */
export async function withMesos(options: StandInOptions, body: (rig: Rig) => Promise<void>): Promise<void> {
  const master = await StandInMaster.start({ seed: 1, ...options, timing: { ...QUICK, ...options.timing } });
  const leaders: Leader[] = [];
  const lead: Rig['lead'] = async (identity, more = {}, alive = []) => {
    const leader = new Leader(master, more);
    leader.alive = [...alive];
    leaders.push(leader);
    return leader.start(identity);
  };
  try {
    const rig = {
      ...{ master, lead },
      get leaders() {
        return leaders.length;
      },
    };
    await body(rig);
  } finally {
    await Promise.all(leaders.map((leader) => leader.executor.stop()));
    await master.stop();
  }
}
