/** Brings a command's URIs to the sandbox before it starts, as Mesos's fetcher does: files and http(s), unpacked when they are archives. */

import { execFile } from 'node:child_process';
import { chmod, copyFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { CommandInfo } from '../wire/call.ts';

const ARCHIVE = /\.(tar|tar\.gz|tgz|tar\.bz2|tbz2|tar\.xz|txz)$/;

type Uri = NonNullable<CommandInfo['uris']>[number];

const run = promisify(execFile);

/** Rejects when one of them cannot be had. */
export async function fetchUris(uris: readonly Uri[], sandbox: string): Promise<void> {
  for (const uri of uris) await fetchUri(uri, sandbox);
}

/** Mesos's text for a fetch that failed; the details are in the sandbox's stderr. */
export function fetchError(containerId: string): string {
  return `Failed to fetch all URIs for container '${containerId}': exited with status 1`;
}

async function fetchUri(uri: Uri, sandbox: string): Promise<void> {
  const target = join(sandbox, basename(uri.output_file ?? new URL(uri.value, 'file:///').pathname));
  if (/^https?:/.test(uri.value)) await download(uri.value, target);
  else await copyFile(uri.value.replace(/^file:\/\//, ''), target);
  if (uri.executable) await chmod(target, 0o755);
  else if ((uri.extract ?? true) && ARCHIVE.test(target)) await run('tar', ['-xf', target, '-C', sandbox]);
}

async function download(url: string, target: string): Promise<void> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  await writeFile(target, Buffer.from(await response.arrayBuffer()));
}
