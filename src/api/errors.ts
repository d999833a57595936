/**
 * Everything the API refuses or fails with, in one table. Clients switch on `code`; it never changes. `title` says what kind of
 * problem it is, `detail` what happened this time.
 */

import type { Issue } from '../job/schema-issues.ts';

export const PROBLEMS = {
  'bad-request': { status: 400, title: 'The request can not be read' },
  'invalid-json': { status: 400, title: 'The body is not JSON' },
  'invalid-query': { status: 400, title: 'The query is not understood' },
  'invalid-header': { status: 400, title: 'A header is not understood' },
  unauthorized: { status: 401, title: 'A bearer token is required' },
  'cross-origin': { status: 403, title: 'Requests from pages of other sites are refused' },
  'not-found': { status: 404, title: 'There is no such resource' },
  'job-not-found': { status: 404, title: 'There is no such job' },
  'run-not-found': { status: 404, title: 'There is no such run' },
  'request-not-found': { status: 404, title: 'There is no such request' },
  'backfill-not-found': { status: 404, title: 'There is no such backfill' },
  'attempt-not-found': { status: 404, title: 'There is no such attempt' },
  'log-not-found': { status: 404, title: 'There is no such log' },
  'method-not-allowed': { status: 405, title: 'The resource does not have this method' },
  'job-exists': { status: 409, title: 'There is a job of this name' },
  'job-has-children': { status: 409, title: 'Other jobs run after this one' },
  'run-over': { status: 409, title: 'The run is over' },
  'run-not-retryable': { status: 409, title: 'The run can not be run again' },
  'run-not-markable': { status: 409, title: 'The run can not be counted as succeeded' },
  'job-suspended': { status: 409, title: 'The job is suspended' },
  'job-has-no-schedule': { status: 409, title: 'The job has no schedule' },
  'too-many-backfills': { status: 409, title: 'Too many backfills of the job go on' },
  'edit-conflict': { status: 409, title: 'Others are editing the same definitions' },
  'precondition-failed': { status: 412, title: 'The definition is not the one that was expected' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be JSON' },
  'misdirected-request': { status: 421, title: 'The host is not one this node answers for' },
  'invalid-body': { status: 422, title: 'The body is not as it must be' },
  'invalid-definition': { status: 422, title: 'The definition can not be used' },
  'backfill-too-large': { status: 422, title: 'The range holds too many nominal times' },
  'invalid-graph': { status: 422, title: 'The definition does not fit the graph of jobs' },
  internal: { status: 500, title: 'Something unexpected failed' },
  'executor-failed': { status: 502, title: 'The executor did not answer as it should' },
  'not-ready': { status: 503, title: 'This node is not ready' },
  'store-unavailable': { status: 503, title: 'The store is out of reach' },
  'too-many-followers': { status: 503, title: 'This node follows as many logs as it may' },
  'outcome-unknown': { status: 503, title: 'It could not be found out whether the write landed' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

/** An issue, with its own stable code where there is one. */
export interface CodedIssue extends Issue {
  readonly code?: string;
}

export interface ProblemDetails {
  readonly issues?: readonly CodedIssue[];
  /** More members for the answer, stable by name. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** Ends a request with a problem. The detail is shown to the client: it must hold nothing that is not theirs to see. */
export class ApiError extends Error {
  readonly code: ProblemCode;
  readonly details: ProblemDetails;

  constructor(code: ProblemCode, detail: string, details: ProblemDetails = {}) {
    super(detail, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ApiError';
    this.code = code;
    this.details = details;
  }
}
