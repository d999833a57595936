/** The open answer to a SUBSCRIBE: RecordIO in HTTP chunks, with the injected faults. Nothing limits its buffer. */

import type { EventStream } from '../core/model.ts';
import type { Clock } from '../../../src/clock/clock.ts';
import type { Faults } from '../faults.ts';
import type { Seeded } from '../seeded.ts';
import type { MesosEvent } from '../wire/event.ts';
import { encodeRecord, splitRandomly } from '../wire/record-io.ts';
import type { Exchange } from './exchange.ts';

export interface SubscriptionParts {
  readonly exchange: Exchange;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly seeded: Seeded;
  /** Chunks end anywhere instead of at the end of each record. */
  readonly splitChunks: boolean;
  /** Sees every event that is really sent. */
  readonly onSent: (event: MesosEvent) => void;
}

export class Subscription implements EventStream {
  readonly id: string;
  readonly #parts: SubscriptionParts;
  #ended = false;
  #unsent: Buffer = Buffer.alloc(0);

  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
    this.id = parts.seeded.uuid();
    const { response } = parts.exchange;
    response.statusCode = 200;
    response.setHeader('Transfer-Encoding', 'chunked');
    response.setHeader('Mesos-Stream-Id', this.id);
    response.setHeader('Content-Type', 'application/json');
    response.removeHeader('Connection');
    response.flushHeaders();
  }

  send(event: MesosEvent): void {
    const action = this.#parts.faults.eventAction(event);
    if (action?.type === 'drop') return;
    if (action?.type === 'delay') {
      this.#parts.clock.timer(action.ms, () => this.#write(event));
      return;
    }
    this.#write(event);
    if (action?.type === 'duplicate') this.#write(event);
  }

  end(): void {
    if (this.#ended) return;
    this.#flush();
    this.#ended = true;
    this.#parts.exchange.response.end();
  }

  /** Breaks the connection without the last chunk. */
  cut(): void {
    this.#ended = true;
    this.#parts.exchange.request.socket.destroy();
  }

  onClosed(listener: () => void): void {
    this.#parts.exchange.response.on('close', listener);
  }

  #write(event: MesosEvent): void {
    if (this.#ended) return;
    this.#parts.onSent(event);
    const record = encodeRecord(event);
    if (!this.#parts.splitChunks) {
      this.#parts.exchange.response.write(record);
      return;
    }
    const empty = this.#unsent.length === 0;
    this.#unsent = Buffer.concat([this.#unsent, record]);
    if (empty) this.#parts.clock.timer(0, () => this.#flush());
  }

  #flush(): void {
    if (this.#ended || this.#unsent.length === 0) return;
    for (const piece of splitRandomly(this.#unsent, this.#parts.seeded)) this.#parts.exchange.response.write(piece);
    this.#unsent = Buffer.alloc(0);
  }
}
