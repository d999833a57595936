/**
 * How an exit code is told. One rule for processes and containers: a code of 128 + n, where n is a signal, is what a shell
 * and Docker give for a command that signal n ended, and is reported as that signal, with the code beside it. A program that
 * returns such a code of its own accord can't be told from that.
 */

import { constants } from 'node:os';

import type { TaskStatus } from '../port.ts';

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]): [number, string] => [number, name]));

export interface Exit {
  readonly code: number;
  /** Whether it had been asked to end. */
  readonly wasKilled: boolean;
  readonly outOfMemory?: boolean;
}

export function exitStatus(exit: Exit): Pick<TaskStatus, 'state' | 'exitCode' | 'signal' | 'outOfMemory' | 'reason' | 'message'> {
  const signal = exit.code > 128 ? SIGNAL_NAMES.get(exit.code - 128) : undefined;
  const facts = { exitCode: exit.code, ...(signal === undefined ? {} : { signal }) };
  if (exit.wasKilled) return { state: 'killed', ...facts };
  if (exit.code === 0) return { state: 'finished', ...facts };
  if (exit.outOfMemory === true) return { state: 'failed', ...facts, outOfMemory: true, reason: 'out-of-memory', message: 'out of memory' };
  return { state: 'failed', ...facts, message: signal === undefined ? `exit code ${exit.code}` : `ended by ${signal}` };
}
