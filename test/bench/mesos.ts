/**
 * The whole client side against a Mesos stand-in in another process, over HTTP: the real leader, the Mesos executor, the
 * embedded store. Two questions, each bounded:
 *   1. how many runs a second go through 1,000 agents when 10,000 are due at once;
 *   2. what one round of offers costs in CPU, at 10, 100 and 1,000 agents, with 10,000 runs waiting that fit none of them.
 * CPU is that of this process: decoding, deciding, committing and answering. `--part=throughput` or `--part=rounds` for one of
 * them; `--agents=100 --runs=1000` for a smaller first part.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { systemClock } from '../../src/clock/system-clock.ts';
import { jobKey } from '../../src/engine/keys.ts';
import { staticMasters } from '../../src/executor/mesos/master-detector.ts';
import { MesosExecutor } from '../../src/executor/mesos/mesos-executor.ts';
import type { JobRecord } from '../../src/job/job.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import { Leadership } from '../../src/leader/leadership.ts';
import type { LeaderObserver } from '../../src/leader/observer.ts';
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts';
import type { Store, Write } from '../../src/store/port.ts';
import { Replica } from '../../src/store/replica.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

const AGENTS = 1_000;
const RUNS = 10_000;
const SHAPES = 10;
/** The second part waits this long with a queue that nothing fits. */
const WATCH_MS = 20_000;
const PATIENCE_MS = 120_000;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const optionOf = (name: string, otherwise: number): number => {
  const given = process.argv.find((arg) => arg.startsWith(`--${name}=`));
  return given === undefined ? otherwise : Number(given.slice(name.length + 3));
};

interface Counts {
  launched: number;
  /** Launch commands. */
  launches: number;
  ended: number;
  offers: number;
  offerEvents: number;
  statuses: number;
  commits: number;
  notLaunched: number;
  /** Milliseconds from the instant that runs were due at; for each run. */
  readonly lateness: number[];
}

interface Bench {
  readonly counts: Counts;
  /** Milliseconds of CPU of this process since the bench began to lead. */
  cpuMs(): number;
}

interface Case {
  readonly agents: number;
  readonly runs: number;
  readonly cpus: (index: number) => number;
}

/** Leads a cluster of its own with this many runs due at once, for as long as `body` takes. */
async function withLeader({ agents, runs, cpus }: Case, body: (bench: Bench, due: number) => Promise<void>): Promise<void> {
  const cluster = await startCluster(agents);
  const directory = mkdtempSync(join(tmpdir(), 'kairos-bench-'));
  const store = await openEmbeddedStore({ directory, clock: systemClock });
  const replica = new Replica({ store, clock: systemClock, onError: () => {} });
  try {
    const due = Math.ceil((systemClock.now() + 4_000 + runs / 5) / 1000) * 1000;
    await defineAll(store, { runs, cpus, due });
    await replica.start();
    const counts = noCounts();
    const executor = new MesosExecutor({ detector: staticMasters([cluster.address]), clock: systemClock, logger: silentLogger });
    const leadership = new Leadership(
      { store, replica, executor, clock: systemClock, observer: counting(counts, due) },
      { candidate: { node: 'bench', address: '' }, nodeCount: () => 1 },
    );
    leadership.start();
    await systemClock.sleep(Math.max(due - systemClock.now(), 0));
    const before = process.cpuUsage();
    const cpuMs = (): number => {
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
    await body({ counts, cpuMs }, due);
    await leadership.stop();
  } finally {
    await replica.stop();
    await store.close();
    rmSync(directory, { recursive: true });
    await cluster.stop();
  }
}

function noCounts(): Counts {
  return { launched: 0, launches: 0, ended: 0, offers: 0, offerEvents: 0, statuses: 0, commits: 0, notLaunched: 0, lateness: [] };
}

function counting(counts: Counts, due: number): LeaderObserver {
  const nothing = (): void => {};
  return {
    termBegan: nothing,
    termEnded: nothing,
    decided: nothing,
    trouble: (where, error) => say(`trouble in ${where}: ${String(error)}`),
    executorEvent: (event) => {
      if (event.type === 'offers') {
        counts.offerEvents += 1;
        counts.offers += event.offers.length;
      } else if (event.type === 'status') {
        counts.statuses += 1;
        if (event.status.state === 'not-launched') counts.notLaunched += 1;
      }
    },
    fact: (fact) => {
      if (fact.type === 'run-ended') counts.ended += 1;
    },
    committed: () => {
      counts.commits += 1;
    },
    performed: (command) => {
      if (command.type !== 'launch') return;
      counts.launches += 1;
      counts.launched += command.tasks.length;
      const late = systemClock.now() - due;
      for (const _task of command.tasks) counts.lateness.push(late);
    },
  };
}

async function defineAll(store: Store, { runs, cpus, due }: { runs: number; cpus: Case['cpus']; due: number }): Promise<void> {
  const at = systemClock.now();
  const schedule = `R1/${new Date(due).toISOString()}/PT1H`;
  for (let from = 0; from < runs; from += 100) {
    const writes: Write[] = [];
    for (let i = from; i < Math.min(from + 100, runs); i++) {
      const task = { image: 'busybox:1.36', command: 'true', cpus: cpus(i), mem: 32 };
      const spec: JobSpec = { name: `bench.job-${i}`, schedule, task };
      const times = { createdAt: at, updatedAt: at, scheduledSince: at };
      const record: JobRecord<JobSpec> = { spec, version: 1, uid: `u${i}`, writeId: `w${i}`, ...times };
      writes.push({ key: jobKey(spec.name), value: JSON.stringify(record) });
    }
    await store.transact({ guards: [{ key: (writes[0] as Write).key, modRevision: 0n }], writes });
  }
}

interface Cluster {
  readonly address: string;
  stop(): Promise<void>;
}

async function startCluster(agents: number): Promise<Cluster> {
  const file = fileURLToPath(new URL('./mesos-cluster.ts', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', file, String(agents)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  if (child.stdout === null || child.stdin === null) throw new Error('the stand-in has no pipes');
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), exited.then(() => ['{}'])])) as [string];
  const { address } = JSON.parse(line) as { address?: string };
  if (address === undefined) throw new Error('the stand-in did not start');
  const { stdin } = child;
  return {
    address,
    async stop() {
      stdin.end();
      await exited;
    },
  };
}

