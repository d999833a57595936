import assert from 'node:assert/strict';
import { test } from 'uvu';
import type { ClusterFacts } from '../../../../src/api/why/explanation.ts';
import { explainRun } from '../../../../src/api/why/run-why.ts';
import { shapeKey } from '../../../../src/engine/pending-queue.ts';
import type { RunRecord, WaitingRecord } from '../../../../src/engine/records.ts';
import { resolveSpec } from '../../../../src/job/resolve-job.ts';
import { job } from '../../../support/api-rig.ts';
import { at, attempt, cluster, type Expected, quarantined, FAILURE_DATA, FAILURE_TEXT, NOW, run } from './why-rig.ts';

interface Case extends Expected {
  readonly when: string;
  readonly run: Partial<RunRecord>;
  readonly others?: readonly Partial<RunRecord>[];
  readonly cluster?: Partial<ClusterFacts>;
}

const SINCE = at('2026-03-10T03:00:00Z');
const SINCE_TEXT = '2026-03-10T03:00:00.000Z';
const large = job('a', { task: { command: ['true'], cpus: 4 }, constraints: [['rack', 'LIKE', 'r1']] });
const exit = { code: 'exit', text: 'exit code 3', data: { exitCode: 3 } } as const;

function waiting(shortage: boolean, spec = large): WaitingRecord {
  const lacks = [
    { what: 'cpus', wanted: 4, offered: 1.5 },
    { what: 'constraint', constraint: ['rack', 'LIKE', 'r1'] },
  ] as const;
  const found = { at: SINCE + 5_000, offers: 3, nearest: { agentId: 'g1', hostname: 'h1', lacks } };
  const shape = { key: shapeKey(resolveSpec(spec)), since: SINCE, runs: 2, ...(shortage ? { shortage: found } : {}) };
  return { at: SINCE + 5_000, executor: 'ready', shapes: [{ key: 'other', since: 0, runs: 1 }, shape] };
}

/** The same, with an agent kept for it. */
function keptFor(): WaitingRecord {
  const known = waiting(true);
  const reserved = { agentId: 'g1', hostname: 'h1', until: SINCE + 600_000 };
  return { ...known, shapes: known.shapes.map((shape) => (shape.key === 'other' ? shape : { ...shape, reserved })) };
}

const WAITS = `a#5 waits for an offer since ${SINCE_TEXT}`;
const pending = { state: 'pending', pendingSince: SINCE, spec: large } as const;

