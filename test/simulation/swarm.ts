/** Which faults a seed turns on, and how hard they strike: a random subset each, so that no fault always hides another. */

import type { CommitLimits } from '../../src/store/port.ts';
import { Random } from './random.ts';

/** Every fault, with what it does. Names are those of `--off`. */
export const FAULTS = {
  'store-delay': 'requests to the store take long, now and then longer than their time-out',
  'store-errors': 'requests to the store are refused, lost, or carried out without an answer',
  'watch-lag': 'changes reach the nodes late',
  'watch-cut': 'watches end',
  compaction: 'the history is compacted away',
  partition: 'a node loses the store for a while',
  'lease-loss': 'the leader’s lease is gone though it is well',
  crash: 'a node dies at an arbitrary await and comes back',
  stop: 'a node stops in order and comes back',
  pause: 'a node stands still, often longer than its lease, and goes on',
  'clock-skew': 'nodes’ wall clocks differ',
  'clock-steps': 'wall clocks step',
  'mesos-delay': 'messages between nodes and master take long',
  'mesos-calls': 'calls to the master get no answer, whether or not they arrived',
  'mesos-repeats': 'updates come twice',
  'mesos-updates': 'updates get lost between agent and master',
  'mesos-cut': 'a node loses the master for a while',
  'mesos-failover': 'the master dies, another takes over',
  'agent-stop': 'an agent is out of reach, perhaps long enough to be given up, and comes back',
  'agent-replace': 'an agent is gone for good and replaced',
  'executor-death': 'a task’s executor dies',
  'broken-start': 'tasks never start',
  'stuck-start': 'tasks never start, and nobody says so',
  'engine-failure': 'the engine fails whenever it writes anything of some job',
  rescind: 'offers are taken back',
  'mesos-answers': 'the master’s answers to questions come late, among other news',
  outage: 'the store, all nodes, the master or all agents are gone for up to hours',
  'clock-drift': 'nodes’ clocks run fast or slow',
  'machine-sleep': 'a node’s machine sleeps, and its monotonic clock with it; its wall clock has gone on when it wakes',
  'store-full': 'the store has no space left: it refuses writes for minutes, and does all else',
  'store-slow': 'writes to the store take seconds, for minutes',
  'slow-snapshots': 'snapshots come in pages that take long; now and then the history is compacted between two',
  'mesos-kills': 'orders to kill get lost between master and agent',
  'mesos-acks': 'acknowledgements get lost between master and agent',
  'slow-start': 'tasks wait long for their executor, and start then',
  'agent-drain': 'an agent is taken out of service for a while: its tasks are killed, and nothing of it is offered',
  'agent-gone': 'an operator marks an agent as gone',
  'framework-removed': 'Mesos removes the framework, and a person makes it begin as another',
} as const;

export type FaultName = keyof typeof FAULTS;

export interface Swarm {
  readonly nodes: number;
  readonly agents: number;
  readonly jobs: number;
  /** Mean time between two writes by people, in milliseconds. */
  readonly apiEveryMs: number;
  /** Mean time between two strikes of each fault that is on, in milliseconds; for rates: their share. */
  readonly faults: ReadonlyMap<FaultName, number>;
  /** Whether followers look whether the leader's address answers. */
  readonly hasProbe: boolean;
  /** What one transaction of the store takes: little, so that decisions need several. */
  readonly commitLimits: CommitLimits;
  /** How often the leader looks at its wall clock at least, and how long it bears without its executor. Looking costs the simulation most of its time. */
  readonly longestWaitMs: number;
  readonly executorPatienceMs: number;
}

/** Faults that are a share of something, with the largest share; the others strike now and then. */
const RATES: Partial<Record<FaultName, number>> = {
  'store-delay': 0.2,
  'store-errors': 0.1,
  'watch-lag': 1,
  'clock-skew': 1,
  'mesos-delay': 1,
  'mesos-calls': 0.05,
  'mesos-repeats': 0.3,
  'mesos-updates': 0.3,
  'broken-start': 0.1,
  'stuck-start': 0.1,
  'mesos-answers': 1,
  'clock-drift': 1,
  'slow-snapshots': 1,
  'mesos-kills': 0.5,
  'mesos-acks': 0.5,
  'slow-start': 0.3,
};

/** Share of the seeds that have a fault, where it is not the usual one: what takes hours to get over hides all else. */
const USUAL = 0.35;
const SHARES: Partial<Record<FaultName, number>> = {
  ...{ 'framework-removed': 0.1, outage: 0.06 },
  ...{ 'store-full': 0.15, 'store-slow': 0.15, 'agent-gone': 0.2, 'slow-start': 0.2 },
};
/** What is struck that seldom at most. */
const LEAST_MS: Partial<Record<FaultName, number>> = {
  ...{ 'framework-removed': 900_000, outage: 1_500_000, 'store-full': 900_000, 'store-slow': 600_000 },
};

export function drawSwarm(seed: string, { off, hours }: { readonly off: ReadonlySet<string>; readonly hours: number }): Swarm {
  const random = new Random(`${seed}/swarm`);
  const faults = new Map<FaultName, number>();
  const isCalm = random.chance(0.05);
  for (const name of Object.keys(FAULTS) as FaultName[]) {
    const own = random.fork(name);
    const most = RATES[name];
    const level =
      most === undefined
        ? Math.round(own.logarithmic(LEAST_MS[name] ?? 30_000, Math.max(1_800_000, Math.min(hours * 900_000, 14_400_000))))
        : most * own.logarithmic(0.02, 1);
    if (own.chance(SHARES[name] ?? USUAL) && !isCalm && !off.has(name) && !off.has('all')) faults.set(name, level);
  }
  const swarm: Swarm = {
    nodes: random.pick([1, 2, 3, 3]),
    agents: random.int(1, 5),
    jobs: random.pick([random.int(2, 14), random.int(2, 24)]),
    apiEveryMs: Math.round(random.logarithmic(20_000, Math.max(600_000, Math.min(hours * 300_000, 7_200_000)))),
    faults,
    hasProbe: random.chance(0.15),
    longestWaitMs: faults.has('clock-steps') || random.chance(0.1) ? 1_000 : 120_000,
    commitLimits: random.pick([
      { operations: 33, bytes: 2_000 },
      { operations: 60, bytes: 1_000_000 },
      { operations: 120, bytes: 1_000_000 },
    ]),
    executorPatienceMs: random.pick([30_000, 120_000, 600_000]),
  };
  // One that has slept looks at its wall clock only when it would have without.
  return faults.has('machine-sleep') ? { ...swarm, longestWaitMs: 1_000 } : swarm;
}
