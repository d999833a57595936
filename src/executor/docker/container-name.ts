/**
 * A container's name is the task's, and carries what must be remembered of it: Docker's labels can't be changed after the
 * creation, but a rename is atomic, durable, and shows in `docker ps`.
 *
 *     <prefix>.<taskId>                                launched; the name makes the launch idempotent
 *     <prefix>.<taskId>.kill-<ms since the epoch>      asked to end, forced at that time
 *     ...              .acknowledged                   its end is stored elsewhere
 *
 * The prefix says whose it is: container-owner.ts.
 */

import { isTaskId } from '../local/task-host.ts';

export interface ContainerName {
  readonly prefix: string;
  readonly taskId: string;
  readonly killBy?: number | undefined;
  readonly isAcknowledged: boolean;
}

/** No dot, so that a name can be taken apart in one way only. */
const NAMESPACE = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const NAME = /^\/?([A-Za-z0-9][A-Za-z0-9_-]*)\.(.+?)(?:\.kill-(\d+))?(\.acknowledged)?$/;

export function isNamespace(text: string): boolean {
  return NAMESPACE.test(text);
}

export function containerName({ prefix, taskId, killBy, isAcknowledged }: ContainerName): string {
  const kill = killBy === undefined ? '' : `.kill-${Math.round(killBy)}`;
  return `${prefix}.${taskId}${kill}${isAcknowledged ? '.acknowledged' : ''}`;
}

/** `undefined`: not a name of this form. Whether it is ours, its labels tell. */
export function parseContainerName(name: string): ContainerName | undefined {
  const [, prefix, taskId, kill, acknowledged] = NAME.exec(name) ?? [];
  if (prefix === undefined || taskId === undefined || !isTaskId(taskId)) return undefined;
  return { prefix, taskId, isAcknowledged: acknowledged !== undefined, ...(kill === undefined ? {} : { killBy: Number(kill) }) };
}
