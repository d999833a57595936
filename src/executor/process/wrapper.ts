/**
 * The small program that stands between the node and a task's command, so that the task's end is written down even when
 * the node is dead. A POSIX shell script: it starts in about a millisecond, where a Node.js program takes fifty.
 *
 * It runs as the leader of its own session and process group, in the order that makes a crash at any line decidable:
 *  1. claims the launch by creating `start` exclusively: whoever starts the same directory again finds it claimed and leaves;
 *  2. runs the command in `sandbox`, in its own group, with its output in `stdout` and `stderr`;
 *  3. writes the exit code to `exit`, in one write: the record counts once it ends with a newline;
 *  4. kills what is left of its group, itself included: a task's children end with it, as in a container.
 * A polite signal goes to the whole group; the wrapper takes note of it and goes on, so that it sees how the command took it.
 * A forced one ends the wrapper as well, and `kill` beside a missing `exit` tells the tale.
 *
 * A shell gives 128 + n for a command that signal n ended, and so does Docker: both report such a code as that signal.
 */

/** Exit code of the wrapper itself when it could not claim the launch; the command did not run. */
export const NOT_CLAIMED = 125;

// `exec` in a subshell keeps names such as `exit` or `cd` from being taken as the shell's own. A function's arguments split
// the process table's line without a fork: field 5 is the process group, field 22 the start time.
const SCRIPT = `
trap : HUP INT TERM
_kairos_dir=$1
shift
cd "$_kairos_dir/sandbox" || exit ${NOT_CLAIMED}
_kairos_claim() {
  [ "$3" = "$$" ] || exit ${NOT_CLAIMED}
  echo "$$ \${20}"
}
if [ -r "/proc/$$/stat" ]; then
  read -r _kairos_stat <"/proc/$$/stat"
else
  _kairos_stat=") S 0 $$ 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 $(LC_ALL=C TZ=UTC ps -o lstart= -p $$ | tr -s ' ' _)"
fi
set -C
_kairos_claim \${_kairos_stat##*) } >"$_kairos_dir/start" || exit ${NOT_CLAIMED}
if [ -e "$_kairos_dir/kill" ]; then
  _kairos_code=143
else
  (exec "$@") </dev/null >"$_kairos_dir/stdout" 2>"$_kairos_dir/stderr"
  _kairos_code=$?
fi
echo "$_kairos_code" >"$_kairos_dir/exit"
kill -KILL 0
`;

/** What to start, detached, for a command in a task's directory. */
export function wrapperCommand(directory: string, command: readonly string[]): { readonly file: string; readonly args: string[] } {
  return { file: '/bin/sh', args: ['-c', SCRIPT, 'kairos-task', directory, ...command] };
}
