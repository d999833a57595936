/**
 * Mutation testing of the pure rooms: small changes are made to their source one at a time, and each should make a unit test fail.
 * `npm run mutation` tries all of it, `npm run mutation -- schedule src/engine/flows.ts` a room and a file.
 *
 * Stryker is installed in a folder of its own, out of sight of what looks through the project's files; nothing else needs it.
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const home = join(root, 'node_modules/.cache/stryker');
const LOCK = 'package-lock.json';

function isInstalled(): boolean {
  const [wanted, installed] = [join(import.meta.dirname, LOCK), join(home, LOCK)];
  // The mark is what npm writes when it is done.
  return existsSync(join(home, 'node_modules/.package-lock.json')) && readFileSync(wanted, 'utf8') === readFileSync(installed, 'utf8');
}

function install(): boolean {
  mkdirSync(home, { recursive: true });
  for (const name of ['package.json', LOCK]) copyFileSync(join(import.meta.dirname, name), join(home, name));
  return spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: home, stdio: 'inherit' }).status === 0;
}

/** A room's name, or a file as a shell completes it; Stryker's own patterns go through. */
function filesOf(name: string): string {
  return name.includes('/') ? name : `src/${name}/*.ts`;
}

/** The tests are TypeScript, and so is the test runner that Stryker is given: each of its processes needs the loader. */
function mutate(names: readonly string[]): number {
  const stryker = join(home, 'node_modules/@stryker-mutator/core/bin/stryker.js');
  const files = names.length === 0 ? [] : ['--mutate', names.map(filesOf).join(',')];
  const env = { ...process.env, NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import tsx` };
  return (
    spawnSync(process.execPath, [stryker, 'run', 'test/mutation/stryker.json', ...files], { cwd: root, env, stdio: 'inherit' }).status ?? 1
  );
}

process.exitCode = isInstalled() || install() ? mutate(process.argv.slice(2)) : 1;
