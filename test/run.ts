/**
 * Runs the checks and the tests: `node --import tsx test/run.ts [--jobs N] [--junit FILE] [FILTER...]`.
 *
 * Each is a process of its own, two at a time, with a time limit; a filter is a part of a file's name (`check/`, `unit`, `schedule/cron`).
 * The last line is `N passed, N failed, N skipped`; the exit code is 1 when anything failed.
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { makeRunDir, removeRunDir } from './runner/leftovers.ts';
import { countAll, fileReport, junit, lastLine, slowFiles } from './runner/summary.ts';
import { findTests } from './runner/test-files.ts';
import type { TestFile } from './runner/test-files.ts';
import { startTestFile } from './runner/test-process.ts';
import type { RunningFile, TestResult } from './runner/test-process.ts';

const JOBS = 2;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { jobs: { type: 'string' }, junit: { type: 'string' } },
    allowPositionals: true,
  });
  const files = findTests(import.meta.dirname, positionals);
  if (files.length === 0) {
    console.log(`No test's name contains ${positionals.map((filter) => `'${filter}'`).join(' or ')}.`);
    return finish([], { passed: 0, failed: 1, skipped: 0 });
  }
  const results = await runAll(files, Number(values.jobs ?? JOBS));
  if (values.junit !== undefined) writeFileSync(values.junit, junit(results));
  return finish(results, countAll(results));
}

function finish(results: readonly TestResult[], counts: ReturnType<typeof countAll>): number {
  for (const line of slowFiles(results)) console.log(line);
  const failed = results.filter((result) => result.failed > 0);
  for (const { file } of failed) console.log(`failed ${file.name}`);
  console.log(lastLine(counts));
  return counts.failed === 0 ? 0 : 1;
}

async function runAll(files: readonly TestFile[], jobs: number): Promise<readonly TestResult[]> {
  const runDir = makeRunDir();
  const queue = [...files.entries()];
  const running = new Set<RunningFile>();
  const results: TestResult[] = [];
  endOnSignal(running, runDir);
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, file] = next;
      const started = startTestFile(file, runDir, String(index));
      running.add(started);
      const result = await started.result;
      running.delete(started);
      results.push(result);
      console.log(fileReport(result));
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  removeRunDir(runDir);
  return results;
}

/** So that an impatient Ctrl-C leaves nothing behind either. */
function endOnSignal(running: ReadonlySet<RunningFile>, runDir: string): void {
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = [...running];
    for (const file of ending) file.end();
    await Promise.all(ending.map((file) => file.result));
    removeRunDir(runDir);
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.once('SIGINT', (signal) => void end(signal));
  process.once('SIGTERM', (signal) => void end(signal));
}

process.exitCode = await main();
