/** A Kairos node as its users start it: a process of its own, spoken to over HTTP. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const START_LIMIT_MS = 30_000;

export interface Answer<T> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: T;
}

export interface KairosNode {
  readonly url: string;
  readonly pid: number;
  /** Everything it logged so far, a line each. */
  readonly log: readonly string[];
  get<T>(path: string): Promise<Answer<T>>;
  post<T>(path: string, body?: object): Promise<Answer<T>>;
  call<T>(method: string, path: string, body?: object): Promise<Answer<T>>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. Harmless when it is gone. */
  stop(): Promise<number | null>;
}

/** Starts `kairos node --set …` and waits until it says where it is. Its port is any free one. */
export async function startKairos(settings: readonly string[]): Promise<KairosNode> {
  const flags = ['api.port=0', ...settings].flatMap((setting) => ['--set', setting]);
  const child = spawn(process.execPath, ['--import', 'tsx', main, 'node', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  const log: string[] = [];
  const gone = once(child, 'exit');
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
  const url = await findUrl(child, log);
  const call = <T>(method: string, path: string, body?: object): Promise<Answer<T>> => answer<T>(`${url}${path}`, method, body);
  return {
    url,
    pid: child.pid as number,
    log,
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    call,
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await gone;
      return child.exitCode;
    },
  };
}

function findUrl(child: ChildProcess, log: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      child.kill('SIGKILL');
      reject(new Error(`the node ${why}:\n${log.join('\n')}`));
    };
    const limit = setTimeout(() => fail('did not start in time'), START_LIMIT_MS);
    child.once('exit', () => {
      clearTimeout(limit);
      fail('ended');
    });
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      log.push(line);
      const url = /"url":"(http:[^"]+)".*node started/.exec(line)?.[1];
      if (url === undefined) return;
      clearTimeout(limit);
      resolve(url);
    });
  });
}

async function answer<T>(url: string, method: string, body: object | undefined): Promise<Answer<T>> {
  const response = await request(url, {
    method: method as 'GET',
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.body.text();
  const isJson = String(response.headers['content-type'] ?? '').includes('json');
  return { status: response.statusCode, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T };
}
