/**
 * Which process is meant: a process id alone is used again, with the start time and the machine's boot it is not.
 * Linux: /proc. Elsewhere: `ps` and `sysctl`, to the second; enough for a laptop.
 */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);
const IS_LINUX = process.platform === 'linux';

/** Changes with every boot of this machine. */
export async function bootId(): Promise<string> {
  if (IS_LINUX) return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return (await run('sysctl', ['-n', 'kern.boottime'])).stdout.trim();
}

/** When the process started, in the form that the wrapper writes; `undefined` when it is not there, or only its exit code is. */
export async function startOf(pid: number): Promise<string | undefined> {
  try {
    return IS_LINUX ? startInProc(readFileSync(`/proc/${pid}/stat`, 'utf8')) : await startByPs(pid);
  } catch {
    // No such process: the file is missing, or ps says so with its exit code.
    return undefined;
  }
}

/** proc(5): the command's name stands in parentheses and may hold anything; state is field 3 and start time field 22. */
function startInProc(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

async function startByPs(pid: number): Promise<string | undefined> {
  const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/bin:/usr/bin' },
  });
  const [state, ...since] = stdout.trim().split(/ +/);
  return state === undefined || state.startsWith('Z') ? undefined : since.join('_');
}
