/**
 * One process to a directory. No lock file whose age or process id must be judged: the holder listens on a unix socket in the
 * directory, and is alive exactly as long as the kernel accepts a connection there.
 *  - After kill -9 or a power cut the file is left but refuses: it is swept away. A reused process id changes nothing.
 *  - A holder that is stopped (SIGSTOP), or in another container that shares the directory, still counts: the kernel answers for it.
 *  - Two that start at once: each listens before it looks for others, so at least one sees the other. Both may give up; never do both go on.
 */

import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { StoreError } from '../errors.ts';

const SOCKET_NAME = /^owner\.(\d+)\.\d+$/;
/** A unix socket's path must be shorter than this (sun_path on Linux and macOS). */
const SOCKET_PATH_LIMIT = 104;

export interface DirectoryLock {
  release(): Promise<void>;
}

/** Creates the directory (mode 0700) if need be. `nonce` must differ between locks of one process. Throws StoreError `locked`. */
export async function lockDirectory(directory: string, nonce: number): Promise<DirectoryLock> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const name = `owner.${process.pid}.${nonce}`;
  // Reaches the directory by a short path, however long its own is.
  const handle = Buffer.byteLength(join(directory, name)) < SOCKET_PATH_LIMIT ? undefined : await open(directory);
  const base = handle === undefined ? directory : `/proc/self/fd/${handle.fd}`;
  const server = await listen(join(base, name));
  const release = async (): Promise<void> => {
    await new Promise((resolve) => server.close(resolve));
    await rm(join(directory, name), { force: true });
    await handle?.close();
  };
  try {
    await refuseOthers({ directory, base, own: name });
  } catch (error) {
    await release();
    throw error;
  }
  return { release };
}

async function refuseOthers(at: { readonly directory: string; readonly base: string; readonly own: string }): Promise<void> {
  for (const name of await readdir(at.directory)) {
    const pid = SOCKET_NAME.exec(name)?.[1];
    if (pid === undefined || name === at.own) continue;
    if (await isAlive(join(at.base, name))) {
      throw new StoreError('locked', `${at.directory} is in use by process ${pid}; one process only can have it`);
    }
    await rm(join(at.directory, name), { force: true });
  }
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    // The lock alone keeps no process running.
    server.unref();
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}

/** Only a refusal proves that nobody is there; whatever else goes wrong counts as somebody. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'));
  });
}
