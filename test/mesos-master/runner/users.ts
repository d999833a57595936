/** Users of the agent's host: whom a sandbox is given to. */

import { chownSync, readFileSync } from 'node:fs';

export interface HostUser {
  readonly uid: number;
  readonly gid: number;
}

export type Ownership = { readonly user: HostUser } | { readonly error: string };

/** Gives the sandbox to the user, or says in Mesos's words that there is none of that name. */
export function giveSandbox(sandbox: string, name: string): Ownership {
  const user = userNamed(name);
  if (user === undefined) {
    return { error: `Failed to create executor directory '${sandbox}': Failed to chown directory to '${name}': No such user '${name}'` };
  }
  if (user.uid !== process.getuid?.()) chownSync(sandbox, user.uid, user.gid);
  return { user };
}

function userNamed(name: string): HostUser | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
