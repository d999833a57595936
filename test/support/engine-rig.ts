/**
 * An engine at a bench: definitions go in, time is set by hand, and what it decides is applied to a map that stands for the
 * store. An agent with room for everything takes launches; tests say how tasks end. No IO, no waiting.
 */

import type { Step } from '../../src/engine/decision.ts';
import { Engine, type EngineEvent } from '../../src/engine/engine.ts';
import type { Fact } from '../../src/engine/facts.ts';
import { readQuarantine } from '../../src/engine/quarantine.ts';
import { jobKey, requestKey, runKey, runsPrefix, stateKey, SUSPENSION_KEY, verdictsPrefix } from '../../src/engine/keys.ts';
import type { ClusterSuspension, JobState, Request, RequestBody, RunRecord, Verdict } from '../../src/engine/records.ts';
import type { ExecutorCommand, ExecutorEvent, Offer, TaskLaunch, TaskStatus } from '../../src/executor/port.ts';
import type { JobRecord } from '../../src/job/job.ts';
import type { JobSpec } from '../../src/job/spec.ts';

export type SpecInput = Omit<JobSpec, 'task'> & { task?: JobSpec['task'] };

export interface RigOptions {
  readonly start?: string;
  readonly offer?: Partial<Offer['resources']>;
  readonly exclusive?: boolean;
  /** The executor is not connected yet. */
  readonly offline?: boolean;
  /** Writes in one step. */
  readonly maxOperations?: number;
}

export class EngineRig {
  now: number;
  engine: Engine;
  readonly store = new Map<string, string>();
  readonly commands: ExecutorCommand[] = [];
  readonly facts: Fact[] = [];
  readonly steps: Step[] = [];
  readonly launches: TaskLaunch[] = [];
  readonly #options: RigOptions;
  #wakeAt: number | undefined;
  #ids = 0;
  #term = 1n;

  constructor(options: RigOptions = {}) {
    this.#options = options;
    this.now = Date.parse(options.start ?? '2026-03-01T00:00:00Z');
    this.engine = this.#open();
    if (!options.offline) this.connect();
  }

  /** A new leader, `gapMs` later, that knows what is stored and nothing else. */
  failOver(gapMs = 0, { connect = true }: { connect?: boolean } = {}): void {
    this.now += gapMs;
    this.#term += 1n;
    this.engine = this.#open();
    if (connect) this.connect();
  }

  #open(): Engine {
    const entries = [...this.store].map(([key, value]) => ({ key, value, modRevision: 1n }));
    const { maxOperations } = this.#options;
    const known = { term: this.#term, executor: 'rig', entries, now: this.now, quarantine: readQuarantine(entries, this.now) };
    const engine = new Engine({ ...known, ...(maxOperations ? { maxOperations } : {}) });
    this.engine = engine;
    this.decide();
    return engine;
  }

