import assert from 'node:assert/strict';
import { test } from 'uvu';
import { defaultTime, explainNominal, type NominalFacts } from '../../../../src/api/why/nominal-why.ts';
import { explainRun } from '../../../../src/api/why/run-why.ts';
import type { JobState, RunRecord, Verdict } from '../../../../src/engine/records.ts';
import type { JobRecord } from '../../../../src/job/job.ts';
import type { JobSpec } from '../../../../src/job/spec.ts';
import { compileSchedule } from '../../../../src/schedule/compile-schedule.ts';
import { job } from '../../../support/api-rig.ts';
import { at, cluster, type Expected, quarantined, FAILURE_DATA, FAILURE_TEXT, NOW, run } from './why-rig.ts';

/** Every day at 3; set on the first of March; now is noon on the tenth. */
const SCHEDULE = '0 3 * * *';
const SET = at('2026-03-01T00:00:00Z');
const TODAY = at('2026-03-10T03:00:00Z');
const TODAY_TEXT = '2026-03-10T03:00:00.000Z';
const schedule = compileSchedule({ text: SCHEDULE, seed: 'a', anchor: SET });

function record(fields: Partial<JobRecord<JobSpec>> = {}): JobRecord<JobSpec> {
  const spec = job('a', { schedule: SCHEDULE });
  return { spec, version: 1, uid: 'u', createdAt: SET, updatedAt: SET, scheduledSince: SET, writeId: 'w', ...fields };
}

function state(cursor: number): JobState {
  const totals = { succeeded: 0, failed: 0, killed: 0, skipped: 0, missed: 0 };
  return { uid: 'u', cursor, scheduledSince: SET, lastRun: 5, totals };
}

function verdict(fields: Partial<Verdict>): Verdict {
  return {
    from: TODAY,
    to: TODAY,
    count: 1,
    verdict: 'missed',
    decidedAt: TODAY + 10,
    reason: { code: 'deadline', text: 'too late' },
    ...fields,
  };
}

interface Case extends Expected {
  readonly when: string;
  readonly facts: Partial<Omit<NominalFacts, 'runs'>> & { readonly runs?: readonly Partial<RunRecord>[] };
}

const undecided = { state: state(TODAY - 1) };
const suspension = { from: at('2026-03-09T00:00:00Z'), by: 'ann' };
const backfill = { type: 'schedule', scheduledFor: TODAY, backfill: 'B1' } as const;
const running = { state: 'running', number: 5 } as const;

