/** What the master sends on the event stream. Names and key order are Mesos's. */

import type { Id, ResourceJson } from './call.ts';

export const TERMINAL_STATES: ReadonlySet<string> = new Set([
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_LOST',
  'TASK_DROPPED',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
]);

export interface ContainerStatus {
  readonly container_id: Id;
  readonly network_infos: readonly { readonly ip_addresses: readonly { readonly protocol: string; readonly ip_address: string }[] }[];
  readonly executor_pid?: number;
}

export interface TaskStatusJson {
  readonly task_id: Id;
  readonly state: string;
  readonly message?: string;
  readonly source: 'SOURCE_MASTER' | 'SOURCE_AGENT' | 'SOURCE_EXECUTOR';
  readonly reason?: string;
  readonly data?: string;
  readonly agent_id?: Id;
  readonly executor_id?: Id;
  readonly timestamp: number;
  readonly uuid?: string;
  readonly container_status?: ContainerStatus;
  readonly unreachable_time?: { readonly nanoseconds: number };
}

export interface AttributeJson {
  readonly name: string;
  readonly type: 'TEXT' | 'SCALAR' | 'RANGES';
  readonly text?: { readonly value: string };
  readonly scalar?: { readonly value: number };
  readonly ranges?: { readonly range: readonly { readonly begin: number; readonly end: number }[] };
}

export interface OfferJson {
  readonly id: Id;
  readonly framework_id: Id;
  readonly agent_id: Id;
  readonly hostname: string;
  readonly url: object;
  readonly domain?: object;
  readonly resources: readonly ResourceJson[];
  readonly attributes?: readonly AttributeJson[];
  readonly allocation_info?: { readonly role: string };
  readonly unavailability?: object;
}

/** Without resources: all of them are asked for. */
export interface InverseOfferJson {
  readonly id: Id;
  readonly url: object;
  readonly framework_id: Id;
  readonly agent_id: Id;
  readonly unavailability: object;
}

export type MesosEvent =
  | {
      readonly type: 'SUBSCRIBED';
      readonly subscribed: { readonly framework_id: Id; readonly heartbeat_interval_seconds: number; readonly master_info: object };
    }
  | { readonly type: 'HEARTBEAT' }
  | { readonly type: 'OFFERS'; readonly offers: { readonly offers: readonly OfferJson[] } }
  | { readonly type: 'RESCIND'; readonly rescind: { readonly offer_id: Id } }
  | { readonly type: 'INVERSE_OFFERS'; readonly inverse_offers: { readonly inverse_offers: readonly InverseOfferJson[] } }
  | { readonly type: 'RESCIND_INVERSE_OFFER'; readonly rescind_inverse_offer: { readonly inverse_offer_id: Id } }
  | { readonly type: 'UPDATE'; readonly update: { readonly status: TaskStatusJson } }
  | { readonly type: 'FAILURE'; readonly failure: { readonly agent_id: Id } }
  | { readonly type: 'ERROR'; readonly error: { readonly message: string } };
