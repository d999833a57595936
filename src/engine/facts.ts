/**
 * What happened, for those who watch: logs, metrics, event streams. Published after the commit that made it true, never before,
 * and never read back by the engine.
 */

import type { Instant } from '../schedule/schedule.ts';
import type { Fault, FlowId, Outcome, Reason, Request, Verdict } from './records.ts';

export type Fact =
  | { readonly type: 'run-created'; readonly job: string; readonly run: number; readonly flow: FlowId; readonly trigger: string }
  | {
      readonly type: 'attempt-launched';
      readonly taskId: string;
      readonly job: string;
      readonly run: number;
      readonly agentId: string;
      /** Present on the first attempt of a scheduled run: launch intent minus nominal time. */
      readonly latenessMs?: number;
    }
  | { readonly type: 'attempt-started'; readonly taskId: string; readonly at: Instant }
  | {
      readonly type: 'attempt-ended';
      readonly taskId: string;
      readonly outcome: 'succeeded' | 'failed' | 'killed';
      readonly fault?: Fault;
      readonly reason: Reason | undefined;
      readonly retryAt?: Instant;
    }
  | {
      readonly type: 'run-ended';
      readonly job: string;
      readonly run: number;
      readonly flow: FlowId;
      readonly outcome: Outcome;
      readonly reason: Reason | undefined;
    }
  | { readonly type: 'verdict'; readonly job: string; readonly verdict: Verdict; readonly added: number }
  | {
      readonly type: 'request-taken';
      readonly id: string;
      readonly request: Request['type'];
      readonly job: string;
      readonly result: string;
    }
  /** A task of ours that no record knows: it is killed, or, if it is over, only acknowledged. */
  | { readonly type: 'stray-task'; readonly taskId: string; readonly state: string }
  | { readonly type: 'executor'; readonly state: 'connected' | 'disconnected' | 'reconciled'; readonly detail: string }
  /** The engine failed on it: it is left alone until then. */
  | {
      readonly type: 'job-quarantined';
      readonly job: string;
      readonly until: Instant;
      readonly failures: number;
      readonly problem: string;
    }
  /** A stored record or definition that can't be used; it is left alone. */
  | { readonly type: 'unusable-record'; readonly key: string; readonly problem: string };
