/**
 * What every status of Mesos means for a task. For each state the rows are read from the top and the first that fits counts;
 * the last row of a state fits everything, so the table is total. docs/mesos.md has the same table in words.
 *
 * Statuses that a master made itself (SOURCE_MASTER) have no uuid: nobody repeats them, and they are not acknowledged.
 */

import type { TaskState } from '../port.ts';

/** `nothing`: it says nothing that may be acted on; `why` tells the log what it was. */
export type Meaning = TaskState | 'nothing';

export interface StatusRow {
  readonly reason?: readonly string[];
  readonly source?: string;
  readonly message?: RegExp;
  readonly hasUuid?: boolean;
  readonly hasAgent?: boolean;
  readonly meaning: Meaning;
  /** The stable word told on; absent: Mesos' own reason. */
  readonly word?: string;
  readonly outOfMemory?: true;
}

const MASTER = 'SOURCE_MASTER';
const EXECUTOR = 'SOURCE_EXECUTOR';

/**
 * A terminal state that the master knows of and whose own status, with exit and uuid, is still to be delivered: answers to
 * RECONCILE, and the return of an agent. Acting on it would lose the exit code.
 */
const ITS_OWN_STATUS_FOLLOWS: StatusRow = {
  source: MASTER,
  hasUuid: false,
  reason: ['REASON_RECONCILIATION', 'REASON_AGENT_REREGISTERED'],
  meaning: 'nothing',
  word: 'its own status follows',
};

const PULL = /docker .*\bpull\b|manifest/i;

/** What the pull said, past the command line that is quoted before it: an image's name must not be taken for a reason. */
function pullSaid(...words: readonly string[]): RegExp {
  return new RegExp(`(?:\\bpull\\b[^]*stderr=|manifest)[^]*(?:${words.join('|')})`, 'i');
}

const BAD_IMAGE_NAME = pullSaid('invalid reference format', 'invalid repository name');
const REGISTRY_DOWN = pullSaid(
  'dial tcp',
  'no such host',
  'connection refused',
  'i/o timeout',
  'Client\\.Timeout',
  'deadline exceeded',
  'TLS handshake',
  'x509:',
  'toomanyrequests',
  'status(?: code)?:? 5\\d\\d',
  'unexpected EOF',
  'network is unreachable',
  'server misbehaving',
);
const NO_SUCH_IMAGE = pullSaid(
  'not found',
  'manifest unknown',
  'pull access denied',
  'does not exist',
  'no such image',
  'name unknown',
  'no matching manifest',
);

const LAUNCH_FAILED = ['REASON_CONTAINER_LAUNCH_FAILED'];

const FAILED: readonly StatusRow[] = [
  ITS_OWN_STATUS_FOLLOWS,
  { message: /^Failed to create docker run options/, meaning: 'rejected', word: 'invalid-parameters' },
  { reason: LAUNCH_FAILED, message: BAD_IMAGE_NAME, meaning: 'rejected', word: 'image-invalid' },
  // Before `image-missing`: a registry that can't be looked up is "not found" as well.
  { reason: LAUNCH_FAILED, message: REGISTRY_DOWN, meaning: 'not-launched', word: 'registry-unavailable' },
  { reason: LAUNCH_FAILED, message: NO_SUCH_IMAGE, meaning: 'rejected', word: 'image-missing' },
  { reason: LAUNCH_FAILED, message: PULL, meaning: 'not-launched', word: 'image-pull-failed' },
  { reason: LAUNCH_FAILED, message: /Unsupported container image type/, meaning: 'rejected', word: 'image-unsupported' },
  { reason: LAUNCH_FAILED, message: /Failed to fetch all URIs/, meaning: 'not-launched', word: 'artifact-fetch-failed' },
  { reason: LAUNCH_FAILED, meaning: 'not-launched', word: 'container-launch-failed' },
  { reason: ['REASON_EXECUTOR_REGISTRATION_TIMEOUT'], meaning: 'not-launched', word: 'executor-registration-timeout' },
  {
    reason: [
      'REASON_EXECUTOR_TERMINATED',
      'REASON_EXECUTOR_UNREGISTERED',
      'REASON_EXECUTOR_REREGISTRATION_TIMEOUT',
      'REASON_COMMAND_EXECUTOR_FAILED',
      'REASON_IO_SWITCHBOARD_EXITED',
    ],
    meaning: 'lost',
    word: 'executor-terminated',
  },
  { reason: ['REASON_CONTAINER_LIMITATION_MEMORY'], meaning: 'failed', word: 'out-of-memory', outOfMemory: true },
  { reason: ['REASON_CONTAINER_LIMITATION', 'REASON_CONTAINER_LIMITATION_DISK'], meaning: 'failed', word: 'resource-limit' },
  { reason: ['REASON_MAX_COMPLETION_TIME_REACHED'], meaning: 'failed', word: 'max-completion-time' },
  { reason: ['REASON_CONTAINER_PREEMPTED', 'REASON_CONTAINER_UPDATE_FAILED'], meaning: 'lost', word: 'container-preempted' },
  { reason: ['REASON_AGENT_DRAINING'], meaning: 'lost', word: 'agent-draining' },
  // `docker run` itself failed: a bad parameter, a port in use, a daemon in trouble. Or a task that exits with 125.
  { message: /^Container exited with status 125\b/, meaning: 'failed', word: 'docker-run-failed' },
  { message: /exited with status 127\b/, meaning: 'failed', word: 'command-not-found' },
  // SIGKILL from anywhere: the memory limit, an operator, the task itself. Docker does not tell Mesos which.
  { message: /^Container exited with status 137\b/, meaning: 'failed', word: 'killed-or-out-of-memory' },
  { source: EXECUTOR, meaning: 'failed' },
  // What a task did itself only its executor can know.
  { meaning: 'lost' },
];

