/** A job on which the engine failed stands still: whatever it waits for, it waits for that too. */

import { failureOf } from '../../engine/quarantine.ts';
import { iso } from '../times.ts';
import type { ClusterFacts, Explanation } from './explanation.ts';

export function inQuarantine(explanation: Explanation, job: string, { now, quarantine }: ClusterFacts): Explanation {
  const failure = failureOf(quarantine, job);
  if (failure === undefined || failure.until <= now) return explanation;
  const { at, until, failures, problem } = failure;
  const text = `${explanation.text}; ${job} is left alone until ${iso(until)} or an edit, since at ${iso(at)} ${problem}`;
  return { ...explanation, text, data: { ...explanation.data, quarantine: { at: iso(at), until: iso(until), failures, problem } } };
}
