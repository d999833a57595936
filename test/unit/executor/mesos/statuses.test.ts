import assert from 'node:assert/strict';
import { test } from 'uvu';
import type { RawStatus } from '../../../../src/executor/mesos/protocol.ts';
import { STATUS_TABLE } from '../../../../src/executor/mesos/status-table.ts';
import { isAnswer, MAX_MESSAGE_CHARS, readStatus } from '../../../../src/executor/mesos/statuses.ts';
import { AGENT, UUID } from './fixtures.ts';

type Case = readonly [state: string, reason: string | undefined, source: string, uuid: 'uuid' | 'none', message: string, expected: string];

const M = 'SOURCE_MASTER';
const A = 'SOURCE_AGENT';
const X = 'SOURCE_EXECUTOR';
const PULL =
  "Failed to launch container: Failed to run 'docker -H unix:///var/run/docker.sock pull acme/etl:1': exited with status 1; stderr=";

/** `<state> <reason word> <exit code> <signal>`, as far as present. Every status that a real master was seen to send is among them. */
const CASES: readonly Case[] = [
  ['TASK_STAGING', 'REASON_RECONCILIATION', M, 'none', 'Reconciliation: Latest task state', 'staging REASON_RECONCILIATION'],
  ['TASK_STARTING', undefined, X, 'uuid', '', 'starting'],
  ['TASK_STARTING', 'REASON_RECONCILIATION', M, 'none', 'Reconciliation: Latest task state', 'starting REASON_RECONCILIATION'],
  ['TASK_RUNNING', undefined, X, 'uuid', '', 'running'],
  ['TASK_RUNNING', 'REASON_RECONCILIATION', M, 'none', 'Reconciliation: Latest task state', 'running REASON_RECONCILIATION'],
  ['TASK_RUNNING', 'REASON_AGENT_REREGISTERED', M, 'none', 'Unreachable agent re-reregistered', 'running REASON_AGENT_REREGISTERED'],
  ['TASK_KILLING', undefined, X, 'uuid', '', 'killing'],
  ['TASK_FINISHED', undefined, X, 'uuid', 'Container exited with status 0', 'finished 0'],
  ['TASK_FINISHED', undefined, X, 'uuid', 'Command exited with status 0', 'finished 0'],
  ['TASK_FINISHED', 'REASON_RECONCILIATION', M, 'none', 'Reconciliation: Latest task state', 'nothing'],
  ['TASK_FINISHED', 'REASON_AGENT_REREGISTERED', M, 'none', 'Unreachable agent re-reregistered', 'nothing'],
  ['TASK_FAILED', 'REASON_AGENT_REREGISTERED', M, 'none', 'Unreachable agent re-reregistered', 'nothing'],
  ['TASK_FAILED', undefined, X, 'uuid', 'Container exited with status 3', 'failed 3'],
  ['TASK_FAILED', undefined, X, 'uuid', 'Command exited with status 3', 'failed 3'],
  ['TASK_FAILED', undefined, X, 'uuid', 'Container exited with status 137', 'failed killed-or-out-of-memory 137 SIGKILL'],
  ['TASK_FAILED', undefined, X, 'uuid', 'Container exited with status 139', 'failed 139 SIGSEGV'],
  ['TASK_FAILED', undefined, X, 'uuid', 'Container exited with status 125', 'failed docker-run-failed 125'],
  ['TASK_FAILED', undefined, X, 'uuid', 'Container exited with status 127', 'failed command-not-found 127'],
  ['TASK_FAILED', undefined, X, 'uuid', 'Command exited with status 137', 'failed 137'],
  ['TASK_FAILED', undefined, X, 'uuid', 'Command terminated with signal Killed', 'failed SIGKILL'],
  ['TASK_FAILED', undefined, X, 'uuid', 'Command terminated with signal Segmentation fault (core dumped)', 'failed SIGSEGV'],
  ['TASK_FAILED', undefined, X, 'uuid', 'Command terminated with signal Real-time signal 3', 'failed Real-time signal 3'],
  [
    'TASK_FAILED',
    undefined,
    X,
    'uuid',
    'Failed to create docker run options: Unable to set hostname with host network mode',
    'rejected invalid-parameters',
  ],
  [
    'TASK_FAILED',
    'REASON_CONTAINER_LAUNCH_FAILED',
    A,
    'uuid',
    `${PULL}'Error response from daemon: Get "https://r/v2/": dial tcp: lookup r on 10.0.0.2:53: no such host\n'`,
    'not-launched registry-unavailable',
  ],
  [
    'TASK_FAILED',
    'REASON_CONTAINER_LAUNCH_FAILED',
    A,
    'uuid',
    `${PULL}'Error response from daemon: toomanyrequests: You have reached your pull rate limit'`,
    'not-launched registry-unavailable',
  ],
  [
    'TASK_FAILED',
    'REASON_CONTAINER_LAUNCH_FAILED',
    A,
    'uuid',
    `${PULL}'Error response from daemon: pull access denied for acme/etl, repository does not exist or may require 'docker login''`,
    'rejected image-missing',
  ],
  [
    'TASK_FAILED',
    'REASON_CONTAINER_LAUNCH_FAILED',
    A,
    'uuid',
    `${PULL}'Error response from daemon: manifest for acme/etl:1 not found: manifest unknown'`,
    'rejected image-missing',
  ],
  [
    'TASK_FAILED',
    'REASON_CONTAINER_LAUNCH_FAILED',
    A,
    'uuid',
    `${PULL}'invalid reference format: repository name (Acme) must be lowercase\n'`,
    'rejected image-invalid',
  ],
  ['TASK_FAILED', 'REASON_CONTAINER_LAUNCH_FAILED', A, 'uuid', `${PULL}'something new'`, 'not-launched image-pull-failed'],
  [
    'TASK_FAILED',
    'REASON_CONTAINER_LAUNCH_FAILED',
    A,
    'uuid',
    `${PULL.replace('acme/etl', 'acme/x509:not found')}'something new'`,
    'not-launched image-pull-failed',
  ],
  [
    'TASK_FAILED',
    'REASON_CONTAINER_LAUNCH_FAILED',
    A,
    'uuid',
    'Failed to launch container: Unsupported container image type: 2',
    'rejected image-unsupported',
  ],
  [
    'TASK_FAILED',
    'REASON_CONTAINER_LAUNCH_FAILED',
    A,
    'uuid',
    "Failed to launch container: Failed to fetch all URIs for container 'c': exited with status 1",
    'not-launched artifact-fetch-failed',
  ],
  [
    'TASK_FAILED',
    'REASON_CONTAINER_LAUNCH_FAILED',
    A,
    'uuid',
    'Failed to launch container: whatever',
    'not-launched container-launch-failed',
  ],
  [
    'TASK_FAILED',
    'REASON_EXECUTOR_REGISTRATION_TIMEOUT',
    A,
    'uuid',
    'Executor did not register within 1mins; Container killed',
    'not-launched executor-registration-timeout',
  ],
  ['TASK_FAILED', 'REASON_EXECUTOR_TERMINATED', A, 'uuid', 'Executor terminated', 'lost executor-terminated'],
  ['TASK_FAILED', 'REASON_EXECUTOR_TERMINATED', A, 'uuid', 'Container terminated', 'lost executor-terminated'],
  ['TASK_FAILED', 'REASON_EXECUTOR_TERMINATED', A, 'uuid', 'Abnormal executor termination: unknown container', 'lost executor-terminated'],
  ['TASK_FAILED', 'REASON_CONTAINER_LIMITATION_MEMORY', A, 'uuid', 'Memory limit exceeded', 'failed out-of-memory oom'],
  ['TASK_FAILED', 'REASON_CONTAINER_LIMITATION_DISK', A, 'uuid', 'Disk usage exceeds quota', 'failed resource-limit'],
  [
    'TASK_FAILED',
    'REASON_MAX_COMPLETION_TIME_REACHED',
    X,
    'uuid',
    'Container exited with status 137',
    'failed max-completion-time 137 SIGKILL',
  ],
  ['TASK_FAILED', 'REASON_SOMETHING_NEW', A, 'uuid', 'who knows', 'lost REASON_SOMETHING_NEW'],
  ['TASK_KILLED', undefined, X, 'uuid', 'Container exited with status 137', 'killed 137 SIGKILL'],
  ['TASK_KILLED', undefined, X, 'uuid', 'Command terminated with signal Terminated', 'killed SIGTERM'],
  ['TASK_KILLED', undefined, X, 'uuid', 'Container exited with status 0', 'killed 0'],
  ['TASK_KILLED', 'REASON_TASK_KILLED_DURING_LAUNCH', A, 'uuid', 'Killed before delivery to the executor', 'killed killed-during-launch'],
  ['TASK_KILLED', 'REASON_AGENT_DRAINING', X, 'uuid', 'Command terminated with signal Terminated', 'lost agent-draining'],
  ['TASK_ERROR', 'REASON_TASK_INVALID', M, 'none', 'Task has duplicate ID: dup', 'nothing'],
  [
    'TASK_ERROR',
    'REASON_TASK_INVALID',
    M,
    'none',
    'Total resources cpus(allocated: *):1000 required by task and its executor is more than available cpus:4',
    'not-launched offer-invalid',
  ],
  [
    'TASK_ERROR',
    'REASON_TASK_INVALID',
    M,
    'none',
    'Task uses invalid agent a-S1 while agent a-S0 is expected',
    'not-launched offer-invalid',
  ],
  [
    'TASK_ERROR',
    'REASON_TASK_INVALID',
    M,
    'none',
    "Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0",
    'rejected task-invalid',
  ],
  ['TASK_ERROR', 'REASON_TASK_UNAUTHORIZED', M, 'none', 'Not authorized to launch as user', 'rejected unauthorized'],
  [
    'TASK_DROPPED',
    'REASON_INVALID_OFFERS',
    M,
    'none',
    'Task launched with invalid offers: Offer x-O4 is no longer valid',
    'not-launched offer-invalid',
  ],
  ['TASK_DROPPED', 'REASON_RECONCILIATION', A, 'uuid', 'Reconciliation: task unknown to the agent', 'not-launched never-reached-agent'],
  [
    'TASK_DROPPED',
    'REASON_EXECUTOR_TERMINATED',
    A,
    'uuid',
    "Failed to create executor directory 'd': Failed to chown directory to 'x': No such user 'x'",
    'not-launched user-missing',
  ],
  ['TASK_DROPPED', 'REASON_AGENT_DISCONNECTED', M, 'none', 'Agent disconnected', 'not-launched REASON_AGENT_DISCONNECTED'],
  ['TASK_LOST', 'REASON_INVALID_OFFERS', M, 'none', 'Task launched with invalid offers', 'not-launched offer-invalid'],
  ['TASK_LOST', 'REASON_AGENT_DISCONNECTED', M, 'none', 'Agent localhost disconnected', 'unreachable agent-disconnected'],
  ['TASK_LOST', 'REASON_AGENT_REMOVED', M, 'none', 'Agent localhost removed: the agent unregistered', 'unreachable agent-removed'],
  [
    'TASK_LOST',
    'REASON_AGENT_REMOVED',
    M,
    'none',
    'Agent localhost removed: a new agent registered at the same address',
    'unreachable agent-removed',
  ],
  ['TASK_LOST', 'REASON_RECONCILIATION', M, 'none', 'Reconciliation: Task is unknown', 'unreachable REASON_RECONCILIATION'],
  ['TASK_LOST', undefined, A, 'uuid', 'odd', 'lost'],
  ['TASK_UNREACHABLE', 'REASON_AGENT_REMOVED', M, 'none', 'health check timed out', 'unreachable agent-unreachable'],
  ['TASK_UNREACHABLE', 'REASON_RECONCILIATION', M, 'none', 'Reconciliation: Task is unreachable', 'unreachable agent-unreachable'],
  ['TASK_GONE', 'REASON_RECONCILIATION', M, 'none', 'Reconciliation: Task is unknown to the agent', 'unknown unknown-to-agent'],
  ['TASK_GONE', undefined, A, 'uuid', '', 'lost agent-gone'],
  ['TASK_GONE_BY_OPERATOR', 'REASON_AGENT_REMOVED_BY_OPERATOR', M, 'none', 'Agent has been marked gone', 'lost agent-gone'],
  ['TASK_GONE_BY_OPERATOR', 'REASON_RECONCILIATION', M, 'none', 'Reconciliation: Task is gone', 'lost agent-gone'],
  ['TASK_GONE_BY_OPERATOR', 'REASON_AGENT_DRAINING', X, 'uuid', 'Command terminated with signal Terminated', 'lost agent-gone'],
  ['TASK_UNKNOWN', 'REASON_RECONCILIATION', M, 'none', 'Reconciliation: Task is unknown', 'unreachable agent-unknown'],
  ['TASK_OF_THE_FUTURE', undefined, X, 'uuid', '', 'nothing'],
];

