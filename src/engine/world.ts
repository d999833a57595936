/**
 * Everything the engine knows, in memory: definitions, states, runs that are not over, and of those that are only what
 * deciding needs. Every change goes through a put…() here, which records the write, so memory and store can't part.
 *
 * It must never decide anything: that is done by the modules beside it.
 */

import type { TaskRef } from '../executor/port.ts';
import { JobGraph } from '../job/graph.ts';
import type { Job, JobRecord } from '../job/job.ts';
import { resolveSpec } from '../job/resolve-job.ts';
import type { JobSpec } from '../job/spec.ts';
import type { Instant } from '../schedule/schedule.ts';
import { ActiveFlows } from './active-flows.ts';
import { StepRecorder } from './decision.ts';
import type { Quarantine } from './quarantine.ts';
import { OpenRuns } from './open-runs.ts';
import type { Reservations } from './reservation.ts';
import { PendingQueue } from './pending-queue.ts';
import { runKey, stateKey, verdictKey } from './keys.ts';
import type {
  ClusterSuspension,
  ExecutorIdentity,
  ExecutorState,
  FlowId,
  JobState,
  Outcome,
  QuarantineRecord,
  RunRecord,
  Shortage,
  Verdict,
  WaitingRecord,
} from './records.ts';
import { runLength, stateLength } from './record-size.ts';
import { isOver } from './run-state.ts';
import { runId } from './task-id.ts';
import { TimerHeap } from './timer-heap.ts';

/** What is remembered of a run that is over. */
export interface KeptRun {
  readonly number: number;
  readonly flow: FlowId;
  readonly outcome: Outcome;
  readonly tasks: readonly TaskRef[];
  /** The whole record, of a run that may come to life again: one that did not succeed. */
  readonly record?: RunRecord;
}

/** A job's part in a flow; without an outcome it is not over. */
export interface RunInFlow {
  readonly number: number;
  readonly outcome: Outcome | undefined;
  readonly record?: RunRecord;
}

/** All that belongs to one job's name. Parts are made when first needed, so that an idle job stays small. */
export interface Slot {
  readonly name: string;
  record: JobRecord<JobSpec> | undefined;
  /** undefined while the stored definition can't be used. */
  job: Job | undefined;
  state: JobState | undefined;
  /** Runs that are not over. */
  open: OpenRuns | undefined;
  /** Runs that are over and kept, oldest first. */
  kept: KeptRun[] | undefined;
  /** `from` of the verdicts kept, oldest first. */
  verdicts: Instant[] | undefined;
}

export interface WorldOptions {
  readonly maxOperations: number;
  readonly launchTimeoutMs: number;
  readonly quarantine: Quarantine;
}

const NO_RUNS = new OpenRuns();

export class World {
  readonly term: bigint;
  readonly slots = new Map<string, Slot>();
  readonly graph = new JobGraph();
  readonly timers = new TimerHeap();
  /** Writes in one commit at most. */
  readonly maxOperations: number;
  /** How long a task may take to begin. */
  readonly launchTimeoutMs: number;
  readonly recorder: StepRecorder;
  /** Jobs that nothing is decided about: quarantine.ts. */
  readonly quarantined: Set<string>;
  /** Jobs whose definitions can't be read: nobody knows what they run after. */
  readonly unreadable = new Set<string>();
  /** Where the engine failed, as known at the beginning of the term. */
  readonly failures: QuarantineRecord;
  /** Jobs that hold tokens. */
  readonly joining = new Set<string>();
  /** Jobs that have an attempt at the executor, to reconcile without walking all jobs. */
  readonly busy = new Set<string>();
  /** Runs that wait for an offer. */
  readonly pending = new PendingQueue();
  /** Runs that are over and whose token is still to be handed to their children. */
  readonly handovers: RunRecord[] = [];
  /** Runs that replace more older ones than their own step could take. */
  readonly replacing: { readonly slot: Slot; readonly by: number }[] = [];
  /** Backfills of which a run has just ended: they may create their next. */
  readonly backfilling: { readonly slot: Slot; readonly id: string }[] = [];
  identity: ExecutorIdentity | undefined;
  /** Requests whose results are kept, oldest first. */
  readonly results: string[] = [];
  /** Why shapes of waiting runs fitted no offer, as last seen. */
  readonly shortages = new Map<string, Shortage>();
  readonly reservations: Reservations = { current: undefined, turns: new Map(), rests: new Map() };
  /** What was last written of the runs that wait. */
  waiting: WaitingRecord = { at: 0, executor: 'disconnected', shapes: [] };
  /** The cluster's latest suspension. */
  suspension: ClusterSuspension | undefined;
  /** The time of the decision under way. */
  now: Instant = 0;
  /** How many more nominal times the decision under way should decide. */
  timesLeft = 0;
  /** How the executor stands. */
  executor: ExecutorState = 'disconnected';
  /** Nominal times before this passed while nobody could decide. */
  decidableSince: Instant = 0;
  /** When all that was due had last been decided before that, as far as is known. */
  decidedBefore: Instant | undefined;
  /** An edge, a job or a join changed: undecided flows are to be counted again. */
  graphChanged = false;
  /** Jobs whose tokens were counted by the changed graph already, as one more was to be added to them. */
  readonly recounted = new Set<string>();
  /** The stored facts are being read at the start of a term. */
  isLoading = false;
  /** The job that is being decided about, to be blamed should that fail. */
  subject: string | undefined;

