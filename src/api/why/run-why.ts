/** Why a run is in the state it is in. */

import type { Attempt, Outcome, RunRecord, RunState } from '../../engine/records.ts';
import { backfillOf } from '../../engine/runs.ts';
import { runId } from '../../engine/task-id.ts';
import { isOver } from '../../engine/run-state.ts';
import { reasonView } from '../run-view.ts';
import { iso, maybeIso } from '../times.ts';
import { type ClusterFacts, type Explanation, listed } from './explanation.ts';
import { inQuarantine } from './in-quarantine.ts';
import { explainOfferWait } from './offer-wait.ts';
import { standstill } from './standstill.ts';

export interface RunFacts {
  readonly run: RunRecord;
  /** The other runs of the job that are not over. */
  readonly others: readonly RunRecord[];
  readonly cluster: ClusterFacts;
}

export function explainRun(facts: RunFacts): Explanation {
  const { run, cluster } = facts;
  return isOver(run.state) ? explainOver(run, run.state) : inQuarantine(explainOpen(facts, run.state), run.job, cluster);
}

function explainOpen(facts: RunFacts, state: Exclude<RunState, Outcome>): Explanation {
  const { run, cluster } = facts;
  switch (state) {
    case 'queued':
      return held(explainQueued(facts), cluster);
    case 'pending':
      return explainOfferWait(run, cluster);
    case 'backoff':
      return held(explainBackoff(run), cluster);
    case 'launching':
    case 'running':
    case 'killing':
      return explainAlive(run);
  }
}

/** What would come next does not while nobody leads or all is suspended. */
function held(explanation: Explanation, cluster: ClusterFacts): Explanation {
  const hold = standstill(cluster);
  if (hold === undefined) return explanation;
  const { code, text, data } = explanation;
  return { code, text: `${text}; and ${hold.text}`, data: { ...data, heldBy: { code: hold.code, ...hold.data } } };
}

function explainQueued({ run, others }: RunFacts): Explanation {
  const ahead = others.filter((other) => other.state !== 'queued');
  const queuedBefore = others.filter((other) => other.state === 'queued' && isBefore(other, run)).length;
  const behind = ahead.map(({ number, state }) => ({ run: number, state }));
  const blockers = ahead.map((other) => `${runId(other.job, other.number)} (${other.state})`);
  const first = blockers.length > 0 ? `waits for ${listed(blockers)} to end` : 'waits for its turn';
  const rest = queuedBefore > 0 ? `; before it in the queue: ${queuedBefore}` : '';
  const deadline = maybeIso(run.deadline);
  const until = deadline === undefined ? '' : `; it is missed if it is not launched by ${deadline}`;
  return {
    code: 'queued',
    text: `${runId(run.job, run.number)} ${first}${rest}${until}`,
    data: { since: iso(run.createdAt), behind, queuedBefore, ...(deadline === undefined ? undefined : { deadline }) },
  };
}

/** The leader's order, whatever the overlap rule: oldest first, backfills last. */
function isBefore(a: RunRecord, b: RunRecord): boolean {
  const [isLate, isOtherLate] = [backfillOf(a) !== undefined, backfillOf(b) !== undefined];
  return isLate === isOtherLate ? a.number < b.number : isOtherLate;
}

function explainBackoff(run: RunRecord): Explanation {
  const last = run.attempts.at(-1);
  const until = maybeIso(run.notBefore);
  const what = last === undefined ? 'an attempt failed' : `attempt ${last.number} failed${why(last)}`;
  return {
    code: 'backoff',
    text: `${runId(run.job, run.number)}: ${what}; the next one may start at ${until ?? 'any time'}`,
    data: { until, ...(last === undefined ? undefined : { attempt: attemptMark(last) }) },
  };
}

function explainAlive(run: RunRecord): Explanation {
  const id = runId(run.job, run.number);
  const attempt = run.attempts.at(-1);
  const since = iso(run.state === 'running' ? (attempt?.startedAt ?? run.createdAt) : (attempt?.createdAt ?? run.createdAt));
  const lost = attempt?.unreachableSince;
  const cutOff = lost === undefined ? '' : `; its agent is cut off since ${iso(lost)}`;
  const data = { since, ...(attempt === undefined ? undefined : { attempt: attemptMark(attempt) }) };
  const where = attempt === undefined ? '' : ` on ${attempt.hostname}`;
  if (run.state === 'killing') {
    const { at, reason } = run.kill ?? {};
    const text = `${id} was told to end${at === undefined ? '' : ` at ${iso(at)}`}${reason === undefined ? '' : `: ${reason.text}`}; its task is not over yet${cutOff}`;
    const kill = {
      ...(at === undefined ? undefined : { at: iso(at) }),
      ...(reason === undefined ? undefined : { reason: reasonView(reason) }),
    };
    return { code: 'killing', text, data: { ...data, kill } };
  }
  if (run.state === 'running') return { code: 'running', text: `${id} is running${where} since ${since}${cutOff}`, data };
  return {
    code: 'launching',
    text: `${id} was sent to be launched${where} at ${since}; it is not known to have begun${cutOff}`,
    data,
  };
}

function explainOver(run: RunRecord, code: Outcome): Explanation {
  const { reason, attempts } = run;
  const at = maybeIso(run.endedAt);
  const last = attempts.at(-1);
  const verb = code === 'skipped' || code === 'missed' || code === 'killed' ? `was ${code}` : code;
  const because = reason === undefined ? '' : `: ${reason.text}`;
  return {
    code,
    text: `${runId(run.job, run.number)} ${verb}${at === undefined ? '' : ` at ${at}`}${because}`,
    data: {
      at,
      ...(reason === undefined ? undefined : { reason: reasonView(reason) }),
      ...(last === undefined ? undefined : { attempt: attemptMark(last) }),
    },
  };
}

function why({ reason }: Attempt): string {
  return reason === undefined ? '' : ` (${reason.text})`;
}

function attemptMark({ number, taskId, hostname, exitCode, signal, unreachableSince, reason }: Attempt): Record<string, unknown> {
  return {
    ...{ number, taskId, hostname },
    ...(exitCode === undefined ? undefined : { exitCode }),
    ...(signal === undefined ? undefined : { signal }),
    ...(unreachableSince === undefined ? undefined : { unreachableSince: iso(unreachableSince) }),
    ...(reason === undefined ? undefined : { reason: reasonView(reason) }),
  };
}
