/** The parts of a stand-in, made from its options and put together. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/clock/clock.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { StandInAgent, type AgentParts } from './agent/agent.ts';
import { Sandboxes } from './agent/sandboxes.ts';
import { AgentHandle } from './agent-handle.ts';
import { agentInfo, type AgentSpec } from './agent-spec.ts';
import { Cluster, type Election } from './cluster.ts';
import type { Domain, Registry } from './core/model.ts';
import { Faults } from './faults.ts';
import { History } from './history.ts';
import { serveAgent } from './http/agent-front.ts';
import type { Credentials } from './http/credentials.ts';
import { HttpFront, type TlsFiles } from './http/front.ts';
import type { NodeParts } from './master-node.ts';
import type { TaskRunner } from './runner/runner.ts';
import { ScriptedRunner } from './runner/scripted.ts';
import { Seeded } from './seeded.ts';
import { REAL_TIMING, type Timing } from './timing.ts';
import type { Call } from './wire/call.ts';
import type { MesosEvent } from './wire/event.ts';

export interface StandInOptions {
  /** Port of the (first) master; 0: any free one. The others get free ones. */
  readonly port?: number;
  /** How many masters; the first leads. With more than one there is an election. */
  readonly masters?: number;
  /** Default: one agent with 4 cpus and 4 GiB. */
  readonly agents?: readonly AgentSpec[];
  /** Replaces single durations of the real timing. */
  readonly timing?: Partial<Timing>;
  /** What runs the tasks of agents that name no runner; default: scripted outcomes (runner/scripted.ts). */
  readonly runner?: TaskRunner;
  readonly clock?: Clock;
  /** Decides ids, orders and delays; default: a new one each time. Give two of them on one Docker Engine different ones. */
  readonly seed?: number;
  /** Lets events and answers overtake each other as the seed says. */
  readonly interleave?: boolean;
  /** Ends HTTP chunks anywhere. */
  readonly splitChunks?: boolean;
  /** Principal to secret: frameworks must authenticate. */
  readonly credentials?: Credentials;
  /** What the masters and agents call their host. */
  readonly hostname?: string;
  /** Of all masters: they must be in one region. Agents with a domain need it. */
  readonly domain?: Domain;
  /** Where sandboxes go; default: a directory of its own, removed at the end. */
  readonly workDir?: string;
  /** Where the masters are shown as contenders, in a real ZooKeeper for example. */
  readonly election?: Election;
  /** Certificate and key in PEM: masters and agents speak https. With `ca`, clients must have a certificate of it. */
  readonly tls?: TlsFiles;
  /** False: `calls` and `events` stay empty, for long runs. */
  readonly keepsTraffic?: boolean;
}

export interface Assembly {
  readonly cluster: Cluster;
  readonly handles: readonly AgentHandle[];
  readonly fronts: readonly HttpFront[];
  readonly faults: Faults;
  readonly history: History;
  readonly clock: Clock;
  readonly scheme: string;
  readonly runners: ReadonlySet<TaskRunner>;
  readonly ownWorkDir: string | undefined;
  readonly calls: Call[];
  readonly events: MesosEvent[];
}

export async function assemble(options: StandInOptions): Promise<Assembly> {
  const specs = options.agents ?? [{}];
  if (options.domain === undefined && specs.some((spec) => spec.domain !== undefined)) {
    throw new Error('an agent with a domain never registers with a master without one: give the stand-in a domain');
  }
  const clock = options.clock ?? systemClock;
  const shared = {
    clock,
    timing: { ...REAL_TIMING, ...options.timing },
    seeded: new Seeded(options.seed ?? Math.floor(clock.random() * 2 ** 32)),
    history: new History(() => clock.now()),
    registry: { admitted: new Map(), unreachable: new Map(), gone: new Set(), machines: new Map() } satisfies Registry,
  };
  const traffic = { calls: [] as Call[], events: [] as MesosEvent[], faults: new Faults() };
  const runner = options.runner ?? new ScriptedRunner(clock);
  const workDir = options.workDir ?? mkdtempSync(join(tmpdir(), 'stand-in-mesos-'));
  const { hostname = 'localhost', tls } = options;
  const built = await Promise.all(
    specs.map((spec, index) => buildAgent({ spec: { hostname, ...spec }, index, shared, runner, workDir, tls })),
  );
  const cluster = new Cluster({
    clock,
    timing: shared.timing,
    ports: Array.from({ length: options.masters ?? 1 }, (_, index) => (index === 0 ? (options.port ?? 0) : 0)),
    agents: built.map(({ agent }) => agent),
    elections: options.election === undefined ? [] : [options.election],
    node: { ...shared, ...nodeOptions(options), ...recorders(options, traffic) },
  });
  return {
    ...traffic,
    cluster,
    handles: built.map(({ agent, front }) => new AgentHandle(agent, cluster, front)),
    fronts: built.flatMap(({ front }) => (front === undefined ? [] : [front])),
    history: shared.history,
    clock,
    scheme: tls === undefined ? 'http' : 'https',
    runners: new Set([runner, ...specs.flatMap((spec) => (spec.runner === undefined ? [] : [spec.runner]))]),
    ownWorkDir: options.workDir === undefined ? workDir : undefined,
  };
}

function nodeOptions(
  options: StandInOptions,
): Pick<NodeParts, 'hostname' | 'domain' | 'credentials' | 'interleave' | 'splitChunks' | 'tls'> {
  return {
    hostname: options.hostname ?? 'localhost',
    domain: options.domain,
    credentials: options.credentials,
    interleave: options.interleave ?? false,
    splitChunks: options.splitChunks ?? false,
    tls: options.tls,
  };
}

interface Traffic {
  readonly calls: Call[];
  readonly events: MesosEvent[];
  readonly faults: Faults;
}

function recorders(options: StandInOptions, { calls, events, faults }: Traffic): Pick<NodeParts, 'faults' | 'onCall' | 'onEvent'> {
  if (options.keepsTraffic === false) return { faults, onCall: () => undefined, onEvent: () => undefined };
  return { faults, onCall: (call) => void calls.push(call), onEvent: (event) => void events.push(event) };
}

interface AgentPlan {
  readonly spec: AgentSpec;
  readonly index: number;
  readonly shared: Pick<AgentParts, 'clock' | 'timing' | 'seeded' | 'history' | 'registry'>;
  readonly runner: TaskRunner;
  readonly workDir: string;
  readonly tls: TlsFiles | undefined;
}

async function buildAgent(plan: AgentPlan): Promise<{ readonly agent: StandInAgent; readonly front: HttpFront | undefined }> {
  const { spec, index, shared, workDir } = plan;
  const name = spec.name ?? `agent-${index}`;
  const served: { agent?: StandInAgent } = {};
  const front =
    spec.http === false
      ? undefined
      : new HttpFront((exchange) => {
          const { agent } = served;
          if (agent !== undefined) agent.process.post(() => serveAgent(agent, exchange));
        }, plan.tls);
  const port = front === undefined ? (spec.port ?? 20_000 + index) : await front.listen(spec.port ?? 0);
  const agent = new StandInAgent({
    ...shared,
    name,
    info: { ...agentInfo(spec, port), scheme: plan.tls === undefined ? 'http' : 'https' },
    runner: spec.runner ?? plan.runner,
    launchesPerSecond: spec.launchesPerSecond,
    sandboxes: new Sandboxes(join(workDir, name)),
    provisionsImages: spec.provisionsImages ?? false,
  });
  served.agent = agent;
  return { agent, front };
}
