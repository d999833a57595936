/** Who wants to know what a leader does: logs, metrics, event streams. Called after the fact; must not throw. */

import type { Fact } from '../engine/facts.ts';
import type { ExecutorCommand, ExecutorEvent } from '../executor/port.ts';

export type CommitOutcome = 'landed' | 'term-lost' | 'unknown' | 'failed';

export interface LeaderObserver {
  termBegan(term: bigint): void;
  /** `reason`: why the term ended, for people. */
  termEnded(term: bigint, reason: string): void;
  fact(fact: Fact): void;
  decided(seconds: number): void;
  committed(outcome: CommitOutcome, seconds: number, writes: number): void;
  executorEvent(event: ExecutorEvent): void;
  performed(command: ExecutorCommand): void;
  /** Something failed that is retried or given up; `error` says what. */
  trouble(where: string, error: unknown): void;
}
