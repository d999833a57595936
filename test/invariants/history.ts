/**
 * What the store held, commit by commit, and what the executor did: the facts that invariants.ts judges. Replays writes into records;
 * judges nothing itself.
 *
 * A commit of the leader may be given step by step (the decision's atomic parts, in order), which lets more be seen, or as one step.
 */

import { JOBS, REQUESTS, RUNS, STATES, SUSPENSION_KEY, VERDICTS } from '../../src/engine/keys.ts';
import type { ClusterSuspension, JobState, Outcome, Request, RunRecord, Verdict } from '../../src/engine/records.ts';
import { JobGraph } from '../../src/job/graph.ts';
import type { Job, JobRecord } from '../../src/job/job.ts';
import type { SuspensionSpan } from '../../src/job/suspension.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import type { Revision, Write } from '../../src/store/port.ts';
import { readSchedule } from './read-schedule.ts';
import { placeOf, readSpec } from './read-spec.ts';

export type Definition = JobRecord<JobSpec>;

/** The decision behind a leader's commit, as far as it is known. */
export interface DecisionContext {
  /** The leader's wall clock. */
  readonly now: number;
  /** Nominal times before this passed while nobody could decide. */
  readonly decidableSince: number;
  /** What the leader had seen of the API's writes before the decision, and with it. */
  readonly seenBefore: Revision;
  readonly seen: Revision;
  /** When the same leader last decided all that was due; undefined: this is its first decision. */
  readonly lookedAt: number | undefined;
  /** The same leader's decision before this one: when that was, and when it asked to be woken (undefined: not at all). */
  readonly previous: { readonly at: number; readonly wakeAt: number | undefined } | undefined;
}

export interface Transaction {
  readonly revision: Revision;
  readonly writer:
    | { readonly kind: 'api' }
    | { readonly kind: 'store' }
    | { readonly kind: 'leader'; readonly term: Revision; readonly sequence: number };
  /** Of a leader's commit: the decision's atomic parts, in order; or one that holds them all, then without a context. */
  readonly steps: readonly (readonly Write[])[];
  readonly context?: DecisionContext;
}

export interface Change<T> {
  readonly before: T | undefined;
  readonly after: T | undefined;
}

/** What one step did to one job. */
export interface JobStep {
  readonly name: string;
  readonly state: Change<JobState>;
  readonly runs: ReadonlyMap<number, Change<RunRecord>>;
  readonly verdicts: ReadonlyMap<number, Change<Verdict>>;
}

export interface Step {
  readonly jobs: ReadonlyMap<string, JobStep>;
  readonly requests: ReadonlyMap<string, Change<Request>>;
  /** Absent where the decision is not at hand: then several of its parts may be judged as one step. */
  readonly context: DecisionContext | undefined;
}

/** All that is known of a job's name. */
export interface JobHistory {
  readonly name: string;
  state: JobState | undefined;
  /** As stored. */
  readonly runs: Map<number, RunRecord>;
  readonly verdicts: Map<number, Verdict>;
  /** Of each run, the job's uid when it was made. */
  readonly uids: Map<number, string | undefined>;
  /** A run was made and forgotten in one step: nobody can tell in which flow. */
  hasVanished: boolean;
  /** Every version there was, oldest first; `undefined`: deleted. */
  readonly versions: { readonly revision: Revision; readonly record: Definition | undefined }[];
}

/** One traversal of the graph. */
export interface FlowHistory {
  readonly id: string;
  readonly root: string;
  /** The number of the run each job had in it. */
  readonly runs: Map<string, number>;
  /** Of the jobs, as they were then. */
  readonly uids: Map<string, string>;
  readonly outcomes: Map<string, Outcome | 'unseen'>;
  /** The jobs that took place in it: their runs had an attempt. */
  readonly started: Set<string>;
  /** Whether a run of it was run again, and the flow with it: from then on it knows only what is kept of it. */
  isAgain: boolean;
  /** The graph's edits that had been seen for certain when it began: not those that came to the same decision. */
  readonly graphEdits: number;
  /** Whether that can be told: the decision was at hand. */
  readonly isCertain: boolean;
  /** What keeps it going: runs that are open or have to hand on their token, jobs that hold some. */
  readonly goesOnIn: Set<string>;
  /** Jobs, the root among them, whose outcomes were found when it ended. */
  judged: number;
}

