/** Facts for explanations: everything is fine unless a test says otherwise. */

import type { ClusterFacts, Explanation } from '../../../../src/api/why/explanation.ts';
import type { Attempt, RunRecord } from '../../../../src/engine/records.ts';
import { job } from '../../../support/api-rig.ts';

export const at = (text: string): number => Date.parse(text);

export const NOW = at('2026-03-10T12:00:00Z');

export function cluster(facts: Partial<ClusterFacts> = {}): ClusterFacts {
  return {
    ...{ now: NOW, leader: 'n1', leaderlessSince: undefined, suspension: undefined, waiting: undefined, quarantine: {} },
    executor: { kind: 'mesos', identity: 'f1' },
    ...facts,
  };
}

export function run(fields: Partial<RunRecord> = {}): RunRecord {
  return {
    ...{ job: 'a', number: 5, flow: 'a#5', trigger: { type: 'schedule', scheduledFor: at('2026-03-10T03:00:00Z') } },
    ...{ state: 'pending', createdAt: at('2026-03-10T03:00:00Z'), jobVersion: 1, attempts: [], lost: 0, spec: job('a') },
    ...fields,
  };
}

export function attempt(fields: Partial<Attempt> = {}): Attempt {
  const createdAt = at('2026-03-10T03:00:01Z');
  return { number: 1, taskId: 'a.5.1', agentId: 'g1', hostname: 'h1', address: '', createdAt, ...fields };
}

/** A job `a` on which the engine failed, and what is said of it. */
export const quarantined = { problem: 'the engine failed on the job a: x', at: NOW - 60_000, failures: 2, until: NOW + 60_000 };
export const FAILURE_TEXT =
  'a is left alone until 2026-03-10T12:01:00.000Z or an edit, since at 2026-03-10T11:59:00.000Z the engine failed on the job a: x';
export const FAILURE_DATA = {
  ...{ at: '2026-03-10T11:59:00.000Z', until: '2026-03-10T12:01:00.000Z', failures: 2 },
  problem: 'the engine failed on the job a: x',
};

/** One line of a table: what is asked, and what the answer must say. */
export interface Expected {
  readonly code: Explanation['code'];
  readonly text: string;
  /** Members that its data must have. */
  readonly data?: Readonly<Record<string, unknown>>;
}
