/**
 * How many tasks a second the process executor launches and sees end: `node --import tsx test/bench/process-executor.ts`.
 * Each is one `true`, launched, run, reported, acknowledged and forgotten; all the files and fsyncs of production. Bounded:
 * about ten seconds. Another command line argument than the default 1000 is the number of tasks.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../src/clock/system-clock.ts';
import { ProcessExecutor } from '../../src/executor/process/process-executor.ts';
import type { ExecutorEvent, TaskLaunch } from '../../src/executor/port.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { PLAIN_TASK } from '../support/executor-driver.ts';

const CPUS_PER_TASK = 0.1;

interface Result {
  readonly launchesPerSecond: number;
  readonly loopLagP99Ms: number;
}

/** Keeps `atOnce` tasks going until `count` have ended. */
async function measure(count: number, atOnce: number): Promise<Result> {
  const dataDir = await mkdtemp(join(tmpdir(), 'kairos-bench-'));
  const resources = { cpus: atOnce * CPUS_PER_TASK, mem: 1e6, disk: 0, gpus: 0, ports: [] };
  const executor = new ProcessExecutor({ dataDir, resources, hostname: 'bench', clock: systemClock, logger: silentLogger });
  const lag = watchLoop();
  const begun = performance.now();
  let launched = 0;
  let ended = 0;
  await new Promise<void>((resolve, reject) => {
    const take = (event: ExecutorEvent): void => {
      if (event.type === 'disconnected') reject(new Error(event.reason));
      if (event.type === 'offers') {
        for (const offer of event.offers) {
          const fits = Math.min(Math.floor(offer.resources.cpus / CPUS_PER_TASK + 0.001), count - launched);
          const tasks = Array.from({ length: fits }, () => taskLaunch((launched += 1)));
          if (tasks.length > 0) executor.perform({ type: 'launch', offerIds: [offer.id], tasks });
        }
      }
      if (event.type !== 'status' || event.status.ack === undefined) return;
      const { taskId, ack, state } = event.status;
      if (state !== 'finished') reject(new Error(JSON.stringify(event.status)));
      executor.perform({ type: 'acknowledge', taskId, agentId: 'bench', ack });
      executor.perform({ type: 'forget', tasks: [{ taskId, agentId: 'bench', address: '' }] });
      ended += 1;
      if (ended === count) resolve();
    };
    executor.start({ identity: undefined, emit: take });
  });
  const seconds = (performance.now() - begun) / 1000;
  await executor.stop();
  await rm(dataDir, { recursive: true });
  return { launchesPerSecond: count / seconds, loopLagP99Ms: lag() };
}

function taskLaunch(run: number): TaskLaunch {
  const taskId = `bench.${run}.1`;
  const task = { ...PLAIN_TASK, cpus: CPUS_PER_TASK, mem: 1, command: ['true'] };
  return { taskId, agentId: 'bench', address: '', job: 'bench', run, attempt: 1, task, env: {}, ports: [], killGraceMs: 1000, labels: {} };
}

/** Asks every 5 ms how late it is asked; returns the 99th percentile. */
function watchLoop(): () => number {
  const lags: number[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    lags.push(Math.max(0, now - last - 5));
    last = now;
  }, 5);
  return () => {
    clearInterval(timer);
    return lags.toSorted((a, b) => a - b)[Math.floor(lags.length * 0.99)] ?? 0;
  };
}

/** Launches a second by how many tasks run at once. */
export async function benchProcessExecutor(count = 1000): Promise<void> {
  console.log(`process executor, ${count} tasks of \`true\`, ${availableParallelism()} cores`);
  for (const atOnce of [1, 8, 32, 128]) {
    const { launchesPerSecond, loopLagP99Ms } = await measure(atOnce === 1 ? Math.min(count, 200) : count, atOnce);
    console.log(
      `${String(atOnce).padStart(4)} at once: ${launchesPerSecond.toFixed(0).padStart(4)} launches/s, event loop late p99 ${loopLagP99Ms.toFixed(0)} ms`,
    );
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await benchProcessExecutor(Number(process.argv[2] ?? 1000));
