/** What one cycle of offers costs the engine, by the number of agents, with 10,000 runs waiting in ten shapes. No IO. */

import { pathToFileURL } from 'node:url';
import { Engine } from '../../src/engine/engine.ts';
import type { Offer } from '../../src/executor/port.ts';
import type { JobRecord } from '../../src/job/job.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import type { Entry } from '../../src/store/port.ts';

const START = Date.parse('2026-03-01T00:00:00Z');
const WAITING = 10_000;
const SHAPES = 10;
const CYCLES = 5;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function entry(index: number): Entry {
  const spec: JobSpec = {
    name: `wait-${index}`,
    schedule: 'R1/2026-03-01T00:00:01Z/PT1H',
    task: { command: ['true'], cpus: 1 + (index % SHAPES) / 10, mem: 64 },
  };
  const record: JobRecord<JobSpec> = {
    spec,
    version: 1,
    uid: `u${index}`,
    createdAt: START,
    updatedAt: START,
    scheduledSince: START,
    writeId: `w${index}`,
  };
  return { key: `jobs/${spec.name}`, value: JSON.stringify(record), modRevision: 1n };
}

function offers(agents: number, cycle: number, cpus: number): Offer[] {
  return Array.from({ length: agents }, (_, i) => ({
    id: `c${cycle}-o${i}`,
    agentId: `a${i}`,
    hostname: `a${i}.test`,
    address: '',
    pool: `a${i}/*`,
    resources: { cpus, mem: 4096, disk: 10_000, gpus: 0, ports: [[31_000, 32_000]] },
    attributes: { rack: { type: 'text', value: `r${i % 20}` } },
  }));
}

function waitingEngine(): Engine {
  const entries = Array.from({ length: WAITING }, (_, i) => entry(i));
  const engine = new Engine({ term: 1n, executor: 'bench', entries, now: START });
  engine.decide([], START);
  engine.decide([{ type: 'executor', event: { type: 'connected', identity: 'b', exclusive: false } }], START);
  engine.decide([{ type: 'executor', event: { type: 'reconciled' } }], START);
  const now = START + 1000;
  while (engine.decide([], now).isBehind);
  return engine;
}

/** CPU of one cycle, in milliseconds, and how many tasks it launched. */
function cycle(engine: Engine, batch: readonly Offer[], now: number): { ms: number; launched: number } {
  const startedAt = performance.now();
  const { steps } = engine.decide([{ type: 'executor', event: { type: 'offers', offers: batch } }], now);
  const ms = performance.now() - startedAt;
  const launched = steps
    .flatMap((step) => step.commands)
    .reduce((sum, command) => sum + (command.type === 'launch' ? command.tasks.length : 0), 0);
  return { ms, launched };
}

export function benchOffers(): void {
  for (const [what, cpus] of [
    ['fit one run each', 2.5],
    ['fit nothing', 0.5],
  ] as const) {
    for (const agents of [10, 100, 1_000]) {
      const engine = waitingEngine();
      const runs = Array.from({ length: CYCLES }, (_, i) => cycle(engine, offers(agents, i, cpus), START + 2000 + i * 1000));
      const ms = runs.map((run) => run.ms).sort((a, b) => a - b);
      const launched = runs.reduce((sum, run) => sum + run.launched, 0);
      say(`${agents} agents whose offers ${what}: ${ms[2]?.toFixed(1)} ms a cycle (median of ${CYCLES}), ${launched} launched in all`);
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) benchOffers();
