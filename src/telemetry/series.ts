/**
 * Every metric Kairos has: its name, what it says, its labels and their values. The one place to look them up, and to add one.
 *
 * Invariant: a label's values come from a list on this page (or, for HTTP, from the routes of the API): never a job, a run, a
 * node, an agent or anything else that users can make more of. A scrape of a hundred thousand jobs is as large as one of ten.
 */

export const RUN_OUTCOMES = ['succeeded', 'failed', 'killed', 'skipped', 'missed'] as const;
export type RunOutcome = (typeof RUN_OUTCOMES)[number];

export const ACTIVE_RUN_STATES = ['queued', 'pending', 'backoff', 'launching', 'running', 'killing'] as const;
export type ActiveRunState = (typeof ACTIVE_RUN_STATES)[number];

export const ATTEMPT_OUTCOMES = ['finished', 'failed', 'killed', 'rejected', 'not-launched', 'lost'] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

/** Who is to blame for an attempt's end. */
export const ATTEMPT_FAULTS = ['none', 'task', 'infrastructure', 'request'] as const;
export type AttemptFault = (typeof ATTEMPT_FAULTS)[number];

/** `landed`: durable. `term-lost`: refused, another term has begun. `unknown`: could not be found out. `failed`: nothing was written. */
export const COMMIT_RESULTS = ['landed', 'term-lost', 'unknown', 'failed'] as const;
export type CommitResult = (typeof COMMIT_RESULTS)[number];

export const OFFER_RESULTS = ['received', 'used', 'declined', 'rescinded'] as const;
export type OfferResult = (typeof OFFER_RESULTS)[number];

export const EXECUTOR_EVENTS = [
  'connected',
  'disconnected',
  'reconciled',
  'offers',
  'rescinded',
  'inverse-offers',
  'status',
  'agent-lost',
] as const;
export type ExecutorEventType = (typeof EXECUTOR_EVENTS)[number];

export const EXECUTOR_KINDS = ['mesos', 'docker', 'process', 'other'] as const;

export const VERDICTS = ['launched', 'skipped', 'missed', 'suspended', 'excluded'] as const;
export type VerdictLabel = (typeof VERDICTS)[number];

export const REQUEST_TYPES = ['run', 'kill', 'retry', 'backfill', 'mark', 'cancel-backfill'] as const;
export type RequestType = (typeof REQUEST_TYPES)[number];

export const HTTP_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'other'] as const;

export interface Series {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

export interface HistogramSeries extends Series {
  /** Upper bounds, in the metric's unit. */
  readonly buckets: readonly number[];
}

const LATENESS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const DECIDE_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
const WRITES_BUCKETS = [1, 2, 5, 10, 20, 40, 60, 80, 100, 120];

export const COUNTERS = {
  runs: { name: 'kairos_runs_total', help: 'Runs that are over, by outcome.', labels: ['outcome'] },
  attempts: {
    name: 'kairos_attempts_total',
    help: 'Attempts that are over, by how they ended and whose doing it was.',
    labels: ['outcome', 'fault'],
  },
  verdicts: { name: 'kairos_verdicts_total', help: 'Nominal times, by what became of them.', labels: ['verdict'] },
  requests: { name: 'kairos_requests_total', help: 'Requests taken by the leader (run now, kill, ...), by type.', labels: ['type'] },
  commits: { name: 'kairos_commits_total', help: 'Commits of the leader to the store, by result.', labels: ['result'] },
  offers: { name: 'kairos_offers_total', help: 'Resource offers, by what became of them.', labels: ['result'] },
  executorEvents: { name: 'kairos_executor_events_total', help: 'Events the executor sent, by type.', labels: ['type'] },
  leaderChanges: { name: 'kairos_leader_changes_total', help: 'Times this node began or ended a term.' },
  engineFailures: {
    name: 'kairos_engine_failures_total',
    help: 'Decisions in which the engine failed; the job it failed on, if that can be told, is put in quarantine.',
  },
  storeDiscrepancies: {
    name: 'kairos_store_discrepancies_total',
    help: 'Keys in which the copy on this node was found to differ from the store, and was mended.',
  },
  httpRequests: {
    name: 'kairos_http_requests_total',
    help: 'HTTP requests answered, by method, route and status.',
    labels: ['method', 'route', 'status'],
  },
} satisfies Record<string, Series>;

export const HISTOGRAMS = {
  runLateness: {
    name: 'kairos_run_lateness_seconds',
    help: 'From the nominal time of a scheduled run to the launch of its first attempt.',
    buckets: LATENESS_BUCKETS,
  },
  commitDuration: {
    name: 'kairos_commit_duration_seconds',
    help: 'Time until the store answered a commit, or its outcome was found out.',
    buckets: LATENCY_BUCKETS,
  },
  commitWrites: { name: 'kairos_commit_writes', help: 'Keys written by one commit.', buckets: WRITES_BUCKETS },
  decideDuration: { name: 'kairos_decide_duration_seconds', help: 'Time the engine took for one decision.', buckets: DECIDE_BUCKETS },
  httpDuration: {
    name: 'kairos_http_request_duration_seconds',
    help: 'Time to answer an HTTP request, streams excluded.',
    labels: ['method', 'route'],
    buckets: LATENCY_BUCKETS,
  },
} satisfies Record<string, HistogramSeries>;

export const GAUGES = {
  runsActive: { name: 'kairos_runs_active', help: 'Runs that are not over, by state.', labels: ['state'] },
  queueDepth: { name: 'kairos_queue_depth', help: 'Runs that wait for an offer.' },
  queueAge: { name: 'kairos_queue_age_seconds', help: 'How long the oldest of the runs that wait for an offer has waited.' },
  jobs: { name: 'kairos_jobs', help: 'Jobs defined.' },
  jobsQuarantined: {
    name: 'kairos_jobs_quarantined',
    help: 'Jobs that the leader leaves alone, as the engine failed on them or what is stored of them can not be read.',
  },
  leader: { name: 'kairos_leader', help: '1 while this node leads.' },
  term: { name: 'kairos_term', help: 'Number of the term in which this node leads, or led last.' },
  storeUp: { name: 'kairos_store_up', help: '1 when the last exchange with the store succeeded.' },
  replicaLag: { name: 'kairos_store_replica_lag_seconds', help: 'How long ago the copy on this node was last known to be complete.' },
  executorConnected: { name: 'kairos_executor_connected', help: '1 while the executor is connected.', labels: ['kind'] },
  buildInfo: { name: 'kairos_build_info', help: 'Always 1; the labels say what runs.', labels: ['version', 'node'] },
} satisfies Record<string, Series>;
