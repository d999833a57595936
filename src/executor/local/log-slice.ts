/** Where a log request begins, once the log's size is known. */

import type { LogRequest } from '../port.ts';

/** The most that one chunk holds, whatever was asked for. */
export const LONGEST_CHUNK = 1024 * 1024;

/** Byte offset to read from: within 0 and `size`; negative requests count from the end. */
export function sliceStart({ offset }: LogRequest, size: number): number {
  return Math.min(size, offset < 0 ? Math.max(0, size + offset) : offset);
}

export function sliceLength({ length }: LogRequest): number {
  return Math.max(0, Math.min(length, LONGEST_CHUNK));
}
