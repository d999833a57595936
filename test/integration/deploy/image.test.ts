/**
 * The Dockerfile, built and run.
 *
 * Checked: every step of it, on a base image made of this machine's own files (base-image.ts), with the classic builder; the image starts a node as
 * a user that is not root, gets healthy, keeps its data in its volume, and ends in order when it is stopped.
 * Not checked: the real base image, the registry's side of `npm ci` (the packages installed here stand in for it), BuildKit.
 */
// limit: 600s: it copies and packs some hundreds of megabytes

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import { startDockerd } from '../../support/dockerd.ts';
import type { Dockerd } from '../../support/dockerd.ts';
import { freePorts } from '../../support/free-ports.ts';
import { until } from '../../support/until.ts';
import { makeBaseImage } from './base-image.ts';

const test = suite('image');

const root = join(import.meta.dirname, '../../..');
const configDir = mkdtempSync(join(tmpdir(), 'docker-config-'));
let daemon: Dockerd;

function docker(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('docker', ['--config', configDir, '--host', `unix://${daemon.socket}`, ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
  });
  assert.equal(status, 0, `docker ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout.trim();
}

/** Runs a container; the image must be there, as nothing can be pulled. */
function run(...args: string[]): string {
  return docker('run', '--pull=never', '--network=host', ...args);
}

async function jobNames(port: number): Promise<readonly string[]> {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/jobs`);
  return [...(await answer.text()).matchAll(/"name":\s*"([^"]+)"/g)].map((match) => match[1] ?? '');
}

async function untilHealthy(container: string): Promise<void> {
  await until(() => docker('inspect', '--format', '{{.State.Health.Status}}', container) === 'healthy', {
    limitMs: 60_000,
    what: () => `a healthy container: ${docker('logs', container)}${docker('inspect', container)}`,
  });
}

test.before(async () => {
  daemon = await startDockerd();
  makeBaseImage(docker, root);
});

test.after(async () => {
  await daemon.stop();
  rmSync(configDir, { recursive: true });
});

test('it builds, and holds no sources and no development packages', () => {
  docker('build', '--network=host', '--file', 'deploy/Dockerfile', '--tag', 'kairos', '.');
  const listing = run('--rm', '--entrypoint', 'sh', 'kairos', '-c', 'ls . node_modules; id -u');
  assert.match(listing, /^1000$/m);
  assert.match(listing, /^dist$/m);
  assert.match(listing, /^koa$/m);
  assert.doesNotMatch(listing, /^(src|test|typescript|uvu|prepared)$/m);
});

test('it says its version', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  assert.equal(run('--rm', 'kairos', '--version'), version);
});

test('it runs a node that gets healthy, and keeps what it was told over a restart', async () => {
  const [port = 0] = await freePorts(1);
  const container = docker(
    'run',
    '--detach',
    '--network=host',
    '--volume',
    'data:/var/lib/kairos',
    '--env',
    `KAIROS_API_PORT=${port}`,
    'kairos',
  );
  await untilHealthy(container);
  const job = { name: 'kept', task: { command: ['true'] } };
  const created = await fetch(`http://127.0.0.1:${port}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(job),
  });
  assert.equal(created.status, 201, await created.text());
  docker('stop', '--time', '20', container);
  assert.equal(docker('inspect', '--format', '{{.State.ExitCode}}', container), '0', docker('logs', container));
  docker('start', container);
  await untilHealthy(container);
  assert.deepEqual(await jobNames(port), ['kept']);
  docker('rm', '--force', '--volumes', container);
});

test.run();
