/**
 * The HTTP server of one simulated process: it can be down (refusing connections), and its clock decides whether
 * requests are handled now, later or never. Ending it closes every socket as the end of a process does.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { readExchange, type Exchange } from './exchange.ts';

export interface TlsFiles {
  readonly key: string;
  readonly cert: string;
  /** Present: clients without a certificate of it are turned away. */
  readonly ca?: string;
}

const OPTIONS = { keepAlive: true, keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 };

export class HttpFront {
  readonly #handle: (exchange: Exchange) => void;
  readonly #sockets = new Set<Socket>();
  readonly #tls: TlsFiles | undefined;
  #server: Server | undefined;

  /** `handle` answers each request; it is called in the order in which bodies are complete. */
  constructor(handle: (exchange: Exchange) => void, tls?: TlsFiles) {
    this.#handle = handle;
    this.#tls = tls;
  }

  get isListening(): boolean {
    return this.#server !== undefined;
  }

  /** Returns the port; 0 picks one. */
  async listen(port: number): Promise<number> {
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      readExchange(request, response).then(this.#handle, () => request.socket.destroy());
    };
    // A real master keeps connections as long as the client does, and answers no `Expect: 100-continue`.
    const tls = this.#tls;
    const server =
      tls === undefined
        ? createServer(OPTIONS, serve)
        : createTlsServer({ ...OPTIONS, ...tls, requestCert: tls.ca !== undefined, rejectUnauthorized: tls.ca !== undefined }, serve);
    server.on('checkContinue', serve);
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
    this.#server = server;
    return (server.address() as AddressInfo).port;
  }

  /** Refuses connections from now on and closes the open ones in mid-sentence. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
