/** The answer to "why": a stable word, a sentence for people, and the data behind it. Pure, as everything in this folder. */

import type { ClusterSuspension, ExecutorIdentity, QuarantineRecord, WaitingRecord } from '../../engine/records.ts';
import type { Instant } from '../../schedule/schedule.ts';

/** What an answer may be, and what it means. Clients switch on the word; it never changes. */
export const WHY_CODES = {
  launched: 'The nominal time became a run.',
  skipped: 'Never launched: another run was in the way, the job was suspended, or a parent did not satisfy its edge.',
  missed: 'Never launched: nobody could decide, or the starting deadline passed.',
  suspended: 'The job or the whole cluster is, or was, suspended.',
  'not-nominal': 'The schedule does not name this time.',
  'before-schedule': 'The time is before the present schedule was set.',
  'no-more-times': 'The schedule names no time at all.',
  future: 'The time is still to come.',
  undecided: 'The time has come, and the leader has not decided yet.',
  forgotten: 'It was decided, but what became of it is not kept any more.',
  'no-leader': 'No node leads, so nothing is decided or launched.',
  queued: 'The run waits for other runs of its job.',
  'waiting-for-offer': 'The run waits for an offer that fits.',
  'waiting-for-parents': 'The job waits for parents in a flow, or for tokens of all parents.',
  backoff: 'An attempt failed; the run waits for the time of the next.',
  launching: 'An attempt was sent to its agent and was not heard of yet.',
  running: 'An attempt runs.',
  killing: 'The task was told to end.',
  succeeded: 'The run succeeded.',
  failed: 'The run failed.',
  killed: 'The run was killed.',
  idle: 'The job runs after others, and no flow waits for it.',
  'on-request': 'The job has neither a schedule nor parents.',
} as const satisfies Record<string, string>;

export type WhyCode = keyof typeof WHY_CODES;

export interface Explanation {
  readonly code: WhyCode;
  readonly text: string;
  /** Times in it are text. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** What of the cluster as a whole explains things. */
export interface ClusterFacts {
  readonly now: Instant;
  /** The node that leads. */
  readonly leader: string | undefined;
  /** Since when none does, if this node has seen the last one go. */
  readonly leaderlessSince: Instant | undefined;
  /** The latest, whether or not it lasts. */
  readonly suspension: ClusterSuspension | undefined;
  readonly waiting: WaitingRecord | undefined;
  /** Jobs on which the engine failed. */
  readonly quarantine: QuarantineRecord;
  /** undefined: no executor has ever been connected. */
  readonly executor: ExecutorIdentity | undefined;
}

const NAMES_SHOWN = 10;

/** `a, b and c`; of many, the first and how many more. */
export function listed(names: readonly string[]): string {
  if (names.length > NAMES_SHOWN) return `${names.slice(0, NAMES_SHOWN).join(', ')} and ${names.length - NAMES_SHOWN} more`;
  const last = names.at(-1) ?? 'none';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}
