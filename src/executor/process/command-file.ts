/**
 * A task's `command` file: a line of shell that becomes the command, with an environment that holds what it says and nothing
 * else. Pure. The wrapper reads it with its own privileges; the environment is set after they have been laid down.
 */

/** The kernel's limit for one string of a command line or an environment (execve(2), MAX_ARG_STRLEN). */
const LONGEST_STRING = 128 * 1024 - 1;
/** Half of what the kernel takes for all of them with the usual stack of 8 MiB. */
const LONGEST_TOTAL = 1024 * 1024;

export interface CommandLine {
  /** Words before all else: who the command runs as. */
  readonly prefix: readonly string[];
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Throws RangeError for what no process can be started with. */
export function commandFile({ prefix, command, env }: CommandLine): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const words = [...prefix, '/usr/bin/env', '-i', ...variables, ...command];
  if (command[0]?.includes('=') === true) throw new RangeError(`command: a program's name can't hold '=': ${command[0]}`);
  let total = 0;
  for (const word of words) {
    const length = Buffer.byteLength(word);
    total += length;
    if (word.includes('\0')) throw new RangeError('command: arguments and environment can hold no NUL character');
    if (length > LONGEST_STRING)
      throw new RangeError(`command: an argument or variable of ${length} bytes; at most ${LONGEST_STRING} are possible`);
  }
  if (total > LONGEST_TOTAL)
    throw new RangeError(`command: ${total} bytes of arguments and environment; at most ${LONGEST_TOTAL} are possible`);
  return `exec ${words.map(quote).join(' ')}\n`;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
