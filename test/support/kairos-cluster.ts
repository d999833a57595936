/** Nodes of one cluster as its users run it: etcd, the stand-in Mesos, Kairos processes by name. */

import { systemClock } from '../../src/clock/system-clock.ts';
import { StandInMaster, type StandInOptions } from '../mesos-master/master.ts';
import { ScriptedRunner } from '../mesos-master/runner/scripted.ts';
import { type Etcd, startEtcd } from './etcd.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { type KairosNode, startKairos } from './kairos-node.ts';
import { until } from './until.ts';

const LEADER_LIMIT_MS = 30_000;

export interface KairosCluster {
  readonly etcd: Etcd;
  readonly master: StandInMaster;
  /** Those that run, by id. */
  readonly nodes: ReadonlyMap<string, KairosNode>;
  /** Of a node that says it leads; waits for one. */
  leader(): Promise<string>;
  /** The node's way to etcd, which can fail. */
  wayToEtcd(id: string): FaultProxy;
  node(id: string): KairosNode;
  /** Any that runs. */
  anyNode(): KairosNode;
  /** SIGKILL, and out of `nodes`. */
  kill(id: string): Promise<void>;
  start(id: string): Promise<void>;
  close(): Promise<void>;
}

export interface ClusterOptions {
  readonly ids: readonly string[];
  /** Default: tasks without processes, 100 ms each, offered every 100 ms. */
  readonly mesos?: StandInOptions;
  /** More `--set` for every node. */
  readonly settings?: readonly string[];
}

export async function startCluster({ ids, mesos = quickMesos(), settings = [] }: ClusterOptions): Promise<KairosCluster> {
  const etcd = await startEtcd();
  const master = await StandInMaster.start(mesos);
  const nodes = new Map<string, KairosNode>();
  const ways = new Map<string, FaultProxy>();
  for (const id of ids) ways.set(id, await startFaultProxy(etcd.hosts[0] as string));
  const wayToEtcd = (id: string): FaultProxy => ways.get(id) as FaultProxy;
  const start = async (id: string): Promise<void> => {
    const own = [`node.id=${id}`, 'store.kind=etcd', `store.etcd.hosts=[${wayToEtcd(id).host}]`];
    const executor = ['executor.kind=mesos', `executor.mesos.masters=["${master.url}"]`];
    nodes.set(id, await startKairos([...own, ...executor, ...settings]));
  };
  for (const id of ids) await start(id);
  const node = (id: string): KairosNode => nodes.get(id) as KairosNode;
  return {
    ...{ etcd, master, nodes, node, start, wayToEtcd },
    leader: () => findLeader(nodes),
    anyNode: () => [...nodes.values()][0] as KairosNode,
    async kill(id) {
      await node(id).kill();
      nodes.delete(id);
    },
    async close() {
      for (const one of nodes.values()) await one.stop();
      await master.stop();
      for (const way of ways.values()) await way.stop();
      await etcd.stop();
    },
  };
}

function quickMesos(): StandInOptions {
  const runner = new ScriptedRunner(systemClock, () => ({ startingMs: 20, runningMs: 20, durationMs: 100 }));
  return { runner, timing: { allocationMs: 100 } };
}

async function findLeader(nodes: ReadonlyMap<string, KairosNode>): Promise<string> {
  let found: string | undefined;
  const look = async (): Promise<boolean> => {
    for (const [id, node] of nodes) if (await isLeading(node)) found = id;
    return found !== undefined;
  };
  await until(look, { limitMs: LEADER_LIMIT_MS, what: 'a leader' });
  return found as string;
}

async function isLeading(node: KairosNode): Promise<boolean> {
  const answer = await node.get<string>('/metrics').catch(() => undefined);
  return answer !== undefined && /^kairos_leader 1$/m.test(answer.body);
}