const KILLED: readonly StatusRow[] = [
  ITS_OWN_STATUS_FOLLOWS,
  { reason: ['REASON_AGENT_DRAINING'], meaning: 'lost', word: 'agent-draining' },
  { reason: ['REASON_TASK_KILLED_DURING_LAUNCH'], meaning: 'killed', word: 'killed-during-launch' },
  { meaning: 'killed' },
];

const ERROR: readonly StatusRow[] = [
  // About the launch that was refused. The task that has this id goes on, and its statuses are its own.
  { message: /has duplicate ID/, meaning: 'nothing', word: 'duplicate task id' },
  { message: /more than available|uses invalid agent/, meaning: 'not-launched', word: 'offer-invalid' },
  { reason: ['REASON_TASK_UNAUTHORIZED', 'REASON_TASK_GROUP_UNAUTHORIZED'], meaning: 'rejected', word: 'unauthorized' },
  { meaning: 'rejected', word: 'task-invalid' },
];

const DROPPED: readonly StatusRow[] = [
  ITS_OWN_STATUS_FOLLOWS,
  { reason: ['REASON_INVALID_OFFERS'], meaning: 'not-launched', word: 'offer-invalid' },
  { reason: ['REASON_RECONCILIATION'], meaning: 'not-launched', word: 'never-reached-agent' },
  { message: /No such user|Failed to chown/, meaning: 'not-launched', word: 'user-missing' },
  { meaning: 'not-launched' },
];

const LOST: readonly StatusRow[] = [
  { reason: ['REASON_INVALID_OFFERS'], meaning: 'not-launched', word: 'offer-invalid' },
  // The master lost sight of the agent. Containers have been seen to run on, and tasks to come back.
  { source: MASTER, reason: ['REASON_AGENT_DISCONNECTED'], meaning: 'unreachable', word: 'agent-disconnected' },
  { source: MASTER, reason: ['REASON_AGENT_REMOVED'], meaning: 'unreachable', word: 'agent-removed' },
  { source: MASTER, meaning: 'unreachable' },
  { meaning: 'lost' },
];

const GONE: readonly StatusRow[] = [
  // The agent is registered and does not know the task: it never got there, or its end was acknowledged.
  { source: MASTER, hasUuid: false, reason: ['REASON_RECONCILIATION'], meaning: 'unknown', word: 'unknown-to-agent' },
  { meaning: 'lost', word: 'agent-gone' },
];

const UNKNOWN: readonly StatusRow[] = [
  // The agent that the task was put on is not in the master's registry: it was removed, and what runs there runs for nobody.
  { hasAgent: true, meaning: 'unreachable', word: 'agent-unknown' },
  // Asked without an agent the master says so of tasks that run on agents it can't reach.
  { meaning: 'nothing', word: 'asked without an agent' },
];

export const STATUS_TABLE: ReadonlyMap<string, readonly StatusRow[]> = new Map<string, readonly StatusRow[]>([
  ['TASK_STAGING', [{ meaning: 'staging' }]],
  ['TASK_STARTING', [{ meaning: 'starting' }]],
  ['TASK_RUNNING', [{ meaning: 'running' }]],
  ['TASK_KILLING', [{ meaning: 'killing' }]],
  ['TASK_FINISHED', [ITS_OWN_STATUS_FOLLOWS, { meaning: 'finished' }]],
  ['TASK_FAILED', FAILED],
  ['TASK_KILLED', KILLED],
  ['TASK_ERROR', ERROR],
  ['TASK_DROPPED', DROPPED],
  ['TASK_LOST', LOST],
  ['TASK_UNREACHABLE', [{ meaning: 'unreachable', word: 'agent-unreachable' }]],
  ['TASK_GONE', GONE],
  ['TASK_GONE_BY_OPERATOR', [{ meaning: 'lost', word: 'agent-gone' }]],
  ['TASK_UNKNOWN', UNKNOWN],
]);

/** A state that is newer than this table: never acted on, so that its meaning is not guessed. */
export const UNHEARD_OF: StatusRow = { meaning: 'nothing', word: 'a state this version does not know' };