async function throughput(agents: number, runs: number): Promise<void> {
  await withLeader({ agents, runs, cpus: (index) => 0.1 + (index % SHAPES) / 100 }, async ({ counts, cpuMs }, due) => {
    const end = due + PATIENCE_MS;
    while (counts.ended < runs && systemClock.now() < end) await systemClock.sleep(10);
    const tookMs = systemClock.now() - due;
    const sorted = counts.lateness.sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
    say(`${agents} agents, ${runs} due at once: ${counts.ended} ended in ${(tookMs / 1000).toFixed(1)} s`);
    say(`  runs a second       ${Math.round(counts.ended / (tookMs / 1000))}`);
    say(`  launched after      p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, last ${at(1)} ms`);
    say(
      `  ACCEPTs             ${counts.launches}, ${(counts.launched / counts.launches).toFixed(1)} tasks each; ${counts.notLaunched} not launched`,
    );
    say(`  statuses, commits   ${counts.statuses}, ${counts.commits}`);
    say(`  CPU of the client   ${(cpuMs() / counts.ended).toFixed(2)} ms a run, ${((cpuMs() / tookMs) * 100).toFixed(0)} % of a core`);
  });
}

async function offerRound(agents: number): Promise<void> {
  await withLeader({ agents, runs: RUNS, cpus: (index) => 17 + (index % SHAPES) / 100 }, async ({ counts, cpuMs }) => {
    // The runs become due, and their first round is not like the others.
    await systemClock.sleep(10_000);
    const before = { ...counts, cpuMs: cpuMs() };
    await systemClock.sleep(WATCH_MS);
    const offers = counts.offers - before.offers;
    const spent = cpuMs() - before.cpuMs;
    const rounds = offers / agents;
    say(
      `${agents} agents, ${RUNS} waiting in ${SHAPES} shapes, nothing fits: ${(spent / rounds).toFixed(1)} ms of CPU a round of offers ` +
        `(${rounds.toFixed(1)} rounds in ${WATCH_MS / 1000} s, ${((spent / WATCH_MS) * 100).toFixed(1)} % of a core)`,
    );
  });
}

export async function benchMesos(): Promise<void> {
  const wanted = process.argv.find((arg) => arg.startsWith('--part='))?.slice(7);
  if (wanted !== 'rounds') await throughput(optionOf('agents', AGENTS), optionOf('runs', RUNS));
  if (wanted === 'throughput') return;
  for (const agents of [10, 100, 1_000]) await offerRound(agents);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await benchMesos();
