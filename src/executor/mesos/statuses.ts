/** A Mesos status as the executor port's: total over state, reason, source and message. `data` (the whole `docker inspect`) is dropped. */

import type { TaskStatus } from '../port.ts';
import { readExit, type ExitInfo } from './exit-message.ts';
import type { RawStatus } from './protocol.ts';
import { STATUS_TABLE, UNHEARD_OF, type StatusRow } from './status-table.ts';

/** Messages are kept with attempts; the output of a failed pull may be of any length. */
export const MAX_MESSAGE_CHARS = 1_000;

export type Reading =
  | { readonly kind: 'status'; readonly status: TaskStatus }
  /** Nothing may be concluded from it. */
  | { readonly kind: 'nothing'; readonly why: string };

export function readStatus(raw: RawStatus): Reading {
  const row = rowFor(raw);
  if (row.meaning === 'nothing') return { kind: 'nothing', why: row.word ?? raw.state };
  const reason = row.word ?? raw.reason;
  const status: TaskStatus = {
    taskId: raw.task_id.value,
    state: row.meaning,
    ...(raw.agent_id === undefined ? {} : { agentId: raw.agent_id.value }),
    ...(raw.timestamp === undefined ? {} : { at: Math.round(raw.timestamp * 1000) }),
    ...exitOf(row, raw),
    ...(row.outOfMemory === undefined ? {} : { outOfMemory: row.outOfMemory }),
    ...(reason === undefined ? {} : { reason }),
    ...(raw.message === undefined ? {} : { message: raw.message.slice(0, MAX_MESSAGE_CHARS) }),
    ...(raw.uuid === undefined ? {} : { ack: raw.uuid }),
  };
  return { kind: 'status', status };
}

/** Whether it answers a RECONCILE for its task. Asked without an agent, `unknown` is no answer. */
export function isAnswer(raw: RawStatus): boolean {
  return raw.state !== 'TASK_UNKNOWN' || raw.agent_id !== undefined;
}

function rowFor(raw: RawStatus): StatusRow {
  return STATUS_TABLE.get(raw.state)?.find((row) => fits(row, raw)) ?? UNHEARD_OF;
}

function fits(row: StatusRow, raw: RawStatus): boolean {
  if (row.reason !== undefined && !row.reason.includes(raw.reason ?? '')) return false;
  if (row.source !== undefined && row.source !== raw.source) return false;
  if (row.hasUuid !== undefined && row.hasUuid !== (raw.uuid !== undefined)) return false;
  if (row.hasAgent !== undefined && row.hasAgent !== (raw.agent_id !== undefined)) return false;
  return row.message === undefined || row.message.test(raw.message ?? '');
}

function exitOf(row: StatusRow, raw: RawStatus): ExitInfo {
  if (row.meaning === 'finished') return { exitCode: 0 };
  return row.meaning === 'failed' || row.meaning === 'killed' ? readExit(raw.message) : {};
}
