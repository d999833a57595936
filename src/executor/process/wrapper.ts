/**
 * The small program that stands between the node and a task's command, so that the task's end is written down even when
 * the node is dead. A POSIX shell script: it starts in about a millisecond, where a Node.js program takes fifty.
 *
 * It leads a process group of its own, and goes in an order that makes a crash at any line decidable:
 *  1. claims the launch by creating `start` exclusively: whoever starts the same directory again finds it claimed and leaves;
 *  2. runs `command` in `sandbox`, in its own group, with its output in `stdout` and `stderr`;
 *  3. writes the exit code over the beginning of `exit`, in one write, and again until it is there: in a file that has its length
 *     already it needs no room on a disk that may be full (where files are overwritten in place, which is nearly everywhere);
 *  4. kills what is left of its group, itself included: a task's children end with it, as in a container.
 * A polite signal goes to the whole group; the wrapper takes note of it and goes on, so that it sees how the command took it.
 * A forced one ends the wrapper as well, and `kill` beside a missing `exit` tells the tale.
 *
 * It rings at the node, on its standard output, when it has begun and when it ends: a hint to look, and no more than that.
 *
 * A shell gives 128 + n for a command that signal n ended, and so does Docker: both report such a code as that signal.
 */

/** Exit code of the wrapper itself when it could not claim the launch; the command did not run. */
export const NOT_CLAIMED = 125;

// The traps do nothing, and by being traps are not inherited by the command as ignored signals would be. PIPE: the node is gone.
// A function's arguments split the process table's line without a fork: field 5 is the process group, field 22 the start time.
const SCRIPT = `
trap : HUP INT TERM PIPE
exec 3>&1 >/dev/null
directory=$1
id=\${1##*/}
leave() {
  echo "ended $id" >&3
  exit ${NOT_CLAIMED}
}
claim() {
  [ "$3" = "$$" ] && echo "$$ \${20}"
}
cd "$directory/sandbox" || leave
if [ -r "/proc/$$/stat" ]; then
  read -r stat <"/proc/$$/stat"
else
  stat=") S 0 $$ 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 $(LC_ALL=C TZ=UTC ps -o lstart= -p $$ | tr -s ' ' _)"
fi
set -C
claim \${stat##*) } >"$directory/start" || leave
echo "started $id" >&3
if [ -e "$directory/kill" ]; then
  code=143
else
  (. "$directory/command") </dev/null >>"$directory/stdout" 2>>"$directory/stderr" 3>&-
  code=$?
fi
until echo "$code" 1<>"$directory/exit" || ! [ -d "$directory" ]; do
  sleep 1
done 2>/dev/null
echo "ended $id" >&3
kill -KILL 0
`;

/** Run as the leader of a process group; standard output is where it rings. */
export function wrapperCommand(directory: string): readonly string[] {
  return ['/bin/sh', '-c', SCRIPT, 'kairos-task', directory];
}
