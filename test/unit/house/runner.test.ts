/** The runner, run on files made to go wrong. */

import * as assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import { makeRunDir, removeRunDir } from '../../runner/leftovers.ts';
import { countAll, fileReport, junit, lastLine } from '../../runner/summary.ts';
import { findTests } from '../../runner/test-files.ts';
import type { TestFile } from '../../runner/test-files.ts';
import { startTestFile } from '../../runner/test-process.ts';
import type { TestResult } from '../../runner/test-process.ts';
import { readUvuReport } from '../../runner/uvu-report.ts';

const test = suite('runner');

const UVU = import.meta.resolve('uvu');
const HEAD = `import { test } from '${UVU}';\nimport { spawn } from 'node:child_process';\nimport { mkdtempSync, writeFileSync } from 'node:fs';\n`;

/** Runs `body` as a test file and returns how it was judged. */
async function run(body: string): Promise<TestResult> {
  const root = mkdtempSync(join(tmpdir(), 'runner-'));
  const runDir = makeRunDir();
  try {
    writeFileSync(join(root, 'made.test.ts'), HEAD + body);
    const [file] = findTests(root, ['made']);
    assert.ok(file);
    return await startTestFile(file, runDir, '0').result;
  } finally {
    rmSync(root, { recursive: true });
    removeRunDir(runDir);
  }
}

function counts({ passed, failed, skipped }: TestResult): [number, number, number] {
  return [passed, failed, skipped];
}

/** A process that is dead, but that nobody has waited for yet, is not alive. */
function isAlive(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'utf8'));
}

test('tests that pass and tests that are skipped are counted', async () => {
  const result = await run(`test('a', () => {}); test('b', async () => {}); test.skip('c', () => {}); test.run();`);
  assert.deepEqual(counts(result), [2, 0, 1]);
  assert.deepEqual(result.faults, []);
});

test('a test that throws is a failure, and the others count', async () => {
  const result = await run(`test('a', () => {}); test('b', () => { throw new Error('no luck'); }); test.run();`);
  assert.deepEqual(counts(result), [1, 1, 0]);
  assert.match(fileReport(result), /FAIL made\.test\.ts[^]*no luck/);
});

test('a hook that throws fails every test, and is told of', async () => {
  const result = await run(`test.before(() => { throw new Error('x'); }); test('a', () => {}); test('b', () => {}); test.run();`);
  assert.deepEqual(counts(result), [0, 2, 0]);
  assert.match(fileReport(result), /a hook \(before, after\) threw/);
});

test('a file that forgets test.run() is a failure', async () => {
  const result = await run(`test('a', () => {});`);
  assert.deepEqual(counts(result), [0, 1, 0]);
  assert.match(result.faults.join(), /executed no test|before its tests were over/);
});

test('a file that throws before its tests is a failure', async () => {
  const result = await run(`throw new Error('early');`);
  assert.deepEqual(counts(result), [0, 1, 0]);
  assert.match(result.output, /early/);
});

test('a test that never settles is a failure', async () => {
  const result = await run(`test('a', () => new Promise(() => {})); test.run();`);
  assert.equal(result.failed, 1);
});

test('a test that takes too long is ended and is a failure', async () => {
  const result = await run(`// limit: 1s\ntest('a', () => new Promise(() => setInterval(() => {}, 1000))); test.run();`);
  assert.deepEqual(result.faults, ['took longer than 1 s']);
  assert.ok(result.seconds < 10, String(result.seconds));
});

test('an exit code that says otherwise is believed', async () => {
  const result = await run(`test('a', () => {}); test.run(); process.on('exit', () => { process.exitCode = 3; });`);
  assert.deepEqual(result.faults, ['passed, but ended with exit 3']);
});

