/**
 * Starts wrappers on the node's behalf: a shell with nothing in its memory, told by a line which directory is next.
 *
 * A fork costs a process in proportion to its memory, with its event loop standing still: measured, 1 ms for an empty
 * Node.js program, 12 ms for one of 200 MB, 37 ms for one of 600 MB. The shell's takes a third of a millisecond, always.
 *
 * The wrappers ring (wrapper.ts) through the launcher's standard output. The launcher ends when the node does, as its
 * standard input ends; the wrappers go on.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

import { wrapperCommand } from './wrapper.ts';

// `setsid` makes the wrapper the leader of a session and group; where it is missing (macOS) job control does the latter.
// `jobs` lets go of those that have ended, which nobody waits for; an empty line asks for just that.
const SCRIPT = `
if command -v setsid >/dev/null; then
  lead() { exec setsid "$@"; }
else
  set -m
  lead() { exec "$@"; }
fi
script=$1
while IFS= read -r directory; do
  if [ -n "$directory" ]; then
    lead /bin/sh -c "$script" kairos-task "$directory" </dev/null &
  fi
  jobs >/dev/null
done
`;

/** For the launcher and the wrappers alone; what a task gets is in its `command`. */
const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' };

export interface LauncherListener {
  /** A wrapper has claimed the launch of the task. */
  started(taskId: string): void;
  /** A wrapper of the task ends; it may be one that came too late. */
  ended(taskId: string): void;
  /** The launcher is gone without having been stopped: nothing rings any more. */
  lost(reason: string): void;
}

export class Launcher {
  readonly #child: ChildProcess;
  #isStopped = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(listener: LauncherListener): Promise<Launcher> {
    const [, , script = ''] = wrapperCommand('');
    const child = spawn('/bin/sh', ['-c', SCRIPT, 'kairos-launcher', script], {
      // A signal meant for the node's group, such as Ctrl-C, is not for the launcher.
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: ENVIRONMENT,
      cwd: '/',
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    const launcher = new Launcher(child);
    launcher.#listen(listener);
    return launcher;
  }

  /** Starts a wrapper for this directory; a ring tells that it has. */
  launch(directory: string): void {
    this.#child.stdin?.write(`${directory}\n`);
  }

  stop(): void {
    this.#isStopped = true;
    this.#child.stdin?.end();
    this.#child.stdout?.destroy();
    this.#child.unref();
  }

  #listen(listener: LauncherListener): void {
    const { stdin, stdout } = this.#child;
    const lost = (reason: string): void => {
      if (!this.#isStopped) listener.lost(reason);
    };
    this.#child.once('exit', (code, signal) => lost(`the launcher of processes ended: ${signal ?? code}`));
    stdin?.on('error', (error) => lost(`the launcher of processes: ${error.message}`));
    if (stdout === null) return;
    createInterface({ input: stdout }).on('line', (line) => {
      if (this.#isStopped) return;
      const [word, taskId = ''] = line.split(' ');
      if (word === 'started') listener.started(taskId);
      if (word !== 'ended') return;
      this.#child.stdin?.write('\n');
      listener.ended(taskId);
    });
  }
}