  readonly #activeFlows = new ActiveFlows();
  readonly #handingOver = new Set<string>();
  /** When the executor was last asked about a run's task or told to kill it. Not durable: a new leader just asks again. */
  readonly #asked = new Map<string, Instant>();
  readonly #resolved = new WeakMap<JobSpec, Job>();

  constructor(term: bigint, { maxOperations, launchTimeoutMs, quarantine }: WorldOptions) {
    this.term = term;
    this.maxOperations = maxOperations;
    this.launchTimeoutMs = launchTimeoutMs;
    this.quarantined = new Set(quarantine.held);
    this.failures = quarantine.record;
    this.recorder = new StepRecorder(maxOperations);
  }

  slot(name: string): Slot {
    let slot = this.slots.get(name);
    if (!slot) {
      slot = { name, record: undefined, job: undefined, state: undefined, open: undefined, kept: undefined, verdicts: undefined };
      this.slots.set(name, slot);
    }
    return slot;
  }

  openRuns(slot: Slot): Omit<OpenRuns, 'set' | 'delete'> {
    return slot.open ?? NO_RUNS;
  }

  run(job: string, number: number): RunRecord | undefined {
    return this.slots.get(job)?.open?.get(number);
  }

  /** The definition a run was created with. Its schedule is nothing to the run, and can't be compiled without the anchor it had. */
  jobOf(run: RunRecord): Job {
    const slot = this.slots.get(run.job);
    if (slot?.job && slot.record?.spec === run.spec) return slot.job;
    const spec = run.spec;
    if (!spec) throw new Error(`run ${runId(run.job, run.number)} is over and has no definition`);
    let job = this.#resolved.get(spec);
    if (!job) {
      job = resolveSpec(spec);
      this.#resolved.set(spec, job);
    }
    return job;
  }

  /** Whether the whole cluster is suspended now. */
  get isSuspended(): boolean {
    return this.suspension !== undefined && this.suspension.to === undefined;
  }

  askedAt(run: RunRecord): Instant | undefined {
    return this.#asked.get(runId(run.job, run.number));
  }

  setAsked(run: RunRecord): void {
    this.#asked.set(runId(run.job, run.number), this.now);
  }

  /** To be called after every change of the graph. */
  noteGraphChange(): void {
    this.graphChanged = true;
    this.recounted.clear();
  }

  /** Drops what is remembered of a run besides its record: it is over, or a new attempt begins. */
  forgetVolatile(run: RunRecord): void {
    const id = runId(run.job, run.number);
    this.#asked.delete(id);
    this.timers.delete(id);
  }

  /** What became of a job in a flow: its run there, open or kept. */
  runInFlow(slot: Slot, flow: FlowId): RunInFlow | undefined {
    const open = slot.open?.inFlow(flow);
    if (open) return { number: open.number, outcome: undefined };
    const kept = slot.kept;
    for (let i = (kept?.length ?? 0) - 1; i >= 0; i--) {
      const run = kept?.[i] as KeptRun;
      if (run.flow === flow) return run;
    }
    return undefined;
  }

  putState(slot: Slot, state: JobState): void {
    this.setState(slot, state);
    this.recorder.put(stateKey(slot.name), state, stateLength(state));
  }