test('a process left behind is named, ended, and a failure, even with a session of its own', async () => {
  const body = `test('a', () => {
    const child = spawn('sleep', ['4711'], { detached: true, stdio: 'ignore' });
    child.unref();
    console.log('pid=' + child.pid);
  }); test.run();`;
  const result = await run(body);
  assert.equal(result.faults.length, 1);
  assert.match(result.faults.join(), /left a process behind: sleep 4711/);
  assert.ok(!isAlive(Number(/pid=(\d+)/.exec(result.output)?.[1])));
});

test('a file left behind is named, removed, and a failure', async () => {
  const result = await run(`import { tmpdir } from 'node:os';
    test('a', () => { console.log('dir=' + mkdtempSync(tmpdir() + '/mine-')); }); test.run();`);
  assert.match(result.faults.join(), /left a file behind: mine-/);
});

test('files come in the order unit, contract, integration, simulation, e2e, and by a filter', () => {
  const root = mkdtempSync(join(tmpdir(), 'runner-'));
  for (const name of ['e2e/a', 'contract/store', 'unit/z/deep', 'integration/x/b', 'simulation/s', 'unit/a']) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, `${name}.test.ts`), name === 'e2e/a' ? '/** Slow. */\n// limit: 600s: it starts three nodes\n' : '');
  }
  writeFileSync(join(root, 'unit/fixture.ts'), '');
  const files = findTests(root, []).filter(({ kind }) => kind === 'uvu');
  const names = files.map(({ name }) => name.replace('.test.ts', ''));
  assert.deepEqual(names, ['unit/a', 'unit/z/deep', 'contract/store', 'integration/x/b', 'simulation/s', 'e2e/a']);
  assert.deepEqual([files[0]?.limitMs, files[5]?.limitMs], [300_000, 600_000]);
  assert.deepEqual(
    findTests(root, ['test/unit/z', 'store']).map(({ name }) => name),
    ['unit/z/deep.test.ts', 'contract/store.test.ts'],
  );
  rmSync(root, { recursive: true });
});

test('checks come first, each as one test', async () => {
  const root = mkdtempSync(join(tmpdir(), 'runner-'));
  const checks = findTests(root, []);
  assert.deepEqual(checks.map(({ name }) => name).sort(), ['check/format:check', 'check/lint', 'check/typecheck', 'check/unused']);
  rmSync(root, { recursive: true });
});

test('a check passes or fails by its exit code', async () => {
  const runDir = makeRunDir();
  const check = (code: number): TestFile => ({
    name: `check/${code}`,
    command: ['sh', '-c', `exit ${code}`],
    kind: 'check',
    limitMs: 9_000,
  });
  assert.deepEqual(counts(await startTestFile(check(0), runDir, '0').result), [1, 0, 0]);
  const failed = await startTestFile(check(3), runDir, '3').result;
  assert.deepEqual(counts(failed), [0, 1, 0]);
  assert.deepEqual(failed.faults, ['exit 3']);
  removeRunDir(runDir);
});

test('the last line is exact', () => {
  assert.equal(lastLine(countAll([])), '0 passed, 0 failed, 0 skipped');
});

test("uvu's report is read from the end of the output", () => {
  const report = (total: number): string => `\n  Total:     ${total}\n  Passed:    1\n  Skipped:   0\n  Duration:  1.00ms\n\n`;
  assert.deepEqual(readUvuReport(`${report(9)}noise${report(2)}`), { total: 2, passed: 1, skipped: 0 });
  assert.equal(readUvuReport('  Total:     3\n'), undefined);
});

test('the JUnit file is XML whatever a test prints', () => {
  const [file] = findTests(tmpdir(), ['check/lint']);
  assert.ok(file);
  const odd = { ...file, name: 'unit/<odd>.test.ts' };
  const xml = junit([{ file: odd, passed: 0, failed: 1, skipped: 0, seconds: 0.5, faults: ['a & b'], output: '\u001b[31m"red"]]>' }]);
  assert.match(xml, /<testcase name="unit\/&lt;odd&gt;\.test\.ts" time="0\.500">/);
  assert.match(xml, /a &amp; b\n\?\[31m&quot;red&quot;\]\]&gt;/);
});

test.run();
