/** HTTP on an agent's port: sandbox files by the old endpoints and the v1 API, and a little state. */

import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync, type Stats } from 'node:fs';
import { basename, join } from 'node:path';
import type { StandInAgent } from '../agent/agent.ts';
import { answer, answerJson, answerNotAllowed, answerNotFound, answerText, type Exchange } from './exchange.ts';
import { parseJson } from './json-body.ts';

/** Most bytes of a file in one answer. */
const LARGEST_READ = 65_536;

export function serveAgent(agent: StandInAgent, exchange: Exchange): void {
  switch (exchange.path) {
    case '/health':
      return answer(exchange, { status: 200 });
    case '/state':
      return answerJson(exchange, agentState(agent));
    case '/files/browse':
      return browse(agent, exchange);
    case '/files/read':
      return read(agent, exchange);
    case '/files/download':
      return download(agent, exchange);
    case '/api/v1':
      return exchange.method === 'POST' ? apiCall(agent, exchange) : answerNotAllowed(exchange, 'POST');
    default:
      return answerNotFound(exchange);
  }
}

function browse(agent: StandInAgent, exchange: Exchange): void {
  const path = new URLSearchParams(exchange.query).get('path');
  if (path === null) return answerText(exchange, 400, "Expecting 'path=value' in query.\n");
  const directory = agent.parts.sandboxes.resolve(path);
  if (directory === undefined) return answer(exchange, { status: 404 });
  answerJson(
    exchange,
    entries(directory, path).map(({ stat, ...entry }) => ({
      gid: 'root',
      mode: modeText(stat.mode),
      mtime: Math.floor(stat.mtimeMs / 1000),
      nlink: stat.nlink,
      path: entry.path,
      size: stat.size,
      uid: 'root',
    })),
  );
}

function read(agent: StandInAgent, exchange: Exchange): void {
  const query = new URLSearchParams(exchange.query);
  const path = query.get('path');
  if (path === null) return answerText(exchange, 400, "Expecting 'path=value' in query.\n");
  const offset = numberOf(query.get('offset'));
  if (offset === undefined)
    return answerText(exchange, 400, `Failed to parse offset: Failed to convert '${query.get('offset')}' to number.\n`);
  const length = numberOf(query.get('length'));
  if (length === undefined)
    return answerText(exchange, 400, `Failed to parse length: Failed to convert '${query.get('length')}' to number.\n`);
  const file = agent.parts.sandboxes.resolve(path);
  if (file === undefined) return answer(exchange, { status: 404 });
  if (statSync(file).isDirectory()) return answerText(exchange, 400, 'Cannot read a directory.\n');
  if (offset < 0) return answerJson(exchange, { data: '', offset: statSync(file).size });
  const data = slice(file, offset, length);
  const callback = query.get('jsonp');
  const json = Buffer.concat([Buffer.from('{"data":"'), escaped(data), Buffer.from(`","offset":${offset}}`)]);
  if (callback === null) return answer(exchange, { status: 200, headers: { 'Content-Type': 'application/json' }, body: json });
  const script = Buffer.concat([Buffer.from(`${callback}(`), json, Buffer.from(');')]);
  answer(exchange, { status: 200, headers: { 'Content-Type': 'text/javascript' }, body: script });
}

function download(agent: StandInAgent, exchange: Exchange): void {
  const path = new URLSearchParams(exchange.query).get('path');
  if (path === null) return answerText(exchange, 400, "Expecting 'path=value' in query.\n");
  const file = agent.parts.sandboxes.resolve(path);
  if (file === undefined) return answer(exchange, { status: 404 });
  if (statSync(file).isDirectory()) return answerText(exchange, 400, 'Cannot download a directory.\n');
  const headers = { 'Content-Type': 'application/octet-stream', 'Content-Disposition': `attachment; filename=${basename(file)}` };
  answer(exchange, { status: 200, headers, body: readFileSync(file) });
}

interface AgentCall {
  readonly type?: string;
  readonly read_file?: { readonly path?: string; readonly offset?: number; readonly length?: number };
  readonly list_files?: { readonly path?: string };
}

function apiCall(agent: StandInAgent, exchange: Exchange): void {
  const json = parseJson(exchange.body.toString('utf8'));
  if ('error' in json) return answerText(exchange, 400, `Failed to parse body into JSON: ${json.error}`);
  const call = json.value as AgentCall;
  if (call.type === 'READ_FILE') return readFileCall(agent, exchange, call);
  if (call.type === 'LIST_FILES') return listFilesCall(agent, exchange, call);
  answerText(exchange, 400, "Failed to validate agent::Call: Expecting 'type' to be present");
}