  /** In memory only: for loading. */
  setState(slot: Slot, state: JobState): void {
    this.#activeFlows.replace(slot.state?.tokens, state.tokens);
    slot.state = state;
    if (state.tokens || state.latest) this.joining.add(slot.name);
    else this.joining.delete(slot.name);
  }

  /** Stores a run, and files it as open or kept by its state. */
  putRun(slot: Slot, run: RunRecord): void {
    this.fileRun(slot, run);
    this.recorder.put(runKey(run.job, run.number), run, runLength(run));
  }

  /** Files a run in memory only: for loading. */
  fileRun(slot: Slot, run: RunRecord): void {
    this.#noteActivity(slot, run);
    if (!isOver(run.state)) {
      slot.open ??= new OpenRuns();
      slot.open.set(run);
      this.#noteBusy(slot);
      return;
    }
    slot.open?.delete(run.number);
    this.#noteBusy(slot);
    slot.kept ??= [];
    const record = run.state === 'succeeded' ? {} : { record: run };
    const kept: KeptRun = { number: run.number, flow: run.flow, outcome: run.state, tasks: tasksOf(run), ...record };
    const isNewest = (slot.kept.at(-1)?.number ?? 0) < run.number;
    const place = isNewest ? -1 : slot.kept.findIndex((other) => other.number >= run.number);
    if (place < 0) slot.kept.push(kept);
    else slot.kept.splice(place, slot.kept[place]?.number === run.number ? 1 : 0, kept);
  }

  #noteBusy(slot: Slot): void {
    if (slot.open?.alive) this.busy.add(slot.name);
    else this.busy.delete(slot.name);
  }

  #noteActivity(slot: Slot, run: RunRecord): void {
    const id = runId(run.job, run.number);
    const was = slot.open?.get(run.number) !== undefined || this.#handingOver.has(id);
    const is = !isOver(run.state) || run.handover !== undefined || run.owed !== undefined;
    if (is && !was) this.#activeFlows.enter(run.flow);
    if (was && !is) this.#activeFlows.leave(run.flow);
    if (isOver(run.state) && is) this.#handingOver.add(id);
    else this.#handingOver.delete(id);
  }

  keptRun(slot: Slot, number: number): KeptRun | undefined {
    return slot.kept?.find((run) => run.number === number);
  }

  /** Takes a run that is over out of the kept ones: it is about to be open again. */
  unfileRun(slot: Slot, number: number): void {
    slot.kept = slot.kept?.filter((run) => run.number !== number);
  }

  /** Forgets the oldest run that is over, its logs included, beyond the newest `keep`; not one whose flow goes on, unless none is kept. */
  dropOldestRun(slot: Slot, keep: number): void {
    const last = (slot.kept?.length ?? 0) - keep;
    const place = slot.kept?.findIndex((kept, index) => index < last && (keep === 0 || !this.#activeFlows.has(kept.flow)));
    this.#drop(slot, place ?? -1);
  }

  /** Forgets a run that is over, its logs included. */
  dropRun(slot: Slot, number: number): void {
    this.#drop(slot, slot.kept?.findIndex((run) => run.number === number) ?? -1);
  }

  #drop(slot: Slot, place: number): void {
    const [run] = place < 0 ? [] : (slot.kept?.splice(place, 1) ?? []);
    if (!run) return;
    if (this.#handingOver.delete(runId(slot.name, run.number))) this.#activeFlows.leave(run.flow);
    this.recorder.put(runKey(slot.name, run.number), undefined);
    if (run.tasks.length > 0) this.recorder.command({ type: 'forget', tasks: run.tasks });
  }

  putVerdict(slot: Slot, verdict: Verdict): void {
    slot.verdicts ??= [];
    // The last one, but for a schedule that was set before the latest time that its predecessor decided.
    const place = slot.verdicts.findLastIndex((from) => from <= verdict.from);
    if (slot.verdicts[place] !== verdict.from) slot.verdicts.splice(place + 1, 0, verdict.from);
    this.recorder.put(verdictKey(slot.name, verdict.from), verdict);
  }

  dropOldestVerdict(slot: Slot): void {
    const from = slot.verdicts?.shift();
    if (from !== undefined) this.recorder.put(verdictKey(slot.name, from), undefined);
  }
}

function tasksOf(run: RunRecord): readonly TaskRef[] {
  return run.attempts.map(({ taskId, agentId, address }) => ({ taskId, agentId, address }));
}
