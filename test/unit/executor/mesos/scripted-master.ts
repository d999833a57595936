/** A master that does only what a test tells it: keeps what it was sent, and answers with bytes the test chose. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type {
  AcceptBody,
  CallBody,
  InverseAnswerBody,
  KillBody,
  ReconcileTask,
  SubscribeCall,
  Value,
} from '../../../../src/executor/mesos/protocol.ts';

/** Any call's JSON: the part that belongs to its type is there. */
export interface CallJson {
  readonly type: SubscribeCall['type'] | CallBody['type'];
  readonly framework_id?: Value<string>;
  readonly subscribe?: SubscribeCall['subscribe'];
  readonly accept?: AcceptBody;
  readonly decline?: object;
  readonly kill?: KillBody;
  readonly acknowledge?: object;
  readonly accept_inverse_offers?: InverseAnswerBody;
  readonly decline_inverse_offers?: InverseAnswerBody;
  readonly reconcile?: { readonly tasks: readonly ReconcileTask[] };
}

export interface ReceivedCall {
  readonly type: string;
  readonly body: CallJson;
  readonly headers: IncomingMessage['headers'];
}

/** Truthy: the script has answered. */
type Script = (call: ReceivedCall, response: ServerResponse) => boolean;

export class ScriptedMaster {
  readonly calls: ReceivedCall[] = [];
  readonly #server: Server;
  #streams: ServerResponse[] = [];
  #streamCount = 0;
  script: Script = () => false;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** `tls`: it speaks https. */
  static async start(tls?: ServerOptions): Promise<ScriptedMaster> {
    const listener = (request: IncomingMessage, response: ServerResponse): void => void master.handle(request, response);
    const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
    const master = new ScriptedMaster(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return master;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get streamId(): string {
    return `stream-${this.#streamCount}`;
  }

  callsOf(type: string): ReceivedCall[] {
    return this.calls.filter((call) => call.type === type);
  }

  /** One record on the newest stream. */
  send(event: object): void {
    const text = JSON.stringify(event);
    this.#streams.at(-1)?.write(`${Buffer.byteLength(text)}\n${text}`);
  }

  sendRaw(bytes: string | Uint8Array): void {
    this.#streams.at(-1)?.write(bytes);
  }

  status(status: object): void {
    this.send({ type: 'UPDATE', update: { status } });
  }

  /** Ends the newest stream: cleanly, or in the middle of it. */
  endStream(how: 'clean' | 'cut' = 'clean'): void {
    const stream = this.#streams.pop();
    if (how === 'clean') stream?.end();
    else stream?.destroy();
  }

  async close(): Promise<void> {
    for (const stream of this.#streams) stream.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as CallJson;
    const call: ReceivedCall = { type: body.type, body, headers: request.headers };
    this.calls.push(call);
    if (this.script(call, response)) return;
    if (call.type === 'SUBSCRIBE') this.#subscribe(call, response);
    else response.writeHead(202).end();
  }

  #subscribe(call: ReceivedCall, response: ServerResponse): void {
    this.#streamCount += 1;
    this.#streams.push(response);
    response.writeHead(200, { 'content-type': 'application/json', 'mesos-stream-id': this.streamId });
    const id = call.body.framework_id?.value ?? 'framework-0000';
    this.send({
      type: 'SUBSCRIBED',
      subscribed: { framework_id: { value: id }, heartbeat_interval_seconds: 15, master_info: { id: 'm', hostname: 'localhost' } },
    });
    this.send({ type: 'HEARTBEAT' });
  }
}

/** Polls in real time, for what depends on sockets. */
export async function until(what: string, isSo: () => boolean, limitMs = 5_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
