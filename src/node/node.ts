/**
 * One scheduler node, put together: store, its warm copy, executor, leader, API. Every node is the same; which one leads is
 * settled among them.
 *
 * Started from the bottom up and stopped from the top down. Leadership is given up before the API closes, so that a follower
 * that sees the address refuse connections can take it for a crash.
 */

import { hostname } from 'node:os';
import { ulid } from 'ulid';
import type { Api } from '../api/server.ts';
import { startApi } from '../api/server.ts';
import { systemClock } from '../clock/system-clock.ts';
import type { Fact } from '../engine/facts.ts';
import { EXECUTOR_IDENTITY_KEY, NODES, nodeKey } from '../engine/keys.ts';
import type { ExecutorIdentity } from '../engine/records.ts';
import type { Executor } from '../executor/port.ts';
import { Leadership } from '../leader/leadership.ts';
import type { LeaderObserver } from '../leader/observer.ts';
import { StoreError } from '../store/errors.ts';
import type { Store } from '../store/port.ts';
import { decodeLeader, LEADER_KEY } from '../store/reserved-keys.ts';
import { Replica } from '../store/replica.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { probeAddress } from './address-probe.ts';
import { checkExposure, readToken } from './access.ts';
import type { Config } from './config/schema.ts';
import { leaderObserver } from './observe.ts';
import { openExecutor } from './open-executor.ts';
import { openStore } from './open-store.ts';
import { ownAddress } from './own-address.ts';
import { provideReadings } from './readings.ts';
import { type Readiness, readinessOf } from './readiness.ts';
import { version } from './version.ts';

export interface RunningNode {
  readonly id: string;
  /** `http://host:port` of its API. */
  readonly url: string;
  readonly executor: string;
  readonly leadership: Leadership;
  /** Hands over and closes everything; tasks go on running. Idempotent. */
  stop(): Promise<void>;
}

export interface NodeOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Hears of everything this node does as the leader. */
  readonly onFact?: (fact: Fact) => void;
}

export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const token = readToken(options.config.api);
  checkExposure(options.config.api, token);
  const id = options.config.node.id || hostname();
  const log = options.logger.child({ node: id });
  const opened: Closer[] = [];
  try {
    return await assemble(options, { id, log, token, opened });
  } catch (error) {
    await closeAll(opened, log);
    throw error;
  }
}

interface Foundation {
  readonly id: string;
  readonly log: Logger;
  readonly token: string | undefined;
  /** What was opened, to be closed in reverse. */
  readonly opened: Closer[];
}

async function assemble({ config, onFact }: NodeOptions, { id, log, token, opened }: Foundation): Promise<RunningNode> {
  const clock = systemClock;
  const metrics = new Metrics();
  metrics.includeProcess({ version, node: process.version });
  const store = await openStore(config.store, clock, log);
  opened.push(() => store.close());
  const replica = openReplica(store, log, metrics);
  opened.push(() => replica.stop());
  await replica.start();
  const executor = await openExecutor(config.executor, { clock, logger: log, stored: () => storedIdentity(replica) });
  const parts: Parts = { id, store, replica, executor, leadership: undefined };
  const readiness = (): Readiness => readinessOf(conditionsOf(parts));
  const deps = { store, replica, executor, clock, logger: log, metrics, readiness, nodeId: id, ids: ulid, token };
  const api = await startApi(deps, { host: config.api.host, port: config.api.port });
  opened.push(() => api.close());
  const own = ownAddress(config.api.advertise, api.address);
  const observer = withListener(leaderObserver(log, metrics, executor.kind), onFact);
  const leadership = new Leadership(
    { store, replica, executor, clock, observer, launchTimeoutMs: config.executor.launchTimeoutMs },
    { candidate: { node: id, ...own }, probe: probeAddress, nodeCount: () => replica.list(NODES).length },
  );
  parts.leadership = leadership;
  provideReadings(metrics, { leadership, store, replica, clock });
  await store.announce(nodeKey(id), JSON.stringify({ id, address: own.address, version, executor: executor.kind, startedAt: clock.now() }));
  leadership.start();
  opened.push(() => leadership.stop());
  log.info({ url: urlOf(api), store: store.kind, executor: executor.kind }, 'node started');
  return { id, url: urlOf(api), executor: executor.kind, leadership, stop: stopOnce(opened, log) };
}

type Closer = () => Promise<void>;

interface Parts {
  readonly id: string;
  readonly store: Store;
  readonly replica: Replica;
  readonly executor: Executor;
  leadership: Leadership | undefined;
}

function openReplica(store: Store, log: Logger, metrics: Metrics): Replica {
  return new Replica({
    store,
    clock: systemClock,
    onError: (error) => {
      // One that is out of reach is tried many times; where in the code that was seen helps nobody.
      const fields = error instanceof StoreError && error.code === 'unavailable' ? { problem: error.message } : { error };
      log.warn(fields, 'the copy of the store met trouble; it is tried again');
    },
    onRebuild: (reason, changes) => log.info({ reason, changes }, 'the copy of the store was made anew'),
    onDiscrepancies: (count) => {
      metrics.discrepanciesFound(count);
      log.error({ count }, 'the watch had missed changes; the copy of the store is made anew');
    },
  });
}

function storedIdentity(replica: Replica): ExecutorIdentity | undefined {
  const entry = replica.get(EXECUTOR_IDENTITY_KEY);
  return entry === undefined ? undefined : (JSON.parse(entry.value) as ExecutorIdentity);
}

function conditionsOf({ id, store, replica, executor, leadership }: Parts): Parameters<typeof readinessOf>[0] {
  return [
    { name: 'store', problem: () => (store.healthy() ? undefined : `${store.kind} is out of reach`) },
    { name: 'replica', problem: () => (replica.ready ? undefined : 'this node’s copy of the store is not complete') },
    {
      name: 'executor',
      problem: () => {
        if (leadership === undefined || leadership.isExecutorUp) return undefined;
        const isLeading = leadership.term !== undefined;
        const why = leadership.executorTrouble;
        // Refused for good it gives its terms up one after the other; as long as no other node leads that is the trouble to tell.
        const isNeeded = isLeading || (why !== undefined && !isLedByAnother(replica, id));
        return isNeeded ? `${executor.kind} is not connected and this node leads${why === undefined ? '' : `: ${why}`}` : undefined;
      },
    },
  ];
}

function isLedByAnother(replica: Replica, id: string): boolean {
  const entry = replica.get(LEADER_KEY);
  return entry !== undefined && decodeLeader(entry).node !== id;
}

function withListener(observer: LeaderObserver, onFact: ((fact: Fact) => void) | undefined): LeaderObserver {
  if (!onFact) return observer;
  return {
    ...observer,
    fact(fact) {
      observer.fact(fact);
      onFact(fact);
    },
  };
}

function urlOf(api: Api): string {
  const { host, port } = api.address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function stopOnce(opened: readonly Closer[], log: Logger): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  return () => {
    stopping ??= closeAll(opened, log).then(() => log.info({}, 'node stopped'));
    return stopping;
  };
}

/** The last opened is closed first, one after the other; one that fails does not keep the others open. */
async function closeAll(opened: readonly Closer[], log: Logger): Promise<void> {
  for (const close of [...opened].reverse()) {
    await close().catch((error: unknown) => log.error({ error }, 'a part of the node did not close'));
  }
}
