/**
 * Brings node_modules in line with package-lock.json, and does nothing when it already is. Plain JavaScript, no packages: it runs first,
 * before there are any.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const OLDEST_NODE = [20, 19];
const root = join(import.meta.dirname ?? '.', '../..');

/** Why the installed packages can't be used as they are; undefined when they can. */
function staleness() {
  const installedPath = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedPath)) return 'no packages are installed';
  const installed = readLock(installedPath);
  const wanted = readLock(join(root, 'package-lock.json'));
  for (const [path, { version, optional }] of Object.entries(wanted)) {
    // Optional packages are for one platform each: those of the others are rightly absent.
    if (path === '' || (optional && !(path in installed))) continue;
    if (installed[path]?.version !== version) return `${path} ${version} is not installed`;
  }
  return undefined;
}

/** @returns {Record<string, { version?: string, optional?: boolean }>} */
function readLock(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages;
}

function main() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    console.error(`Kairos needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node} (${process.execPath}).`);
    return 1;
  }
  const reason = staleness();
  if (reason === undefined) return 0;
  console.log(`Installing packages: ${reason}.`);
  return spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: 'inherit' }).status ?? 1;
}

process.exitCode = main();
