/**
 * How often each thing must happen in the test's seeds, taken together: about a fourth of what it was when this was written. A workload or
 * a fault that has stopped exercising something is found here, and not by a defect that nobody sees.
 */

const LEAST: Readonly<Record<string, number>> = {
  ...{ launch: 1_000, 'order to kill': 500, term: 500, takeover: 200 },
  ...{ 'run by schedule': 2_000, 'run by parents': 1_000, 'run by request': 500, 'run by catch-up': 200, 'run by backfill': 100 },
  ...{ 'run succeeded': 3_000, 'run succeeded: marked': 40, 'run again': 10, 'run forgotten': 2_000, 'run queued': 500 },
  ...{ 'run failed: exit': 80, 'run failed: signal': 30, 'run failed: out-of-memory': 20, 'run failed: timeout': 80 },
  ...{ 'run failed: rejected': 100, 'run failed: infrastructure': 1 },
  ...{ 'run killed: kill-request': 40, 'run killed: replaced': 50, 'run killed: job-deleted': 20, 'to be killed: timeout': 500 },
  ...{ 'to be killed: kill-request': 10, 'to be killed: replaced': 50, 'to be killed: job-deleted': 5 },
  ...{ 'run skipped: overlap': 50, 'run skipped: replaced': 50, 'run skipped: suspended': 200, 'run skipped: upstream': 400 },
  ...{ 'run missed: deadline': 100, 'time missed: deadline': 15, 'time missed: no-leader': 80 },
  ...{ 'time missed: quarantined': 8, 'time skipped: overlap': 500, 'time suspended: suspended': 150 },
  ...{ 'retry after task': 500, 'retry after infrastructure': 200 },
  ...{ 'attempt unreachable': 80, 'attempt back in reach': 2, 'attempt given up': 50 },
  ...{ 'token waits for others': 120, 'token handed on later': 100, 'token owed': 5, 'latest token kept': 80 },
  ...{ 'flow of several judged': 100 },
  ...{ quarantine: 80, 'job deleted': 200, 'schedule edited': 100 },
  ...{ 'request: run': 500, 'request: kill': 300, 'request: retry': 150, 'request: mark': 150, 'request: backfill': 150 },
  ...{ 'commit unknown': 20, 'commit unknown, landed': 2, 'commit term-lost': 200 },
  ...{ 'late answer': 500, 'framework forgotten': 5 },
  ...{ 'acknowledgement lost before the agent': 400, 'order to kill lost before the agent': 15, 'woke as a leader that is none': 150 },
  ...{ 'fault: store-full': 15, 'fault: store-slow': 25, 'compacted while a snapshot was read': 100 },
  ...{ 'task drained': 25, 'task gone with its agent': 40, 'task queued for its executor': 40 },
  ...{ 'outage of the store': 1, 'outage of all nodes': 1, 'outage of the master': 1, 'outage of all agents': 1 },
  ...{ 'fuse at commit': 30, 'fuse at executor': 30, 'fuse at get': 20, 'fuse at snapshot': 3, 'fuse at campaign': 2 },
  ...{ 'fuse at transact': 5, 'fuse at watch': 40, 'fuse at resign': 2, 'fuse at leader': 2 },
};

/** What happened less than it must, in words. */
export function tooSeldom(counts: ReadonlyMap<string, number>): string[] {
  const short = Object.entries(LEAST).filter(([what, least]) => (counts.get(what) ?? 0) < least);
  return short.map(([what, least]) => `${what}: ${counts.get(what) ?? 0} of at least ${least}`);
}