export class History {
  readonly jobs = new Map<string, JobHistory>();
  readonly requests = new Map<string, Request>();
  readonly flows = new Map<string, FlowHistory>();
  /** The runs that are not over, by key: what decisions are about, out of all that is kept. */
  readonly open = new Map<string, RunRecord>();
  /** The graph as the leader sees it. */
  readonly graph = new JobGraph();
  /** How often it changed, by the leader's view. */
  graphEdits = 0;
  /** When it last changed. */
  graphEditedAt: Revision = 0n;
  /** The revision of each edit of the graph. */
  readonly #editRevisions: Revision[] = [];
  /** How many edits of the graph there were with the last one of each job. */
  readonly #editsOf = new Map<string, number>();
  readonly #maintenance: { readonly revision: Revision; readonly suspension: ClusterSuspension | undefined }[] = [];
  readonly #values = new Map<string, string>();
  readonly #schedules = new Map<string, Job>();
  readonly #consumed = new Map<string, Set<string>>();
  readonly #specs = new WeakMap<JobSpec, Job>();
  /** Changes of definitions that the leader has not seen yet. */
  readonly #unseen: { readonly name: string; readonly revision: Revision; readonly record: Definition | undefined }[] = [];
  #seen: Revision = 0n;
  readonly #writtenBy = new WeakMap<RunRecord, DecisionContext>();

  /** How many edits of the graph a decision went by that had seen the store up to `revision` before it. */
  editsBy(revision: Revision): number {
    return this.#editRevisions.findLastIndex((edit) => edit <= revision) + 1;
  }

