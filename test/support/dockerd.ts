/**
 * A real Docker daemon of a test's own: its socket, images and containers live in one temporary directory, and end with it.
 * Needs root, docker.io and a static busybox (Debian: busybox-static). There is no bridge and no iptables, so containers
 * run with the network `host` or `none`. Any number of these may run side by side.
 */

import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, existsSync, openSync, closeSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';

const run = promisify(execFile);
const READY_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 20_000;

/** The image that importBusybox() makes: `sh` and friends in a few MB, nothing pulled. */
export const BUSYBOX_IMAGE = 'busybox:1.36';

export interface DockerdOptions {
  /** Containers outlive the daemon (`--live-restore`). Default: they end with it, as in a plain installation. */
  readonly liveRestore?: boolean;
}

export interface Dockerd {
  /** Path of the unix socket the Engine API answers on; stays the same over restarts. */
  readonly socket: string;
  /** The daemon's own directory; `log` in it holds what it wrote. */
  readonly dir: string;
  readonly pid: number;
  /** Ends the daemon and everything it started, and removes the directory. Harmless when repeated. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would: containers and data stay. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same directory, ending it politely first if it runs. */
  restart(): Promise<void>;
}

export async function startDockerd(options: DockerdOptions = {}): Promise<Dockerd> {
  const dir = await mkdtemp(join(tmpdir(), 'kairos-dockerd-'));
  let storage = 'overlay2';
  let daemon: ChildProcess;
  try {
    daemon = await launch(dir, storage, options);
  } catch {
    // Some file systems (an overlay of a container, for one) can't hold overlay2.
    storage = 'vfs';
    daemon = await launch(dir, storage, options);
  }
  const socket = join(dir, 'docker.sock');
  const atExit = (): void => void daemon.kill('SIGTERM');
  process.on('exit', atExit);

  return {
    socket,
    dir,
    get pid() {
      return daemon.pid ?? 0;
    },
    async stop() {
      process.off('exit', atExit);
      await end(daemon, 'SIGTERM');
      await removeRemains(dir);
    },
    async kill() {
      await end(daemon, 'SIGKILL');
      await containerdGone(dir);
    },
    async restart() {
      await end(daemon, 'SIGTERM');
      daemon = await launch(dir, storage, options);
    },
  };
}

/** Makes BUSYBOX_IMAGE from this machine's static busybox. */
export async function importBusybox(socket: string): Promise<void> {
  const changes = encodeURIComponent('CMD ["sh"]');
  const [repo, tag] = BUSYBOX_IMAGE.split(':');
  const path = `/images/create?fromSrc=-&repo=${repo}&tag=${tag}&changes=${changes}`;
  const answer = await engine(socket, { method: 'POST', path, body: await busyboxTar() });
  assert.equal(answer.status, 200, answer.text);
}

