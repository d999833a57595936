// limit: 900s, as a machine that is busy with something else takes three times as long as a quiet one
/** Whole clusters from seeds: `npm run simulate` runs more of them, for longer. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import { InvariantViolation } from '../invariants/violation.ts';
import { addCounts } from './happenings.ts';
import { tooSeldom } from './least-counts.ts';
import { runSeed } from './run-seed.ts';

const SEEDS = 200;
const NO_FAULTS: ReadonlySet<string> = new Set();

test(`the invariants hold for an hour of ${SEEDS} seeds`, async () => {
  const failures: string[] = [];
  const counts = new Map<string, number>();
  let hours = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcome = await runSeed({ seed: String(seed), hours: 1, off: NO_FAULTS });
    if (outcome.failure) failures.push(`seed ${seed}: ${String(outcome.failure)}\n  replay: npm run simulate -- --seed ${seed} --hours 1`);
    else {
      hours += outcome.result.hours;
      addCounts(counts, outcome.result.counts);
    }
  }
  assert.deepEqual(failures, []);
  assert.ok(hours > SEEDS);
  assert.deepEqual(tooSeldom(counts), []);
});

test('the same seeds give the same traces, byte for byte, in processes of their own', async () => {
  for (const seed of ['7', '12', '31']) {
    const [first, second] = await Promise.all([traceOf(seed), traceOf(seed)]);
    assert.ok(first.split('\n').length > 100);
    assert.ok(first === second, `seed ${seed}: ${firstDifference(first, second)}`);
  }
});

test('another seed gives another trace', async () => {
  const digests = new Set<string>();
  for (const seed of ['7', '8']) {
    const outcome = await runSeed({ seed, hours: 1, off: NO_FAULTS });
    if (!outcome.failure) digests.add(outcome.result.digest);
  }
  assert.equal(digests.size, 2);
});

test('a violation names its invariant', () => {
  const violation = new InvariantViolation('overlap', 'two at once', ['a']);
  assert.equal(violation.message, 'overlap: two at once');
  assert.equal(violation.invariant, 'overlap');
});

test('what happens too seldom is named', () => {
  assert.ok(tooSeldom(new Map()).includes('launch: 0 of at least 1000'));
});

test('a process that is stuck in promises tells its seed and ends', async () => {
  const watchdog = new URL('watchdog.ts', import.meta.url).href;
  const code = `import { Watchdog } from ${JSON.stringify(watchdog)};
    new Watchdog(3_000).begin(42);
    for (;;) await undefined;`;
  const failure = await promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code]).catch(
    (error: unknown) => error as { readonly stdout: string; readonly signal: string },
  );
  assert.match(failure.stdout, /^seed 42 fails: stuck/m);
});

async function traceOf(seed: string): Promise<string> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const args = ['--import', 'tsx', main, '--seed', seed, '--hours', '1', '--trace'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 200_000_000 });
  // The last line tells how fast it was.
  return stdout
    .split('\n')
    .filter((line) => !line.includes('simulated hours a second'))
    .join('\n');
}

function firstDifference(first: string, second: string): string {
  const lines = second.split('\n');
  const index = first.split('\n').findIndex((line, at) => line !== lines[at]);
  return `line ${index + 1} is '${first.split('\n')[index]}' and '${lines[index]}'`;
}

test.run();
