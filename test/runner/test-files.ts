/** What there is to run, in what order, and for how long each may take: the checks of package.json, and every test file. */

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const DEFAULT_LIMIT_S = 300;

/** Quick and pure first, so that a mistake shows early. Folders not named here come last. */
const ORDER = ['check', 'unit', 'contract', 'integration', 'simulation', 'e2e'];

/** Scripts of package.json that are quick and look at all of the source. Each counts as one test. */
const CHECKS = ['typecheck', 'lint', 'format:check', 'unused'];

export interface TestFile {
  /** Relative to the test folder: `unit/schedule/cron.test.ts`; or `check/lint`. */
  readonly name: string;
  /** The program that runs it, and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** `check`: the exit code says whether it passed. `uvu`: what it prints does, too. */
  readonly kind: 'check' | 'uvu';
  /** Wall-clock time after which it is ended and has failed. For a file, from a line `// limit: 600s` near its head. */
  readonly limitMs: number;
}

/** Every check, and every test file under `root`, whose name contains one of `filters` (all, if there are none), in the order to run them. */
export function findTests(root: string, filters: readonly string[]): readonly TestFile[] {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
  return [...CHECKS.map(checkOf), ...files.map((name) => fileOf(root, name))]
    .filter(({ name }) => filters.length === 0 || filters.some((filter) => matches(name, filter)))
    .sort((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name, 'en'));
}

function checkOf(script: string): TestFile {
  return { name: `check/${script}`, command: ['npm', 'run', '--silent', script], kind: 'check', limitMs: DEFAULT_LIMIT_S * 1_000 };
}

function fileOf(root: string, name: string): TestFile {
  const path = join(root, name);
  return { name, command: [process.execPath, '--import', 'tsx', path], kind: 'uvu', limitMs: limitOf(readFileSync(path, 'utf8')) };
}

/** A filter is a part of the name, or a path as a shell completes it (`test/unit/...`). */
function matches(name: string, filter: string): boolean {
  return name.includes(filter.replace(/^(\.\/)?test\//, ''));
}

function rank(name: string): number {
  const at = ORDER.indexOf(name.split('/')[0] ?? '');
  return at < 0 ? ORDER.length : at;
}

function limitOf(source: string): number {
  const seconds = /^\/\/ limit: (\d+)s\b/m.exec(source.slice(0, 4_000))?.[1];
  return (seconds === undefined ? DEFAULT_LIMIT_S : Number(seconds)) * 1_000;
}
