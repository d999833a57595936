// limit: 300s
/**
 * Everything fails, in an order decided by a seed: nodes die, stand still longer than their lease, lose etcd; etcd restarts; the Mesos
 * master restarts, streams break, messages are lost, repeated and late, agents freeze and vanish; people run, kill, retry and suspend.
 * Afterwards all that was ever written to etcd and launched on Mesos is held to the invariants, and everything has come to an end.
 *
 * Longer by hand: KAIROS_STORM_MS=3600000 KAIROS_STORM_SEED=7 node --import tsx test/e2e/fault-storm.test.ts
 */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { systemClock } from '../../src/clock/system-clock.ts';
import { ScriptedRunner, type Script } from '../mesos-master/runner/scripted.ts';
import { Seeded } from '../mesos-master/seeded.ts';
import { postGraph } from '../support/example-graph.ts';
import { type KairosCluster, startCluster } from '../support/kairos-cluster.ts';
import type { KairosNode } from '../support/kairos-node.ts';
import { strikeMesos } from '../support/mesos-faults.ts';
import { judgeHistory } from '../support/store-history.ts';
import { until } from '../support/until.ts';
import { QUICK } from '../integration/mesos/mesos-rig.ts';

const STORM_MS = Number(process.env['KAIROS_STORM_MS'] ?? 20_000);
const SEED = Number(process.env['KAIROS_STORM_SEED'] ?? 1);
const IDS = ['n1', 'n2', 'n3'];
const LEASE_MS = 2_000;
const OPEN_STATES = 'queued,pending,backoff,launching,running,killing';
const QUIET_LIMIT_MS = 120_000;

const task = { image: 'busybox:1.36', command: ['true'], cpus: 0.05, mem: 16 };
const retry = { attempts: 3, delay: 'PT0.2S', factor: 2, maxDelay: 'PT2S' };

/** Every rule of the overlap, of catching up and of joining has a job. */
const JOBS: readonly object[] = [
  { name: 'root', schedule: 'R//PT1.5S', catchUp: 'all', overlap: 'queue' },
  { name: 'left', after: ['root'] },
  { name: 'right', after: ['root'] },
  { name: 'join', after: ['left', 'right'] },
  {
    name: 'alarm',
    after: [
      { job: 'root', on: 'failure' },
      { job: 'left', on: 'failure' },
    ],
  },
  { name: 'after-all', after: [{ job: 'join', on: 'completion' }] },
  { name: 'lonely', schedule: 'R//PT2.3S', catchUp: 'last', overlap: 'forbid' },
  { name: 'latest', after: ['left', 'lonely'], join: 'latest' },
  { name: 'replacing', schedule: 'R//PT1S', overlap: 'replace', catchUp: 'none' },
  { name: 'beside', schedule: 'R//PT1S', overlap: 'allow', catchUp: 'all' },
  { name: 'late', schedule: 'R//PT1S', overlap: 'queue', startingDeadline: 'PT3S' },
  { name: 'slow', schedule: 'R//PT3S', timeout: 'PT0.6S', killGrace: 'PT0.1S', overlap: 'queue', retry: { attempts: 2, delay: 'PT0.1S' } },
].map((job) => ({ task, retry, keepRuns: 100, ...job }));
const NAMES = JOBS.map((job) => (job as { name: string }).name);

/** What becomes of a task is a function of its id. */
function script(id: string): Script {
  const seeded = new Seeded(Buffer.from(id).reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7));
  const durationMs = id.startsWith('slow.') ? 300 + seeded.below(600) : 20 + seeded.below(400);
  const end = { how: 'exited', status: seeded.chance(0.25) ? 1 + seeded.below(3) : 0 } as const;
  return { startingMs: 10, runningMs: 10, durationMs, end };
}

interface Storm {
  readonly cluster: KairosCluster;
  readonly seeded: Seeded;
  /** Nodes that something is being done to. */
  readonly struck: Set<string>;
}

type Fault = (storm: Storm) => Promise<void>;

/** Of all faults those of Mesos are so many more than each other one. */
const MESOS_SHARE = 6;

const FAULTS: readonly Fault[] = [
  (storm) => strikeNode(storm, (id) => restartNode(storm, id)),
  (storm) => strikeNode(storm, (id) => pauseNode(storm, id)),
  (storm) => strikeNode(storm, (id) => partitionNode(storm, id)),
  async ({ cluster }) => cluster.etcd.nodes[0]?.restart(),
  ...Array.from(
    { length: MESOS_SHARE },
    (): Fault =>
      ({ cluster, seeded }) =>
        strikeMesos(cluster.master, seeded),
  ),
];

/** The leader half of the time. */
async function strikeNode({ cluster, seeded, struck }: Storm, strike: (id: string) => Promise<void>): Promise<void> {
  const leader = await cluster.leader().catch(() => undefined);
  const id = leader !== undefined && seeded.chance(0.5) ? leader : (IDS[seeded.below(IDS.length)] as string);
  struck.add(id);
  try {
    await strike(id);
  } finally {
    struck.delete(id);
  }
}

async function restartNode({ cluster, seeded }: Storm, id: string): Promise<void> {
  await cluster.kill(id);
  await systemClock.sleep(seeded.below(2_000));
  await cluster.start(id);
}

