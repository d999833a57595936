/**
 * A stand-in for `node:20-bookworm-slim`, which can't be pulled where the tests run: this machine's node and its libraries, npm, busybox for
 * a shell and the tools the Dockerfile calls, and the user `node`.
 *
 * Its `npm ci` copies the packages that are installed here instead of asking a registry. All else is the real npm, told to stay offline.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Large, and not needed to build or to run. */
const LEFT_OUT = [
  '@biomejs',
  '@oxlint',
  'oxlint',
  '@oxlint-tsgolint',
  'oxlint-tsgolint',
  '@oxc-parser',
  'oxc-parser',
  '@esbuild',
  'esbuild',
  'knip',
  'fast-check',
];

const NPM = `#!/bin/sh
if [ "$1" = ci ]; then cp -a /prepared/node_modules . && exit; fi
exec node /usr/local/lib/node_modules/npm/bin/npm-cli.js --offline "$@"
`;

/** Imports it into the daemon behind `docker`, which runs the docker command with these arguments. */
export function makeBaseImage(docker: (...args: string[]) => string, repository: string): void {
  const dir = mkdtempSync(join(tmpdir(), 'base-image-'));
  try {
    const rootfs = join(dir, 'rootfs');
    for (const name of [
      'bin',
      'etc',
      'proc',
      'sys',
      'dev',
      'root',
      'tmp',
      'usr/bin',
      'usr/local/bin',
      'usr/local/lib/node_modules',
      'prepared/node_modules',
    ]) {
      mkdirSync(join(rootfs, name), { recursive: true });
    }
    addNode(rootfs);
    addBusybox(rootfs);
    addNpm(rootfs);
    addPackages(rootfs, repository);
    writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n');
    writeFileSync(join(rootfs, 'etc/group'), 'root:x:0:\nnode:x:1000:\n');
    chmodSync(join(rootfs, 'tmp'), 0o1777);
    execFileSync('tar', ['-C', rootfs, '-cf', join(dir, 'rootfs.tar'), '.']);
    docker('import', '--change', 'ENV PATH=/usr/local/bin:/usr/bin:/bin', join(dir, 'rootfs.tar'), 'node:20-bookworm-slim');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function addNode(rootfs: string): void {
  cpSync(realpathSync(process.execPath), join(rootfs, 'usr/local/bin/node'));
  const { stdout } = spawnSync('ldd', [process.execPath], { encoding: 'utf8' });
  for (const [path] of stdout.matchAll(/\/\S+/g)) {
    mkdirSync(join(rootfs, dirname(path)), { recursive: true });
    cpSync(path, join(rootfs, path), { dereference: true });
  }
}

function addBusybox(rootfs: string): void {
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path)) ?? 'busybox';
  cpSync(busybox, join(rootfs, 'bin/busybox'));
  for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', join(rootfs, 'bin', applet));
  }
  // Where scripts look for it.
  symlinkSync('/bin/busybox', join(rootfs, 'usr/bin/env'));
}

function addNpm(rootfs: string): void {
  const root = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim();
  cpSync(join(root, 'npm'), join(rootfs, 'usr/local/lib/node_modules/npm'), { recursive: true, dereference: true });
  writeFileSync(join(rootfs, 'usr/local/bin/npm'), NPM, { mode: 0o755 });
}

function addPackages(rootfs: string, repository: string): void {
  const from = join(repository, 'node_modules');
  for (const name of readdirSync(from)) {
    if (LEFT_OUT.includes(name)) continue;
    cpSync(join(from, name), join(rootfs, 'prepared/node_modules', name), { recursive: true, verbatimSymlinks: true });
  }
}
