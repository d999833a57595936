/** Verdicts on nominal times that did not become runs: recorded, and equal neighbours kept as one range. */

import type { Instant } from '../schedule/schedule.ts';
import { KEPT_VERDICTS, VERDICT_COUNT_LIMIT } from './limits.ts';
import type { JobState, Reason, Verdict } from './records.ts';
import type { Slot, World } from './world.ts';

export interface VerdictInput {
  readonly from: Instant;
  readonly to: Instant;
  /** undefined: it can't be told. */
  readonly count: number | undefined;
  readonly verdict: Verdict['verdict'];
  readonly reason: Reason;
}

/** Records the verdict and moves the cursor past it. Part of the open step. */
export function recordVerdict(world: World, slot: Slot, input: VerdictInput): void {
  const state = slot.state as JobState;
  const last = state.verdict;
  const extended = last && isSame(last, input);
  const added = input.count ?? 0;
  const count = (extended ? (last.count ?? VERDICT_COUNT_LIMIT) : 0) + (input.count ?? VERDICT_COUNT_LIMIT);
  const verdict: Verdict = {
    from: extended ? last.from : input.from,
    to: input.to,
    ...(count < VERDICT_COUNT_LIMIT ? { count } : {}),
    verdict: input.verdict,
    reason: input.reason,
    decidedAt: world.now,
  };
  const totals = input.verdict === 'suspended' ? state.totals : addTo(state.totals, input.verdict, added);
  world.putVerdict(slot, verdict);
  world.putState(slot, { ...state, cursor: input.to, totals, verdict });
  if ((slot.verdicts?.length ?? 0) > KEPT_VERDICTS) world.dropOldestVerdict(slot);
  world.recorder.fact({ type: 'verdict', job: slot.name, verdict, added });
}

export function addTo(totals: JobState['totals'], outcome: keyof JobState['totals'], count = 1): JobState['totals'] {
  return { ...totals, [outcome]: totals[outcome] + count };
}

function isSame(last: Verdict, input: VerdictInput): boolean {
  return (
    last.verdict === input.verdict &&
    last.reason.code === input.reason.code &&
    JSON.stringify(last.reason.data) === JSON.stringify(input.reason.data)
  );
}

/** `2026-01-01T03:00:00.000Z`, for sentences. */
export function isoTime(at: Instant): string {
  return new Date(at).toISOString();
}
