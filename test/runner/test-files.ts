/** Which files there are to run, in what order, and for how long each may take. */

import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

const DEFAULT_LIMIT_S = 300;

/** Quick and pure first, so that a mistake shows early. Folders not named here come last. */
const ORDER = ['unit', 'contract', 'integration', 'simulation', 'e2e'];

export interface TestFile {
  readonly path: string;
  /** Relative to the test folder: `unit/schedule/cron.test.ts`. */
  readonly name: string;
  /** Wall-clock time after which it is ended and has failed. From a line `// limit: 600s` near its head. */
  readonly limitMs: number;
}

/** Every test file under `root` whose name contains one of `filters` (all, if there are none), in the order to run them. */
export function findTestFiles(root: string, filters: readonly string[]): readonly TestFile[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .filter((name) => filters.length === 0 || filters.some((filter) => matches(name, filter)))
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b, 'en'))
    .map((name) => describe(root, name));
}

export function describe(root: string, name: string): TestFile {
  const path = join(root, name);
  return { path, name: relative(root, path), limitMs: limitOf(readFileSync(path, 'utf8')) };
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
