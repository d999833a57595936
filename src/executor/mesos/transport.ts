/**
 * HTTP towards masters and agents: the event stream on connections of its own, calls on a pool that is kept alive.
 * It sends exactly the headers that a master accepts (`application/json` without a charset, or it answers 415) and
 * follows no redirect itself. Every answer that is not a stream is read to its end, so that its connection can be used again.
 */

import { Agent, request, type Dispatcher } from 'undici';
import type { Authenticator } from './authenticator.ts';

/** Time for a connection and for the first byte of an answer to SUBSCRIBE. */
export const SUBSCRIBE_TIMEOUT_MS = 10_000;
/** Time for the answer to a call. A master took 1.9 s for 2,000 tasks on a loaded host. */
export const CALL_TIMEOUT_MS = 30_000;
export const CONNECT_TIMEOUT_MS = 5_000;
/** Idle connections for calls are kept this long unless the server says otherwise. */
const KEEP_ALIVE_MS = 60_000;

/** PEM texts. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** false: any certificate will do. For trying things out only. */
  readonly verify?: boolean;
}

export interface TransportOptions {
  readonly tls: TlsOptions | undefined;
  readonly authenticator: Authenticator;
}

export interface PostRequest {
  readonly url: URL;
  readonly body: unknown;
  readonly streamId?: string | undefined;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly streamId: string | undefined;
  /** Empty for a stream. */
  readonly text: string;
  /** Present for 200 on a stream request. */
  readonly stream?: AsyncIterable<Uint8Array>;
}

export class Transport {
  readonly #streams: Agent;
  readonly #calls: Agent;
  readonly #authenticator: Authenticator;

  constructor(options: TransportOptions) {
    const connect = connectOptions(options.tls);
    this.#streams = new Agent({ connect, pipelining: 1, headersTimeout: SUBSCRIBE_TIMEOUT_MS, bodyTimeout: 0 });
    this.#calls = new Agent({
      connect,
      pipelining: 1,
      headersTimeout: CALL_TIMEOUT_MS,
      bodyTimeout: CALL_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    });
    this.#authenticator = options.authenticator;
  }

  /** A request whose 200 is a stream without end: no time-out on its body, silence is judged by its reader. */
  async openStream(post: PostRequest): Promise<Answer> {
    const response = await this.#post(post, this.#streams);
    if (response.statusCode !== 200) return readAnswer(response);
    return { ...headersOf(response), text: '', stream: response.body };
  }

  /** Rejects when no answer came: what was asked may have been done or not. */
  async call(post: PostRequest): Promise<Answer> {
    return readAnswer(await this.#post(post, this.#calls));
  }

  async close(): Promise<void> {
    await Promise.all([this.#streams.destroy(), this.#calls.destroy()]);
  }

  async #post(post: PostRequest, dispatcher: Agent): Promise<Dispatcher.ResponseData> {
    const authorization = await this.#authenticator.authorization();
    const headers: Record<string, string> = { 'content-type': 'application/json', accept: 'application/json' };
    if (authorization !== undefined) headers['authorization'] = authorization;
    if (post.streamId !== undefined) headers['mesos-stream-id'] = post.streamId;
    const response = await request(post.url, {
      method: 'POST',
      headers,
      body: JSON.stringify(post.body),
      dispatcher,
      ...(post.signal === undefined ? {} : { signal: post.signal }),
    });
    if (response.statusCode === 401) this.#authenticator.forget();
    return response;
  }
}

async function readAnswer(response: Dispatcher.ResponseData): Promise<Answer> {
  return { ...headersOf(response), text: (await response.body.text()).trim() };
}

function headersOf(response: Dispatcher.ResponseData): Pick<Answer, 'status' | 'location' | 'streamId'> {
  return {
    status: response.statusCode,
    location: headerText(response.headers['location']),
    streamId: headerText(response.headers['mesos-stream-id']),
  };
}

function headerText(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

interface ConnectOptions {
  readonly timeout: number;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized?: boolean;
}

/** How sockets are opened, for undici. */
export function connectOptions(tls: TlsOptions | undefined): ConnectOptions {
  const { verify, ...material } = tls ?? {};
  return { timeout: CONNECT_TIMEOUT_MS, ...material, ...(verify === false ? { rejectUnauthorized: false } : {}) };
}
