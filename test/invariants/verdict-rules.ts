/** The rule verdicts, beside the reasons (nominal-time-rules.ts): how they are kept, and what they tell of (words: invariants.ts). */

import { isDeepStrictEqual } from 'node:util';
import { QUARANTINE_KEY } from '../../src/engine/keys.ts';
import type { QuarantineRecord, Verdict } from '../../src/engine/records.ts';
import type { SuspensionSpan } from '../../src/job/suspension.ts';
import type { History, JobStep, Step } from './history.ts';
import { KEPT_VERDICTS } from './limits.ts';
import { spansOf } from './read-spec.ts';
import { InvariantViolation } from './violation.ts';

/** A verdict on nominal times after the cursor, the first of which is `next`. */
export interface Judged {
  readonly job: string;
  readonly verdict: Verdict;
  readonly next: number;
}

function offend({ job, verdict, next }: Judged, message: string): never {
  const what = `${verdict.verdict} (${verdict.reason.code}) for ${iso(next)} to ${iso(verdict.to)}`;
  throw new InvariantViolation('verdicts', `${job}: ${what}: ${message}`, [job]);
}

/** What was said stays: a range only grows, by what is said of its times too, and the oldest goes where more are kept than are. */
export function checkKeptVerdicts(history: History, { context }: Step, { name, state, verdicts }: JobStep): void {
  if (verdicts.size === 0) return;
  // Of a job that was deleted, or made again under the name, nothing is kept.
  const isGone = history.visible(name, context).some((record) => record === undefined || record.uid !== state.before?.uid);
  for (const { before, after } of verdicts.values()) {
    if (!before || isGone) continue;
    const judged = { job: name, verdict: after ?? before, next: before.from };
    if (after) checkGrown(judged, before, after);
    else checkDropped(history, judged);
  }
}

function checkGrown(judged: Judged, before: Verdict, after: Verdict): void {
  const isSame = (key: 'code' | 'data'): boolean => isDeepStrictEqual(before.reason[key], after.reason[key]);
  if (before.verdict !== after.verdict || !isSame('code') || !isSame('data'))
    offend(judged, `was ${before.verdict} (${JSON.stringify(before.reason)}) and is ${JSON.stringify(after.reason)}`);
  if (before.from !== after.from || after.to < before.to) offend(judged, `was for ${iso(before.from)} to ${iso(before.to)}`);
}

function checkDropped(history: History, judged: Judged): void {
  const { verdicts } = history.job(judged.job);
  if (verdicts.size < KEPT_VERDICTS) offend(judged, `was forgotten, with ${verdicts.size} others kept of ${KEPT_VERDICTS}`);
  if ([...verdicts.values()].some(({ from }) => from < judged.verdict.from)) offend(judged, 'was forgotten before an older one');
}

/** Equal neighbours of one schedule are one range. */
export function checkMerged(history: History, judged: Judged, cursor: number): void {
  const { verdict, job } = judged;
  if ((history.job(job).state?.scheduledSince ?? 0) > cursor) return;
  if (verdict.from !== judged.next) return;
  const neighbour = [...history.job(job).verdicts.values()].find(({ to }) => to === cursor);
  if (!neighbour || neighbour.verdict !== verdict.verdict || neighbour.reason.code !== verdict.reason.code) return;
  if (isDeepStrictEqual(neighbour.reason.data, verdict.reason.data)) offend(judged, 'is said apart from the same before it');
}

/** Whose suspension it was, and from when to when: the span as it is known, cut where the decision, another or a new schedule begins. */
export function checkSuspended(history: History, step: Step, judged: Judged): void {
  const { from, to, by } = judged.verdict.reason.data as { readonly from: number; readonly to: number; readonly by: string };
  const definitions = history.visible(judged.job, step.context);
  const known = [...definitions.map((record) => record?.suspension), ...history.visibleMaintenance(step.context)];
  const spans = known.flatMap(spansOf);
  if (judged.next < from || judged.verdict.to >= to) offend(judged, `it was suspended from ${iso(from)} to ${iso(to)}`);
  const cuts = [(step.context?.now ?? 0) + 1, ...spans.map((other) => other.from), ...definitions.map((record) => record?.scheduledSince)];
  const isKnown = (one: SuspensionSpan): boolean =>
    one.from === from && one.by === by && (one.to === to || (cuts.includes(to) && (one.to ?? Infinity) > to));
  if (!spans.some(isKnown)) offend(judged, `nobody suspended it from ${iso(from)} to ${iso(to)}, as ${by} did`);
}

/** Whether the job stood in quarantine when the first of the times came, is read from what is stored. */
export function checkOutageReason(history: History, step: Step, judged: Judged): void {
  const { verdict, job, next } = judged;
  const record = JSON.parse(history.value(QUARANTINE_KEY) ?? '{}') as QuarantineRecord;
  const entry = Object.hasOwn(record, job) ? record[job] : undefined;
  const wasHeld = entry !== undefined && entry.at <= (step.context?.decidableSince ?? 0) && next <= entry.until;
  if (wasHeld !== (verdict.reason.code === 'quarantined')) offend(judged, wasHeld ? 'it was in quarantine' : 'it was in no quarantine');
  if (wasHeld && verdict.reason.data?.['failures'] !== entry.failures) offend(judged, `it has failed ${entry.failures} times`);
}

/** The schedule was replaced before these times could be decided: by nobody who stood and looked. */
export function checkEditedReason(history: History, step: Step, judged: Judged): void {
  const { verdict, job, next } = judged;
  const { context } = step;
  if (!context) return;
  const since = history.visible(job, context).map((record) => record?.scheduledSince);
  if (!since.some((at) => at !== undefined && verdict.to < at && verdict.reason.data?.['to'] === at - 1))
    offend(judged, 'no schedule was set then');
  // What by the leader's clock has not even come may be cut off by a clock that is ahead.
  const couldBeDecided = next <= context.now && next >= context.decidableSince;
  if (context.lookedAt !== undefined && next > context.lookedAt && couldBeDecided)
    offend(judged, `a leader stood and had looked at ${iso(context.lookedAt)}`);
}

/**
 * punctual: no leader that has decided before leaves a nominal time that it knows of, or sleeps past it. What an edit, a suspension or
 * more times than one decision holds put off is no matter of this.
 */
export function checkNominalTimePunctual(history: History, step: Step, { job, next }: Omit<Judged, 'verdict'>): void {
  const { context } = step;
  if (!context?.previous) return;
  const definitions = history.visible(job, context);
  const maintenance = history.visibleMaintenance(context);
  const isSteady = definitions.length === 1 && maintenance.length === 1;
  const isCovered = [...spansOf(definitions[0]?.suspension), ...spansOf(maintenance[0])].some(({ to = Infinity }) => to >= next);
  if (!isSteady || isCovered) return;
  const { at, wakeAt = Infinity } = context.previous;
  if (next > at ? wakeAt <= next : wakeAt <= at + 1) return;
  const message = `${job}: ${iso(next)} was to come when a leader decided at ${iso(at)}, and would have slept until ${iso(wakeAt)}`;
  throw new InvariantViolation('punctual', message, [job]);
}

const iso = (at: number): string => (Number.isFinite(at) ? new Date(at).toISOString() : String(at));