function rawOf([state, reason, source, uuid, message]: Case): RawStatus {
  return {
    task_id: { value: 'etl.1.1' },
    state,
    source,
    agent_id: { value: AGENT },
    ...(reason === undefined ? {} : { reason }),
    ...(message === '' ? {} : { message }),
    ...(uuid === 'uuid' ? { uuid: UUID } : {}),
  };
}

function told(raw: RawStatus): string {
  const reading = readStatus(raw);
  if (reading.kind === 'nothing') return 'nothing';
  const { state, reason, exitCode, signal, outOfMemory } = reading.status;
  return [state, reason, exitCode, signal, outOfMemory ? 'oom' : undefined].filter((part) => part !== undefined).join(' ');
}

for (const each of CASES) {
  const [state, reason, source, , message, expected] = each;
  test(`${state} ${reason ?? 'without a reason'} of ${source} (${message.slice(-60).trim()}) means '${expected}'`, () => {
    assert.equal(told(rawOf(each)), expected);
  });
}

test('a status that has a uuid hands it on to be acknowledged, one that has none does not', () => {
  for (const each of CASES) {
    const reading = readStatus(rawOf(each));
    if (reading.kind === 'status') assert.equal(reading.status.ack, each[3] === 'uuid' ? UUID : undefined, each[0]);
  }
});

