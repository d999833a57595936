/** What follows a failed attempt: another one, when, or none. Pure; jitter is derived from the task's id, so a replay is the same. */

import type { RetryPolicy } from '../job/job.ts';
import { INFRASTRUCTURE_DELAY_MS, INFRASTRUCTURE_FAILURES, INFRASTRUCTURE_LONGEST_DELAY_MS } from './limits.ts';
import type { Attempt } from './records.ts';

/** Milliseconds to wait before the next attempt; undefined when there is to be none. */
export function retryDelayMs(policy: RetryPolicy, attempts: readonly Attempt[]): number | undefined {
  const failed = attempts.at(-1) as Attempt;
  if (failed.fault === 'infrastructure') return infrastructureDelayMs(attempts);
  const failures = attempts.filter((attempt) => attempt.fault === 'task').length;
  if (failures >= policy.attempts || !isWorthRetrying(policy, failed)) return undefined;
  // No delay times a factor that has grown beyond all numbers is not a number.
  const delayMs = policy.delayMs === 0 ? 0 : Math.min(policy.maxDelayMs, policy.delayMs * policy.factor ** (failures - 1));
  const spread = 2 * hashFraction(failed.taskId) - 1;
  return Math.round(delayMs * (1 + policy.jitter * spread));
}

function isWorthRetrying(policy: RetryPolicy, failed: Attempt): boolean {
  if (failed.reason?.code === 'rejected') return false;
  if (!policy.on) return true;
  return failed.exitCode !== undefined && policy.on.includes(failed.exitCode);
}

function infrastructureDelayMs(attempts: readonly Attempt[]): number | undefined {
  const lost = attempts.filter((attempt) => attempt.fault === 'infrastructure').length;
  if (lost >= INFRASTRUCTURE_FAILURES) return undefined;
  return Math.min(INFRASTRUCTURE_LONGEST_DELAY_MS, INFRASTRUCTURE_DELAY_MS * 2 ** (lost - 1));
}

/** FNV-1a over the text's UTF-16 units, as a fraction in [0, 1). */
export function hashFraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  return (hash >>> 0) / 2 ** 32;
}
