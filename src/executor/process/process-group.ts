/** Signals to a wrapper's process group, and the end of what outlives a wrapper. */

import { startOf } from './process-identity.ts';
import { isCode } from './task-records.ts';

/** `pid` leads its group. A group that is gone is fine: its end is being noticed. */
export function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!isCode(error, 'ESRCH')) throw error;
  }
}

/**
 * Ends what runs on in the group of a wrapper that is gone, so that a task called over is over. The kernel gives a process id
 * to nobody else while a group is called by it, so a group without its leader is still ours.
 */
export async function endRemains(pid: number): Promise<void> {
  if ((await startOf(pid)) === undefined) signalGroup(pid, 'SIGKILL');
}