/** A root file system with busybox and its applets. */
export async function busyboxTar(): Promise<Buffer> {
  const dir = await mkdtemp(join(tmpdir(), 'kairos-busybox-'));
  try {
    await makeRootfs(join(dir, 'rootfs'));
    await run('tar', ['-C', join(dir, 'rootfs'), '-cf', join(dir, 'rootfs.tar'), '.']);
    return await readFile(join(dir, 'rootfs.tar'));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** One plain call to the Engine API, for tests that look past the executor. */
export async function engine(
  socket: string,
  call: { readonly method?: 'GET' | 'POST' | 'DELETE'; readonly path: string; readonly body?: Buffer | string },
): Promise<{ readonly status: number; readonly text: string }> {
  const dispatcher = new Agent({ connect: { socketPath: socket } });
  try {
    const answer = await request(`http://docker${call.path}`, {
      dispatcher,
      method: call.method ?? 'GET',
      ...(call.body === undefined ? {} : { body: call.body }),
      headers: { 'content-type': typeof call.body === 'string' ? 'application/json' : 'application/x-tar' },
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  } finally {
    await dispatcher.close();
  }
}

async function launch(dir: string, storage: string, options: DockerdOptions): Promise<ChildProcess> {
  const log = openSync(join(dir, 'log'), 'a');
  const flags = [
    '--iptables=false',
    '--ip6tables=false',
    '--bridge=none',
    `--storage-driver=${storage}`,
    ...(options.liveRestore === true ? ['--live-restore'] : []),
    ...['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'exec')],
    ...['--host', `unix://${join(dir, 'docker.sock')}`, '--pidfile', join(dir, 'pid')],
  ];
  // With a parent-death signal the daemon does not outlive a test that is killed.
  // On a starved machine the daemon has its containerd write its stacks down, into the directory for temporary files.
  const env = { ...process.env, TMPDIR: dir };
  const daemon = spawn('setpriv', ['--pdeathsig', 'TERM', 'dockerd', ...flags], { stdio: ['ignore', log, log], env });
  closeSync(log);
  let spawnError: Error | undefined;
  daemon.on('error', (error) => {
    spawnError = error;
  });
  const limit = performance.now() + READY_LIMIT_MS;
  while (performance.now() < limit) {
    if (spawnError !== undefined || daemon.exitCode !== null || daemon.signalCode !== null) break;
    if (await answers(join(dir, 'docker.sock'))) return daemon;
    await delay(50);
  }
  await end(daemon, 'SIGKILL');
  throw new Error(
    `dockerd did not start (root and docker.io are needed): ${spawnError?.message ?? readFileSync(join(dir, 'log'), 'utf8').slice(-2000)}`,
  );
}

async function answers(socket: string): Promise<boolean> {
  if (!existsSync(socket)) return false;
  try {
    return (await engine(socket, { path: '/_ping' })).status === 200;
  } catch {
    return false;
  }
}

async function end(daemon: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null || daemon.pid === undefined) return;
  const gone = new Promise<void>((resolve) => daemon.once('exit', () => resolve()));
  daemon.kill(signal);
  const forced = setTimeout(() => daemon.kill('SIGKILL'), STOP_LIMIT_MS);
  await gone;
  clearTimeout(forced);
}

/**
 * containerd dies with its daemon, a moment later, and stays a zombie until init looks. A daemon started meanwhile would
 * take the process id in the file for a living one and wait for it in vain.
 */
async function containerdGone(dir: string): Promise<void> {
  const limit = performance.now() + STOP_LIMIT_MS;
  const isContainerd = (args: readonly string[]): boolean => /(^|\/)containerd$/.test(args[0] ?? '');
  while ((await processesOf(dir, isContainerd)).length > 0) {
    assert.ok(performance.now() < limit, 'containerd outlives its killed daemon');
    await delay(10);
  }
  await rm(join(dir, 'exec/containerd/containerd.pid'), { force: true });
}

/** After a crash containerd and the containers' shims live on: they, their mounts and the directory go here. */
async function removeRemains(dir: string): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    const pids = await processesOf(dir, isStartedByDocker);
    if (pids.length === 0) break;
    for (const pid of pids) tryKill(pid);
    await delay(50);
  }
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  // Innermost first.
  for (const mount of mounts.filter((path) => path.startsWith(`${dir}/`)).reverse()) {
    await run('umount', ['-l', mount]).catch((error: unknown) => appendFileSync(join(dir, 'log'), `umount: ${String(error)}\n`));
  }
  await removeCgroups(dir);
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
}

/** What the daemon would have removed had it not been killed. */
async function removeCgroups(dir: string): Promise<void> {
  const containers = await readdir(join(dir, 'data/containers')).catch(() => []);
  const hierarchies = ['', ...(await readdir('/sys/fs/cgroup').catch(() => []))];
  for (const container of containers) {
    for (const hierarchy of hierarchies) {
      // There is none when the daemon ended in order, or the hierarchy is another one.
      await rmdir(join('/sys/fs/cgroup', hierarchy, 'docker', container)).catch(() => undefined);
    }
  }
}

const isStartedByDocker = (args: readonly string[]): boolean => /(^|\/)(containerd|dockerd)/.test(args[0] ?? '');

/** Processes started for this directory that are wanted, and those below them: under a shim, the containers' own. */
async function processesOf(dir: string, isWanted: (args: readonly string[]) => boolean): Promise<number[]> {
  const found = new Map<number, number>();
  const ours = new Set<number>();
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      found.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      if (stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) === 'Z') continue;
      if (isWanted(args) && args.some((arg) => arg.includes(`${dir}/`))) ours.add(pid);
    } catch {
      // It ended while we looked.
    }
  }
  for (const [pid, parent] of found) if (ours.has(parent)) ours.add(pid);
  return [...ours];
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

async function makeRootfs(root: string): Promise<void> {
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
  assert.ok(busybox, 'busybox is missing: apt-get install busybox-static');
  assert.ok(!readFileSync(busybox).includes('/ld-linux'), `${busybox} is not static: apt-get install busybox-static`);
  for (const name of ['bin', 'etc', 'proc', 'sys', 'dev', 'root', 'tmp', 'home']) await mkdir(join(root, name), { recursive: true });
  await cp(busybox, join(root, 'bin/busybox'));
  const { stdout } = await run(busybox, ['--list']);
  for (const applet of stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')) {
    await symlink('busybox', join(root, 'bin', applet));
  }
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n');
  await writeFile(join(root, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
}