function readFileCall(agent: StandInAgent, exchange: Exchange, { read_file: body = {} }: AgentCall): void {
  const missing = (['path', 'offset'] as const).filter((name) => body[name] === undefined).map((name) => `read_file.${name}`);
  if (missing.length > 0) {
    return answerText(exchange, 400, `Failed to convert JSON into Call protobuf: Missing required fields: ${missing.join(', ')}`);
  }
  const file = agent.parts.sandboxes.resolve(body.path ?? '');
  if (file === undefined) return answer(exchange, { status: 404 });
  if (statSync(file).isDirectory()) return answerText(exchange, 400, 'Cannot read a directory.\n');
  const data = slice(file, body.offset ?? 0, body.length ?? -1).toString('base64');
  answerJson(exchange, { type: 'READ_FILE', read_file: { size: statSync(file).size, data } });
}

function listFilesCall(agent: StandInAgent, exchange: Exchange, { list_files: body = {} }: AgentCall): void {
  const directory = agent.parts.sandboxes.resolve(body.path ?? '');
  if (directory === undefined) return answer(exchange, { status: 404 });
  const files = entries(directory, body.path ?? '').map(({ path, stat }) => ({
    path,
    nlink: stat.nlink,
    size: stat.size,
    mtime: { nanoseconds: Math.floor(stat.mtimeMs) * 1e6 },
    mode: stat.mode,
    uid: 'root',
    gid: 'root',
  }));
  answerJson(exchange, { type: 'LIST_FILES', list_files: { file_infos: files } });
}

interface Entry {
  readonly path: string;
  readonly stat: Stats;
}

function entries(directory: string, shown: string): readonly Entry[] {
  return readdirSync(directory)
    .sort()
    .map((name) => ({ path: join(shown, name), stat: statSync(join(directory, name)) }));
}

function slice(file: string, offset: number, length: number): Buffer {
  const size = length < 0 ? LARGEST_READ : Math.min(length, LARGEST_READ);
  const buffer = Buffer.alloc(size);
  const descriptor = openSync(file, 'r');
  try {
    return buffer.subarray(0, readSync(descriptor, buffer, 0, size, offset));
  } finally {
    closeSync(descriptor);
  }
}

/** -1 when absent, undefined when it is no number. */
function numberOf(text: string | null): number | undefined {
  if (text === null) return -1;
  return /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** As a JSON string does, except that bytes which are not UTF-8 stay as they are: the answer is then not valid JSON. */
function escaped(data: Buffer): Buffer {
  const pieces = [...data].map((byte) => {
    if (byte === 0x22 || byte === 0x5c) return Buffer.from([0x5c, byte]);
    if (byte === 0x0a) return Buffer.from('\\n');
    if (byte >= 0x20 && byte !== 0x7f) return Buffer.from([byte]);
    return Buffer.from(`\\u${byte.toString(16).padStart(4, '0')}`);
  });
  return Buffer.concat(pieces);
}

function modeText(mode: number): string {
  const letters = ['r', 'w', 'x', 'r', 'w', 'x', 'r', 'w', 'x'];
  const bits = letters.map((letter, index) => (mode & (0o400 >> index) ? letter : '-'));
  return ((mode & 0o170000) === 0o040000 ? 'd' : '-') + bits.join('');
}

function agentState(agent: StandInAgent): object {
  const directories = [...agent.parts.sandboxes.directories()].map(([virtual, directory]) => {
    const [, , frameworkId = '', , id = ''] = virtual.split('/');
    return { frameworkId, executor: { id, source: id, container: basename(directory), directory } };
  });
  const running = new Set([...agent.tasks.values()].map((task) => task.id));
  const frameworkIds = [...new Set(directories.map(({ frameworkId }) => frameworkId))];
  const ofFramework = (frameworkId: string, live: boolean): object[] =>
    directories.filter((one) => one.frameworkId === frameworkId && running.has(one.executor.id) === live).map((one) => one.executor);
  return {
    version: '1.12.0',
    id: agent.id,
    hostname: agent.parts.info.hostname,
    pid: `slave(1)@127.0.0.1:${agent.parts.info.port}`,
    frameworks: frameworkIds.map((id) => ({ id, executors: ofFramework(id, true), completed_executors: ofFramework(id, false) })),
    completed_frameworks: [],
  };
}
