/**
 * What must be true of every history, whatever fails: the list, in words and in code. Used by the simulation and by tests on real parts.
 *
 *  one-writer        API nodes write definitions and create requests; the leader removes requests and writes all the rest.
 *  fenced            A commit lands only in its own term, in order, each once; and is not larger than the store takes.
 *                    A leader that knows that its term is over does nothing more.
 *  nominal-times     Each nominal time of a definition's life gets exactly one verdict: a run, or a record why not; in order, none forgotten.
 *  verdicts          A verdict has a good reason: missed only what passed in an outage or its deadline, skipped only behind an open run, …
 *                    What was said stays: equal ones are one range, which grows; the oldest go, where more than 100 are kept.
 *  numbers           Runs are numbered 1, 2, 3 … for ever; no number comes twice.
 *  run-life          Runs go from state to state as defined; what is over stays as it is; ended attempts never change, nor does what a
 *                    run or an attempt was made with.
 *  overlap           Where overlap is not allowed at most one run is under way (ready, waiting to retry, launched), by intent, also
 *                    where one is run again;
 *                    where it is, none waits; one is skipped for another only where it is forbidden; a newcomer that replaces gives
 *                    up all before it; those that wait go in their order.
 *  launch-order      Of two runs that are ready and ask for the same, the one that ranks first is launched first: the one that has waited
 *                    longer, a step of priority counting as a minute; of one job, where that is equal, the one with the lower number.
 *                    One that was tried before waits since its pause was over.
 *  deadline          As defined; nothing starts after it, nothing is missed before it.
 *  punctual          What is due is decided by the next decision of a leader, and none sleeps past it: nominal times, retries,
 *                    time-outs, deadlines, the end of waiting for an agent out of reach.
 *  unreachable       A task whose agent is cut off is not given up before its job says so.
 *  retries           Attempts and pauses as defined; infrastructure failures count apart; a kill by a person is final. Whose fault an
 *                    end is follows from the executor's last word and from our own kill.
 *  timeout           Killed for its time-out only after it, and for its launch's only what has not begun by then.
 *  flows             A child runs once per flow, after every relevant parent spoke, or is skipped if one said the wrong word. A flow
 *                    goes on until every job in it has its outcome.
 *  latest            A job that joins the latest runs when each parent has a satisfying run since its last one, and takes them all, in
 *                    the step that brings the last.
 *  requests          Each request has its effect in the commit that removes it, once; and its result is written there, and kept
 *                    until 1,000 newer ones are. A run of a job that is suspended is not run again.
 *  quarantined       Nothing is decided about a job that is in quarantine by what is stored; only the tokens of its runs are handed on.
 *                    One job is put there at a time, for twice as long each time that it fails again; when that is over, or its
 *                    definition changes, the term ends.
 *  suspended         A suspended job starts nothing, and its backfills wait; in a suspended cluster nothing is launched.
 *  backfill          A backfill runs each nominal time of its range once, in order, no more at once than it may, to its end, or
 *                    until it is cancelled.
 *  again             A run that is over comes to life only when it is asked for, or when its flow goes on for a parent that did; with the
 *                    definition that it had.
 *  totals            Counters and last results agree with what happened.
 *  kept-runs         Runs are forgotten oldest first, only beyond keepRuns, and not while their flow goes on; those of a deleted job at once.
 *  launched-once     A task is launched only after its intent is durable, by the term that intended it, once.
 *  commands          A step launches the tasks that it intends and forgets those of the runs that it forgets, all of them and no others.
 *  performed         All that a step says to the executor is said once its commit has landed, in order, each once, nothing left out, as
 *                    long as the leader goes on.
 *  content           What is launched is what the run was created with, where its constraints allow, and no more than was offered; its
 *                    environment is what its record says.
 *  placed            Constraints that look at the job's other tasks hold by where those really are. Only tasks whose own definition has
 *                    a constraint on the attribute count.
 *  offers            A task is launched with offers at hand of its agent. Offers go back when they are not used, but for those of one
 *                    agent, for an hour at most, and only while something has waited for five minutes. None are asked for while nothing
 *                    waits, none are refused for long while something does, and none go back that have room for what waits.
 *  reconciled-first  After every connection to the executor everything that the store believes alive is asked about, of whatever job, and
 *                    every ten minutes; nothing is launched before all of it was answered for, as far as can be known. A launch that
 *                    nobody has heard of is asked about every half minute.
 *  one-attempt       Two attempts of a run never run at once, unless the older one was out of reach for as long as its job says.
 *  acknowledged      A task's end is acknowledged only when it is durable. Whatever is to be acknowledged is, by the next decision that takes
 *                    all that was heard, unless its job is in quarantine.
 *  killed            A task is killed only when its run is to be killed, or its attempt is over and it was said to go on; in the step in which
 *                    its run begins to be, with its grace, and again every ten seconds, or when its grace is over, until it has ended.
 *  definitions       Every acknowledged definition and request is there, as it was asked for; what was refused is not.
 *  framework         Every leader is the same framework to the executor.
 *  executor-lost     A leader that is without its executor for longer than it may be gives up, where there are other nodes.
 *  replica           In the end every node's copy is what is stored.
 *  strays            In the end no agent has a task, or an end that nobody acknowledged.
 *  graph             No definition lands that the graph, as it is stored then, does not take: no cycle, no unknown parent, nothing ambiguous.
 *  takeover          An engine loaded from the store believes what the live one does, and would change nothing.
 *  liveness          Without faults everything due is decided, what an agent has room for is launched, every run and flow ends, every
 *                    request is taken.
 */

