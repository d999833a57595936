import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { RECORD_LENGTH } from '../../../src/engine/limits.ts';
import { runLength, stateLength } from '../../../src/engine/record-size.ts';
import type { JobState, RunRecord } from '../../../src/engine/records.ts';
import { attempt, run } from '../api/why/why-rig.ts';

const test = suite('record size');

const longest = (prefix: string): string => prefix.padEnd(128, 'x');
const lengthOf = (record: RunRecord | JobState): number => JSON.stringify(record).length;

test('a run’s record is not much longer than it is taken to be', () => {
  const reason = { code: 'exit', text: `exited with code 1: ${'x'.repeat(501)}`, data: { state: 'failed', exitCode: 1 } } as const;
  const failed = attempt({
    taskId: `${longest('a')}.1000.100`,
    state: 'failed',
    exitCode: 1,
    fault: 'task',
    reason,
    startedAt: 1,
    endedAt: 2,
  });
  const spec = { name: longest('a'), task: { command: 'true', env: { A: 'x'.repeat(60_000) } } };
  for (const attempts of [[], [failed], Array.from({ length: 40 }, () => failed)]) {
    const record = run({ job: longest('a'), flow: `${longest('b')}#1000`, spec, attempts });
    assert.ok(runLength(record) > 0.9 * lengthOf(record), `${runLength(record)} for ${lengthOf(record)}`);
    assert.ok(runLength(record) < RECORD_LENGTH);
  }
});

test('a job’s state is not much longer than it is taken to be, however many flows wait for whomever', () => {
  const blocked = Array.from({ length: 10 }, (_, index) => longest(`p${index}`));
  const tokens = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [`${longest('root')}#${index}`, { spoken: 10, of: 1_000, blocked }]),
  );
  const latest = Object.fromEntries(blocked.map((name) => [name, { run: 1_000, outcome: 'succeeded' as const }]));
  const totals = { succeeded: 1, failed: 1, killed: 1, skipped: 1, missed: 1 };
  const state: JobState = { uid: 'u', cursor: 1, scheduledSince: 1, lastRun: 1, totals, tokens, latest };
  assert.ok(stateLength(state) > 0.9 * lengthOf(state), `${stateLength(state)} for ${lengthOf(state)}`);
});

test.run();
