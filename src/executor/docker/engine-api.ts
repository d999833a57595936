/**
 * The calls to the Docker Engine API that running tasks needs, over the daemon's unix socket. No decisions here.
 *
 * An answer that is not a success throws EngineError; no answer at all throws what undici throws, and means that the daemon
 * can't be reached: callers let that pass, so that the connection is opened anew and all is looked at again.
 */

import type { Readable } from 'node:stream';
import { Agent, errors } from 'undici';
import type { Dispatcher } from 'undici';

/** The newest API version that this code was written to; an older daemon is spoken to in its own. */
const NEWEST_VERSION = '1.44';
const CONNECT_TIMEOUT_MS = 5_000;
/** Starting a container may take its time on a busy machine; a daemon silent for longer is taken for dead. */
const ANSWER_TIMEOUT_MS = 120_000;
const PING_TIMEOUT_MS = 10_000;
/** Calls at once: the daemon gains nothing from more. */
const CONNECTIONS = 16;

export class EngineError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'EngineError';
    this.status = status;
  }
}

/** Whether the daemon took a call and then did not answer it in time: stuck with one container, as a rule. */
export function isSilence(error: unknown): boolean {
  return error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
}

/** The part of `GET /containers/json` that is used. */
export interface ContainerSummary {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly State: string;
}

/** The part of `GET /containers/{id}/json` that is used. */
export interface ContainerDetails {
  readonly Id: string;
  readonly Name: string;
  readonly State: {
    readonly Status: string;
    readonly OOMKilled: boolean;
    readonly ExitCode: number;
    readonly Error: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
  };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> | null; readonly StopSignal?: string };
}

export interface EngineCall {
  readonly method?: Dispatcher.HttpMethod;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

export class EngineApi {
  readonly #calls: Agent;
  /** Streams stay open for long and must not keep calls waiting. */
  readonly #streams: Agent;
  #version = '';

  constructor(socketPath: string) {
    const connect = { socketPath, timeout: CONNECT_TIMEOUT_MS };
    this.#calls = new Agent({ connect, connections: CONNECTIONS, pipelining: 1, headersTimeout: ANSWER_TIMEOUT_MS });
    this.#streams = new Agent({ connect, pipelining: 0, headersTimeout: ANSWER_TIMEOUT_MS, bodyTimeout: 0 });
  }

  /** Asks whether the daemon is there, and which version of the API it speaks. */
  async ping(): Promise<void> {
    const { headers, body } = await this.#send(this.#calls, { path: '/_ping', timeoutMs: PING_TIMEOUT_MS }, '');
    await body.dump();
    const theirs = String(headers['api-version'] ?? NEWEST_VERSION);
    this.#version = `/v${isOlder(theirs, NEWEST_VERSION) ? theirs : NEWEST_VERSION}`;
  }

  /** All containers with this label, running or not. */
  list(label: string): Promise<readonly ContainerSummary[]> {
    const filters = JSON.stringify({ label: [label] });
    return this.#json({ path: '/containers/json', query: { all: '1', filters } });
  }

  /** By id or name; `undefined` when there is none. */
  async inspect(container: string): Promise<ContainerDetails | undefined> {
    try {
      return await this.#json<ContainerDetails>({ path: `/containers/${container}/json` });
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return undefined;
      throw error;
    }
  }

  async create(name: string, body: unknown): Promise<string> {
    const { Id } = await this.#json<{ Id: string }>({ method: 'POST', path: '/containers/create', query: { name }, body });
    return Id;
  }

  /** Harmless when it has been started before. */
  start(container: string): Promise<void> {
    return this.#done({ method: 'POST', path: `/containers/${container}/start` });
  }

  kill(container: string, signal: string): Promise<void> {
    return this.#done({ method: 'POST', path: `/containers/${container}/kill`, query: { signal } });
  }

  rename(container: string, name: string): Promise<void> {
    return this.#done({ method: 'POST', path: `/containers/${container}/rename`, query: { name } });
  }

  /** With its anonymous volumes. */
  remove(container: string): Promise<void> {
    return this.#done({ method: 'DELETE', path: `/containers/${container}`, query: { v: '1' } });
  }

  /** An answer whose body is read as it comes: events, logs, the progress of a pull. The caller ends it. */
  async stream(call: EngineCall): Promise<Readable> {
    return (await this.#send(this.#streams, call, this.#version)).body;
  }

  async #done(call: EngineCall): Promise<void> {
    const { body } = await this.#send(this.#calls, call, this.#version);
    await body.dump();
  }

  async #json<T>(call: EngineCall): Promise<T> {
    const { body } = await this.#send(this.#calls, call, this.#version);
    return (await body.json()) as T;
  }

  async #send(dispatcher: Agent, call: EngineCall, version: string): Promise<Dispatcher.ResponseData> {
    const query = new URLSearchParams(call.query).toString();
    const answer = await dispatcher.request({
      origin: 'http://docker',
      path: `${version}${call.path}${query === '' ? '' : `?${query}`}`,
      method: call.method ?? 'GET',
      headers: { ...call.headers, ...(call.body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
      ...(call.timeoutMs === undefined ? {} : { headersTimeout: call.timeoutMs, bodyTimeout: call.timeoutMs }),
    });
    if (answer.statusCode < 400) return answer;
    throw new EngineError(answer.statusCode, messageIn(await answer.body.text()));
  }
}

/** The daemon's errors are `{"message": "..."}`. */
function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message.trim() : text;
  } catch {
    return text;
  }
}

function isOlder(a: string, b: string): boolean {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor < bMajor || (aMajor === bMajor && aMinor < bMinor);
}
