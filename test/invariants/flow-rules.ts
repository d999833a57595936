/** The rules flows and latest (words: invariants.ts). */

import type { Outcome, RunRecord } from '../../src/engine/records.ts';
import type { Edge, EdgeCondition } from '../../src/job/job.ts';
import type { FlowHistory, History, Step } from './history.ts';
import { InvariantViolation } from './violation.ts';

export function checkFlowStep(history: History, step: Step): void {
  const changes = [...step.jobs.values()].flatMap(({ runs }) => [...runs.values()]);
  const created = changes.flatMap(({ before, after }) => (after && !before ? [after] : []));
  for (const { after } of changes) {
    const flow = after?.firstAttempt === undefined ? undefined : history.flows.get(after.flow);
    if (flow) flow.isAgain = true;
  }
  const isRoot = (run: RunRecord): boolean => run.flow === `${run.job}#${run.number}`;
  for (const run of [...created.filter(isRoot), ...created.filter((other) => !isRoot(other))]) enter(history, step, run);
  for (const { before, after } of changes) {
    const flow = history.flows.get((after ?? before)?.flow ?? '');
    // Ended and forgotten in one step: nobody saw how.
    if (before && !after && before.endedAt === undefined) flow?.outcomes.set(before.job, 'unseen');
    if (after && (after.endedAt !== before?.endedAt || after.state !== before?.state)) {
      if (after.endedAt === undefined) flow?.outcomes.delete(after.job);
      else flow?.outcomes.set(after.job, after.state as Outcome);
    }
    if (flow && after && after.attempts.length > 0) flow.started.add(after.job);
  }
  for (const job of step.jobs.values()) {
    for (const [number, { before, after }] of job.runs)
      if (!before && !after && number > (job.state.before?.lastRun ?? 0)) history.job(job.name).hasVanished = true;
  }
  for (const run of created) if (run.trigger.type === 'parents') checkChild(history, step, run);
}

/** Files a new run in its flow; a second one of the same job is an offence. */
function enter(history: History, { context }: Step, run: RunRecord): void {
  const own = `${run.job}#${run.number}`;
  let flow = history.flows.get(run.flow);
  if (!flow) {
    if (run.flow !== own) throw new InvariantViolation('flows', `${own} belongs to the flow ${run.flow}, which never began`, [run.job]);
    const graphEdits = context ? history.editsBy(context.seenBefore) : history.graphEdits;
    flow = {
      id: run.flow,
      root: run.job,
      runs: new Map(),
      uids: new Map(),
      outcomes: new Map(),
      started: new Set(),
      isAgain: false,
      graphEdits,
      isCertain: context !== undefined,
      goesOnIn: new Set(),
      judged: 0,
    };
    history.flows.set(run.flow, flow);
  }
  const other = flow.runs.get(run.job);
  // A flow that goes on after a parent was run again knows only what is kept of it. What took place is not done again even so, unless
  // an edge was added later.
  const mayBeUnknown = !flow.started.has(run.job) || flow.graphEdits !== history.graphEdits;
  const isForgotten = other !== undefined && !history.run(run.job, other) && flow.isAgain && mayBeUnknown;
  // Deleted and made again it is another job, though of the same name.
  const uid = history.job(run.job).state?.uid;
  const isOther = flow.uids.get(run.job) !== uid;
  if (uid !== undefined) flow.uids.set(run.job, uid);
  if (other !== undefined && !isForgotten && !isOther) {
    throw new InvariantViolation('flows', `${run.job} runs twice in the flow ${run.flow}: #${other} and #${run.number}`, [
      run.job,
      flow.root,
    ]);
  }
  flow.runs.set(run.job, run.number);
}

