/**
 * The keys, in one place. One writer per key: API nodes own `graph`, `suspension`, `jobs/` and, each its own, `submissions/`; they create `requests/`,
 * which only the leader removes; the leader owns all the rest (the store's own `leader` and `nodes/` apart).
 */

export const GRAPH_KEY = 'graph';
/** The latest span in which the whole cluster was suspended. */
export const SUSPENSION_KEY = 'suspension';
export const EXECUTOR_IDENTITY_KEY = 'executor/identity';
export const WAITING_KEY = 'executor/waiting';
/** Jobs on which the engine failed. */
export const QUARANTINE_KEY = 'quarantine';
/** When the leader last decided all that was due, give or take a minute. */
export const DECIDED_KEY = 'decided';
export const JOBS = 'jobs/';
export const REQUESTS = 'requests/';
/** Each node's latest request: tells whether one was written when the request itself may be gone already. */
export const SUBMISSIONS = 'submissions/';
/** What became of requests. */
export const RESULTS = 'results/';
export const STATES = 'state/';
export const RUNS = 'runs/';
export const VERDICTS = 'verdicts/';
export const NODES = 'nodes/';

export const jobKey = (name: string): string => `${JOBS}${name}`;
export const requestKey = (id: string): string => `${REQUESTS}${id}`;
export const resultKey = (id: string): string => `${RESULTS}${id}`;
export const submissionKey = (node: string): string => `${SUBMISSIONS}${node}`;
export const stateKey = (job: string): string => `${STATES}${job}`;
export const runsPrefix = (job: string): string => `${RUNS}${job}/`;
export const runKey = (job: string, number: number): string => `${RUNS}${job}/${number}`;
export const verdictsPrefix = (job: string): string => `${VERDICTS}${job}/`;
export const verdictKey = (job: string, from: number): string => `${VERDICTS}${job}/${from}`;
/** The job that a key belongs to. */
export function jobOfKey(key: string): string | undefined {
  const prefix = [JOBS, STATES, RUNS, VERDICTS].find((start) => key.startsWith(start));
  return prefix === undefined ? undefined : key.slice(prefix.length).split('/')[0];
}

export const nodeKey = (id: string): string => `${NODES}${id}`;
