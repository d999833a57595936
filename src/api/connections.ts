/**
 * Which of a server's connections are in the middle of an exchange. Node closes only those that have had one already; a client
 * that has connected and says nothing, or is kept alive after the answer it was owed, would hold the server up.
 */

import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export class Connections {
  /** Each with the number of its exchanges under way. */
  readonly #open = new Map<Socket, number>();
  #isDraining = false;

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.#open.set(socket, 0);
      socket.once('close', () => this.#open.delete(socket));
    });
    server.on('request', ({ socket }, response) => {
      this.#count(socket, 1);
      response.once('close', () => this.#count(socket, -1));
    });
  }

  /** Ends every connection as soon as it owes no answer. */
  drain(): void {
    this.#isDraining = true;
    for (const [socket, exchanges] of this.#open) if (exchanges === 0) socket.destroy();
  }

  #count(socket: Socket, change: number): void {
    const exchanges = this.#open.get(socket);
    if (exchanges === undefined) return;
    this.#open.set(socket, exchanges + change);
    // What was written last is still sent.
    if (this.#isDraining && exchanges + change === 0) socket.destroySoon();
  }
}
