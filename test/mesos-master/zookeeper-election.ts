/**
 * Shows the stand-in's masters in a real ZooKeeper as Mesos does: each puts a `json.info_<sequence>` node with its
 * MasterInfo under the path, the lowest sequence leads, and a node goes when its master's session has ended.
 */

import { createClient, CreateMode, type Client } from 'node-zookeeper-client';
import type { Contender, Election } from './cluster.ts';
import { masterInfo } from './core/frameworks.ts';

export class ZookeeperElection implements Election {
  readonly #client: Client;
  readonly #path: string;
  readonly #nodes = new Map<string, string>();
  /** Changes are made one after the other, so that sequences are in the order of joining. */
  #work: Promise<void> = Promise.resolve();

  private constructor(client: Client, path: string) {
    this.#client = client;
    this.#path = path;
  }

  /** `address`: `host:port` of the server; `path`: where the masters are shown, made if need be. */
  static async connect(address: string, path: string): Promise<ZookeeperElection> {
    const client = createClient(address);
    await new Promise<void>((resolve) => {
      client.once('connected', resolve);
      client.connect();
    });
    await new Promise<void>((resolve, reject) => {
      client.mkdirp(path, (error) => (error ? reject(asError(error)) : resolve()));
    });
    return new ZookeeperElection(client, path);
  }

  joined(contender: Contender): void {
    this.#enqueue(async () => {
      const data = Buffer.from(JSON.stringify(masterInfo(contender.id, contender)));
      const node = await new Promise<string>((resolve, reject) => {
        this.#client.create(`${this.#path}/json.info_`, data, CreateMode.EPHEMERAL_SEQUENTIAL, (error, made) =>
          error ? reject(asError(error)) : resolve(made),
        );
      });
      this.#nodes.set(contender.id, node);
    });
  }

  left(contender: Contender): void {
    this.#enqueue(async () => {
      const node = this.#nodes.get(contender.id);
      if (node === undefined) return;
      this.#nodes.delete(contender.id);
      await new Promise<void>((resolve, reject) => {
        this.#client.remove(node, (error) => (error ? reject(asError(error)) : resolve()));
      });
    });
  }

  /** Resolves when ZooKeeper knows all that has been said. */
  settled(): Promise<void> {
    return this.#work;
  }

  async close(): Promise<void> {
    await this.#work;
    this.#client.close();
  }

  #enqueue(change: () => Promise<void>): void {
    this.#work = this.#work.then(change);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
