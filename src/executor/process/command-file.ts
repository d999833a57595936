/**
 * A task's `command` file: shell that becomes the command, with an environment that holds what it says and nothing else. Pure.
 * The wrapper reads it with its own privileges; the environment is set after they have been laid down.
 *
 * Anybody on the machine can read a command line while it runs, so secrets are on none: they come through a pipe to a shell that has
 * the task's privileges already, which exports them. The file itself, which only the node's user can read, is gone before that.
 */

/** The kernel's limit for one string of a command line or an environment (execve(2), MAX_ARG_STRLEN). */
const LONGEST_STRING = 128 * 1024 - 1;
/** Half of what the kernel takes for all of them with the usual stack of 8 MiB. */
const LONGEST_TOTAL = 1024 * 1024;
/** What a shell can export. */
const EXPORTABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface CommandLine {
  /** Words before all else: who the command runs as. */
  readonly prefix: readonly string[];
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Variables that nobody else on the machine may see. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** Throws RangeError for what no process can be started with. */
export function commandFile({ prefix, command, env, secrets }: CommandLine): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const hidden = Object.entries(secrets);
  if (command[0]?.includes('=') === true) throw new RangeError(`command: a program's name can't hold '=': ${command[0]}`);
  const unnamable = hidden.find(([name]) => !EXPORTABLE.test(name));
  if (unnamable) throw new RangeError(`task.secrets.${unnamable[0]}: for a process a name of letters, digits and _ only`);
  checkLengths([...prefix, ...variables, ...command, ...hidden.map(([name, value]) => `${name}=${value}`)]);
  if (hidden.length === 0) return `exec ${line([...prefix, '/usr/bin/env', '-i', ...variables, ...command])}\n`;
  // The second env takes away what the shell adds by itself, and sets the names that a shell can't.
  const rest = ['/usr/bin/env', '-u', 'PWD', '-u', 'OLDPWD', '-u', 'SHLVL', '-u', '_', ...variables, ...command];
  const words = [...prefix, '/usr/bin/env', '-i', '/bin/sh', '-c', TAKE_SECRETS, 'sh', ...rest];
  const exports = hidden.map(([name, value]) => `export ${name}=${quote(value)}`).join('\n');
  const mark = markNotIn(exports);
  return `rm -f "$directory/command"\nexec ${line(words)} 9<<'${mark}'\n${exports}\n${mark}\n`;
}

/** Read from the pipe itself, as another user may not open it anew. */
const TAKE_SECRETS = 'eval "$(/bin/cat <&9)"; exec 9<&-; exec "$@"';

function checkLengths(words: readonly string[]): void {
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
}

/** A line that the text has not, to end it with. */
function markNotIn(text: string): string {
  let mark = 'END';
  while (text.includes(mark)) mark += '_';
  return mark;
}

function line(words: readonly string[]): string {
  return words.map(quote).join(' ');
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
