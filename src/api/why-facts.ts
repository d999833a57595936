/** Gathers what explanations are made of, from this node's copy alone. */

import { EXECUTOR_IDENTITY_KEY, QUARANTINE_KEY, runKey, runsPrefix, SUSPENSION_KEY, verdictsPrefix, WAITING_KEY } from '../engine/keys.ts';
import type {
  ClusterSuspension,
  ExecutorIdentity,
  FlowId,
  QuarantineRecord,
  RunRecord,
  Verdict,
  WaitingRecord,
} from '../engine/records.ts';
import { parseRunId } from '../engine/task-id.ts';
import type { Edge, JobRecord } from '../job/job.ts';
import { resolveSpec } from '../job/resolve-job.ts';
import type { JobSpec } from '../job/spec.ts';
import type { Instant, Schedule } from '../schedule/schedule.ts';
import { decodeLeader, LEADER_KEY } from '../store/reserved-keys.ts';
import { stateOf } from './job-view.ts';
import type { ApiParts } from './parts.ts';
import { maybeRecord, readRecord } from './records.ts';
import type { ClusterFacts, Explanation } from './why/explanation.ts';
import type { NominalFacts } from './why/nominal-why.ts';
import type { DependentFacts, FlowFacts } from './why/parents-why.ts';
import { explainRun, type RunFacts } from './why/run-why.ts';

export function clusterFacts({ replica, clock, leaders }: ApiParts): ClusterFacts {
  const leader = replica.get(LEADER_KEY);
  return {
    now: clock.now(),
    leader: leader === undefined ? undefined : decodeLeader(leader).node,
    leaderlessSince: leaders.leaderlessSince,
    suspension: maybeRecord<ClusterSuspension>(replica.get(SUSPENSION_KEY)),
    waiting: maybeRecord<WaitingRecord>(replica.get(WAITING_KEY)),
    quarantine: maybeRecord<QuarantineRecord>(replica.get(QUARANTINE_KEY)) ?? {},
    executor: maybeRecord<ExecutorIdentity>(replica.get(EXECUTOR_IDENTITY_KEY)),
  };
}

export function runFacts(api: ApiParts, run: RunRecord): RunFacts {
  const numbers = run.state === 'queued' ? api.runs.active(run.job).filter((number) => number !== run.number) : [];
  const others = numbers.flatMap((number) => readRun(api, run.job, number) ?? []);
  return { run, others, cluster: clusterFacts(api) };
}

export function nominalFacts(
  api: ApiParts,
  record: JobRecord<JobSpec>,
  { at, schedule }: { at: Instant; schedule: Schedule },
): NominalFacts {
  const { name } = record.spec;
  const explain = (run: RunRecord): Explanation => explainRun(runFacts(api, run));
  return {
    ...{ at, record, schedule },
    state: stateOf(record, api.replica),
    verdicts: api.replica.list(verdictsPrefix(name)).map((entry) => readRecord<Verdict>(entry)),
    runs: runsFor(api, name, at),
    explainRun: explain,
    cluster: clusterFacts(api),
  };
}

/** Oldest first. Looked for in the text first: reading all is dearer. */
function runsFor(api: ApiParts, job: string, at: Instant): readonly RunRecord[] {
  const mark = `"scheduledFor":${at}`;
  return api.runs
    .list(job)
    .filter(({ value }) => value.includes(mark))
    .map((entry) => readRecord<RunRecord>(entry))
    .filter(({ trigger }) => trigger.type === 'schedule' && trigger.scheduledFor === at)
    .reverse();
}

/** Flows that are explained at once. */
const FLOWS_SHOWN = 5;
/** Parents looked at in all flows together. */
const PARENTS_LOOKED_AT = 20_000;
/** Parents whose open runs are looked at for flows that the job has not heard of yet. */
const PARENTS_ASKED = 100;

/** Of a job without a schedule. */
export function dependentFacts(api: ApiParts, record: JobRecord<JobSpec>): DependentFacts {
  const job = resolveSpec(record.spec);
  const state = stateOf(record, api.replica);
  const [newestEntry] = api.runs.list(job.name);
  const newest = maybeRecord<RunRecord>(newestEntry);
  const tokens = state?.tokens ?? {};
  const flows = job.join === 'latest' ? [] : flowsOf(api, job, Object.keys(tokens));
  return {
    job: job.name,
    join: job.join,
    parents: job.after,
    cluster: clusterFacts(api),
    flows: flows.map((flow) => ({ flow, tokens: tokens[flow], parents: parentFacts(api, job.after, flow) })),
    latest: state?.latest ?? {},
    newest: newest && { run: newest, why: explainRun(runFacts(api, newest)) },
  };
}

/** Flows in which the job has no run yet: those it has heard of, and those in which a parent runs. Newest first. */
function flowsOf(api: ApiParts, { name, after }: { name: string; after: readonly Edge[] }, heard: readonly FlowId[]): readonly FlowId[] {
  const flows = new Set(heard);
  for (const { job } of after.slice(0, PARENTS_ASKED)) {
    for (const number of api.runs.active(job)) {
      const flow = readRun(api, job, number)?.flow;
      if (flow !== undefined && !flows.has(flow) && runIn(api, name, flow) === undefined) flows.add(flow);
    }
  }
  const newestFirst = [...flows].sort((a, b) => (parseRunId(b)?.run ?? 0) - (parseRunId(a)?.run ?? 0));
  return newestFirst.slice(0, Math.max(1, Math.min(FLOWS_SHOWN, Math.floor(PARENTS_LOOKED_AT / Math.max(1, after.length)))));
}

function parentFacts(api: ApiParts, after: readonly Edge[], flow: FlowId): FlowFacts['parents'] {
  return after.filter(({ job }) => isRelevant(api, job, flow)).map(({ job, on }) => ({ job, on, run: runIn(api, job, flow) }));
}

/**
 * As the leader has it: a parent counts when it is the flow's root, the root reaches it, or a run of the flow does; a root that is gone
 * reaches all. Of very many jobs that it hangs from some are looked at.
 */
function isRelevant(api: ApiParts, parent: string, flow: FlowId): boolean {
  const { graph } = api.definitions;
  const root = parseRunId(flow)?.job ?? '';
  if (parent === root || !graph.has(root) || graph.descendants(root).has(parent)) return true;
  const found = new Set([parent]);
  for (const name of found) {
    if (runIn(api, name, flow) !== undefined) return true;
    for (const { job } of graph.parents(name)) if (found.size < PARENTS_ASKED) found.add(job);
  }
  return false;
}

function runIn({ replica }: ApiParts, job: string, flow: FlowId): RunRecord | undefined {
  const mark = JSON.stringify(flow);
  for (const entry of replica.list(runsPrefix(job))) {
    const run = entry.value.includes(mark) ? readRecord<RunRecord>(entry) : undefined;
    if (run?.flow === flow) return run;
  }
  return undefined;
}

function readRun({ replica }: ApiParts, job: string, number: number): RunRecord | undefined {
  return maybeRecord<RunRecord>(replica.get(runKey(job, number)));
}
