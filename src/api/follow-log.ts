/**
 * A log as it grows. Ends by itself: with the run (or the one attempt asked for), when the client is gone, when the server
 * closes. Knows a task's end from the run's record, and reads once more after it, so that the last lines are not lost.
 */

import type { Attempt, RunRecord } from '../engine/records.ts';
import { isOver } from '../engine/run-state.ts';
import type { LogChunk } from '../executor/port.ts';
import type { ApiDeps } from './deps.ts';

export interface FollowOptions {
  /** The run as it is now; undefined: it is not kept any more. */
  readonly find: () => RunRecord | undefined;
  /** Where to begin; undefined: at the first attempt, when there is one. */
  readonly first: Attempt | undefined;
  /** Only this attempt, not those after it. */
  readonly isPinned: boolean;
  readonly stream: 'stdout' | 'stderr';
  /** Of the first attempt; negative counts from the end. Later ones are read from their beginning. */
  readonly offset: number;
  readonly signal: AbortSignal;
}

const POLL_MS = 250;
const CHUNK_BYTES = 65_536;
/** Failures in a row, with a pause after each, before it is given up. */
const FAILURES_TOLERATED = 40;

export async function* followLog(
  { executor, clock, logger }: Pick<ApiDeps, 'executor' | 'clock' | 'logger'>,
  { find, first, isPinned, stream, offset: from, signal }: FollowOptions,
): AsyncGenerator<Uint8Array, void, void> {
  let attempt = first;
  let offset = from;
  let failures = 0;
  const read = async (from: Attempt): Promise<LogChunk | undefined> => {
    try {
      const task = { taskId: from.taskId, agentId: from.agentId, address: from.address };
      const chunk = await executor.readLog({ task, stream, offset, length: CHUNK_BYTES });
      failures = 0;
      return chunk;
    } catch (error) {
      failures += 1;
      logger.warn({ taskId: from.taskId, failures, error }, 'a followed log could not be read');
      if (failures > FAILURES_TOLERATED) throw error;
      return undefined;
    }
  };
  while (!signal.aborted) {
    // Looked at before reading: what is written before the end is then read after it.
    const run = find();
    attempt ??= run?.attempts[0];
    const chunk = attempt === undefined ? undefined : await read(attempt);
    if (chunk !== undefined && chunk.data.length > 0) {
      yield chunk.data;
      offset = chunk.offset + chunk.data.length;
      continue;
    }
    const next = failures > 0 ? 'wait' : whatNext(run, attempt, isPinned);
    if (next === 'end') return;
    if (next === 'wait') await clock.sleep(POLL_MS, signal);
    else {
      attempt = next;
      offset = 0;
    }
  }
}

function whatNext(run: RunRecord | undefined, attempt: Attempt | undefined, isPinned: boolean): Attempt | 'wait' | 'end' {
  if (run === undefined) return 'end';
  const present = run.attempts.find((candidate) => candidate.number === attempt?.number);
  const isAttemptOver = present?.endedAt !== undefined;
  if (isPinned) return isAttemptOver || isOver(run.state) ? 'end' : 'wait';
  const later = isAttemptOver ? run.attempts.find((candidate) => candidate.number > present.number) : undefined;
  return later ?? (isOver(run.state) ? 'end' : 'wait');
}
