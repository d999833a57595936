/** A slice of a task's output, from the file that the task writes to. */

import { open } from 'node:fs/promises';

import { sliceLength, sliceStart } from '../local/log-slice.ts';
import type { LogChunk, LogRequest } from '../port.ts';
import { isCode } from './task-records.ts';

export async function readTaskLog(path: string, request: LogRequest): Promise<LogChunk | undefined> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  try {
    const { size } = await handle.stat();
    const offset = sliceStart(request, size);
    const buffer = Buffer.alloc(Math.min(sliceLength(request), size - offset));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
    return { data: buffer.subarray(0, bytesRead), offset, size };
  } finally {
    await handle.close();
  }
}
