/** deploy/kairos.service, by systemd's own checks where they are installed. */

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import { readDeployFile } from './compose-file.ts';

const test = suite('unit file');

const unit = readDeployFile('kairos.service');
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
const withSystemd = hasSystemd ? test : test.skip;

/** Runs systemd-analyze on the unit, with the path of this machine's node. */
function analyze(...args: string[]): { readonly status: number | null; readonly output: string } {
  const dir = mkdtempSync(join(tmpdir(), 'unit-'));
  const file = join(dir, 'kairos.service');
  writeFileSync(file, unit.replace('/usr/bin/node', process.execPath));
  const { status, stdout, stderr } = spawnSync('systemd-analyze', [...args, file], { encoding: 'utf8' });
  rmSync(dir, { recursive: true });
  return { status, output: stdout + stderr };
}

withSystemd('systemd accepts it without a warning', () => {
  const { status, output } = analyze('verify', '--man=no');
  assert.equal(output.trim(), '');
  assert.equal(status, 0);
});

withSystemd('it is confined: its exposure is at most 2 of 10', () => {
  const { status, output } = analyze('security', '--offline=yes', '--threshold=20');
  assert.equal(status, 0, output.slice(-300));
});

test('tasks outlive the node, and a configuration that can not be used is not tried again', () => {
  assert.match(unit, /^KillMode=process$/m);
  assert.match(unit, /^RestartPreventExitStatus=2$/m);
});

test('it keeps its data where it may write', () => {
  assert.match(unit, /^StateDirectory=kairos$/m);
  for (const [, path] of unit.matchAll(/_DIRECTORY=(\S+)/g)) assert.ok(path?.startsWith('/var/lib/kairos/'), path);
});

test.run();
