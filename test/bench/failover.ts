/** How long nobody launches anything after a leader is killed, and after one is told to stop: three nodes, etcd, jobs due every second. */

import { pathToFileURL } from 'node:url';
import { systemClock } from '../../src/clock/system-clock.ts';
import { StandInMaster } from '../mesos-master/master.ts';
import { ScriptedRunner } from '../mesos-master/runner/scripted.ts';
import { startEtcd } from '../support/etcd.ts';
import { type KairosNode, startKairos } from '../support/kairos-node.ts';
import { until } from '../support/until.ts';

const ROUNDS = 5;
const JOBS = 10;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function isLeading(node: KairosNode): Promise<boolean> {
  const answer = await node.get<string>('/metrics').catch(() => undefined);
  return answer !== undefined && /^kairos_leader 1$/m.test(answer.body);
}

async function leaderOf(nodes: ReadonlyMap<string, KairosNode>): Promise<string> {
  let found: string | undefined;
  await until(async () => {
    for (const [id, node] of nodes) if (await isLeading(node)) found = id;
    return found !== undefined;
  });
  return found as string;
}

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
  const etcd = await startEtcd();
  const runner = new ScriptedRunner(systemClock, () => ({ startingMs: 20, runningMs: 20, durationMs: 100 }));
  const master = await StandInMaster.start({ runner, timing: { allocationMs: 100 } });
  const start = (id: string): Promise<KairosNode> =>
    startKairos([
      `node.id=${id}`,
      'store.kind=etcd',
      `store.etcd.hosts=[${etcd.hosts.join(',')}]`,
      'executor.kind=mesos',
      `executor.mesos.masters=["${master.url}"]`,
    ]);
  const nodes = new Map<string, KairosNode>();
  for (const id of ['n1', 'n2', 'n3']) nodes.set(id, await start(id));
  const [first] = nodes.values();
  for (let i = 0; i < JOBS; i++) {
    const task = { image: 'busybox:1.36', command: ['true'], cpus: 0.01, mem: 4 };
    await first?.post('/v1/jobs', { name: `beat-${i}`, schedule: 'R//PT1S', overlap: 'allow', task });
  }
  for (const [what, end] of [
    ['killed', (node: KairosNode) => node.kill()],
    ['stopped', (node: KairosNode) => node.stop()],
  ] as const) {
    const gaps: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const id = await leaderOf(nodes);
      const leader = nodes.get(id) as KairosNode;
      await until(() => launches(master) > 0);
      nodes.delete(id);
      gaps.push(await gapAfter(master, () => end(leader)));
      nodes.set(id, await start(id));
    }
    const sorted = gaps.map(Math.round).sort((a, b) => a - b);
    say(`leader ${what}: next launch after ${sorted.join(', ')} ms (jobs are due every second)`);
  }
  for (const node of nodes.values()) await node.stop();
  await master.stop();
  await etcd.stop();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await benchFailover();
