/** Why a job that runs after others, or on request only, has not run: which parents have not spoken, and in which flow. */

import type { FlowId, FlowTokens, RunRecord, Token } from '../../engine/records.ts';
import { isToHear } from '../../engine/flows.ts';
import { isOver } from '../../engine/run-state.ts';
import { runId } from '../../engine/task-id.ts';
import type { EdgeCondition, Join } from '../../job/job.ts';
import { type ClusterFacts, type Explanation, listed } from './explanation.ts';
import { inQuarantine } from './in-quarantine.ts';

export interface ParentFacts {
  readonly job: string;
  readonly on: EdgeCondition;
  /** Its run in the flow. */
  readonly run: RunRecord | undefined;
}

/** A flow in which the job has no run yet. */
export interface FlowFacts {
  readonly flow: FlowId;
  /** What the job has heard. */
  readonly tokens: FlowTokens | undefined;
  /** The parents that the flow's root reaches. */
  readonly parents: readonly ParentFacts[];
}

export interface DependentFacts {
  readonly job: string;
  readonly join: Join;
  readonly parents: readonly { readonly job: string; readonly on: EdgeCondition }[];
  /** Newest first. */
  readonly flows: readonly FlowFacts[];
  /** `join: latest`: what it has heard since its last run. */
  readonly latest: Readonly<Record<string, Token>>;
  /** The newest run of all, and why it is as it is. */
  readonly newest: { readonly run: RunRecord; readonly why: Explanation } | undefined;
  readonly cluster: ClusterFacts;
}

export function explainDependent(facts: DependentFacts): Explanation {
  const { newest, job, cluster } = facts;
  if (facts.parents.length === 0) return explainOnRequest(facts);
  const wait = facts.join === 'latest' ? latestWait(facts) : flowWait(facts);
  if (newest !== undefined && !isOver(newest.run.state)) {
    const { code, text, data } = newest.why;
    return { code, text, data: { run: newest.run.number, ...data, ...(wait === undefined ? undefined : { alsoWaiting: wait.data }) } };
  }
  return inQuarantine(wait ?? explainIdle(facts), job, cluster);
}

function explainOnRequest({ job, newest }: DependentFacts): Explanation {
  const begin = `${job} has neither a schedule nor parents: it runs on request only`;
  return { code: 'on-request', text: `${begin}; ${lastRun(newest)}`, data: newestMark(newest) };
}

function explainIdle({ job, parents, newest }: DependentFacts): Explanation {
  const names = parents.map((parent) => parent.job);
  const text = `${job} runs after ${listed(names)}; no flow waits for it now; ${lastRun(newest)}`;
  return { code: 'idle', text, data: { parents, ...newestMark(newest) } };
}

function lastRun(newest: DependentFacts['newest']): string {
  return newest === undefined ? 'it has no run' : `its last run: ${newest.why.text}`;
}

function newestMark(newest: DependentFacts['newest']): Record<string, unknown> {
  return newest === undefined ? {} : { run: newest.run.number, why: { code: newest.why.code, data: newest.why.data } };
}

function latestWait({ job, parents, latest }: DependentFacts): Explanation | undefined {
  const heard = parents.filter((parent) => Object.hasOwn(latest, parent.job));
  if (heard.length === 0) return undefined;
  const missing = parents.filter((parent) => !Object.hasOwn(latest, parent.job));
  const names = missing.map((parent) => `${parent.job} (${parent.on})`);
  return {
    code: 'waiting-for-parents',
    text: `${job} joins the latest: since its last run it has not heard from ${listed(names)}`,
    data: { join: 'latest', waitingFor: missing, heard: Object.fromEntries(heard.map((parent) => [parent.job, latest[parent.job]])) },
  };
}

/** The newest flow makes the sentence; all are in the data. */
function flowWait({ job, flows }: DependentFacts): Explanation | undefined {
  const waits = flows.map((flow) => ({ flow, silent: silentParents(job, flow) })).filter(({ silent }) => silent.length > 0);
  const [first] = waits;
  if (first === undefined) return undefined;
  const names = first.silent.map(({ job: parent, run }) => (run === undefined ? `${parent} (no run yet)` : describeRun(run)));
  return {
    code: 'waiting-for-parents',
    text: `${job} waits in the flow ${first.flow.flow} for ${listed(names)}`,
    data: { join: 'flow', flows: waits.map(({ flow, silent }) => flowView(flow, silent)) },
  };
}

function describeRun(run: RunRecord): string {
  return `${runId(run.job, run.number)} (${isOver(run.state) ? 'about to be heard' : run.state})`;
}

const PARENTS_SHOWN = 100;

function flowView({ flow, tokens }: FlowFacts, silent: readonly ParentFacts[]): Record<string, unknown> {
  const waitingFor = silent.slice(0, PARENTS_SHOWN).map(({ job, on, run }) => ({
    ...{ job, on },
    ...(run === undefined ? undefined : { run: run.number, state: run.state }),
  }));
  return { flow, waitingFor, waitingForCount: silent.length, ...(tokens === undefined ? undefined : { tokens }) };
}

/**
 * Parents that have not been heard. One without a run may never have a part in the flow (an edge that was added late): when those
 * with an open run are all that the leader still waits for, the others are left out.
 */
function silentParents(child: string, { tokens, parents }: FlowFacts): readonly ParentFacts[] {
  const silent = parents.filter(({ run }) => run === undefined || !hasSpoken(run, child));
  if (tokens === undefined) return silent;
  const running = silent.filter(({ run }) => run !== undefined);
  return running.length === tokens.of - tokens.spoken ? running : silent;
}

function hasSpoken(run: RunRecord, child: string): boolean {
  return isOver(run.state) && !isToHear(run, child);
}
