/**
 * What a test file leaves behind: processes and files. It should be nothing.
 *
 * Processes are found by a variable that every child inherits, so one that made a session of its own (a daemon) is found as well.
 * Only Linux has /proc; elsewhere nothing is found. Files are found because each test file gets a TMPDIR of its own.
 */

import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const MARK = 'KAIROS_TEST_FILE';

/** Where the loader caches what it compiled: shared by all files of a run, and not a leftover. */
const LOADER_CACHE = `tsx-${userInfo().uid}`;

const DYING_MS = 1_000;
const DYING_STEP_MS = 50;

export interface Sandbox {
  /** To be set for the test's process. */
  readonly env: Readonly<Record<string, string>>;
  readonly mark: string;
  readonly dir: string;
}

/** The folder of one run of the runner; `sandboxIn` makes one in it for each file. */
export function makeRunDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'kt-'));
  mkdirSync(join(dir, LOADER_CACHE));
  return dir;
}

/** Removes what makeRunDir made, unless something is still mounted in it. */
export function removeRunDir(runDir: string): void {
  if (mountsUnder(runDir).length === 0) rmSync(runDir, { recursive: true, force: true });
}

/** Short names: the path of a Unix socket in it may have 107 bytes. */
export function sandboxIn(runDir: string, name: string): Sandbox {
  const dir = join(runDir, name);
  mkdirSync(dir);
  symlinkSync(join(runDir, LOADER_CACHE), join(dir, LOADER_CACHE));
  const mark = `${dir}:${process.pid}`;
  return { env: { TMPDIR: dir, [MARK]: mark }, mark, dir };
}

/** Ends every process that bears the sandbox's mark and has not ended by itself in a moment; returns their command lines. */
export async function endLeftoverProcesses(sandbox: Sandbox): Promise<readonly string[]> {
  // Children of a process that ended properly may need a moment to notice.
  const left = await outliving(sandbox);
  for (const { pid } of left) kill(pid);
  if (left.length > 0) await outliving(sandbox);
  return left.map(({ pid, command }) => `${command} (pid ${pid})`);
}

/** Names of the files left in the sandbox, which is removed with them. */
export function removeLeftoverFiles(sandbox: Sandbox): readonly string[] {
  const names = readdirSync(sandbox.dir).filter((name) => name !== LOADER_CACHE);
  const mounts = mountsUnder(sandbox.dir);
  if (mounts.length > 0) {
    // Removing would reach through a mount into what is mounted there.
    return [...names, ...mounts.map((mount) => `${mount} (still mounted, not removed)`)];
  }
  rmSync(sandbox.dir, { recursive: true, force: true });
  return names;
}

interface MarkedProcess {
  readonly pid: number;
  readonly command: string;
}

/** Those that are still there after DYING_MS. */
async function outliving(sandbox: Sandbox): Promise<readonly MarkedProcess[]> {
  let left = markedProcesses(sandbox);
  for (let waited = 0; waited < DYING_MS && left.length > 0; waited += DYING_STEP_MS) {
    await sleep(DYING_STEP_MS);
    left = markedProcesses(sandbox);
  }
  return left;
}

function markedProcesses(sandbox: Sandbox): readonly MarkedProcess[] {
  return processIds()
    .filter((pid) => environmentOf(pid).includes(`${MARK}=${sandbox.mark}`))
    .map((pid) => ({ pid: Number(pid), command: commandOf(pid) }))
    .filter(({ command }) => command !== '');
}

function processIds(): readonly string[] {
  return listing('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
}

function environmentOf(pid: string): readonly string[] {
  return text(`/proc/${pid}/environ`).split('\0');
}

/** Empty for a process that has ended and only waits for its parent to take notice. */
function commandOf(pid: string): string {
  return text(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim().slice(0, 200);
}

function mountsUnder(dir: string): readonly string[] {
  return text('/proc/mounts')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${dir}/`));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Empty when it can't be read: a process that has just ended, or a system without /proc. */
function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function listing(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
