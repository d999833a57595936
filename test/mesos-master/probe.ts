/**
 * A scheduler in the raw: sends exactly what a test says and keeps what comes, with as little understanding as
 * possible. For tests of the stand-in itself, and as a competing framework in tests of others.
 */

import { Agent, request, type IncomingMessage } from 'node:http';
import { RecordDecoder } from './wire/record-io.ts';
import type { MesosEvent, OfferJson, TaskStatusJson } from './wire/event.ts';

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface RawRequest {
  readonly address: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is, anything else as JSON. */
  readonly body?: unknown;
  /** Connections to use; default: a new one. */
  readonly connections?: Agent;
}

/** One request and its whole answer. */
export async function send(raw: RawRequest): Promise<RawAnswer> {
  const response = await open(raw);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString('utf8') };
}

function open(raw: RawRequest): Promise<IncomingMessage> {
  const [host, port] = raw.address.split(':');
  const { path = '/api/v1/scheduler', method = 'POST' } = raw;
  const text = raw.body === undefined ? undefined : typeof raw.body === 'string' ? raw.body : JSON.stringify(raw.body);
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json', ...raw.headers };
  const sent = { ...headers, ...(text === undefined ? {} : { 'Content-Length': Buffer.byteLength(text) }) };
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port, path, method, headers: withoutEmpty(sent), agent: raw.connections ?? false }, resolve);
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}

/** An empty value takes a default header away. */
function withoutEmpty(headers: Readonly<Record<string, string | number>>): Record<string, string | number> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
}

export interface ProbeOptions {
  readonly address: string;
  /** Of an earlier subscription. */
  readonly frameworkId?: string;
  /** Over the usual FrameworkInfo. */
  readonly info?: Readonly<Record<string, unknown>>;
  /** Beside `framework_info`. */
  readonly subscribe?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Acknowledges every update that has a uuid. */
  readonly acknowledges?: boolean;
}

export type Closing = 'open' | 'clean' | 'cut';

export class Probe {
  readonly address: string;
  readonly streamId: string;
  readonly headers: IncomingMessage['headers'];
  readonly events: MesosEvent[] = [];
  /** How the stream ended: with its last chunk, or in mid-sentence. */
  closed: Closing = 'open';
  readonly #response: IncomingMessage;
  readonly #options: ProbeOptions;
  readonly #connections = new Agent({ keepAlive: true, maxSockets: 8 });
  #ids = '';

  private constructor(response: IncomingMessage, options: ProbeOptions) {
    this.address = options.address;
    this.#response = response;
    this.#options = options;
    this.headers = response.headers;
    this.streamId = String(response.headers['mesos-stream-id'] ?? '');
  }

  /** Resolves with the answer's head: a subscription, or a refusal as an error. */
  static async subscribe(options: ProbeOptions): Promise<Probe> {
    const id = options.frameworkId === undefined ? {} : { id: { value: options.frameworkId } };
    const info = { user: 'root', name: 'probe', roles: ['*'], failover_timeout: 3600, checkpoint: true, capabilities: CAPABILITIES };
    const body = {
      type: 'SUBSCRIBE',
      subscribe: { framework_info: { ...info, ...options.info, ...id }, ...options.subscribe },
      ...(options.frameworkId === undefined ? {} : { framework_id: { value: options.frameworkId } }),
    };
    const response = await open({ address: options.address, body, headers: { 'Accept-Encoding': 'gzip', ...options.headers } });
    if (response.statusCode !== 200) throw new Error(`SUBSCRIBE answered ${response.statusCode}`);
    const probe = new Probe(response, options);
    probe.#read();
    return probe;
  }

  get frameworkId(): string {
    const event = this.events.find((one) => one.type === 'SUBSCRIBED');
    this.#ids = event?.type === 'SUBSCRIBED' ? event.subscribed.framework_id.value : this.#ids;
    return this.#ids;
  }

  get offers(): readonly OfferJson[] {
    return this.events.flatMap((event) => (event.type === 'OFFERS' ? event.offers.offers : []));
  }

  get statuses(): readonly TaskStatusJson[] {
    return this.events.flatMap((event) => (event.type === 'UPDATE' ? [event.update.status] : []));
  }

  get error(): string | undefined {
    const event = this.events.find((one) => one.type === 'ERROR');
    return event?.type === 'ERROR' ? event.error.message : undefined;
  }

  statusesOf(taskId: string): readonly TaskStatusJson[] {
    return this.statuses.filter((status) => status.task_id.value === taskId);
  }

  /** A call with the subscription's framework and stream id, which `headers` may replace. */
  call(type: string, body: Readonly<Record<string, unknown>> = {}, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    return send({
      address: this.address,
      connections: this.#connections,
      headers: { 'Mesos-Stream-Id': this.streamId, ...this.#options.headers, ...headers },
      body: { type, framework_id: { value: this.frameworkId }, ...body },
    });
  }

  acknowledge(status: TaskStatusJson): Promise<RawAnswer> {
    return this.call('ACKNOWLEDGE', { acknowledge: { agent_id: status.agent_id, task_id: status.task_id, uuid: status.uuid } });
  }

  /** Stops reading, as a stuck process does; resume() goes on. */
  pause(): void {
    this.#response.pause();
  }

  resume(): void {
    this.#response.resume();
  }

  /** Leaves as a process that is killed does. */
  close(): void {
    this.#connections.destroy();
    this.#response.socket.destroy();
  }

  #read(): void {
    const decoder = new RecordDecoder();
    this.#response.on('data', (chunk: Buffer) => {
      for (const record of decoder.push(chunk)) this.#take(record as MesosEvent);
    });
    this.#response.on('end', () => {
      this.closed = 'clean';
    });
    this.#response.on('error', () => {
      this.closed = 'cut';
    });
    this.#response.on('close', () => {
      if (this.closed === 'open') this.closed = 'cut';
    });
  }

  #take(event: MesosEvent): void {
    this.events.push(event);
    if (!this.#options.acknowledges || event.type !== 'UPDATE' || event.update.status.uuid === undefined) return;
    this.acknowledge(event.update.status).catch(() => undefined);
  }
}

const CAPABILITIES = [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }];
