/**
 * The files of one task's directory, and nothing about what they mean (see evidence.ts).
 *
 *     <place>/tasks/<taskId>/        made exclusively when the launch begins; renamed to ended/<taskId> when acknowledged
 *       command                      what to run, for the wrapper; for the owner only. With secrets it is gone once it is read
 *       task.json                    when it was launched, and what it holds; both are written before anything is started
 *       start                        the wrapper's process id and start time, or `void`: never to be started
 *       exit                         the exit code, in the first line; blank until then, so that a full disk has room for it
 *       kill                         it was asked to end: when it is forced, milliseconds since the epoch
 *       stdout, stderr, sandbox/     the output is made with the launch: where there is no room for it, nothing is started
 *
 * Read synchronously: they are a few bytes, just written and in memory, and a read through the thread pool costs the machine
 * forty times as much. Written asynchronously, as a write may have to wait for the disk.
 */

import { readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Resources } from '../port.ts';

/** `task.json`. */
export interface LaunchRecord {
  /** The machine's boot in which it was launched: what was started in another one does not run. */
  readonly boot: string;
  readonly at: number;
  /** What was to be run, if it was told in exec form: for messages. */
  readonly program?: string;
  readonly resources: Resources;
}

export interface StartRecord {
  readonly pid: number;
  /** In the form of process-identity.ts. */
  readonly since: string;
  readonly at: number;
}

export interface ExitRecord {
  readonly code: number;
  readonly at: number;
}

export interface TaskRecords {
  /** `undefined`: missing or cut off. */
  readonly launch: LaunchRecord | undefined;
  /** `unreadable`: claimed, but the one who did so has written no more. */
  readonly start: StartRecord | 'void' | 'unreadable' | undefined;
  readonly exit: ExitRecord | undefined;
  readonly killBy: number | undefined;
}

/** As long as the longest exit code. Its newline alone makes no record. */
const BLANK_EXIT = '   \n';
const MADE_WITH_LAUNCH = [
  ['exit', BLANK_EXIT],
  ['stdout', ''],
  ['stderr', ''],
] as const;

/** task.json comes last: where it is, all is that a start needs, and that its end will. */
export async function writeLaunch(directory: string, launch: LaunchRecord, command: string): Promise<void> {
  for (const [name, content] of MADE_WITH_LAUNCH) await writeFile(join(directory, name), content, { flag: 'wx' });
  await writeFile(join(directory, 'command'), command, { mode: 0o600, flag: 'wx' });
  await writeFile(join(directory, 'task.json'), JSON.stringify(launch), { mode: 0o600, flag: 'wx' });
}

export async function writeKill(directory: string, killBy: number): Promise<void> {
  await writeFile(join(directory, 'kill'), `${killBy}\n`, { mode: 0o600 });
}

/** Keeps any wrapper from starting the task, now and later. False: one came first. */
export async function writeVoid(directory: string): Promise<boolean> {
  try {
    await writeFile(join(directory, 'start'), 'void\n', { flag: 'wx' });
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

export function readLaunch(directory: string): LaunchRecord | undefined {
  const text = readText(join(directory, 'task.json'));
  try {
    // Written by this module; a crash can cut it off but not change it.
    return text === undefined ? undefined : (JSON.parse(text) as LaunchRecord);
  } catch {
    return undefined;
  }
}

export function readStart(directory: string): TaskRecords['start'] {
  const path = join(directory, 'start');
  const text = readText(path);
  if (text === undefined) return undefined;
  if (text === 'void\n') return 'void';
  const [, pid, since] = /^(\d+) (\S+)\n$/.exec(text) ?? [];
  if (pid === undefined || since === undefined) return 'unreadable';
  return { pid: Number(pid), since, at: modifiedAt(path) };
}

export function readExit(directory: string): ExitRecord | undefined {
  const path = join(directory, 'exit');
  const [, code] = /^(\d+)\n/.exec(readText(path) ?? '') ?? [];
  return code === undefined ? undefined : { code: Number(code), at: modifiedAt(path) };
}

/** A mark that was cut off counts as overdue. */
export function readKill(directory: string): number | undefined {
  const text = readText(join(directory, 'kill'));
  return text === undefined ? undefined : Number(/^(\d+)(\.\d+)?\n$/.exec(text)?.[1] ?? 0);
}

export function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

function modifiedAt(path: string): number {
  return Math.floor(statSync(path).mtimeMs);
}
