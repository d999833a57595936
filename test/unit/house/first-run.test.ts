/** What stands before the tests: packages and servers. Both programs are run as they are, in surroundings made for it. */

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';

const test = suite('first run');

const root = join(import.meta.dirname, '../../..');
const NOBODY = 65_534;

interface Clone {
  readonly dir: string;
  /** Runs test/setup/packages.mjs with an npm that only says how it was called. */
  install(): { readonly status: number | null; readonly output: string };
  lock(file: 'package-lock.json' | 'node_modules/.package-lock.json', packages: Readonly<Record<string, object>>): void;
}

function setup(): Clone {
  const dir = mkdtempSync(join(tmpdir(), 'clone-'));
  for (const name of ['test/setup', 'bin', 'node_modules']) mkdirSync(join(dir, name), { recursive: true });
  copyFileSync(join(root, 'test/setup/packages.mjs'), join(dir, 'test/setup/packages.mjs'));
  writeFileSync(join(dir, 'bin/npm'), '#!/bin/sh\necho "npm $*"\nexit 7\n');
  chmodSync(join(dir, 'bin/npm'), 0o755);
  const env = { PATH: `${join(dir, 'bin')}:/usr/bin:/bin` };
  return {
    dir,
    install: () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(dir, 'test/setup/packages.mjs')], { env, encoding: 'utf8' });
      return { status, output: stdout + stderr };
    },
    lock: (file, packages) => writeFileSync(join(dir, file), JSON.stringify({ packages })),
  };
}

const WANTED = {
  '': { version: '0.1.0' },
  'node_modules/koa': { version: '3.3.0' },
  'node_modules/@x/darwin-arm64': { version: '1.0.0', optional: true },
};

test('packages that are not there are installed from the lock file, and its failure is ours', () => {
  const clone = setup();
  clone.lock('package-lock.json', WANTED);
  assert.deepEqual(clone.install(), {
    status: 7,
    output: 'Installing packages: no packages are installed.\nnpm ci --no-audit --no-fund\n',
  });
  rmSync(clone.dir, { recursive: true });
});

test('packages of another version are installed anew', () => {
  const clone = setup();
  clone.lock('package-lock.json', WANTED);
  clone.lock('node_modules/.package-lock.json', { 'node_modules/koa': { version: '3.2.0' } });
  assert.match(clone.install().output, /node_modules\/koa 3\.3\.0 is not installed/);
  rmSync(clone.dir, { recursive: true });
});

test('packages that are as the lock file says are left alone, those for other platforms apart', () => {
  const clone = setup();
  clone.lock('package-lock.json', WANTED);
  clone.lock('node_modules/.package-lock.json', { 'node_modules/koa': { version: '3.3.0' } });
  assert.deepEqual(clone.install(), { status: 0, output: '' });
  rmSync(clone.dir, { recursive: true });
});

test('who may not install servers is told exactly what is missing', () => {
  const program = readFileSync(join(root, 'test/setup/servers.mjs'), 'utf8');
  const identity = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-'], {
    ...identity,
    cwd: '/',
    input: program,
    env: { PATH: '/nonexistent' },
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.match(stderr, /^The tests need what is not on this machine: .*\betcd, etcdctl\b.*\bpromtool\b.*\./);
  assert.match(stderr, /apt-get install --no-install-recommends .*etcd-server etcd-client.*prometheus/);
});

test.run();
