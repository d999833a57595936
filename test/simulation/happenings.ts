/** What happened in a simulation, counted by kind: a workload that silently stops exercising something shows in the sum over seeds. */

import type { Attempt, RunRecord, Verdict } from '../../src/engine/records.ts';
import type { Change, FlowHistory, JobStep, Step } from '../invariants/history.ts';

export class Happenings {
  readonly #counts = new Map<string, number>();

  note(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** Takes every step of a leader as it lands. */
  onStep(step: Step): void {
    for (const job of step.jobs.values()) {
      for (const change of job.runs.values()) this.#onRun(change);
      for (const change of job.verdicts.values()) this.#onVerdict(change);
      this.#onState(job);
    }
    for (const { before, after } of step.requests.values()) if (before && !after) this.note(`request: ${before.type}`);
  }

  onFlowEnd({ runs, judged }: FlowHistory): void {
    if (Math.max(runs.size, judged) < 2) return;
    this.note('flow of several ended');
    if (judged > 1) this.note('flow of several judged');
  }

  #onRun({ before, after }: Change<RunRecord>): void {
    if (!after) return this.note('run forgotten');
    if (!before) this.note(`run by ${triggerOf(after)}`);
    if (after.state !== before?.state) this.#onRunState(before, after);
    if (after.kill && !before?.kill) this.note(`to be killed: ${after.kill.reason.code}`);
    if (after.handover !== undefined && before?.handover === undefined) this.note('token handed on later');
    if (after.owed && !before?.owed) this.note('token owed');
    if (after.replaces && !before?.replaces) this.note('replaces in several commits');
    after.attempts.forEach((attempt, index) => this.#onAttempt(before?.attempts[index], attempt));
  }

  #onRunState(before: RunRecord | undefined, after: RunRecord): void {
    if (before?.endedAt !== undefined && after.endedAt === undefined) this.note('run again');
    const why = after.endedAt !== undefined && after.reason ? `: ${after.reason.code}` : '';
    this.note(`run ${after.state}${why}`);
    if (after.state === 'backoff') this.note(`retry after ${after.attempts.at(-1)?.fault ?? 'nothing'}`);
  }

  #onAttempt(before: Attempt | undefined, after: Attempt): void {
    if (after.unreachableSince !== undefined && before?.unreachableSince === undefined) this.note('attempt unreachable');
    if (before?.unreachableSince !== undefined && after.unreachableSince === undefined) this.note('attempt back in reach');
    if (after.endedAt !== undefined && before?.endedAt === undefined && after.reason?.data?.['since'] !== undefined)
      this.note('attempt given up');
  }

  #onVerdict({ before, after }: Change<Verdict>): void {
    if (after && after.to !== before?.to) this.note(`time ${after.verdict}: ${after.reason.code}`);
  }

  #onState({ state: { before, after } }: JobStep): void {
    if (after?.uid === '' && before && before.uid !== '') this.note('job deleted');
    if (after && before && after.uid === before.uid && after.scheduledSince !== before.scheduledSince) this.note('schedule edited');
    if (Object.keys(after?.tokens ?? {}).length > Object.keys(before?.tokens ?? {}).length) this.note('token waits for others');
    if (Object.keys(after?.latest ?? {}).length > Object.keys(before?.latest ?? {}).length) this.note('latest token kept');
  }
}

function triggerOf({ trigger }: RunRecord): string {
  if (trigger.type !== 'schedule') return trigger.type;
  if (trigger.backfill !== undefined) return 'backfill';
  return trigger.caughtUp ? 'catch-up' : 'schedule';
}

/** The sum of several seeds. */
export function addCounts(all: Map<string, number>, counts: ReadonlyMap<string, number>): void {
  for (const [what, times] of counts) all.set(what, (all.get(what) ?? 0) + times);
}
