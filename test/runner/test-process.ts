/**
 * Runs one test file, or one check, in a process of its own and judges it.
 *
 * uvu ends with exit code 0 when a file forgets `test.run()`, and never ends when something keeps the process alive: both are
 * failures here, as is anything left behind. Invariant: when runTestFile resolves, no process of the file is alive.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { endLeftoverProcesses, removeLeftoverFiles, sandboxIn } from './leftovers.ts';
import type { TestFile } from './test-files.ts';
import { readUvuReport } from './uvu-report.ts';

/** How long a process may live on when its tests are over. */
const GRACE_MS = 10_000;

/** uvu swallows what a hook throws, and runs no test after it. */
const HOOK_HINT = 'No test failed by itself: a hook (before, after) threw. Wrap its body in try and catch to see what.\n';

/** What is kept of a file's output: its head and its tail. */
const OUTPUT_HALF = 200_000;

export interface TestResult {
  readonly file: TestFile;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  /** What went wrong beside the tests themselves. Empty: nothing. */
  readonly faults: readonly string[];
  readonly output: string;
}

export interface RunningFile {
  readonly result: Promise<TestResult>;
  /** Ends the file at once. */
  readonly end: () => void;
}

/** `runDir`: from makeRunDir. `name`: short, unique in the run. */
export function startTestFile(file: TestFile, runDir: string, name: string): RunningFile {
  const sandbox = sandboxIn(runDir, name);
  const startedAt = performance.now();
  const [program, ...args] = file.command;
  const child = spawn(program, args, {
    // A group of its own, so that it can be ended whole.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...sandbox.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  });
  const result = watch(child, file).then(async ({ output, stopped, exit }) => {
    const processes = await endLeftoverProcesses(sandbox);
    endGroup(child);
    // Pipes close when the last process that holds them is gone.
    await closed(child);
    const files = removeLeftoverFiles(sandbox);
    const faults = [
      ...(stopped === undefined ? [] : [stopped]),
      ...processes.map((process) => `left a process behind: ${process}`),
      ...files.map((path) => `left a file behind: ${path}`),
    ];
    return judge(file, { output: output(), exit, faults, seconds: (performance.now() - startedAt) / 1_000 });
  });
  return { result, end: () => endGroup(child) };
}

interface Ended {
  readonly output: () => string;
  /** Why the runner ended it, if it did. */
  readonly stopped: string | undefined;
  /** Exit code, or the name of a signal. */
  readonly exit: number | string;
}

function watch(child: ChildProcess, file: TestFile): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let head = '';
    let tail = '';
    let stopped: string | undefined;
    let grace: NodeJS.Timeout | undefined;
    const stop = (reason: string): void => {
      stopped = reason;
      endGroup(child);
    };
    const limit = setTimeout(() => stop(`took longer than ${file.limitMs / 1_000} s`), file.limitMs);
    const read = (chunk: string): void => {
      if (head.length < OUTPUT_HALF) head += chunk;
      else tail = (tail + chunk).slice(-OUTPUT_HALF);
      const over = readUvuReport((tail === '' ? head : tail).slice(-2_000)) !== undefined;
      if (over) grace ??= setTimeout(() => stop('its tests are over but its process does not end'), GRACE_MS);
    };
    child.stdout?.setEncoding('utf8').on('data', read);
    child.stderr?.setEncoding('utf8').on('data', read);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearTimeout(limit);
      clearTimeout(grace);
      resolve({ output: () => head + tail, stopped, exit: code ?? signal ?? 'unknown' });
    });
  });
}

interface Run {
  readonly output: string;
  readonly exit: number | string;
  readonly faults: readonly string[];
  readonly seconds: number;
}

function judge(file: TestFile, run: Run): TestResult {
  return file.kind === 'check' ? judgeCheck(file, run) : judgeTests(file, run);
}

function judgeCheck(file: TestFile, run: Run): TestResult {
  const faults = run.exit === 0 || run.faults.length > 0 ? run.faults : [`exit ${run.exit}`];
  const failed = faults.length === 0 ? 0 : 1;
  return { file, passed: 1 - failed, failed, skipped: 0, seconds: run.seconds, faults, output: run.output };
}

function judgeTests(file: TestFile, run: Run): TestResult {
  const report = readUvuReport(run.output);
  const passed = report?.passed ?? 0;
  const failedTests = report === undefined ? 0 : report.total - report.passed;
  const faults = [...run.faults];
  if (report === undefined && faults.length === 0) faults.push(`ended before its tests were over (exit ${run.exit})`);
  else if (report !== undefined && report.total === 0 && report.skipped === 0) faults.push('executed no test: is test.run() missing?');
  else if (run.exit !== 0 && failedTests === 0 && faults.length === 0) faults.push(`passed, but ended with exit ${run.exit}`);
  const failed = failedTests + faults.length;
  const hint = failedTests > 0 && !run.output.includes(' FAIL ') ? HOOK_HINT : '';
  return { file, passed, failed, skipped: report?.skipped ?? 0, seconds: run.seconds, faults, output: run.output + hint };
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function closed(child: ChildProcess): Promise<void> {
  if (child.stdout?.closed && child.stderr?.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 1_000);
    child.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
