/**
 * A slice of a container's output. The Engine has no byte offsets, so the stream is read from its beginning and thrown away
 * up to the slice: time grows with the log, memory does not. It comes in frames: one byte for the stream, three of nothing,
 * four for the length, then the bytes.
 */

import { sliceLength, sliceStart } from '../local/log-slice.ts';
import type { LogChunk, LogRequest } from '../port.ts';
import { EngineError } from './engine-api.ts';
import type { EngineApi } from './engine-api.ts';

const HEADER_BYTES = 8;
/** Errors of a log driver that can't be read back: `none`, a remote one. */
const UNREADABLE = new Set([404, 409, 500, 501]);

/** `undefined`: the container, or its log, is not there. */
export async function readContainerLog(api: EngineApi, container: string, request: LogRequest): Promise<LogChunk | undefined> {
  const query = request.stream === 'stdout' ? { stdout: '1' } : { stderr: '1' };
  const read = async (from: number): Promise<Slice> => {
    const body: AsyncIterable<Uint8Array> = await api.stream({ path: `/containers/${container}/logs`, query });
    return slice(payloads(body), from, sliceLength(request));
  };
  try {
    // Counted first when it is asked for from the end, and read again up to what was counted.
    const size = request.offset < 0 ? (await read(Number.MAX_SAFE_INTEGER)).position : undefined;
    const offset = size === undefined ? request.offset : sliceStart(request, size);
    const { data, position, isAtEnd } = await read(offset);
    return { data, offset: Math.min(offset, position), size: isAtEnd ? position : size };
  } catch (error) {
    if (error instanceof EngineError && UNREADABLE.has(error.status)) return undefined;
    throw error;
  }
}

interface Slice {
  readonly data: Uint8Array;
  /** How far the log was read. */
  readonly position: number;
  readonly isAtEnd: boolean;
}

async function slice(log: AsyncIterable<Uint8Array>, from: number, length: number): Promise<Slice> {
  const until = from + length;
  const pieces: Uint8Array[] = [];
  let position = 0;
  let isAtEnd = true;
  for await (const bytes of log) {
    const end = position + bytes.length;
    if (end > from && position < until) pieces.push(bytes.subarray(Math.max(0, from - position), until - position));
    position = end;
    if (position < until) continue;
    // Leaving the loop ends the stream; whether there is more is not known then.
    isAtEnd = false;
    break;
  }
  return { data: Buffer.concat(pieces), position, isAtEnd };
}

/** The bytes between the frames' headers, wherever the chunks are cut. */
export async function* payloads(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const header = Buffer.alloc(HEADER_BYTES);
  let headerBytes = 0;
  let left = 0;
  for await (let chunk of chunks) {
    while (chunk.length > 0) {
      if (left > 0) {
        const bytes = chunk.subarray(0, left);
        yield bytes;
        left -= bytes.length;
        chunk = chunk.subarray(bytes.length);
        continue;
      }
      const part = chunk.subarray(0, HEADER_BYTES - headerBytes);
      header.set(part, headerBytes);
      headerBytes += part.length;
      chunk = chunk.subarray(part.length);
      if (headerBytes < HEADER_BYTES) continue;
      headerBytes = 0;
      left = header.readUInt32BE(4);
    }
  }
}
