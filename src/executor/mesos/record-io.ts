/**
 * RecordIO, the framing of the Mesos event stream: the length of a record in bytes, in decimal, a newline, then exactly
 * that many bytes. Lengths count bytes, so the decoder never touches characters; how the bytes are cut into chunks
 * means nothing. After a RecordIoError the stream can't be read any further: there is no way to find the next record.
 */

/** No event of a real cluster comes near; a larger length is a damaged stream, not a record worth the memory. */
export const MAX_RECORD_BYTES = 64 * 1024 * 1024;

const NEWLINE = 0x0a;
const ZERO = 0x30;
const NINE = 0x39;
const MAX_HEADER_DIGITS = 12;

export class RecordIoError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RecordIoError';
  }
}

export class RecordDecoder {
  readonly #maxRecordBytes: number;
  #header = '';
  /** Bytes of the record under way that are still to come; `undefined` while its length is being read. */
  #missing: number | undefined;
  #parts: Uint8Array[] = [];

  constructor(maxRecordBytes: number = MAX_RECORD_BYTES) {
    this.#maxRecordBytes = maxRecordBytes;
  }

  /** The records that are complete with these bytes, in order. Throws RecordIoError. */
  push(chunk: Uint8Array): Uint8Array[] {
    const records: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#missing === undefined) {
        this.#readHeader(chunk[at] ?? 0);
        at += 1;
      } else {
        const part = chunk.subarray(at, at + this.#missing);
        this.#parts.push(part);
        this.#missing -= part.length;
        at += part.length;
      }
      if (this.#missing === 0) records.push(this.#take());
    }
    return records;
  }

  /** True between two records: a stream that ends here was not cut. */
  get isAtBoundary(): boolean {
    return this.#missing === undefined && this.#header === '';
  }

  #readHeader(byte: number): void {
    if (byte === NEWLINE) {
      if (this.#header === '') throw new RecordIoError('a record of the event stream has no length');
      this.#missing = Number(this.#header);
      if (this.#missing > this.#maxRecordBytes) {
        throw new RecordIoError(`a record of ${this.#header} bytes in the event stream; at most ${this.#maxRecordBytes} are allowed`);
      }
      this.#header = '';
    } else if (byte >= ZERO && byte <= NINE && this.#header.length < MAX_HEADER_DIGITS) {
      this.#header += String.fromCharCode(byte);
    } else {
      throw new RecordIoError(
        `the length of a record in the event stream is not a number: byte 0x${byte.toString(16)} after '${this.#header}'`,
      );
    }
  }

  #take(): Uint8Array {
    const [first] = this.#parts;
    // A copy, even of a single part: a record must not keep a whole network buffer alive or see it reused.
    const record = this.#parts.length === 1 && first !== undefined ? Uint8Array.from(first) : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#missing = undefined;
    return record;
  }
}