const CASES: readonly Case[] = [
  {
    when: 'it became a run',
    facts: { runs: [running, { number: 6, state: 'queued', trigger: backfill }] },
    code: 'launched',
    text: `${TODAY_TEXT} became a#5: a#5 is running since ${TODAY_TEXT}`,
    data: { run: 5, state: 'running', backfillRuns: [6] },
  },
  {
    when: 'it became a run that was never launched',
    facts: { runs: [{ state: 'missed', endedAt: TODAY, reason: { code: 'deadline', text: 'no offer came' } }] },
    code: 'missed',
    text: `${TODAY_TEXT} became a#5: a#5 was missed at ${TODAY_TEXT}: no offer came`,
    data: { run: 5, state: 'missed' },
  },
  {
    when: 'only a backfill ran it',
    facts: { runs: [{ number: 6, state: 'queued', trigger: backfill }] },
    code: 'launched',
    text: `${TODAY_TEXT} became a#6, by the backfill B1: a#6 waits for its turn`,
    data: { run: 6, backfill: 'B1' },
  },
  {
    when: 'it was missed and a backfill ran it later',
    facts: {
      runs: [{ number: 6, state: 'succeeded', trigger: backfill }],
      verdicts: [verdict({ reason: { code: 'no-leader', text: 'no leader could decide', data: { from: TODAY - 1_000, to: TODAY } } })],
    },
    code: 'missed',
    text: `${TODAY_TEXT} was missed: no leader could decide; a backfill ran it later`,
    data: {
      reason: { code: 'no-leader', text: 'no leader could decide', data: { from: '2026-03-10T02:59:59.000Z', to: TODAY_TEXT } },
      range: { from: TODAY_TEXT, to: TODAY_TEXT, count: 1 },
      backfillRuns: [6],
    },
  },
  {
    when: 'another run was in the way',
    facts: { verdicts: [verdict({ verdict: 'skipped', reason: { code: 'overlap', text: 'a#4 was still running', data: { run: 4 } } })] },
    code: 'skipped',
    text: `${TODAY_TEXT} was skipped: a#4 was still running`,
    data: { reason: { code: 'overlap', text: 'a#4 was still running', data: { run: 4 } } },
  },
  {
    when: 'it lies in a range of verdicts',
    facts: {
      at: at('2026-03-05T03:00:00Z'),
      verdicts: [
        verdict({
          from: at('2026-03-02T03:00:00Z'),
          to: TODAY,
          verdict: 'suspended',
          reason: { code: 'suspended', text: 'suspended by ann' },
        }),
      ],
    },
    code: 'suspended',
    text: '2026-03-05T03:00:00.000Z fell into a suspension: suspended by ann',
  },
  {
    when: 'it lies in a range of verdicts but is no nominal time',
    facts: { at: at('2026-03-05T04:00:00Z'), verdicts: [verdict({ from: at('2026-03-02T03:00:00Z') })] },
    code: 'not-nominal',
    text: '2026-03-05T04:00:00.000Z is not a nominal time of 0 3 * * *; the nearest are before: 2026-03-05T03:00:00.000Z, after: 2026-03-06T03:00:00.000Z',
    data: { before: '2026-03-05T03:00:00.000Z', after: '2026-03-06T03:00:00.000Z' },
  },
  {
    when: 'nothing named is before it',
    facts: { at: SET },
    code: 'not-nominal',
    text: '2026-03-01T00:00:00.000Z is not a nominal time of 0 3 * * *; the nearest are none before, after: 2026-03-01T03:00:00.000Z',
  },
  {
    when: 'an earlier schedule named it and its verdict is kept',
    facts: { at: at('2026-02-01T04:30:00Z'), verdicts: [verdict({ from: at('2026-02-01T04:30:00Z'), to: at('2026-02-01T04:30:00Z') })] },
    code: 'missed',
    text: '2026-02-01T04:30:00.000Z was missed: too late',
  },
  {
    when: 'it is before the schedule was set',
    facts: { at: at('2026-02-01T03:00:00Z') },
    code: 'before-schedule',
    text:
      '2026-02-01T03:00:00.000Z is before the present schedule was set, at 2026-03-01T00:00:00.000Z; ' +
      'nothing is known of it any more, or it never was a nominal time',
    data: { since: '2026-03-01T00:00:00.000Z', nearest: TODAY_TEXT },
  },
  {
    when: 'what became of it is not kept',
    facts: {},
    code: 'forgotten',
    text: `${TODAY_TEXT} was decided, but its run or verdict is not kept any more`,
  },
  {
    when: 'it is still to come',
    facts: { at: at('2026-03-11T03:00:00Z') },
    code: 'future',
    text: '2026-03-11T03:00:00.000Z is in the future: due in 54000 s',
    data: { dueInMs: 54_000_000 },
  },
  {
    when: 'it is still to come and the job is suspended',
    facts: { at: at('2026-03-11T03:00:00Z'), record: record({ suspension }) },
    code: 'future',
    text:
      '2026-03-11T03:00:00.000Z is in the future: due in 54000 s; ' +
      'as it is now it will be recorded as suspended, since a was suspended by ann at 2026-03-09T00:00:00.000Z',
  },
  {
    when: 'the job is suspended',
    facts: { ...undecided, record: record({ suspension }) },
    code: 'suspended',
    text: `${TODAY_TEXT} fell into a suspension: a was suspended by ann at 2026-03-09T00:00:00.000Z`,
    data: { scope: 'job', by: 'ann', from: '2026-03-09T00:00:00.000Z' },
  },
  {
    when: 'the whole cluster was suspended then, and that is not recorded yet',
    facts: { ...undecided, cluster: cluster({ suspension: { ...suspension, to: NOW } }) },
    code: 'suspended',
    text: `${TODAY_TEXT} fell into a suspension: the whole cluster was suspended by ann at 2026-03-09T00:00:00.000Z and resumed at 2026-03-10T12:00:00.000Z`,
    data: { scope: 'cluster' },
  },
  {
    when: 'a suspension had ended before it',
    facts: { ...undecided, cluster: cluster({ suspension: { ...suspension, to: TODAY } }) },
    code: 'undecided',
    text: `${TODAY_TEXT} came 32400000 ms ago, and the leader, n1, has not decided it yet`,
    data: { leader: 'n1', dueSinceMs: 32_400_000 },
  },
  {
    when: 'no node leads',
    facts: { ...undecided, cluster: cluster({ leader: undefined, leaderlessSince: TODAY - 1_000 }) },
    code: 'no-leader',
    text:
      `${TODAY_TEXT} has come, but no node leads since 2026-03-10T02:59:59.000Z; ` +
      'what becomes of it is decided when one does (catchUp is last)',
    data: { leaderlessSince: '2026-03-10T02:59:59.000Z', catchUp: 'last', dueSinceMs: 32_400_000 },
  },
  {
    when: 'the engine failed on the job',
    facts: { ...undecided, cluster: cluster({ quarantine: { a: quarantined } }) },
    code: 'undecided',
    text: `${TODAY_TEXT} came 32400000 ms ago, and the leader, n1, has not decided it yet; ${FAILURE_TEXT}`,
    data: { quarantine: FAILURE_DATA },
  },
  {
    when: 'nothing is known of the job yet',
    facts: { state: undefined },
    code: 'undecided',
    text: `${TODAY_TEXT} came 32400000 ms ago, and the leader, n1, has not decided it yet`,
  },
];

for (const { when, facts, ...expected } of CASES) {
  test(`a nominal time is explained when ${when}`, () => {
    const whole = cluster();
    const { code, text, data } = explainNominal({
      ...{ at: TODAY, record: record(), schedule, state: state(TODAY), verdicts: [], cluster: whole },
      ...{ explainRun: (of: RunRecord) => explainRun({ run: of, others: [], cluster: whole }) },
      ...facts,
      runs: (facts.runs ?? []).map((fields) => run(fields)),
    });
    assert.equal(code, expected.code);
    assert.equal(text, expected.text);
    for (const [name, value] of Object.entries(expected.data ?? {})) assert.deepEqual(data[name], value, name);
  });
}

test('without a time the latest nominal time is meant, or the first to come', () => {
  assert.equal(defaultTime(record(), schedule, NOW), TODAY);
  assert.equal(defaultTime(record(), schedule, TODAY), TODAY);
  assert.equal(defaultTime(record({ scheduledSince: TODAY + 1 }), schedule, NOW), at('2026-03-11T03:00:00Z'));
  assert.equal(defaultTime(record({ scheduledSince: SET }), schedule, SET), at('2026-03-01T03:00:00Z'));
  const never = compileSchedule({ text: 'R0/2026-01-01T00:00:00Z/P1D', seed: 'a', anchor: SET });
  assert.equal(defaultTime(record(), never, NOW), undefined);
});

test.run();
