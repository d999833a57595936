/** Who Kairos is to Mesos: the FrameworkInfo of every SUBSCRIBE. `user`, `checkpoint` and `principal` can't be changed for a framework id later. */

import type { FrameworkInfo, SubscribeCall } from './protocol.ts';

export const DEFAULT_FRAMEWORK_NAME = 'kairos';
/** The user that owns sandboxes, and that tasks without an image and without a user of their own run as. */
export const DEFAULT_FRAMEWORK_USER = 'root';
export const DEFAULT_ROLES: readonly string[] = ['*'];
/** How long Mesos keeps the tasks of a framework that nobody speaks for: one week. */
export const DEFAULT_FAILOVER_TIMEOUT_MS = 7 * 24 * 3600 * 1000;

export interface FrameworkOptions {
  readonly name?: string;
  readonly user?: string;
  readonly roles?: readonly string[];
  readonly principal?: string;
  readonly failoverTimeoutMs?: number;
  /** Shown by the Mesos UI. */
  readonly webuiUrl?: string;
  readonly hostname?: string;
  /** true: offers of agents with GPUs are wanted; such agents are kept from frameworks that do not say so. */
  readonly gpus?: boolean;
}

/**
 * MULTI_ROLE and PARTITION_AWARE decide the form of offers and statuses that the rest of this folder reads.
 * TASK_KILLING_STATE tells a kill under way; RESERVATION_REFINEMENT hierarchical reservations. REGION_AWARE brings offers of other
 * regions than the master's: the engine puts only jobs there that ask for it.
 */
const CAPABILITIES = ['MULTI_ROLE', 'PARTITION_AWARE', 'TASK_KILLING_STATE', 'RESERVATION_REFINEMENT', 'REGION_AWARE'] as const;

export function rolesOf(options: FrameworkOptions): readonly string[] {
  return options.roles ?? DEFAULT_ROLES;
}

export function frameworkInfo(options: FrameworkOptions, frameworkId: string | undefined): FrameworkInfo {
  const capabilities: string[] = [...CAPABILITIES];
  if (options.gpus === true) capabilities.push('GPU_RESOURCES');
  return {
    user: options.user ?? DEFAULT_FRAMEWORK_USER,
    name: options.name ?? DEFAULT_FRAMEWORK_NAME,
    ...(frameworkId === undefined ? {} : { id: { value: frameworkId } }),
    roles: rolesOf(options),
    ...(options.principal === undefined ? {} : { principal: options.principal }),
    ...(options.hostname === undefined ? {} : { hostname: options.hostname }),
    ...(options.webuiUrl === undefined ? {} : { webui_url: options.webuiUrl }),
    // Without checkpointing an agent that loses its process loses its tasks too, while their containers run on.
    checkpoint: true,
    failover_timeout: (options.failoverTimeoutMs ?? DEFAULT_FAILOVER_TIMEOUT_MS) / 1000,
    capabilities: capabilities.map((type) => ({ type })),
  };
}

/** The id goes into two places, which must agree, or the master answers 400. */
export function subscribeCall(options: FrameworkOptions, frameworkId: string | undefined): SubscribeCall {
  return {
    type: 'SUBSCRIBE',
    ...(frameworkId === undefined ? {} : { framework_id: { value: frameworkId } }),
    subscribe: { framework_info: frameworkInfo(options, frameworkId) },
  };
}
