/** A real ZooKeeper server of a test's own, on a free loopback port, its data in a temporary directory. Debian: package zookeeper. */

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import { until } from './until.ts';

const JAR = '/usr/share/java/zookeeper.jar';
/** A Java program on a loaded machine. */
const READY_LIMIT_MS = 60_000;
const LOOK_LIMIT_MS = 500;
const MAIN = 'org.apache.zookeeper.server.ZooKeeperServerMain';

export interface Zookeeper {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  /** Ends the server and removes the directory. Harmless when repeated. */
  stop(): Promise<void>;
}

export async function startZookeeper(): Promise<Zookeeper> {
  const dir = await mkdtemp(join(tmpdir(), 'kairos-zookeeper-'));
  const [port] = await freePorts(1);
  const config = join(dir, 'zoo.cfg');
  const lines = [`clientPort=${port}`, 'clientPortAddress=127.0.0.1', `dataDir=${dir}`, 'tickTime=500', '4lw.commands.whitelist=srvr'];
  await writeFile(config, `${lines.join('\n')}\n`);
  const log = join(dir, 'log');
  const output = openSync(log, 'a');
  const flags = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-Dzookeeper.admin.enableServer=false', '-cp', JAR];
  const server = spawn('java', [...flags, MAIN, config], { stdio: ['ignore', output, output] });
  closeSync(output);
  let failure: Error | undefined;
  server.on('error', (error) => {
    failure = error;
  });
  const atExit = (): void => void server.kill('SIGKILL');
  process.on('exit', atExit);
  const stop = async (): Promise<void> => {
    process.off('exit', atExit);
    await ended(server);
    await rm(dir, { recursive: true, force: true });
  };
  const what = (): string => `ZooKeeper to answer (Debian: package zookeeper): ${failure?.message ?? ''}\n${readFileSync(log, 'utf8')}`;
  try {
    await until(() => failure !== undefined || isServing(port as number), { limitMs: READY_LIMIT_MS, what });
    if (failure !== undefined || server.exitCode !== null) throw new Error(what());
  } catch (error) {
    await stop();
    throw error;
  }
  return { address: `127.0.0.1:${port}`, stop };
}

/**
 * `srvr`, not `ruok`, which is answered before the server serves. A connection that comes too early is accepted and then never
 * answered, so each look has a limit of its own.
 */
function isServing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write('srvr'));
    socket.setTimeout(LOOK_LIMIT_MS, () => socket.destroy());
    socket.on('data', (data) => {
      answer += data.toString();
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(answer.includes('Mode: ')));
  });
}

function ended(server: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return resolve();
    server.once('exit', () => resolve());
    server.kill('SIGKILL');
  });
}
