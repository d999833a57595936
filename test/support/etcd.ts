/**
 * Real etcd servers of a test's own: one or three, on free loopback ports, their data and output in one temporary
 * directory that ends with them. Needs etcd on the PATH (Debian: etcd-server). They never compact by themselves.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from './free-ports.ts';

const READY_LIMIT_MS = 30_000;
const START_ATTEMPTS = 5;

export interface EtcdOptions {
  /** Default: 1. */
  readonly nodes?: 1 | 3;
  /** PEM files: clients must then come with TLS, and with a certificate of this CA. */
  readonly tls?: TlsFiles;
  /** More flags for every server, such as `--auto-compaction-retention=1`. */
  readonly flags?: readonly string[];
}

export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface EtcdNode {
  /** `http://127.0.0.1:<port>` (`https` with TLS); stays the same over restarts. */
  readonly host: string;
  /** Of the running server, or of the last one that ran. */
  readonly pid: number;
  /** Sends a signal. With one that ends the process (SIGKILL, SIGTERM) it resolves when the process is gone. Default: SIGKILL. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same data and port, killing it first if it runs; resolves when it answers. */
  restart(): Promise<void>;
}

export interface Etcd {
  readonly hosts: readonly string[];
  /** Holds `<name>.log`, what each server wrote. */
  readonly dir: string;
  readonly nodes: readonly EtcdNode[];
  /** Ends the servers and removes the directory. Harmless when repeated. */
  stop(): Promise<void>;
}

/** Resolves when every server answers and the cluster has a leader. */
export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  for (let attempt = 1; ; attempt += 1) {
    const dir = await mkdtemp(join(tmpdir(), 'kairos-etcd-'));
    const servers = await planServers(dir, options);
    const etcd = bundle(dir, servers);
    try {
      for (const server of servers) launch(server);
      await Promise.all(servers.map((server) => ready(server)));
      return etcd;
    } catch (error) {
      await etcd.stop();
      // Another process may have taken a port between our look and etcd's start.
      if (attempt === START_ATTEMPTS || !String(error).includes('address already in use')) throw error;
    }
  }
}

interface Plan {
  readonly host: string;
  readonly log: string;
  readonly args: readonly string[];
  readonly tls: TlsFiles | undefined;
  process: ChildProcess | undefined;
  failure: Error | undefined;
}

async function planServers(dir: string, options: EtcdOptions): Promise<Plan[]> {
  const names = options.nodes === 3 ? ['n1', 'n2', 'n3'] : ['n1'];
  const ports = await freePorts(names.length * 2);
  const { tls } = options;
  const scheme = tls === undefined ? 'http' : 'https';
  const client = (index: number): string => `${scheme}://127.0.0.1:${ports[index]}`;
  const peer = (index: number): string => `http://127.0.0.1:${ports[names.length + index]}`;
  const cluster = names.map((name, index) => `${name}=${peer(index)}`).join(',');
  return names.map((name, index) => ({
    host: client(index),
    log: join(dir, `${name}.log`),
    tls,
    process: undefined,
    failure: undefined,
    args: [
      ...['--name', name, '--data-dir', join(dir, name), '--logger', 'zap'],
      ...['--listen-client-urls', client(index), '--advertise-client-urls', client(index)],
      ...['--listen-peer-urls', peer(index), '--initial-advertise-peer-urls', peer(index)],
      ...['--initial-cluster', cluster, '--initial-cluster-state', 'new'],
      ...(tls === undefined ? [] : ['--client-cert-auth', '--trusted-ca-file', tls.ca, '--cert-file', tls.cert, '--key-file', tls.key]),
      ...(options.flags ?? []),
    ],
  }));
}

function bundle(dir: string, servers: readonly Plan[]): Etcd {
  // A test that ends without stop() must not leave servers behind.
  const atExit = (): void => {
    for (const server of servers) server.process?.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  };
  process.on('exit', atExit);
  return {
    dir,
    hosts: servers.map((server) => server.host),
    nodes: servers.map((server) => ({
      host: server.host,
      get pid() {
        return server.process?.pid ?? 0;
      },
      kill: (signal: NodeJS.Signals = 'SIGKILL') => signalServer(server, signal),
      async restart() {
        await signalServer(server, 'SIGKILL');
        launch(server);
        await ready(server);
      },
    })),
    async stop() {
      await Promise.all(servers.map((server) => signalServer(server, 'SIGKILL')));
      process.off('exit', atExit);
      await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

function launch(server: Plan): void {
  const log = openSync(server.log, 'a');
  // With a parent-death signal the server does not outlive a test that is killed.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'etcd', ...server.args], {
    stdio: ['ignore', log, log],
    env: { PATH: process.env['PATH'] ?? '', GOMAXPROCS: '2' },
  });
  closeSync(log);
  child.on('error', (error) => {
    server.failure = error;
  });
  // A test that fails halfway must be able to end.
  child.unref();
  server.process = child;
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;

async function signalServer(server: Plan, signal: NodeJS.Signals): Promise<void> {
  const child = server.process;
  if (child === undefined || hasEnded(child)) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  if (signal !== 'SIGKILL' && signal !== 'SIGTERM') return;
  child.ref();
  await gone;
}

async function ready(server: Plan): Promise<void> {
  const limit = performance.now() + READY_LIMIT_MS;
  while (performance.now() < limit) {
    if (server.process === undefined || hasEnded(server.process)) break;
    if (await isHealthy(server)) return;
    await delay(25);
  }
  const log = readFileSync(server.log, 'utf8').slice(-2000);
  throw new Error(`etcd did not start (Debian: apt-get install etcd-server): ${server.failure?.message ?? log}`);
}

function isHealthy({ host, tls }: Plan): Promise<boolean> {
  return new Promise((resolve) => {
    const files = tls === undefined ? {} : { ca: readFileSync(tls.ca), cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
    const get = tls === undefined ? getPlain : getSecure;
    const request = get(`${host}/health`, { agent: false, timeout: 2000, ...files }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => resolve(response.statusCode === 200 && body.includes('true')));
      response.on('error', () => resolve(false));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}