test('no status that must be acknowledged is passed over, or its task would be stuck', () => {
  const known = CASES.filter(([state]) => STATUS_TABLE.has(state));
  for (const each of known) if (each[3] === 'uuid') assert.equal(readStatus(rawOf(each)).kind, 'status', `${each[0]} ${each[4]}`);
});

test('the table is total: every state has a last row that fits whatever comes', () => {
  for (const [state, rows] of STATUS_TABLE) {
    const last = rows.at(-1)!;
    const conditions = [last.reason, last.source, last.message, last.hasUuid, last.hasAgent].filter((each) => each !== undefined);
    assert.equal(conditions.length, 0, state);
  }
});

test('every row of the table is reached by some status', () => {
  const reached = new Set<object>();
  for (const each of CASES) {
    const raw = rawOf(each);
    for (const withAgent of [raw, { ...raw, agent_id: undefined } as unknown as RawStatus]) {
      const row = STATUS_TABLE.get(raw.state)?.find((candidate) => readsAs(candidate, withAgent));
      if (row !== undefined) reached.add(row);
    }
  }
  for (const [state, rows] of STATUS_TABLE) {
    const missed = rows.filter((row) => !reached.has(row) && !SEEN_ELSEWHERE.has(`${state} ${row.word}`));
    assert.deepEqual(missed, [], state);
  }
});

