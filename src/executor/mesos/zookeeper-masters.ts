/**
 * The leading master as ZooKeeper has it (`zk://host:port,…/path`, what Mesos' own --zk takes). Every master that is a candidate
 * holds an ephemeral node `json.info_<sequence>` with its MasterInfo; the lowest sequence leads.
 *
 * Each look is a session of its own: looks are rare (one before each attempt to subscribe), and a session that is kept could
 * only be stale. The node of a dead leader stays until its session expires; that is why connecting goes on trying.
 */

import type { Socket } from 'node:net';
import { createClient, Exception, type Client } from 'node-zookeeper-client';
import type { Clock } from '../../clock/clock.ts';
import { schedulerUrl } from './master-address.ts';
import type { MasterDetector } from './master-detector.ts';

/** For one look, all servers tried. */
export const ZOOKEEPER_TIMEOUT_MS = 5_000;
const SESSION_TIMEOUT_MS = 10_000;
const LEADER_NODE = /^json\.info_(\d+)$/;
const DEFAULT_ZOOKEEPER_PORT = 2181;

export interface ZookeeperAddress {
  /** `host:port,host:port`. */
  readonly servers: string;
  readonly path: string;
  /** `user:password` for the digest scheme. */
  readonly digest: string | undefined;
}

/** Throws a TypeError; it does not repeat the address, which may hold a password. */
export function parseZookeeperAddress(text: string): ZookeeperAddress {
  const match = /^zk:\/\/(?:([^@/]*:[^@/]*)@)?([^@/]+)(\/[^\s]+?)\/*$/.exec(text.trim());
  const [, digest, hosts, path] = match ?? [];
  const servers = (hosts ?? '').split(',').map((host) => (/:\d+$/.test(host) ? host : `${host}:${DEFAULT_ZOOKEEPER_PORT}`));
  if (path === undefined || servers.some((server) => !/^[^\s:,]+:\d+$/.test(server))) {
    throw new TypeError("masters: a ZooKeeper address reads 'zk://[user:password@]host:port,host:port/path'");
  }
  return { servers: servers.join(','), path, digest };
}

export interface ZookeeperOptions {
  readonly clock: Clock;
  /** Masters speak https. ZooKeeper does not tell. */
  readonly https?: boolean;
}

export function zookeeperMasters(text: string, options: ZookeeperOptions): MasterDetector {
  const address = parseZookeeperAddress(text);
  return { detect: () => look(address, options), close: () => Promise.resolve() };
}

async function look(address: ZookeeperAddress, options: ZookeeperOptions): Promise<URL[]> {
  const client = createClient(address.servers, { sessionTimeout: SESSION_TIMEOUT_MS });
  if (address.digest !== undefined) client.addAuthInfo('digest', Buffer.from(address.digest));
  try {
    const leader = await withLimit(options.clock, findLeader(client, address.path, options.https === true));
    client.close();
    return leader;
  } catch (error) {
    client.close();
    abandon(client);
    throw error;
  }
}

/**
 * A server that accepts and never answers (one that starts has been seen to) would hold the client's socket for ever: close()
 * only asks the server to end the session. The library has no other way to its socket than its own parts.
 */
function abandon(client: Client): void {
  const { connectionManager } = client as { readonly connectionManager?: { readonly socket?: Socket } };
  connectionManager?.socket?.destroy();
}

async function findLeader(client: Client, path: string, isHttps: boolean): Promise<URL[]> {
  await connected(client);
  const children = await childrenOf(client, path);
  const sequences = children.flatMap((name) => LEADER_NODE.exec(name)?.[1] ?? []).sort((a, b) => Number(a) - Number(b));
  const [first] = sequences;
  if (first === undefined) return [];
  const data = await dataOf(client, `${path}/json.info_${first}`);
  return data === undefined ? [] : [leaderUrl(JSON.parse(data.toString('utf8')), isHttps)];
}

/** http: by its number, which needs no resolver; https: by its name, which is what a certificate vouches for. */
function leaderUrl(info: unknown, isHttps: boolean): URL {
  const { address } = info as { readonly address?: { readonly hostname?: string; readonly ip?: string; readonly port?: number } };
  const host = isHttps ? (address?.hostname ?? address?.ip) : (address?.ip ?? address?.hostname);
  if (host === undefined || address?.port === undefined) throw new Error('the leading master has published no address');
  return schedulerUrl(`${isHttps ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${address.port}`);
}

function connected(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once('connected', resolve);
    client.once('authenticationFailed', () => reject(new Error('ZooKeeper does not accept the credentials')));
    client.connect();
  });
}

/** Empty when the path does not exist: no master has ever led. */
function childrenOf(client: Client, path: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    client.getChildren(path, (error, children) => {
      if (error === null || error === undefined) resolve(children);
      else if (isNoNode(error)) resolve([]);
      else reject(asError(error));
    });
  });
}

/** `undefined`: gone since it was listed. */
function dataOf(client: Client, path: string): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    client.getData(path, (error, data) => {
      if (error === null || error === undefined) resolve(data);
      else if (isNoNode(error)) resolve(undefined);
      else reject(asError(error));
    });
  });
}

function isNoNode(error: Error | Exception): boolean {
  return error instanceof Exception && error.getCode() === Exception.NO_NODE;
}

function asError(error: Error | Exception): Error {
  return error instanceof Error ? error : new Error(`ZooKeeper: ${error.getName()}`);
}

function withLimit<T>(clock: Clock, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.timer(ZOOKEEPER_TIMEOUT_MS, () => reject(new Error('ZooKeeper does not answer')));
    void work.then(resolve, reject).finally(cancel);
  });
}
