/** A real API on a real port, over a store in memory; the test plays the leader and the executor. */

import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import { Agent, request } from 'undici';
import { createApi } from '../../src/api/create-api.ts';
import type { ApiDeps } from '../../src/api/deps.ts';
import { type Api, listen } from '../../src/api/server.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { runKey, stateKey } from '../../src/engine/keys.ts';
import type { Attempt, JobState, RunRecord } from '../../src/engine/records.ts';
import type { LogChunk, LogRequest } from '../../src/executor/port.ts';
import type { JobRecord } from '../../src/job/job.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import { MemoryCluster } from '../../src/store/memory/memory-store.ts';
import type { MemoryConnection } from '../../src/store/memory/memory-connection.ts';
import type { Revision, Store, Term, Write } from '../../src/store/port.ts';
import { Replica } from '../../src/store/replica.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';

/** The shape of every answer is what the tests look at, so it stays open. */
export type Json = ReturnType<typeof JSON.parse>;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: Json;
}

export interface Ask {
  readonly body?: unknown;
  readonly raw?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ApiNode<AnyStore extends Store = MemoryConnection> {
  readonly store: AnyStore;
  readonly replica: Replica;
  readonly api: Api;
  readonly url: string;
  ask(method: string, path: string, ask?: Ask): Promise<Answer>;
  close(): Promise<void>;
}

export interface ApiRig extends ApiNode {
  readonly cluster: MemoryCluster;
  /** Writes as the leader would, and waits until the first node has it. */
  lead(writes: readonly Write[]): Promise<Revision>;
  record(name: string): JobRecord<JobSpec>;
  /** Another node on the same store. */
  join(deps?: Partial<ApiDeps>): Promise<ApiNode>;
}

export async function setUpApi(deps: Partial<ApiDeps> = {}): Promise<ApiRig> {
  const cluster = new MemoryCluster({ clock: systemClock });
  const nodes: ApiNode[] = [];
  const leader = cluster.connect();
  let term: Promise<Term> | undefined;
  const join = async (extra: Partial<ApiDeps> = {}): Promise<ApiNode> => {
    const node = await startApiNode(cluster.connect(), extra);
    nodes.push(node);
    return node;
  };
  const first = await join(deps);
  return {
    ...first,
    cluster,
    join,
    async lead(writes) {
      term ??= leader.campaign({ node: 'n1', address: '127.0.0.1:1' }, new AbortController().signal);
      const revision = await leader.commit(await term, writes);
      assert.ok(await first.replica.waitFor(revision, 2_000));
      return revision;
    },
    record(name) {
      const entry = cluster.space.get(`jobs/${name}`);
      assert.ok(entry, `${name} is stored`);
      return JSON.parse(entry.value) as JobRecord<JobSpec>;
    },
    async close() {
      for (const node of nodes) await node.close();
      await leader.close();
    },
  };
}

/** A node's API over any store, which it closes in the end. */
export async function startApiNode<AnyStore extends Store>(store: AnyStore, extra: Partial<ApiDeps> = {}): Promise<ApiNode<AnyStore>> {
  const replica = new Replica({ store, clock: systemClock, onError: () => undefined, probeEveryMs: 0, reconcileEveryMs: 0 });
  await replica.start();
  const app = createApi({
    store,
    replica,
    executor: { readLog: () => Promise.resolve(undefined) },
    clock: systemClock,
    logger: silentLogger,
    metrics: new Metrics(),
    readiness: () => ({ ready: true, reasons: [] }),
    nodeId: 'n1',
    ids: ulid,
    ...extra,
  });
  const api = await listen(app, { host: '127.0.0.1', port: 0, clock: systemClock });
  const url = `http://127.0.0.1:${api.address.port}`;
  const agent = new Agent();
  return {
    ...{ store, replica, api, url },
    ask: (method, path, ask) => send(agent, method, `${url}${path}`, ask),
    async close() {
      await api.close();
      await agent.destroy();
      await replica.stop();
      await store.close();
    },
  };
}

async function send(agent: Agent, method: string, url: string, { body, raw, headers }: Ask = {}): Promise<Answer> {
  const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await request(url, {
    dispatcher: agent,
    method: method as 'GET',
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    ...(sent === undefined ? {} : { body: sent }),
  });
  const text = await response.body.text();
  const isJson = String(response.headers['content-type']).includes('json');
  return { status: response.statusCode, headers: response.headers, text, json: isJson && text !== '' ? JSON.parse(text) : undefined };
}

/** The least definition, with these fields. */
export function job(name: string, fields: Partial<JobSpec> = {}): JobSpec {
  return { name, task: { command: ['true'] }, ...fields };
}

export function attempt(fields: Partial<Attempt> & Pick<Attempt, 'number' | 'taskId'>): Attempt {
  return { agentId: 'a1', hostname: 'h1', address: '', createdAt: 1_000, ...fields };
}

export function runWrite(run: Partial<RunRecord> & Pick<RunRecord, 'job' | 'number' | 'state'>): Write {
  const record: RunRecord = {
    flow: `${run.job}#${run.number}`,
    trigger: { type: 'schedule', scheduledFor: 500 },
    createdAt: 1_000,
    jobVersion: 1,
    attempts: [],
    lost: 0,
    ...run,
  };
  return { key: runKey(run.job, run.number), value: JSON.stringify(record) };
}

export function stateWrite(name: string, state: JobState): Write {
  return { key: stateKey(name), value: JSON.stringify(state) };
}

/** Logs that tests append to. */
export class MemoryLogs {
  readonly texts = new Map<string, string>();
  readonly asked: LogRequest[] = [];

  readonly readLog = (ask: LogRequest): Promise<LogChunk | undefined> => {
    this.asked.push(ask);
    const text = this.texts.get(`${ask.task.taskId}/${ask.stream}`);
    if (text === undefined) return Promise.resolve(undefined);
    const all = Buffer.from(text);
    const offset = ask.offset < 0 ? Math.max(0, all.length + ask.offset) : Math.min(ask.offset, all.length);
    return Promise.resolve({ data: all.subarray(offset, offset + ask.length), offset, size: all.length });
  };
}
