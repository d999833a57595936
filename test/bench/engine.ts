/**
 * What deciding costs, without any IO: a burst of due jobs, a fan-out and join, memory per idle job, and how one tick grows with
 * the number of jobs (it must not).
 */

import { pathToFileURL } from 'node:url';
import { Engine, type EngineEvent } from '../../src/engine/engine.ts';
import type { ExecutorCommand, Offer } from '../../src/executor/port.ts';
import type { JobRecord } from '../../src/job/job.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import type { Entry } from '../../src/store/port.ts';

const START = Date.parse('2026-03-01T00:00:00Z');

function jobEntry(spec: JobSpec): Entry {
  const record: JobRecord<JobSpec> = {
    spec,
    version: 1,
    uid: spec.name,
    createdAt: START,
    updatedAt: START,
    scheduledSince: START,
    writeId: spec.name,
  };
  return { key: `jobs/${spec.name}`, value: JSON.stringify(record), modRevision: 1n };
}

const task = { command: ['true'] };
const nameOf = (i: number): string => `bench.job-${String(i).padStart(7, '0')}`;

const OFFER: Offer = {
  id: 'o',
  agentId: 'a1',
  hostname: 'a1',
  address: '',
  pool: 'a1',
  resources: { cpus: 1e7, mem: 1e10, disk: 1e10, gpus: 0, ports: [] },
  attributes: {},
};

/** An engine with an executor that offers everything again after each launch and ends tasks only when told. */
class BenchEngine {
  readonly engine: Engine;
  now = START;
  writes = 0;
  launched: string[] = [];

  constructor(entries: readonly Entry[]) {
    this.engine = new Engine({ term: 1n, executor: 'bench', entries, now: START });
    this.decide([]);
    this.decide(
      [{ type: 'connected', identity: 'b', exclusive: true } as const, { type: 'reconciled' } as const].map((event) => ({
        type: 'executor',
        event,
      })),
    );
    this.#offer();
  }

  decide(events: readonly EngineEvent[]): number | undefined {
    const { steps, wakeAt } = this.engine.decide(events, this.now);
    let used = false;
    for (const step of steps) {
      this.writes += step.writes.length;
      for (const command of step.commands) used = this.#note(command) || used;
    }
    if (used) this.#offer();
    return wakeAt;
  }

  #note(command: ExecutorCommand): boolean {
    if (command.type !== 'launch') return false;
    for (const launch of command.tasks) this.launched.push(launch.taskId);
    return true;
  }

  #offer(): void {
    this.decide([{ type: 'executor', event: { type: 'offers', offers: [OFFER] } }]);
  }

  finishAll(): void {
    const tasks = this.launched;
    this.launched = [];
    const events = tasks.map((taskId) => ({
      type: 'executor' as const,
      event: { type: 'status' as const, status: { taskId, agentId: 'a1', state: 'finished' as const, exitCode: 0, ack: 'x' } },
    }));
    this.decide(events);
  }
}

function timed(work: () => void): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function burst(count: number): void {
  const entries = Array.from({ length: count }, (_, i) => jobEntry({ name: nameOf(i), schedule: 'R/2026-03-01T00:01:00Z/P1D', task }));
  const bench = new BenchEngine(entries);
  bench.now = START + 60_000;
  const launchMs = timed(() => bench.decide([]));
  const launched = bench.launched.length;
  const finishMs = timed(() => bench.finishAll());
  const rate = (ms: number): string => `${Math.round(launched / (ms / 1000))}/s`;
  say(
    `burst of ${count}: ${launched} launched in ${launchMs.toFixed(0)} ms (${rate(launchMs)}), settled in ${finishMs.toFixed(0)} ms (${rate(finishMs)})`,
  );
}

function fanOut(children: number): void {
  const names = Array.from({ length: children }, (_, i) => nameOf(i));
  const entries = [
    jobEntry({ name: 'root', schedule: 'R1/2026-03-01T00:01:00Z/P1D', task }),
    ...names.map((name) => jobEntry({ name, after: ['root'], task })),
    jobEntry({ name: 'join', after: names, task }),
  ];
  const bench = new BenchEngine(entries);
  bench.now = START + 60_000;
  bench.decide([]);
  const outMs = timed(() => bench.finishAll());
  while (bench.launched.length < children) bench.decide([]);
  const inMs = timed(() => bench.finishAll());
  say(
    `fan-out to ${children} in ${outMs.toFixed(0)} ms, join of them in ${inMs.toFixed(0)} ms; join launched: ${bench.launched.includes('join.1.1')}`,
  );
}

function idle(count: number): void {
  globalThis.gc?.();
  const before = process.memoryUsage();
  const zones = ['UTC', 'Europe/Berlin', 'America/New_York'];
  const entries = function* (): Generator<Entry> {
    for (let i = 0; i < count; i++) {
      yield jobEntry({ name: nameOf(i), schedule: `${i % 60} ${i % 24} * * *`, timeZone: zones[i % 3] as string, task });
    }
  };
  let engine: Engine | undefined;
  const loadMs = timed(() => {
    engine = new Engine({ term: 1n, executor: 'bench', entries: entries(), now: START });
    // What is due at once is decided in as many decisions as it takes.
    for (let wakeAt: number | undefined = START; wakeAt !== undefined && wakeAt <= START; ) wakeAt = engine.decide([], START).wakeAt;
  });
  globalThis.gc?.();
  const after = process.memoryUsage();
  const tickUs =
    (timed(() => {
      for (let i = 1; i <= 1000; i++) engine?.decide([], START + i);
    }) *
      1000) /
    1000;
  const heap = Math.round((after.heapUsed - before.heapUsed) / count);
  const rss = Math.round((after.rss - before.rss) / count);
  say(
    `${count} idle jobs: loaded in ${loadMs.toFixed(0)} ms, ${heap} B heap and ${rss} B resident each; a tick with nothing due ${tickUs.toFixed(1)} µs`,
  );
}

/** Prints the engine's figures; a few seconds. */
export function benchEngine(): void {
  burst(1_000);
  burst(10_000);
  fanOut(1_000);
  fanOut(10_000);
  idle(10_000);
  idle(100_000);
  if (process.argv.includes('--million')) idle(1_000_000);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) benchEngine();