const CASES: readonly Case[] = [
  {
    when: 'the leader has no executor',
    run: pending,
    cluster: { waiting: { at: SINCE, executor: 'disconnected', shapes: [] } },
    code: 'waiting-for-offer',
    text: `${WAITS}; the leader has no connection to the executor`,
    data: { because: 'no-executor', since: SINCE_TEXT },
  },
  {
    when: 'the leader still asks what is alive',
    run: pending,
    cluster: { waiting: { at: SINCE, executor: 'reconciling', shapes: [] } },
    code: 'waiting-for-offer',
    text: `${WAITS}; the leader is asking the executor about the tasks that should be alive, and launches nothing before it knows`,
    data: { because: 'reconciling', since: SINCE_TEXT },
  },
  {
    when: 'an agent is kept for it',
    run: pending,
    cluster: { waiting: keptFor() },
    code: 'waiting-for-offer',
    text: `${WAITS}; the nearest of 3 offers, of h1, lacked cpus (4 wanted, 1.5 offered) and the constraint rack LIKE r1; h1 is kept for it until 2026-03-10T03:10:00.000Z at most`,
    data: {
      ...{ because: 'shortage', since: SINCE_TEXT, runsAlike: 2 },
      shortage: { at: '2026-03-10T03:00:05.000Z', offers: 3, nearest: waiting(true).shapes[1]?.shortage?.nearest },
      reserved: { agentId: 'g1', hostname: 'h1', until: '2026-03-10T03:10:00.000Z' },
    },
  },
  {
    when: 'an offer came near',
    run: pending,
    cluster: { waiting: waiting(true) },
    code: 'waiting-for-offer',
    text: `${WAITS}; the nearest of 3 offers, of h1, lacked cpus (4 wanted, 1.5 offered) and the constraint rack LIKE r1`,
    data: {
      ...{ because: 'shortage', since: SINCE_TEXT, runsAlike: 2 },
      shortage: { at: '2026-03-10T03:00:05.000Z', offers: 3, nearest: waiting(true).shapes[1]?.shortage?.nearest },
    },
  },
  {
    when: 'no offer came',
    run: { ...pending, deadline: at('2026-03-10T13:00:00Z') },
    cluster: { waiting: waiting(false) },
    code: 'waiting-for-offer',
    text: `${WAITS}; no offer came; it is missed if it is not launched by 2026-03-10T13:00:00.000Z`,
    data: { because: 'no-offers', deadline: '2026-03-10T13:00:00.000Z' },
  },
  {
    when: 'only runs of other shapes are written down',
    run: pending,
    cluster: { waiting: waiting(true, job('a')) },
    code: 'waiting-for-offer',
    text: `${WAITS}; nothing is known yet of offers that did not fit`,
    data: { because: 'unknown' },
  },
  {
    when: 'no executor was ever connected',
    run: pending,
    cluster: { executor: undefined },
    code: 'waiting-for-offer',
    text: `${WAITS}; no executor has ever been connected`,
    data: { because: 'no-executor' },
  },
  {
    when: 'no node leads, and it was seen going',
    run: pending,
    cluster: { leader: undefined, leaderlessSince: SINCE, waiting: waiting(true) },
    code: 'no-leader',
    text: `${WAITS}, but no node leads since ${SINCE_TEXT}`,
    data: { leaderlessSince: SINCE_TEXT },
  },
  {
    when: 'no node leads, since when is not known',
    run: pending,
    cluster: { leader: undefined },
    code: 'no-leader',
    text: `${WAITS}, but no node leads`,
  },
  {
    when: 'the whole cluster is suspended',
    run: pending,
    cluster: { suspension: { from: SINCE, by: 'ann' }, waiting: waiting(true) },
    code: 'suspended',
    text: `${WAITS}, but the whole cluster was suspended by ann at ${SINCE_TEXT}`,
    data: { scope: 'cluster', by: 'ann', from: SINCE_TEXT },
  },
  {
    when: 'the whole cluster was suspended once',
    run: pending,
    cluster: { suspension: { from: SINCE, to: SINCE + 1, by: 'ann' }, waiting: waiting(false) },
    code: 'waiting-for-offer',
    text: `${WAITS}; no offer came`,
  },
  {
    when: 'the engine failed on its job',
    run: pending,
    cluster: { waiting: waiting(false), quarantine: { a: quarantined } },
    code: 'waiting-for-offer',
    text: `${WAITS}; no offer came; ${FAILURE_TEXT}`,
    data: { quarantine: FAILURE_DATA },
  },
  {
    when: 'its job was let go again, or another one was not',
    run: pending,
    cluster: { waiting: waiting(false), quarantine: { a: { ...quarantined, until: NOW }, b: quarantined } },
    code: 'waiting-for-offer',
    text: `${WAITS}; no offer came`,
  },
  {
    when: 'queued behind a run and another queued one',
    run: { state: 'queued' },
    others: [
      { number: 3, state: 'running' },
      { number: 4, state: 'queued' },
      { number: 6, state: 'queued' },
    ],
    code: 'queued',
    text: 'a#5 waits for a#3 (running) to end; before it in the queue: 1',
    data: { behind: [{ run: 3, state: 'running' }], queuedBefore: 1, since: SINCE_TEXT },
  },
  {
    when: 'queued among what was caught up and goes first, as the newest that replaces',
    run: { state: 'queued', deadline: SINCE + 1 },
    others: [
      { number: 3, state: 'queued' },
      { number: 4, state: 'queued' },
      { number: 6, state: 'queued' },
      { number: 7, state: 'killing' },
    ],
    code: 'queued',
    text: 'a#5 waits for a#7 (killing) to end; before it in the queue: 2; it is missed if it is not launched by 2026-03-10T03:00:00.001Z',
  },
  {
    when: 'queued by a backfill, after what is on schedule',
    run: { state: 'queued', trigger: { type: 'schedule', scheduledFor: 1, backfill: 'B' } },
    others: [
      { number: 4, state: 'queued', trigger: { type: 'schedule', scheduledFor: 0, backfill: 'B' } },
      { number: 6, state: 'queued' },
      { number: 7, state: 'queued', trigger: { type: 'schedule', scheduledFor: 2, backfill: 'B' } },
    ],
    code: 'queued',
    text: 'a#5 waits for its turn; before it in the queue: 2',
  },
  {
    when: 'queued while no node leads',
    run: { state: 'queued' },
    others: [{ number: 3, state: 'running' }],
    cluster: { leader: undefined },
    code: 'queued',
    text: 'a#5 waits for a#3 (running) to end; and no node leads',
    data: { heldBy: { code: 'no-leader' } },
  },
  {
    when: 'in backoff',
    run: { state: 'backoff', notBefore: at('2026-03-10T12:01:00Z'), attempts: [attempt({ exitCode: 3, reason: exit })] },
    code: 'backoff',
    text: 'a#5: attempt 1 failed (exit code 3); the next one may start at 2026-03-10T12:01:00.000Z',
    data: { until: '2026-03-10T12:01:00.000Z', attempt: { number: 1, taskId: 'a.5.1', hostname: 'h1', exitCode: 3, reason: exit } },
  },
  {
    when: 'in backoff while all is suspended',
    run: { state: 'backoff', notBefore: SINCE, attempts: [attempt()] },
    cluster: { suspension: { from: SINCE, by: 'ann' } },
    code: 'backoff',
    text: `a#5: attempt 1 failed; the next one may start at ${SINCE_TEXT}; and the whole cluster was suspended by ann at ${SINCE_TEXT}`,
  },
  {
    when: 'launching',
    run: { state: 'launching', attempts: [attempt()] },
    code: 'launching',
    text: 'a#5 was sent to be launched on h1 at 2026-03-10T03:00:01.000Z; it is not known to have begun',
    data: { since: '2026-03-10T03:00:01.000Z', attempt: { number: 1, taskId: 'a.5.1', hostname: 'h1' } },
  },
  {
    when: 'running',
    run: { state: 'running', attempts: [attempt({ startedAt: at('2026-03-10T03:00:02Z') })] },
    code: 'running',
    text: 'a#5 is running on h1 since 2026-03-10T03:00:02.000Z',
    data: { since: '2026-03-10T03:00:02.000Z' },
  },
  {
    when: 'running on an agent that is cut off',
    run: { state: 'running', attempts: [attempt({ startedAt: SINCE, unreachableSince: SINCE + 1_000 })] },
    code: 'running',
    text: `a#5 is running on h1 since ${SINCE_TEXT}; its agent is cut off since 2026-03-10T03:00:01.000Z`,
  },
  {
    when: 'killing',
    run: {
      state: 'killing',
      attempts: [attempt()],
      kill: { at: SINCE, reason: { code: 'kill-request', text: 'killed by ann', data: { by: 'ann' } } },
    },
    code: 'killing',
    text: `a#5 was told to end at ${SINCE_TEXT}: killed by ann; its task is not over yet`,
    data: { kill: { at: SINCE_TEXT, reason: { code: 'kill-request', text: 'killed by ann', data: { by: 'ann' } } } },
  },
  {
    when: 'succeeded',
    run: { state: 'succeeded', endedAt: SINCE, attempts: [attempt({ exitCode: 0 })] },
    code: 'succeeded',
    text: `a#5 succeeded at ${SINCE_TEXT}`,
    data: { at: SINCE_TEXT },
  },
  {
    when: 'failed',
    run: { state: 'failed', endedAt: SINCE, attempts: [attempt({ exitCode: 3, reason: exit })], reason: exit },
    code: 'failed',
    text: `a#5 failed at ${SINCE_TEXT}: exit code 3`,
    data: { reason: exit },
  },
  {
    when: 'skipped for an upstream',
    run: { state: 'skipped', endedAt: SINCE, reason: { code: 'upstream', text: 'b did not succeed', data: { jobs: ['b'] } } },
    code: 'skipped',
    text: `a#5 was skipped at ${SINCE_TEXT}: b did not succeed`,
    data: { reason: { code: 'upstream', text: 'b did not succeed', data: { jobs: ['b'] } } },
  },
  {
    when: 'missed for its deadline',
    run: { state: 'missed', endedAt: SINCE, reason: { code: 'deadline', text: 'too late', data: { deadline: SINCE } } },
    code: 'missed',
    text: `a#5 was missed at ${SINCE_TEXT}: too late`,
    data: { reason: { code: 'deadline', text: 'too late', data: { deadline: SINCE_TEXT } } },
  },
  {
    when: 'killed',
    run: { state: 'killed', endedAt: SINCE },
    code: 'killed',
    text: `a#5 was killed at ${SINCE_TEXT}`,
  },
];

for (const line of CASES) {
  test(`a run explains itself when ${line.when}`, () => {
    const others = (line.others ?? []).map((fields) => run(fields));
    const facts = { run: run(line.run), others, cluster: cluster(line.cluster) };
    const { code, text, data } = explainRun(facts);
    assert.equal(code, line.code);
    assert.equal(text, line.text);
    for (const [name, value] of Object.entries(line.data ?? {})) assert.deepEqual(data[name], value, name);
  });
}

test('a job that has the name of something every object has is in nobody’s quarantine', () => {
  const { data } = explainRun({ run: run({ job: 'constructor', state: 'backoff' }), others: [], cluster: cluster() });
  assert.equal('quarantine' in data, false);
});

test.run();
