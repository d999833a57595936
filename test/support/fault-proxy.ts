/**
 * A TCP proxy on loopback that fails on demand, between a client and a real server.
 *  cut: ends every connection at once;  refuse: takes no new ones (and cuts);
 *  hole: swallows everything, in both directions, while connections look alive;  delay: passes everything on late;
 *  rate: passes on no more than that.
 */

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type ProxyMode = 'pass' | 'refuse' | 'hole';

export interface FaultProxy {
  /** `http://127.0.0.1:<port>`, in place of the server's own. */
  readonly host: string;
  /** How many connections are open. */
  readonly connections: number;
  cut(): void;
  /** Applies to what is sent from now on; what was swallowed stays lost, so connections are cut when the hole ends. */
  mode(mode: ProxyMode): void;
  /** Of every piece, in both directions. Default: 0. */
  delay(ms: number): void;
  /** In each direction of each connection, in bytes a millisecond. Default: no limit. */
  rate(bytesPerMs: number): void;
  /** Called with every piece on its way; true drops the connection before the piece is passed on. */
  onPiece: ((direction: 'up' | 'down', bytes: number) => boolean) | undefined;
  stop(): Promise<void>;
}

/** `target`: `http://host:port`. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let mode: ProxyMode = 'pass';
  let delayMs = 0;
  let bytesPerMs = Infinity;
  let onPiece: FaultProxy['onPiece'];

  const pipe = (from: Socket, to: Socket, direction: 'up' | 'down'): void => {
    let freeAt = 0;
    const held: Buffer[] = [];
    const pass = (): void => {
      // In order, whichever timer was first.
      const piece = held.shift();
      if (piece === undefined || mode === 'hole' || to.destroyed) return;
      to.write(piece);
    };
    from.on('data', (piece: Buffer) => {
      if (onPiece?.(direction, piece.length)) return void from.destroy();
      freeAt = Math.max(freeAt, performance.now()) + piece.length / bytesPerMs;
      const waitMs = delayMs + (bytesPerMs < Infinity ? freeAt - performance.now() : 0);
      held.push(piece);
      if (waitMs > 0) setTimeout(pass, waitMs);
      else pass();
    });
    sockets.add(from);
    from.on('error', () => from.destroy());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };

  const server = createServer((client) => {
    if (mode === 'refuse') return void client.destroy();
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) socket.setNoDelay(true);
    pipe(client, upstream, 'up');
    pipe(upstream, client, 'down');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };

  return {
    host: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return sockets.size / 2;
    },
    cut,
    mode(next) {
      if (next === 'refuse' || mode === 'hole') cut();
      mode = next;
    },
    delay(ms) {
      delayMs = ms;
    },
    rate(next) {
      bytesPerMs = next;
    },
    get onPiece() {
      return onPiece;
    },
    set onPiece(next) {
      onPiece = next;
    },
    async stop() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
