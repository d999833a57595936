/** How long nobody launches anything after a leader is killed, and after one is told to stop: three nodes, etcd, jobs due every second. */

import { pathToFileURL } from 'node:url';
import { systemClock } from '../../src/clock/system-clock.ts';
import type { StandInMaster } from '../mesos-master/master.ts';
import { startCluster } from '../support/kairos-cluster.ts';
import { until } from '../support/until.ts';

const ROUNDS = 5;
const JOBS = 10;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function launches(master: StandInMaster): number {
  return master.history.entries.filter((entry) => entry.kind === 'launch').length;
}

/** Milliseconds from `end` of the leader to the next launch. */
async function gapAfter(master: StandInMaster, end: () => Promise<unknown>): Promise<number> {
  const endedAt = systemClock.monotonic();
  await end();
  const before = launches(master);
  await until(() => launches(master) > before, { limitMs: 30_000, what: 'a launch of the next leader' });
  return systemClock.monotonic() - endedAt;
}

/** Five kills and five stops; about a minute. */
export async function benchFailover(): Promise<void> {
  const cluster = await startCluster({ ids: ['n1', 'n2', 'n3'] });
  const { master } = cluster;
  for (let i = 0; i < JOBS; i++) {
    const task = { image: 'busybox:1.36', command: ['true'], cpus: 0.01, mem: 4 };
    await cluster.anyNode().post('/v1/jobs', { name: `beat-${i}`, schedule: 'R//PT1S', overlap: 'allow', task });
  }
  for (const what of ['killed', 'stopped'] as const) {
    const gaps: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const id = await cluster.leader();
      await until(() => launches(master) > 0);
      gaps.push(await gapAfter(master, () => (what === 'killed' ? cluster.kill(id) : cluster.node(id).stop())));
      await cluster.start(id);
    }
    const sorted = gaps.map(Math.round).sort((a, b) => a - b);
    say(`leader ${what}: next launch after ${sorted.join(', ')} ms (jobs are due every second)`);
  }
  await cluster.close();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await benchFailover();
