/**
 * RecordIO, the framing of Mesos's event stream: decimal byte length, newline, exactly that many bytes of JSON.
 * A real master writes each record as one HTTP chunk but nothing promises it, so the stream can also be cut at
 * random bytes, inside a length, a multi-byte character or between records.
 */

import type { Seeded } from '../seeded.ts';

export function encodeRecord(value: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(value), 'utf8');
  return Buffer.concat([Buffer.from(`${json.length}\n`, 'ascii'), json]);
}

/** Cuts bytes into 1 to 4 pieces at places that the seed chooses. */
export function splitRandomly(bytes: Buffer, seeded: Seeded): Buffer[] {
  const cuts = new Set([0, bytes.length]);
  for (let count = seeded.below(4); count > 0; count--) cuts.add(seeded.below(bytes.length));
  const sorted = [...cuts].sort((a, b) => a - b);
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

/** Puts records together again from any chunks. */
export class RecordDecoder {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Uint8Array): unknown[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const records: unknown[] = [];
    for (;;) {
      const newline = this.#rest.indexOf(10);
      if (newline < 0) return records;
      const length = Number(this.#rest.subarray(0, newline).toString('ascii'));
      if (!Number.isInteger(length)) throw new Error(`not a record length: ${this.#rest.subarray(0, newline).toString('latin1')}`);
      const end = newline + 1 + length;
      if (this.#rest.length < end) return records;
      records.push(JSON.parse(this.#rest.subarray(newline + 1, end).toString('utf8')));
      this.#rest = this.#rest.subarray(end);
    }
  }
}
