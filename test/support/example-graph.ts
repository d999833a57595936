/** The graph the end-to-end tests run: a root, two after it, a join, and a job that fails twice. Asks what became of it. */

import assert from 'node:assert/strict';
import type { KairosNode } from './kairos-node.ts';

export interface RunView {
  readonly id: string;
  readonly job: string;
  readonly number: number;
  readonly flow: string;
  readonly state: string;
  readonly createdAt: string;
  readonly attempts: readonly { taskId: string; startedAt?: string; endedAt?: string; exitCode?: number; hostname: string }[];
}

const task = (command: string): object => ({ image: 'busybox:1.36', command: ['sh', '-c', command], cpus: 0.1, mem: 32 });
const quickRetry = { attempts: 3, delay: 'PT1S', factor: 1, jitter: 0 };

/** `schedule` starts the root; absent: it is run by hand. */
export function exampleGraph(schedule?: string): readonly { readonly name: string }[] {
  return [
    { name: 'etl.extract', task: task('echo extracting in $KAIROS_FLOW; sleep 1'), ...(schedule === undefined ? {} : { schedule }) },
    { name: 'etl.clean', after: ['etl.extract'], task: task('echo cleaning; sleep 1') },
    { name: 'etl.count', after: ['etl.extract'], task: task('echo counting; sleep 2') },
    { name: 'etl.report', after: ['etl.clean', 'etl.count'], task: task('echo reporting') },
    { name: 'etl.flaky', after: ['etl.extract'], retry: quickRetry, task: task('test $KAIROS_ATTEMPT -ge 3') },
  ] as never;
}

export const GRAPH_JOBS = ['etl.extract', 'etl.clean', 'etl.count', 'etl.report', 'etl.flaky'];

export async function postGraph(node: KairosNode, graph: readonly object[]): Promise<void> {
  for (const job of graph) {
    const { status, body } = await node.post('/v1/jobs', job);
    assert.equal(status, 201, JSON.stringify(body));
  }
}

/** Runs of a job, oldest first. */
export async function runsOf(node: KairosNode, job: string): Promise<readonly RunView[]> {
  const { status, body } = await node.get<{ runs: RunView[] }>(`/v1/jobs/${job}/runs?limit=1000`);
  assert.equal(status, 200, JSON.stringify(body));
  return body.runs.toReversed();
}

/** Whether every job of the graph has a run in the flow that is over. */
export async function isFlowOver(node: KairosNode, flow: string): Promise<boolean> {
  for (const job of GRAPH_JOBS) {
    const run = (await runsOf(node, job)).find((one) => one.flow === flow);
    if (!run || !['succeeded', 'failed', 'killed', 'skipped', 'missed'].includes(run.state)) return false;
  }
  return true;
}

/** Asserts that the flow ran exactly as the graph says: each job once, in its order, the flaky one three attempts. */
export async function assertFlow(node: KairosNode, flow: string): Promise<void> {
  const runs = new Map<string, RunView>();
  for (const job of GRAPH_JOBS) {
    const inFlow = (await runsOf(node, job)).filter((one) => one.flow === flow);
    assert.equal(inFlow.length, 1, `${job} has ${inFlow.length} runs in ${flow}`);
    const run = inFlow[0] as RunView;
    assert.equal(run.state, 'succeeded', `${run.id}: ${JSON.stringify(run)}`);
    runs.set(job, run);
  }
  const ended = (job: string): number => Date.parse(runs.get(job)?.attempts.at(-1)?.endedAt ?? '');
  const launched = (job: string): number => Date.parse(runs.get(job)?.createdAt ?? '');
  for (const [child, parent] of [
    ['etl.clean', 'etl.extract'],
    ['etl.count', 'etl.extract'],
    ['etl.report', 'etl.clean'],
    ['etl.report', 'etl.count'],
  ] as const) {
    assert.ok(launched(child) >= ended(parent), `${child} came before ${parent} had ended`);
  }
  const own = (runs.get('etl.flaky')?.attempts ?? []).map((attempt) => attempt.exitCode).filter((code) => code !== undefined);
  assert.deepEqual(own, [1, 1, 0]);
}
