/** The environment Kairos gives to every task, beside the job's own. */

import type { Job } from '../job/job.ts';
import type { RunRecord } from './records.ts';
import { isoTime } from './verdicts.ts';

export interface Placement {
  readonly term: bigint;
  readonly attempt: number;
  readonly hostname: string;
  readonly ports: readonly number[];
}

/** The job's own variables stand above ours only where names do not collide: ours can't be overridden, so that they can be trusted. */
export function taskEnvironment(run: RunRecord, job: Job, placement: Placement): Record<string, string> {
  const { task } = job;
  const scheduledFor = run.trigger.type === 'schedule' ? isoTime(run.trigger.scheduledFor) : '';
  const env: Record<string, string> = {
    ...task.env,
    KAIROS_JOB: run.job,
    KAIROS_RUN: String(run.number),
    KAIROS_ATTEMPT: String(placement.attempt),
    KAIROS_SCHEDULED_FOR: scheduledFor,
    KAIROS_FLOW: run.flow,
    KAIROS_TERM: String(placement.term),
    KAIROS_HOST: placement.hostname,
    KAIROS_CPUS: String(task.cpus),
    KAIROS_MEM: String(task.mem),
    KAIROS_DISK: String(task.disk),
    KAIROS_GPUS: String(task.gpus),
  };
  placement.ports.forEach((port, index) => {
    env[`KAIROS_PORT${index}`] = String(port);
  });
  return env;
}
