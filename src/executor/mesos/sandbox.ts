/**
 * Reads a task's stdout and stderr from the sandbox on its agent (POST /api/v1, READ_FILE: base64, so that any bytes survive).
 * They can be read while the task runs and after, until the agent's garbage collection. For a Docker task stderr also has the
 * executor's own lines. The agent's address stays in here: callers get bytes.
 */

import type { LogChunk, LogRequest } from '../port.ts';
import type { Transport } from './transport.ts';

/** An agent gives no more than this in one answer. */
const MAX_READ_BYTES = 65_536;

export interface SandboxOptions {
  readonly transport: Transport;
  readonly scheme: 'http' | 'https';
  /** The framework id that the task ran under; `undefined`: not known (yet). */
  readonly frameworkId: () => string | undefined;
}

export class SandboxError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'SandboxError';
  }
}

/** `undefined`: there is no such log (any more). Rejects with a SandboxError when the agent can't be asked. */
export async function readSandbox(request: LogRequest, options: SandboxOptions): Promise<LogChunk | undefined> {
  const frameworkId = options.frameworkId();
  const { taskId, address } = request.task;
  if (frameworkId === undefined || address === '') return undefined;
  const path = `/frameworks/${frameworkId}/executors/${taskId}/runs/latest/${request.stream}`;
  const file = { url: new URL(`${options.scheme}://${address}/api/v1`), path, options };
  if (request.offset >= 0) return readFile(file, request.offset, request.length);
  const probe = await readFile(file, 0, 0);
  if (probe === undefined) return undefined;
  return readFile(file, Math.max((probe.size ?? 0) + request.offset, 0), request.length);
}

interface SandboxFile {
  readonly url: URL;
  readonly path: string;
  readonly options: SandboxOptions;
}

async function readFile(file: SandboxFile, offset: number, length: number): Promise<LogChunk | undefined> {
  const { url, path, options } = file;
  const body = { type: 'READ_FILE', read_file: { path, offset, length: Math.min(length, MAX_READ_BYTES) } };
  const answer = await options.transport.call({ url, body }).catch((cause: unknown) => {
    throw new SandboxError(`the agent of task ${pathTask(path)} can't be reached`, { cause });
  });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw new SandboxError(`the agent of task ${pathTask(path)} answered ${answer.status}`);
  const { size, data } = contentOf(answer.text);
  return { data: Buffer.from(data, 'base64'), offset, size };
}

function pathTask(path: string): string {
  return path.split('/')[4] ?? path;
}

function contentOf(text: string): { size: number | undefined; data: string } {
  const parsed = JSON.parse(text) as { read_file?: { size?: number; data?: string } };
  return { size: parsed.read_file?.size, data: parsed.read_file?.data ?? '' };
}
