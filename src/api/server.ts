/** Serves an API over HTTP, and ends it without cutting off answers that are under way. */

import { createServer, type Server } from 'node:http';
import type Koa from 'koa';
import type { Clock } from '../clock/clock.ts';
import { Connections } from './connections.ts';
import { createApi } from './create-api.ts';
import type { ApiDeps } from './deps.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface Api {
  readonly address: { readonly host: string; readonly port: number };
  /** Takes no new requests, ends streams, lets answers under way finish. Idempotent. */
  close(): Promise<void>;
}

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 65_000;
/** How long answers under way have before they are cut off. */
const DRAIN_MS = 5_000;

/** Listens; rejects when the address can't be had. */
export function startApi(deps: ApiDeps, options: ListenOptions): Promise<Api> {
  return listen(createApi(deps), { ...options, clock: deps.clock });
}

export async function listen(app: Koa, { host, port, clock }: ListenOptions & { readonly clock: Clock }): Promise<Api> {
  const answer = app.callback();
  const server = createServer((request, response) => void answer(request, response));
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const connections = new Connections(server);
  await opened(server, { host, port });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no address');
  let closed: Promise<void> | undefined;
  return {
    address: { host, port: address.port },
    close: () => {
      closed ??= new Promise((resolve) => {
        const cancel = clock.timer(DRAIN_MS, () => server.closeAllConnections());
        server.close(() => {
          cancel();
          resolve();
        });
        app.emit('closing');
        connections.drain();
      });
      return closed;
    },
  };
}

function opened(server: Server, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'EADDRINUSE' ? 'something else listens there' : cause.message;
      reject(new Error(`can't listen on ${host}:${port}: ${reason}`, { cause }));
    });
    server.listen(port, host, () => resolve());
  });
}
