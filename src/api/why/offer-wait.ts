/** Why a run that waits for an offer is not launched: nobody may launch, or which offer came nearest and what it lacked. */

import { shapeKey } from '../../engine/pending-queue.ts';
import type { RunRecord, Shortage, WaitingRecord } from '../../engine/records.ts';
import { startingDeadline } from '../../engine/run-timer.ts';
import { describeShortage } from '../../engine/shortage.ts';
import { runId } from '../../engine/task-id.ts';
import { resolveSpec } from '../../job/resolve-job.ts';
import { iso } from '../times.ts';
import type { ClusterFacts, Explanation } from './explanation.ts';
import { standstill } from './standstill.ts';

export function explainOfferWait(run: RunRecord, cluster: ClusterFacts): Explanation {
  const since = iso(run.pendingSince ?? run.createdAt);
  const deadline = startingDeadline(run);
  const until = deadline === undefined ? '' : `; it is missed if it is not launched by ${iso(deadline)}`;
  const base = { since, ...(deadline === undefined ? undefined : { deadline: iso(deadline) }) };
  const begin = `${runId(run.job, run.number)} waits for an offer since ${since}`;
  const hold = standstill(cluster);
  if (hold !== undefined) return { code: hold.code, text: `${begin}, but ${hold.text}${until}`, data: { ...base, ...hold.data } };
  const { text, data } = shortageOf(run, cluster);
  return { code: 'waiting-for-offer', text: `${begin}; ${text}${until}`, data: { ...base, ...data } };
}

type Found = Pick<Explanation, 'text' | 'data'>;

function shortageOf(run: RunRecord, { executor, waiting }: ClusterFacts): Found {
  if (executor === undefined) return { text: 'no executor has ever been connected', data: { because: 'no-executor' } };
  if (waiting && waiting.executor !== 'ready') return executorHold(waiting);
  const key = run.spec === undefined ? undefined : shapeKey(resolveSpec(run.spec));
  const shape = waiting?.shapes.find((candidate) => candidate.key === key);
  if (shape === undefined) {
    return { text: 'nothing is known yet of offers that did not fit', data: { because: 'unknown' } };
  }
  const { shortage, runs, reserved } = shape;
  const because = shortage === undefined ? 'no-offers' : 'shortage';
  const kept = reserved && { ...reserved, until: iso(reserved.until) };
  const text = kept === undefined ? '' : `; ${kept.hostname} is kept for it until ${kept.until} at most`;
  return {
    text: `${describeShortage(shortage)}${text}`,
    data: { because, runsAlike: runs, ...(shortage && { shortage: viewOf(shortage) }), ...(kept && { reserved: kept }) },
  };
}

function executorHold({ executor }: WaitingRecord): Found {
  const text =
    executor === 'disconnected'
      ? 'the leader has no connection to the executor'
      : 'the leader is asking the executor about the tasks that should be alive, and launches nothing before it knows';
  return { text, data: { because: executor === 'disconnected' ? 'no-executor' : 'reconciling' } };
}

function viewOf({ at, offers, nearest }: Shortage): Record<string, unknown> {
  return { at: iso(at), offers, nearest };
}
