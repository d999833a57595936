/**
 * Who a task runs as. `user`, `uid`, `user:group` or `uid:gid`, as in Docker; an absent user is the node's own.
 * Only root can become someone else, and does so by setpriv(1), which replaces itself with the command.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type Credentials =
  /** Nothing to do. */
  | { readonly type: 'own' }
  | { readonly type: 'other'; readonly uid: number; readonly gid: number; readonly command: readonly string[] }
  | { readonly type: 'refused'; readonly reason: 'user-unknown' | 'user-unsupported'; readonly message: string };

export async function credentialsOf(user: string | undefined): Promise<Credentials> {
  if (user === undefined || user === '') return { type: 'own' };
  const [name = '', group] = user.split(':');
  const ids = await idsOf(name, group);
  if (ids === undefined) return { type: 'refused', reason: 'user-unknown', message: `user ${user}: no such user or group on this machine` };
  const { uid, gid } = ids;
  if (uid === process.geteuid?.() && group === undefined) return { type: 'own' };
  if (process.geteuid?.() !== 0) {
    return {
      type: 'refused',
      reason: 'user-unsupported',
      message: `user ${user}: only a node that runs as root can run tasks as someone else`,
    };
  }
  const setpriv = await pathOfSetpriv();
  if (setpriv === undefined) {
    return { type: 'refused', reason: 'user-unsupported', message: `user ${user}: setpriv (util-linux) is missing on this machine` };
  }
  const groups = group === undefined && !/^\d+$/.test(name) ? '--init-groups' : '--clear-groups';
  return { type: 'other', uid, gid, command: [setpriv, `--reuid=${uid}`, `--regid=${gid}`, groups, '--'] };
}

/** By id(1) and getent(1), as users may come from a directory service and not from /etc/passwd. */
async function idsOf(name: string, group: string | undefined): Promise<{ uid: number; gid: number } | undefined> {
  const uid = /^\d+$/.test(name) ? Number(name) : await ask('id', ['-u', '--', name]);
  if (uid === undefined) return undefined;
  const own = (): Promise<number | undefined> => ask('id', ['-g', '--', name]);
  const gid = group === undefined ? await own() : /^\d+$/.test(group) ? Number(group) : await ask('getent', ['group', '--', group]);
  return gid === undefined ? undefined : { uid, gid };
}

async function ask(file: string, args: readonly string[]): Promise<number | undefined> {
  try {
    const text = (await run(file, args)).stdout.trim();
    const number = Number(file === 'getent' ? text.split(':')[2] : text);
    return Number.isInteger(number) ? number : undefined;
  } catch {
    // Both say by their exit code that there is none.
    return undefined;
  }
}

/** Absolute, as the task may have a PATH of its own. */
async function pathOfSetpriv(): Promise<string | undefined> {
  try {
    return (await run('/bin/sh', ['-c', 'command -pv setpriv'])).stdout.trim();
  } catch {
    // The shell says by its exit code that there is none.
    return undefined;
  }
}