/** Rows that no master was seen to use. */
const SEEN_ELSEWHERE = new Set([
  'TASK_FAILED container-preempted',
  'TASK_FAILED agent-draining',
  'TASK_KILLED its own status follows',
  'TASK_DROPPED its own status follows',
]);

function readsAs(row: NonNullable<ReturnType<typeof STATUS_TABLE.get>>[number], raw: RawStatus): boolean {
  return (
    (row.reason === undefined || row.reason.includes(raw.reason ?? '')) &&
    (row.source === undefined || row.source === raw.source) &&
    (row.message === undefined || row.message.test(raw.message ?? '')) &&
    (row.hasUuid === undefined || row.hasUuid === (raw.uuid !== undefined)) &&
    (row.hasAgent === undefined || row.hasAgent === (raw.agent_id !== undefined))
  );
}

test('TASK_UNKNOWN without an agent says nothing and answers nothing', () => {
  const raw: RawStatus = { task_id: { value: 't' }, state: 'TASK_UNKNOWN', source: M, reason: 'REASON_RECONCILIATION' };
  assert.equal(readStatus(raw).kind, 'nothing');
  assert.equal(isAnswer(raw), false);
});

test('time, agent and a bounded message are handed on; data is not', () => {
  const raw = { ...rawOf(CASES[1]!), timestamp: 1795339394.934974, message: 'x'.repeat(5_000), data: 'W10=' };
  const reading = readStatus(raw);
  assert.deepEqual(reading, {
    kind: 'status',
    status: {
      taskId: 'etl.1.1',
      state: 'starting',
      agentId: AGENT,
      at: 1795339394935,
      message: 'x'.repeat(MAX_MESSAGE_CHARS),
      ack: UUID,
    },
  });
});

test.run();
