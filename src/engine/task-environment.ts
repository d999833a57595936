/**
 * The environment Kairos gives to every task, beside the job's own. The CHRONOS_ names are those of Mesos Chronos, so that a
 * command written for it finds what it knows; its attempts count from 0.
 */

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
  const nominalMs = run.trigger.type === 'schedule' ? run.trigger.scheduledFor : run.createdAt;
  const env: Record<string, string> = {
    HOST: placement.hostname,
    ...task.env,
    CHRONOS_JOB_NAME: run.job,
    CHRONOS_JOB_OWNER: job.owner,
    CHRONOS_JOB_RUN_TIME: String(nominalMs),
    CHRONOS_JOB_RUN_ATTEMPT: String(placement.attempt - 1),
    CHRONOS_RESOURCE_CPU: String(task.cpus),
    CHRONOS_RESOURCE_MEM: String(task.mem),
    CHRONOS_RESOURCE_DISK: String(task.disk),
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
