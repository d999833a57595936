/**
 * How a task ended, read from the message of its last status: Mesos tells it nowhere else.
 *
 *   Container exited with status 3      Docker containerizer; a signal shows as 128 + its number, as from a shell
 *   Command exited with status 3        command executor
 *   Command terminated with signal X    command executor; X as strsignal(3) has it
 */

const EXITED = /^(Container|Command) exited with status (\d+)/;
const TERMINATED = /^Command terminated with signal (.+?)(?: \(core dumped\))?$/;
const SIGNAL_BASE = 128;

export interface ExitInfo {
  readonly exitCode?: number;
  readonly signal?: string;
}

/** Linux numbers, for the signals that end a process in practice. */
const BY_NUMBER: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  11: 'SIGSEGV',
  12: 'SIGUSR2',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
  31: 'SIGSYS',
};

/** The words of glibc's strsignal(3). */
const BY_WORDS: Readonly<Record<string, string>> = {
  Hangup: 'SIGHUP',
  Interrupt: 'SIGINT',
  Quit: 'SIGQUIT',
  'Illegal instruction': 'SIGILL',
  Aborted: 'SIGABRT',
  'Bus error': 'SIGBUS',
  'Floating point exception': 'SIGFPE',
  Killed: 'SIGKILL',
  'User defined signal 1': 'SIGUSR1',
  'Segmentation fault': 'SIGSEGV',
  'User defined signal 2': 'SIGUSR2',
  'Broken pipe': 'SIGPIPE',
  'Alarm clock': 'SIGALRM',
  Terminated: 'SIGTERM',
  'CPU time limit exceeded': 'SIGXCPU',
  'File size limit exceeded': 'SIGXFSZ',
  'Bad system call': 'SIGSYS',
};

/** Empty when the message tells no exit. A signal that is not known keeps Mesos' own word. */
export function readExit(message: string | undefined): ExitInfo {
  if (message === undefined) return {};
  const exited = EXITED.exec(message);
  if (exited !== null) {
    const exitCode = Number(exited[2]);
    const signal = exited[1] === 'Container' ? BY_NUMBER[exitCode - SIGNAL_BASE] : undefined;
    return signal === undefined ? { exitCode } : { exitCode, signal };
  }
  const words = TERMINATED.exec(message)?.[1];
  if (words === undefined) return {};
  return { signal: BY_WORDS[words] ?? words };
}