import { GRAPH_KEY, JOBS, NODES, QUARANTINE_KEY, REQUESTS, SUBMISSIONS, SUSPENSION_KEY } from '../../src/engine/keys.ts';
import type { RunRecord } from '../../src/engine/records.ts';
import { parseTaskId } from '../../src/engine/task-id.ts';
import type { TaskLaunch } from '../../src/executor/port.ts';
import type { Revision, Write } from '../../src/store/port.ts';
import { LEADER_KEY } from '../../src/store/reserved-keys.ts';
import { checkGrace } from './command-rules.ts';
import { checkFlowEnds } from './flow-ends.ts';
import { checkFlowStep, checkFlowsEnded } from './flow-rules.ts';
import { GraphRules } from './graph-rules.ts';
import { type FlowHistory, History, type Step, type Transaction } from './history.ts';
import { LaunchOrder } from './launch-order.ts';
import { checkContent } from './launch-rules.ts';
import { checkNominalTimes } from './nominal-time-rules.ts';
import { checkQuarantineGrows } from './quarantine-rules.ts';
import { checkKeptResults, checkRequests } from './request-rules.ts';
import { type Attributes, type AttributesOf, PlacementRules } from './placement-rules.ts';
import { checkRuns } from './run-rules.ts';
import { InvariantViolation } from './violation.ts';

export interface InvariantsWatcher {
  /** Sees every step of a leader that breaks no rule. */
  readonly onStep?: (step: Step) => void;
  /** Sees a flow when nothing keeps it going any more; it may come to life again. */
  readonly onFlowEnd?: (flow: FlowHistory) => void;
  /** Where nobody knows the agents' attributes, places are not judged. */
  readonly attributesOf?: AttributesOf;
}

export class Invariants {
  readonly history = new History();
  readonly #graph = new GraphRules();
  readonly #order = new LaunchOrder();
  readonly #placement: PlacementRules;
  readonly #launched = new Set<string>();
  readonly #results = new Set<string>();
  /** Which term wrote the intent of a task. */
  readonly #intents = new Map<string, Revision>();
  readonly #watcher: InvariantsWatcher;
  #term: Revision | undefined;
  #sequence = 0;
  /** Steps looked at so far, and terms that they were written in. */
  checks = 0;
  terms = 0;

  constructor(watcher: InvariantsWatcher = {}) {
    this.#watcher = watcher;
    this.#placement = new PlacementRules(watcher.attributesOf ?? (() => undefined));
  }

  /** Takes every transaction in the order in which it landed. */
  onTransaction(transaction: Transaction): void {
    const { writer, steps } = transaction;
    this.#checkWriter(transaction);
    this.#order.begin(this.history, transaction);
    this.#placement.begin(this.history, transaction);
    if (writer.kind === 'leader') this.#checkRecords(steps.flat());
    if (writer.kind === 'api') for (const writes of steps) this.#graph.onWrites(writes);
    for (const writes of steps) {
      const step = this.history.apply(writes, transaction);
      this.checks += 1;
      if (writer.kind === 'leader') this.#checkStep(step, writer.term);
    }
  }

  /** Takes a launch that the executor carried out. `term`: of the leader whose connection it came over. `attributes`: of its agent. */
  onLaunch(task: TaskLaunch, term: Revision | undefined, attributes?: Attributes): void {
    const { taskId } = task;
    const fail = (message: string): never => {
      throw new InvariantViolation('launched-once', `${taskId} ${message}`, [task.job]);
    };
    if (this.#launched.has(taskId)) fail('was launched twice');
    this.#launched.add(taskId);
    const intent = this.#intents.get(taskId);
    if (intent === undefined) return fail('was launched before its intent was durable');
    if (term !== undefined && intent !== term) fail(`was intended in term ${intent} and launched in ${term}`);
    if (attributes) checkContent(this.history, task, attributes);
  }

  /** Takes a terminal state's acknowledgement as it reaches the executor. */
  onAcknowledged(taskId: string): void {
    const run = this.#runOf(taskId);
    const attempt = run?.attempts.find((candidate) => candidate.taskId === taskId);
    if (run && attempt && attempt.endedAt === undefined) {
      throw new InvariantViolation('acknowledged', `the end of ${taskId} was acknowledged while its attempt is open in the store`, [
        run.job,
      ]);
    }
  }

  /** Takes an order to kill a task as it reaches the executor. */
  onKill(taskId: string, graceMs: number): void {
    const run = this.#runOf(taskId);
    const attempt = run?.attempts.find((candidate) => candidate.taskId === taskId);
    if (run?.state === 'killing' && attempt && attempt.endedAt === undefined) checkGrace(this.history, { run, attempt }, graceMs);
    if (!run || run.state === 'killing') return;
    if (attempt && attempt.endedAt === undefined) {
      throw new InvariantViolation('killed', `${taskId} is to be killed while its run is ${run.state}`, [run.job]);
    }
  }

  #runOf(taskId: string): RunRecord | undefined {
    const id = parseTaskId(taskId);
    return id && this.history.run(id.job, id.run);
  }

