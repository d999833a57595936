import assert from 'node:assert/strict';
import { test } from 'uvu';
import { type DependentFacts, explainDependent } from '../../../../src/api/why/parents-why.ts';
import { explainRun } from '../../../../src/api/why/run-why.ts';
import type { RunRecord } from '../../../../src/engine/records.ts';
import { cluster, type Expected, quarantined, FAILURE_DATA, FAILURE_TEXT, run } from './why-rig.ts';

const parents = [
  { job: 'b', on: 'success' },
  { job: 'c', on: 'completion' },
] as const;

function parent(job: 'b' | 'c', fields?: Partial<RunRecord>) {
  const on = job === 'b' ? 'success' : 'completion';
  return { job, on, run: fields && run({ job, number: 3, flow: 'r#1', ...fields }) } as const;
}

function newest(fields: Partial<RunRecord>): DependentFacts['newest'] {
  const record = run(fields);
  return { run: record, why: explainRun({ run: record, others: [], cluster: cluster() }) };
}

interface Case extends Expected {
  readonly when: string;
  readonly facts: Partial<DependentFacts>;
}

const heardNone = { flow: 'r#1', tokens: undefined };

const CASES: readonly Case[] = [
  {
    when: 'one parent runs and one has no run yet',
    facts: { flows: [{ ...heardNone, parents: [parent('b', { state: 'running' }), parent('c')] }] },
    code: 'waiting-for-parents',
    text: 'a waits in the flow r#1 for b#3 (running) and c (no run yet)',
    data: {
      join: 'flow',
      flows: [
        {
          flow: 'r#1',
          waitingFor: [
            { job: 'b', on: 'success', run: 3, state: 'running' },
            { job: 'c', on: 'completion' },
          ],
          waitingForCount: 2,
        },
      ],
    },
  },
  {
    when: 'one parent has spoken',
    facts: {
      flows: [
        { flow: 'r#1', tokens: { spoken: 1, of: 2 }, parents: [parent('b', { state: 'succeeded' }), parent('c', { state: 'backoff' })] },
      ],
    },
    code: 'waiting-for-parents',
    text: 'a waits in the flow r#1 for c#3 (backoff)',
  },
  {
    when: 'a parent without a run takes no part in the flow',
    facts: { flows: [{ flow: 'r#1', tokens: { spoken: 0, of: 1 }, parents: [parent('b', { state: 'running' }), parent('c')] }] },
    code: 'waiting-for-parents',
    text: 'a waits in the flow r#1 for b#3 (running)',
  },
  {
    when: 'a parent is over and its token on the way',
    facts: { flows: [{ ...heardNone, parents: [parent('b', { state: 'succeeded', handover: '' })] }] },
    code: 'waiting-for-parents',
    text: 'a waits in the flow r#1 for b#3 (about to be heard)',
  },
  {
    when: 'its own run is open, and a later flow waits',
    facts: {
      newest: newest({ state: 'queued' }),
      flows: [{ ...heardNone, parents: [parent('b', { state: 'running' })] }],
    },
    code: 'queued',
    text: 'a#5 waits for its turn',
    data: { run: 5 },
  },
  {
    when: 'no flow waits and it never ran',
    facts: {},
    code: 'idle',
    text: 'a runs after b and c; no flow waits for it now; it has no run',
    data: { parents },
  },
  {
    when: 'no flow waits and its last run was skipped',
    facts: { newest: newest({ state: 'skipped', reason: { code: 'upstream', text: 'b did not succeed' } }) },
    code: 'idle',
    text: 'a runs after b and c; no flow waits for it now; its last run: a#5 was skipped: b did not succeed',
    data: { run: 5 },
  },
  {
    when: 'it joins the latest and one parent was heard',
    facts: { join: 'latest', latest: { b: { run: 3, outcome: 'succeeded' } } },
    code: 'waiting-for-parents',
    text: 'a joins the latest: since its last run it has not heard from c (completion)',
    data: { join: 'latest', waitingFor: [parents[1]], heard: { b: { run: 3, outcome: 'succeeded' } } },
  },
  {
    when: 'it joins the latest and none was heard',
    facts: { join: 'latest' },
    code: 'idle',
    text: 'a runs after b and c; no flow waits for it now; it has no run',
  },
  {
    when: 'the engine failed on it',
    facts: { flows: [{ ...heardNone, parents: [parent('b')] }], cluster: cluster({ quarantine: { a: quarantined } }) },
    code: 'waiting-for-parents',
    text: `a waits in the flow ${heardNone.flow} for b (no run yet); ${FAILURE_TEXT}`,
    data: { quarantine: FAILURE_DATA },
  },
  {
    when: 'a parent owes it its word',
    facts: {
      flows: [
        {
          ...heardNone,
          tokens: undefined,
          parents: [{ job: 'b', on: 'success', run: run({ job: 'b', state: 'succeeded', owed: ['a'] }) }],
        },
      ],
    },
    code: 'waiting-for-parents',
    text: `a waits in the flow ${heardNone.flow} for b#5 (about to be heard)`,
  },
  {
    when: 'it is run by hand only',
    facts: { parents: [], newest: newest({ state: 'succeeded' }) },
    code: 'on-request',
    text: 'a has neither a schedule nor parents: it runs on request only; its last run: a#5 succeeded',
  },
];

for (const { when, facts, ...expected } of CASES) {
  test(`a job without a schedule is explained when ${when}`, () => {
    const base = { job: 'a', join: 'flow', parents, flows: [], latest: {}, newest: undefined, cluster: cluster() } as const;
    const { code, text, data } = explainDependent({ ...base, ...facts });
    assert.equal(code, expected.code);
    assert.equal(text, expected.text);
    for (const [name, value] of Object.entries(expected.data ?? {})) assert.deepEqual(data[name], value, name);
  });
}

test('of ten thousand parents the first are named and all are counted', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => ({ job: `p${index}`, on: 'success', run: undefined }) as const);
  const flows = [{ ...heardNone, parents: many }];
  const { text, data } = explainDependent({
    job: 'a',
    join: 'flow',
    parents: many,
    flows,
    latest: {},
    newest: undefined,
    cluster: cluster(),
  });
  assert.match(text, /p8 \(no run yet\), p9 \(no run yet\) and 9990 more$/);
  const [flow] = data['flows'] as readonly { waitingFor: unknown[]; waitingForCount: number }[];
  assert.deepEqual([flow?.waitingFor.length, flow?.waitingForCount], [100, 10_000]);
});

test.run();