/** Longer than its lease, half of the time: it wakes up believing that it leads. */
async function pauseNode({ cluster, seeded }: Storm, id: string): Promise<void> {
  const { pid } = cluster.node(id);
  process.kill(pid, 'SIGSTOP');
  await systemClock.sleep(seeded.below(2 * LEASE_MS));
  process.kill(pid, 'SIGCONT');
}

async function partitionNode({ cluster, seeded }: Storm, id: string): Promise<void> {
  cluster.wayToEtcd(id).mode(seeded.chance(0.5) ? 'hole' : 'refuse');
  await systemClock.sleep(seeded.below(2 * LEASE_MS));
  cluster.wayToEtcd(id).mode('pass');
}

/** Somebody does something. What is refused, or gets no answer, is no concern of theirs. */
async function meddle({ cluster, seeded, struck }: Storm): Promise<void> {
  const free = [...cluster.nodes].filter(([id]) => !struck.has(id));
  const [, node] = free[seeded.below(free.length)] ?? [];
  if (!node) return;
  const job = NAMES[seeded.below(NAMES.length)] as string;
  const run = 1 + seeded.below(30);
  const acts = [
    `/v1/jobs/${job}/runs`,
    `/v1/runs/${job}/${run}/kill`,
    `/v1/runs/${job}/${run}/retry`,
    `/v1/runs/${job}/${run}/mark-success`,
    `/v1/jobs/${job}/suspend`,
    `/v1/jobs/${job}/resume`,
    `/v1/jobs/${job}/resume`,
  ];
  await node.post(acts[seeded.below(acts.length)] as string, {}).catch(() => undefined);
}

async function rage(storm: Storm): Promise<void> {
  const { seeded } = storm;
  const end = systemClock.monotonic() + STORM_MS;
  while (systemClock.monotonic() < end) {
    const fault = FAULTS[seeded.below(FAULTS.length)] as Fault;
    await Promise.all([fault(storm), meddle(storm)]);
    await systemClock.sleep(seeded.below(600));
  }
  storm.cluster.master.faults.clear();
}

interface OpenRun {
  readonly id: string;
  readonly state: string;
}

async function openRuns(node: KairosNode, job: string): Promise<readonly OpenRun[]> {
  const { body } = await node.get<{ runs: OpenRun[] }>(`/v1/jobs/${job}/runs?state=${OPEN_STATES}&limit=100`);
  return body.runs;
}

/** What a person would look at: why nothing goes on. */
async function explain({ cluster }: Storm, node: KairosNode, job: string): Promise<string> {
  // What is queued only waits for the others.
  const runs = (await openRuns(node, job)).filter(({ state }) => state !== 'queued');
  const why = await Promise.all(runs.map(({ id }) => node.get(`/v1/runs/${id.replace('#', '/')}/why`)));
  const log = [...cluster.nodes].flatMap(([id, { log: lines }]) => lines.slice(-15).map((line) => `${id} ${line.slice(0, 400)}`));
  const history = runs.flatMap(({ id }) =>
    cluster.master.history.entries.filter(({ taskId }) => taskId.startsWith(`${id.replace('#', '.')}.`)),
  );
  return [runs, why.map(({ body }) => body), history]
    .map((part) => JSON.stringify(part))
    .concat(log)
    .join('\n');
}

async function calmDown(storm: Storm): Promise<void> {
  const { cluster } = storm;
  const node = cluster.node(await cluster.leader());
  for (const name of NAMES) {
    await until(async () => (await node.post(`/v1/jobs/${name}/suspend`).catch(() => undefined))?.status === 200, {
      limitMs: 30_000,
      what: `${name} to be suspended`,
    });
  }
  for (const name of NAMES) {
    const isOver = async (): Promise<boolean> => (await openRuns(node, name)).length === 0;
    await until(isOver, { limitMs: QUIET_LIMIT_MS, what: `all runs of ${name} to be over` }).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await explain(storm, node, name)}`, { cause: error });
    });
  }
}

test(`seed ${SEED}: ${STORM_MS / 1000} s in which everything fails leave a history that keeps to the invariants`, async () => {
  const runner = new ScriptedRunner(systemClock, ({ info }) => script(info.task_id.value));
  const agents = Array.from({ length: 3 }, () => ({ http: false, resources: { cpus: 4, mem: 4096 } }));
  const cluster = await startCluster({
    ids: IDS,
    mesos: { runner, agents, seed: SEED, interleave: true, timing: QUICK },
    settings: [`store.etcd.leaseTtlMs=${LEASE_MS}`],
  });
  try {
    await postGraph(cluster.anyNode(), JOBS);
    const storm = { cluster, seeded: new Seeded(SEED), struck: new Set<string>() };
    await rage(storm);
    await calmDown(storm);
    const invariants = await judgeHistory(cluster.etcd.hosts, cluster.master);
    invariants.onQuiet();
    const launches = cluster.master.history.entries.filter(({ kind }) => kind === 'launch').length;
    assert.ok(launches > STORM_MS / 1_000, `only ${launches} tasks were launched`);
    process.stdout.write(`${launches} launches, ${invariants.checks} transactions in ${invariants.terms} terms\n`);
  } finally {
    await cluster.close();
  }
});

test.run();