function checkChild(history: History, step: Step, run: RunRecord): void {
  const { context } = step;
  const flow = history.flows.get(run.flow) as FlowHistory;
  const node = history.graph.node(run.job);
  if (run.trigger.type === 'parents' && Object.keys(run.trigger.parents).length === 0) {
    throw new InvariantViolation('flows', `${run.job}#${run.number} in ${run.flow} was caused by no parent`, [run.job, flow.root]);
  }
  // Where the graph changed within the decision, what it went by can't be told from outside.
  if (!node || (context ? history.graphEditedAt > context.seenBefore : flow.graphEdits !== history.graphEdits)) return;
  if (node.join === 'latest') return checkLatest(history, run, node.after);
  if (!history.graph.has(flow.root) || flow.root === run.job) return;
  const reachable = history.graph.descendants(flow.root);
  // A parent that was given its place after its own parents had spoken takes no part in the flow.
  const isEdited = flow.graphEdits !== history.graphEdits;
  // A flow that goes on after a run was run again knows only what is kept of it.
  const isKept = (job: string): boolean => history.run(job, flow.runs.get(job) ?? 0) !== undefined;
  const counts = (job: string): boolean => (!isEdited || flow.runs.has(job)) && (!flow.isAgain || isKept(job));
  // Also one that the root reached before an edit, and that has a run in the flow.
  const takesPart = (job: string): boolean => job === flow.root || reachable.has(job) || isKept(job);
  const edges = node.after.filter(({ job }) => takesPart(job) && counts(job));
  const fail = (message: string): never => {
    throw new InvariantViolation('flows', `${run.job}#${run.number} in ${run.flow} ${message}`, [run.job, ...edges.map(({ job }) => job)]);
  };
  for (const { job } of edges) if (!flow.outcomes.has(job)) fail(`was decided before ${job} spoke`);
  if (edges.some(({ job }) => flow.outcomes.get(job) === 'unseen')) return;
  const blocked = edges.filter(({ job, on }) => !satisfies(flow.outcomes.get(job) as Outcome, on));
  const isSkipped = run.state === 'skipped' && run.reason?.code === 'upstream';
  if (isSkipped && blocked.length === 0) fail('was skipped though every parent said what it waits for');
  if (!isSkipped && blocked.length > 0)
    fail(`was made though ${blocked.map(({ job }) => `${job} is ${flow.outcomes.get(job)}`).join(', ')}`);
}

function checkLatest(history: History, run: RunRecord, edges: readonly Edge[]): void {
  const parents = run.trigger.type === 'parents' ? run.trigger.parents : {};
  const fail = (message: string): never => {
    throw new InvariantViolation('latest', `${run.job}#${run.number} ${message}`, [run.job, ...edges.map(({ job }) => job)]);
  };
  const consumed = history.consumed(run.job);
  for (const { job, on } of edges) {
    const number = parents[job];
    if (number === undefined) return fail(`took no token of ${job}`);
    const token = `${job}#${number}`;
    const parent = history.run(job, number);
    // One that came to life again may have said something else before.
    const isPlain = parent?.endedAt !== undefined && parent.firstAttempt === undefined;
    if (isPlain && !satisfies(parent.state as Outcome, on)) fail(`took the token of ${token}, which is ${parent.state}, for ${on}`);
    // What satisfies an edge does so once, however often the parent is run again.
    if (consumed.has(`${token} ${on}`)) fail(`took the token of ${token} for ${on}, which was taken before`);
    consumed.add(`${token} ${on}`);
  }
}

/** In flows that no edit of the graph has touched since they began every job has its outcome. */
export function checkFlowsEnded(history: History): void {
  for (const flow of history.flows.values()) {
    if (!flow.isCertain && flow.graphEdits !== history.graphEdits) continue;
    const jobs = history.graph.has(flow.root) ? [...history.graph.descendants(flow.root)] : [];
    if ([flow.root, ...jobs].some((job) => history.isEditedSince(job, flow.graphEdits))) continue;
    for (const job of jobs) {
      if (flow.outcomes.has(job) || history.job(job).hasVanished) continue;
      throw new InvariantViolation('flows', `${job} has no outcome in the flow ${flow.id}`, [job, flow.root]);
    }
  }
  for (const { name, state } of history.jobs.values()) {
    const node = history.graph.node(name);
    if (node?.join !== 'latest' || node.after.length === 0 || !state) continue;
    if (node.after.every(({ job }) => state.latest?.[job]))
      throw new InvariantViolation('latest', `${name} has every token and does not run`, [name]);
  }
}

function satisfies(outcome: Outcome, on: EdgeCondition): boolean {
  if (outcome === 'skipped' || outcome === 'missed') return false;
  if (on === 'completion') return true;
  return on === 'success' ? outcome === 'succeeded' : outcome !== 'succeeded';
}
