/** One HTTP request with its body, and answers in the form that Mesos gives them. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

const TEXT = 'text/plain; charset=utf-8';
/** Mesos compresses large answers only. */
const GZIP_FROM_BYTES = 1024;

export interface Exchange {
  readonly method: string;
  /** Without a trailing slash. */
  readonly path: string;
  /** With the question mark; may be empty. */
  readonly query: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
}

export async function readExchange(request: IncomingMessage, response: ServerResponse): Promise<Exchange> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const [path = '/', query] = (request.url ?? '/').split(/\?(.*)/s);
  return {
    method: request.method ?? '',
    path: path.replace(/(.)\/$/, '$1'),
    query: query === undefined ? '' : `?${query}`,
    request,
    response,
    body: Buffer.concat(chunks),
  };
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export function answer({ response }: Exchange, { status, headers = {}, body = '' }: Answer): void {
  const bytes = Buffer.from(body);
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('Content-Length', bytes.length);
  response.removeHeader('Connection');
  response.end(bytes);
}

export function answerText(exchange: Exchange, status: number, text: string): void {
  answer(exchange, { status, headers: { 'Content-Type': TEXT }, body: text });
}

export function answerNotFound(exchange: Exchange): void {
  answerText(exchange, 404, '404 Not Found.');
}

export function answerNotAllowed(exchange: Exchange, ...allowed: readonly string[]): void {
  const named = allowed.map((method) => `'${method}'`).join(', ');
  const text = `405 Method Not Allowed. Expecting one of { ${named} }, but received '${exchange.method}'.`;
  answer(exchange, { status: 405, headers: { Allow: allowed.join(', '), 'Content-Type': TEXT }, body: text });
}

/** JSON, compressed when it is large and the client allows; as a script with `jsonp`. */
export function answerJson(exchange: Exchange, value: unknown): void {
  const callback = new URLSearchParams(exchange.query).get('jsonp');
  const json = JSON.stringify(value);
  if (callback !== null) {
    return answer(exchange, { status: 200, headers: { 'Content-Type': 'text/javascript' }, body: `${callback}(${json});` });
  }
  const headers = { 'Content-Type': 'application/json' };
  const accepts = String(exchange.request.headers['accept-encoding'] ?? '');
  if (json.length < GZIP_FROM_BYTES || !/\bgzip\b/.test(accepts)) return answer(exchange, { status: 200, headers, body: json });
  answer(exchange, { status: 200, headers: { ...headers, 'Content-Encoding': 'gzip' }, body: gzipSync(json) });
}