  /** To be asked when faults have ended, jobs are suspended, and there was time enough. */
  onQuiet(): void {
    const { jobs, requests } = this.history;
    for (const id of requests.keys()) throw new InvariantViolation('liveness', `request ${id} was never taken`);
    for (const { name, runs, state } of jobs.values()) {
      for (const run of runs.values()) {
        if (run.endedAt === undefined) throw new InvariantViolation('liveness', `${name}#${run.number} is ${run.state} for ever`, [name]);
        if (run.handover !== undefined || run.owed)
          throw new InvariantViolation('liveness', `${name}#${run.number} never handed on its token`, [name]);
      }
      this.#checkRemains(name);
      const flow = Object.keys(state?.tokens ?? {})[0];
      if (flow !== undefined) throw new InvariantViolation('liveness', `flow ${flow} never ends: ${name} waits in it`, [name]);
    }
    checkFlowsEnded(this.history);
  }

  /** Of a job that was deleted only its counter is left. */
  #checkRemains(name: string): void {
    const { state, runs, verdicts, versions } = this.history.job(name);
    if (versions.at(-1)?.record || !state) return;
    if (state.uid === '' && runs.size === 0 && verdicts.size === 0) return;
    throw new InvariantViolation('liveness', `${name} was deleted, and is not forgotten`, [name]);
  }

  #checkStep(step: Step, term: Revision): void {
    for (const job of step.jobs.values()) {
      for (const { before, after } of job.runs.values()) {
        const attempt = after?.attempts.at(-1);
        if (after?.state === 'launching' && attempt && attempt.number > (before?.attempts.length ?? 0))
          this.#intents.set(attempt.taskId, term);
      }
      checkRuns(this.history, step, job);
      checkNominalTimes(this.history, step, job);
    }
    checkFlowStep(this.history, step);
    for (const flow of checkFlowEnds(this.history, step)) this.#watcher.onFlowEnd?.(flow);
    checkRequests(this.history, step);
    this.#order.onStep(this.history, step, term);
    this.#placement.onStep(this.history, step, term);
    this.#watcher.onStep?.(step);
  }

  #checkRecords(writes: readonly Write[]): void {
    checkKeptResults(this.#results, writes);
    const write = writes.find(({ key }) => key === QUARANTINE_KEY);
    if (write) checkQuarantineGrows(this.history.value(QUARANTINE_KEY), write.value);
  }

  #checkWriter({ writer, steps, revision }: Transaction): void {
    const keys = steps.flat();
    switch (writer.kind) {
      case 'store':
        for (const { key, value } of keys) {
          if (key.startsWith(NODES)) continue;
          if (key !== LEADER_KEY) throw new InvariantViolation('one-writer', `the store itself wrote ${key}`);
          this.#term = value === undefined ? undefined : revision;
          if (value !== undefined) this.terms += 1;
          this.#sequence = 0;
        }
        return;
      case 'api':
        for (const { key, value } of keys) {
          if (isOfApi(key) || (key.startsWith(REQUESTS) && value !== undefined)) continue;
          throw new InvariantViolation('one-writer', `an API node wrote ${key}`);
        }
        return;
      case 'leader':
        this.#checkFence(writer.term, writer.sequence);
        for (const write of keys) checkLeadersWrite(write);
    }
  }

  #checkFence(term: Revision, sequence: number): void {
    if (term !== this.#term) throw new InvariantViolation('fenced', `a commit of term ${term} landed in term ${this.#term ?? 'none'}`);
    if (sequence !== this.#sequence + 1)
      throw new InvariantViolation('fenced', `commit ${term}.${sequence} landed after ${term}.${this.#sequence}`);
    this.#sequence = sequence;
  }
}

function isOfApi(key: string): boolean {
  return key === GRAPH_KEY || key === SUSPENSION_KEY || key.startsWith(JOBS) || key.startsWith(SUBMISSIONS);
}

function checkLeadersWrite({ key, value }: Write): void {
  if (isOfApi(key)) throw new InvariantViolation('one-writer', `the leader wrote ${key}`);
  if (key.startsWith(REQUESTS) && value !== undefined) throw new InvariantViolation('one-writer', `the leader made ${key}`);
}