  connect(): void {
    this.executor({ type: 'connected', identity: 'rig-1', exclusive: this.#options.exclusive ?? true });
    this.executor({ type: 'reconciled' });
    this.offer();
  }

  offer(agentId = 'a1', changes: Partial<Offer> = {}): void {
    this.#ids += 1;
    const resources = { cpus: 1000, mem: 1_000_000, disk: 1_000_000, gpus: 0, ports: [[31000, 32000] as const], ...this.#options.offer };
    const offer: Offer = {
      id: `o${this.#ids}`,
      agentId,
      hostname: `${agentId}.test`,
      address: '',
      pool: `${agentId}/*`,
      resources,
      attributes: {},
      ...changes,
    };
    this.executor({ type: 'offers', offers: [offer] });
  }

  executor(event: ExecutorEvent): void {
    this.decide([{ type: 'executor', event }]);
  }

  /** `survives`: how many of its steps become durable before the process dies. `freeAt`: when the leader was done with the decision before. */
  decide(events: readonly EngineEvent[] = [], survives = Infinity, freeAt?: number): void {
    const { steps, wakeAt } = this.engine.decide(events, this.now, freeAt);
    this.#wakeAt = wakeAt;
    let needsOffer = false;
    for (const step of steps.slice(0, survives)) {
      this.steps.push(step);
      for (const { key, value } of step.writes) {
        if (value === undefined) this.store.delete(key);
        else this.store.set(key, value);
      }
      this.facts.push(...step.facts);
      for (const command of step.commands) {
        this.commands.push(command);
        if (command.type !== 'launch') continue;
        this.launches.push(...command.tasks);
        needsOffer = this.#options.exclusive ?? true;
      }
    }
    if (needsOffer) this.offer();
  }

  /** Goes on to `to`, stopping at each instant the engine asks for. */
  advanceTo(to: string | number): void {
    const end = typeof to === 'number' ? to : Date.parse(to);
    while (this.#wakeAt !== undefined && this.#wakeAt <= end) {
      this.now = Math.max(this.now, this.#wakeAt);
      this.decide();
    }
    this.now = end;
    this.decide();
  }

  advance(ms: number): void {
    this.advanceTo(this.now + ms);
  }

  define(spec: SpecInput, changes: Partial<JobRecord<JobSpec>> = {}): JobRecord<JobSpec> {
    const full = { task: { command: 'true' }, ...spec } as JobSpec;
    const old = this.store.get(jobKey(spec.name));
    const before = old === undefined ? undefined : (JSON.parse(old) as JobRecord<JobSpec>);
    const isSameSchedule = before?.spec.schedule === full.schedule && before?.spec.timeZone === full.timeZone;
    this.#ids += 1;
    const record: JobRecord<JobSpec> = {
      spec: full,
      version: (before?.version ?? 0) + 1,
      uid: before?.uid ?? `uid${this.#ids}`,
      createdAt: before?.createdAt ?? this.now,
      updatedAt: this.now,
      scheduledSince: isSameSchedule && before ? before.scheduledSince : this.now,
      ...(before?.suspension ? { suspension: before.suspension } : {}),
      writeId: `w${this.#ids}`,
      ...changes,
    };
    this.store.set(jobKey(spec.name), JSON.stringify(record));
    this.decide([{ type: 'job', name: spec.name, record }]);
    return record;
  }

  undefine(name: string): void {
    this.store.delete(jobKey(name));
    this.decide([{ type: 'job', name, record: undefined }]);
  }

  suspend(suspension: ClusterSuspension): void {
    this.store.set(SUSPENSION_KEY, JSON.stringify(suspension));
    this.decide([{ type: 'suspension', suspension }]);
  }

  request(body: RequestBody): string {
    this.#ids += 1;
    const request: Request = { id: `req${String(this.#ids).padStart(6, '0')}`, at: this.now, by: 'tester', ...body };
    this.store.set(requestKey(request.id), JSON.stringify(request));
    this.decide([{ type: 'request', request }]);
    return request.id;
  }

  status(taskId: string, state: TaskStatus['state'], more: Partial<TaskStatus> = {}): void {
    this.#ids += 1;
    this.executor({ type: 'status', status: { taskId, agentId: 'a1', state, ack: `ack${this.#ids}`, ...more } });
  }

  /** The task starts and ends with this exit code. */
  finish(taskId: string, exitCode = 0): void {
    this.status(taskId, 'running');
    this.status(taskId, exitCode === 0 ? 'finished' : 'failed', { exitCode });
  }

  run(job: string, number: number): RunRecord | undefined {
    const value = this.store.get(runKey(job, number));
    return value === undefined ? undefined : (JSON.parse(value) as RunRecord);
  }

  runs(job: string): RunRecord[] {
    const found = [...this.store].filter(([key]) => key.startsWith(runsPrefix(job))).map(([, value]) => JSON.parse(value) as RunRecord);
    return found.sort((a, b) => a.number - b.number);
  }

  /** `1 succeeded, 2 running`: what became of a job's runs. */
  story(job: string): string {
    return this.runs(job)
      .map((run) => `${run.number} ${run.state}`)
      .join(', ');
  }

  state(job: string): JobState | undefined {
    const value = this.store.get(stateKey(job));
    return value === undefined ? undefined : (JSON.parse(value) as JobState);
  }

  verdicts(job: string): Verdict[] {
    const found = [...this.store].filter(([key]) => key.startsWith(verdictsPrefix(job))).map(([, value]) => JSON.parse(value) as Verdict);
    return found.sort((a, b) => a.from - b.from);
  }

  taskIds(): string[] {
    return this.launches.map((launch) => launch.taskId);
  }
}
