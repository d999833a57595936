import assert from 'node:assert/strict';
import fc from 'fast-check';
import { suite } from 'uvu';
import { RECORD_LENGTH } from '../../../src/engine/limits.ts';
import { launchedLength, runLength, stateLength } from '../../../src/engine/record-size.ts';
import type { Attempt, JobState, RunRecord } from '../../../src/engine/records.ts';
import { attempt, run } from '../api/why/why-rig.ts';

const test = suite('record size');

const longest = (prefix: string): string => prefix.padEnd(128, 'x');
const lengthOf = (record: RunRecord | JobState): number => Buffer.byteLength(JSON.stringify(record));

test('a run’s record is no longer than it is taken to be', () => {
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
    assert.ok(runLength(record) >= lengthOf(record), `${runLength(record)} for ${lengthOf(record)}`);
    assert.ok(runLength(record) < RECORD_LENGTH);
  }
});

test('a job’s state is no longer than it is taken to be, however many flows wait for whomever', () => {
  const blocked = Array.from({ length: 10 }, (_, index) => longest(`p${index}`));
  const tokens = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [`${longest('root')}#${index}`, { spoken: 10, of: 1_000, blocked }]),
  );
  const latest = Object.fromEntries(blocked.map((name) => [name, { run: 1_000, outcome: 'succeeded' as const }]));
  const totals = { succeeded: 1, failed: 1, killed: 1, skipped: 1, missed: 1 };
  const backfills = Object.fromEntries(
    Array.from({ length: 100 }, (_, index) => [`01JNATEST0000000000000${1000 + index}`, { cursor: 1e12, to: 1e12, limit: 1_000 }]),
  );
  const known = { tokens, latest, backfills };
  const verdict = { from: 1e12, to: 1e12, verdict: 'missed', reason: { code: 'edited', text: '失'.repeat(500) }, decidedAt: 1e12 } as const;
  const state: JobState = { uid: 'u', cursor: 1, scheduledSince: 1, lastRun: 1, totals, ...known, verdict };
  assert.ok(stateLength(state) >= lengthOf(state), `${stateLength(state)} for ${lengthOf(state)}`);
});

/** In any script, with what JSON escapes. */
const words = fc.string({ unit: 'binary', maxLength: 200 });

const attempts: fc.Arbitrary<Attempt[]> = fc.array(
  fc.record({ hostname: words, text: words, isOver: fc.boolean() }).map(({ hostname, text, isOver }) => {
    const end = isOver
      ? { endedAt: 1e12, exitCode: 1, fault: 'task' as const, reason: { code: 'exit', text, data: { text } } as const }
      : {};
    return attempt({ taskId: `${longest('a')}.1000.100`, hostname, ...end });
  }),
  { maxLength: 8 },
);

test('whatever is said in it, in whatever script, a record is no longer than it is taken to be, nor much shorter', () => {
  const records = fc.record({ by: words, env: words, text: words, attempts, isSettled: fc.boolean() });
  fc.assert(
    fc.property(records, ({ by, env, text, attempts: known, isSettled }) => {
      const reason = { code: 'kill-request', text, data: { by } } as const;
      const record = run({
        ...{ job: longest('a'), flow: `${longest('b')}#1000`, spec: { name: longest('a'), task: { command: 'true', env: { A: env } } } },
        ...{ trigger: { type: 'request', id: '01JNATEST00000000000001000', by }, attempts: known },
        ...(isSettled ? { reason, kill: { at: 1e12, reason }, owed: [longest('c')] } : {}),
      });
      const [reckoned, length] = [runLength(record), lengthOf(record)];
      assert.ok(reckoned >= length && reckoned < length + 1_100, `${reckoned} for ${length}`);
    }),
  );
});

test('launched, it is no longer than it was taken to become', () => {
  const placed = { '@hostname': longest('h'), rack: '失'.repeat(50) };
  const task = { command: 'true', ports: Array.from({ length: 100 }, () => ({})) };
  const record = run({ job: longest('a'), flow: longest('b'), spec: { name: longest('a'), task } });
  const intent = attempt({
    ...{ taskId: `${longest('a')}.1000000.1`, agentId: longest('g'), hostname: 'h'.repeat(253), address: `${'h'.repeat(253)}:5051` },
    ...{ placed, ports: task.ports.map((_, index) => 31_000 + index) },
  });
  assert.ok(launchedLength(record, placed) >= lengthOf({ ...record, state: 'launching', attempts: [intent] }));
});

test.run();