  /** Whether a job was given other parents, made or deleted, after so many edits of the graph. */
  isEditedSince(job: string, edits: number): boolean {
    return (this.#editsOf.get(job) ?? 0) > edits;
  }

  value(key: string): string | undefined {
    return this.#values.get(key);
  }

  get values(): ReadonlyMap<string, string> {
    return this.#values;
  }

  job(name: string): JobHistory {
    let job = this.jobs.get(name);
    if (!job) this.jobs.set(name, (job = newHistory(name)));
    return job;
  }

  run(name: string, number: number): RunRecord | undefined {
    return this.jobs.get(name)?.runs.get(number);
  }

  /** Whether a run's record came of this decision: of an earlier step of it. */
  isWrittenBy(run: RunRecord, context: DecisionContext): boolean {
    return this.#writtenBy.get(run) === context;
  }

  /** The runs whose tokens a job with `join: latest` has taken, and for which condition (`parent#number condition`). */
  consumed(name: string): Set<string> {
    let consumed = this.#consumed.get(name);
    if (!consumed) this.#consumed.set(name, (consumed = new Set()));
    return consumed;
  }

  /** The definitions that a decision may have gone by. */
  visible(name: string, context: DecisionContext | undefined): readonly (Definition | undefined)[] {
    const versions = this.jobs.get(name)?.versions ?? [];
    if (!context) return versions.map(({ record }) => record);
    const found: (Definition | undefined)[] = [];
    let before: Definition | undefined;
    for (const { revision, record } of versions) {
      if (revision <= context.seenBefore) before = record;
      else if (revision <= context.seen) found.push(record);
    }
    return [before, ...found];
  }

  /** The suspensions of the cluster that a decision may have gone by. */
  visibleMaintenance(context: DecisionContext | undefined): readonly (ClusterSuspension | undefined)[] {
    let before: ClusterSuspension | undefined;
    const found: (ClusterSuspension | undefined)[] = [];
    for (const { revision, suspension } of this.#maintenance) {
      if (!context || revision <= context.seenBefore) before = suspension;
      else if (revision <= context.seen) found.push(suspension);
    }
    return [before, ...found];
  }

  /** All suspensions, of a job and of the cluster, that the leader had seen the end of before its decision. */
  pastSuspensions(name: string, uid: string | undefined, { seenBefore }: DecisionContext): readonly SuspensionSpan[] {
    const versions = (this.jobs.get(name)?.versions ?? []).filter(({ record }) => record?.uid === uid);
    const known = [...versions.map(({ revision, record }) => ({ revision, suspension: record?.suspension })), ...this.#maintenance];
    return known.flatMap(({ revision, suspension }) => (revision <= seenBefore && suspension?.to !== undefined ? [suspension] : []));
  }

  /** The job as its schedule was set at `scheduledSince`. */
  scheduleOf(name: string, uid: string, scheduledSince: number): Job | undefined {
    const key = `${uid} ${scheduledSince}`;
    let job = this.#schedules.get(key);
    if (!job) {
      const version = this.jobs.get(name)?.versions.find(({ record }) => record?.uid === uid && record.scheduledSince === scheduledSince);
      if (!version?.record) return undefined;
      const { schedule: text, timeZone } = version.record.spec;
      const schedule = text === undefined ? undefined : readSchedule({ text, timeZone, seed: name, anchor: scheduledSince });
      this.#schedules.set(key, (job = { ...this.resolve(version.record.spec), schedule }));
    }
    return job;
  }

  /** What a definition says, but for its schedule. */
  resolve(spec: JobSpec): Job {
    let job = this.#specs.get(spec);
    if (!job) this.#specs.set(spec, (job = readSpec(spec)));
    return job;
  }

  /** Replays one step; returns what it changed. */
  apply(writes: readonly Write[], { revision, writer, context }: Pick<Transaction, 'revision' | 'writer' | 'context'>): Step {
    if (writer.kind === 'leader') this.#see(context?.seen ?? revision);
    const jobs = new Map<
      string,
      JobStep & { state: Change<JobState>; runs: Map<number, Change<RunRecord>>; verdicts: Map<number, Change<Verdict>> }
    >();
    const requests = new Map<string, Change<Request>>();
    const touched = (
      name: string,
    ): { state: Change<JobState>; runs: Map<number, Change<RunRecord>>; verdicts: Map<number, Change<Verdict>> } => {
      let step = jobs.get(name);
      if (!step) {
        const state = this.job(name).state;
        jobs.set(name, (step = { name, state: { before: state, after: state }, runs: new Map(), verdicts: new Map() }));
      }
      return step;
    };
    for (const { key, value } of writes) {
      if (value === undefined) this.#values.delete(key);
      else this.#values.set(key, value);
      if (key.startsWith(STATES)) {
        const name = key.slice(STATES.length);
        const job = this.job(name);
        const step = touched(name);
        const after = parse<JobState>(value);
        step.state = { before: step.state.before, after };
        job.state = after;
      } else if (key.startsWith(RUNS)) {
        const { name, number } = split(key.slice(RUNS.length));
        const run = parse<RunRecord>(value);
        if (run && context) this.#writtenBy.set(run, context);
        if (run && run.endedAt === undefined) this.open.set(key, run);
        else this.open.delete(key);
        touched(name).runs.set(number, replace(this.job(name).runs, number, run));
      } else if (key.startsWith(VERDICTS)) {
        const { name, number } = split(key.slice(VERDICTS.length));
        touched(name).verdicts.set(number, replace(this.job(name).verdicts, number, parse<Verdict>(value)));
      } else if (key.startsWith(REQUESTS)) {
        requests.set(key.slice(REQUESTS.length), replace(this.requests, key.slice(REQUESTS.length), parse<Request>(value)));
      } else if (key === SUSPENSION_KEY) {
        this.#maintenance.push({ revision, suspension: parse<ClusterSuspension>(value) });
      } else if (key.startsWith(JOBS)) {
        const name = key.slice(JOBS.length);
        const version = { revision, record: parse<Definition>(value) };
        this.job(name).versions.push(version);
        this.#unseen.push({ name, ...version });
      }
    }
    for (const { name, runs } of jobs.values()) {
      const { uids, state } = this.job(name);
      for (const [number, { before }] of runs) if (!before && !uids.has(number)) uids.set(number, state?.uid);
    }
    return { jobs, requests, context };
  }

  /** The leader saw the API's writes up to here. */
  #see(seen: Revision): void {
    if (seen <= this.#seen) return;
    for (let next = this.#unseen[0]; next && next.revision <= seen; next = this.#unseen[0]) {
      this.#unseen.shift();
      const { name, record } = next;
      const before = JSON.stringify(this.graph.node(name));
      if (record) this.graph.set(name, placeOf(record.spec));
      else this.graph.delete(name);
      if (before === JSON.stringify(this.graph.node(name))) continue;
      this.graphEdits += 1;
      this.#editRevisions.push(next.revision);
      this.#editsOf.set(name, this.graphEdits);
      this.graphEditedAt = next.revision;
    }
    this.#seen = seen;
  }
}

function newHistory(name: string): JobHistory {
  return { name, state: undefined, runs: new Map(), verdicts: new Map(), uids: new Map(), hasVanished: false, versions: [] };
}

function parse<T>(value: string | undefined): T | undefined {
  return value === undefined ? undefined : (JSON.parse(value) as T);
}

function replace<K, T>(map: Map<K, T>, key: K, after: T | undefined): Change<T> {
  const before = map.get(key);
  if (after === undefined) map.delete(key);
  else map.set(key, after);
  return { before, after };
}

function split(path: string): { readonly name: string; readonly number: number } {
  const slash = path.lastIndexOf('/');
  return { name: path.slice(0, slash), number: Number(path.slice(slash + 1)) };
}
