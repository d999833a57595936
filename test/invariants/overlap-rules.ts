/** The rule overlap (words: invariants.ts). Judged when a run is made or becomes ready, so that an edit of the rule in between is no offence. */

import type { RunRecord, RunState } from '../../src/engine/records.ts';
import type { Overlap } from '../../src/job/job.ts';
import type { Change, History, JobStep, Step } from './history.ts';
import { isKilledForGood } from './timing-rules.ts';
import { InvariantViolation } from './violation.ts';

const UNDER_WAY: ReadonlySet<RunState> = new Set<RunState>(['pending', 'backoff', 'launching', 'running', 'killing']);

interface Place {
  readonly history: History;
  readonly step: Step;
  readonly name: string;
  /** The rules that the leader may have gone by; undefined: there was no definition. */
  readonly rules: readonly (Overlap | undefined)[];
}

export function checkOverlap(history: History, step: Step, { name, runs }: JobStep): void {
  for (const { before, after } of runs.values()) if (before && after) checkReplaced(history, before, after);
  const isTouched = [...runs.values()].some(({ before, after }) => after && isNew(before));
  if (!isTouched) return;
  const rules = history.visible(name, step.context).map((record) => record && history.resolve(record.spec).overlap);
  const place = { history, step, name, rules };
  for (const { before, after } of runs.values()) {
    if (!after) continue;
    if (!before && after.state === 'queued') checkQueued(place, after);
    if (!before && after.state === 'skipped' && after.reason?.code === 'overlap') checkSkipped(place, after);
    // Steps that are not told apart: between two of them anything may have happened.
    if (step.context) checkPlace(place, { before, after });
    if (UNDER_WAY.has(after.state) && isNew(before)) checkAlone(place, after);
  }
}

/** Made, run again, or next in its line. */
function isNew(before: RunRecord | undefined): boolean {
  return before === undefined || before.state === 'queued' || before.endedAt !== undefined;
}

function offend({ name }: Place, run: RunRecord, message: string): never {
  throw new InvariantViolation('overlap', `${name}#${run.number} ${message}`, [name]);
}

const isBackfill = ({ trigger }: RunRecord): boolean => trigger.type === 'schedule' && trigger.backfill !== undefined;
const isCaughtUp = ({ trigger }: RunRecord): boolean => trigger.type === 'schedule' && trigger.caughtUp === true;
const isWaiting = (run: RunRecord): boolean => isBackfill(run) || isCaughtUp(run);

/** One of all that are caught up, or of a backfill: in line, whatever the rule. */
function isInLine(history: History, run: RunRecord): boolean {
  return isBackfill(run) || (isCaughtUp(run) && run.spec !== undefined && history.resolve(run.spec).catchUp === 'all');
}

function othersThan({ history, name }: Place, run: RunRecord): readonly RunRecord[] {
  return [...history.job(name).runs.values()].filter(({ number }) => number !== run.number);
}

function checkAlone(place: Place, run: RunRecord): void {
  if (place.rules.includes('allow') || place.rules.includes(undefined)) return;
  const other = othersThan(place, run).find(({ state }) => UNDER_WAY.has(state));
  if (other) offend(place, run, `became ${run.state} while #${other.number} is ${other.state}`);
}

/** Where overlap is forbidden only what is caught up or filled in waits, and what comes due beside a backfill. */
function checkQueued(place: Place, run: RunRecord): void {
  if (place.step.context && place.rules.every((rule) => rule === 'allow')) offend(place, run, 'waits though overlap is allowed');
  if (isWaiting(run) || place.rules.some((rule) => rule !== 'forbid')) return;
  const other = othersThan(place, run).find((one) => one.number < run.number && one.endedAt === undefined && !isBackfill(one));
  if (other) offend(place, run, `waits for #${other.number}, though overlap is forbidden`);
}

/** Only where overlap is forbidden, and another is in the way. */
function checkSkipped(place: Place, run: RunRecord): void {
  if (place.step.context && place.rules.every((rule) => rule !== undefined && rule !== 'forbid'))
    offend(place, run, 'is skipped though overlap is not forbidden');
  const blocker = place.history.run(place.name, Number(run.reason?.data?.['run']));
  if (place.step.context && (!blocker || blocker.endedAt !== undefined))
    offend(place, run, `is skipped for #${blocker?.number}, which is over`);
}

/** What is in line is not replaced. */
function checkReplaced(history: History, before: RunRecord, after: RunRecord): void {
  const isReplaced = [after.reason, after.kill?.reason].some((reason) => reason?.code === 'replaced');
  if (!isReplaced || before.endedAt !== undefined || !isInLine(history, before)) return;
  throw new InvariantViolation('overlap', `${before.job}#${before.number} is replaced, though it is in line`, [before.job]);
}

/** A newcomer that replaces gives up all that is older and not in line; of those that wait the oldest goes first, backfills last. */
function checkPlace(place: Place, { before, after }: Change<RunRecord> & { readonly after: RunRecord }): void {
  const { rules } = place;
  const others = othersThan(place, after);
  const isNewcomer = !before && after.endedAt === undefined && !after.replaces && !isInLine(place.history, after);
  if (isNewcomer && rules.every((rule) => rule === 'replace')) {
    const left = others.find(
      (one) => one.number < after.number && one.endedAt === undefined && !isKilledForGood(one) && !isInLine(place.history, one),
    );
    if (left) offend(place, after, `does not replace #${left.number}, which is ${left.state}`);
  }
  if (before?.state !== 'queued' || after.state !== 'pending' || !rules.every((rule) => rule !== undefined && rule !== 'allow')) return;
  const goesFirst = (one: RunRecord): boolean => (isBackfill(one) === isBackfill(after) ? one.number < after.number : isBackfill(after));
  const first = others.find((one) => one.state === 'queued' && goesFirst(one));
  if (first) offend(place, after, `goes before #${first.number}`);
}
