/** A scheduler's call after conversion (call-schema.ts), as TypeScript sees it. Names are Mesos's. */

import type { CALL_TYPES } from './call-schema.ts';

export interface Id {
  readonly value: string;
}

export interface ReservationJson {
  readonly type?: 'STATIC' | 'DYNAMIC';
  readonly role?: string;
  readonly principal?: string;
}

export interface ResourceJson {
  readonly name: string;
  readonly type: 'SCALAR' | 'RANGES' | 'SET';
  readonly scalar?: { readonly value: number };
  readonly ranges?: { readonly range?: readonly { readonly begin: number; readonly end: number }[] };
  readonly set?: { readonly item?: readonly string[] };
  readonly role?: string;
  readonly allocation_info?: { readonly role?: string };
  readonly reservation?: ReservationJson;
  readonly reservations?: readonly ReservationJson[];
}

export interface CommandInfo {
  readonly uris?: readonly {
    readonly value: string;
    readonly executable?: boolean;
    readonly extract?: boolean;
    readonly output_file?: string;
  }[];
  readonly environment?: { readonly variables?: readonly { readonly name: string; readonly value?: string }[] };
  readonly shell?: boolean;
  readonly value?: string;
  readonly arguments?: readonly string[];
  readonly user?: string;
}

export interface DockerInfo {
  readonly image: string;
  readonly network?: 'HOST' | 'BRIDGE' | 'NONE' | 'USER';
  readonly port_mappings?: readonly { readonly host_port: number; readonly container_port: number; readonly protocol?: string }[];
  readonly privileged?: boolean;
  readonly parameters?: readonly { readonly key: string; readonly value: string }[];
  readonly force_pull_image?: boolean;
}

export interface VolumeJson {
  readonly container_path: string;
  readonly mode: 'RW' | 'RO';
  readonly host_path?: string;
  readonly image?: object;
  readonly source?: {
    readonly type?: string;
    readonly docker_volume?: {
      readonly name: string;
      readonly driver?: string;
      readonly driver_options?: { readonly parameter?: readonly { readonly key: string; readonly value: string }[] };
    };
    readonly host_path?: object;
    readonly sandbox_path?: object;
  };
}

export interface ImageJson {
  readonly name: string;
  /** Base64. */
  readonly config?: { readonly type?: string; readonly value?: { readonly data: string } };
}

export interface ContainerInfo {
  readonly type: 'DOCKER' | 'MESOS';
  readonly volumes?: readonly VolumeJson[];
  readonly hostname?: string;
  readonly docker?: DockerInfo;
  readonly mesos?: { readonly image?: { readonly type?: string; readonly docker?: ImageJson; readonly cached?: boolean } };
  readonly network_infos?: readonly { readonly name?: string; readonly port_mappings?: readonly object[] }[];
  readonly linux_info?: { readonly ipc_mode?: string; readonly shm_size?: number; readonly share_cgroups?: boolean };
}

export interface DurationInfo {
  readonly nanoseconds: number;
}

export interface KillPolicy {
  readonly grace_period?: DurationInfo;
}

export interface TaskInfo {
  readonly name: string;
  readonly task_id: Id;
  readonly agent_id: Id;
  readonly resources?: readonly ResourceJson[];
  readonly executor?: { readonly executor_id: Id };
  readonly command?: CommandInfo;
  readonly container?: ContainerInfo;
  readonly kill_policy?: KillPolicy;
  readonly max_completion_time?: DurationInfo;
  readonly limits?: Readonly<Record<string, { readonly value: number }>>;
  readonly labels?: { readonly labels?: readonly { readonly key: string; readonly value?: string }[] };
  readonly discovery?: { readonly visibility: string; readonly name?: string };
}

export interface FrameworkInfo {
  readonly user: string;
  readonly name: string;
  readonly id?: Id;
  readonly failover_timeout?: number;
  readonly checkpoint?: boolean;
  readonly role?: string;
  readonly roles?: readonly string[];
  readonly hostname?: string;
  readonly principal?: string;
  readonly webui_url?: string;
  readonly capabilities?: readonly { readonly type?: string }[];
}

interface TextValue {
  readonly value?: string;
}

export interface AttributeConstraint {
  readonly selector?: { readonly attribute_name?: string; readonly pseudoattribute_type?: 'HOSTNAME' | 'REGION' | 'ZONE' };
  readonly predicate?: {
    readonly exists?: object;
    readonly not_exists?: object;
    readonly text_equals?: TextValue;
    readonly text_not_equals?: TextValue;
    readonly text_matches?: { readonly regex?: string };
    readonly text_not_matches?: { readonly regex?: string };
  };
}

export interface OfferConstraints {
  readonly role_constraints?: Readonly<
    Record<string, { readonly groups?: readonly { readonly attribute_constraints?: readonly AttributeConstraint[] }[] }>
  >;
}

export interface SubscribeBody {
  readonly framework_info: FrameworkInfo;
  readonly suppressed_roles?: readonly string[];
  readonly offer_constraints?: OfferConstraints;
}

export interface Operation {
  readonly type?: string;
  readonly launch?: { readonly task_infos?: readonly TaskInfo[] };
}

export interface Filters {
  readonly refuse_seconds?: number;
}

export interface AcceptBody {
  readonly offer_ids?: readonly Id[];
  readonly operations?: readonly Operation[];
  readonly filters?: Filters;
}

export interface InverseAnswerBody {
  readonly inverse_offer_ids?: readonly Id[];
  readonly filters?: Filters;
}

export interface RolesBody {
  readonly role?: string;
  readonly roles?: readonly string[];
}

export interface KillBody {
  readonly task_id: Id;
  readonly agent_id?: Id;
  readonly kill_policy?: KillPolicy;
}

export interface Call {
  readonly type: (typeof CALL_TYPES)[number];
  readonly framework_id?: Id;
  readonly subscribe?: SubscribeBody;
  readonly accept?: AcceptBody;
  readonly decline?: { readonly offer_ids?: readonly Id[]; readonly filters?: Filters };
  readonly accept_inverse_offers?: InverseAnswerBody;
  readonly decline_inverse_offers?: InverseAnswerBody;
  readonly revive?: RolesBody;
  readonly suppress?: RolesBody;
  readonly kill?: KillBody;
  readonly acknowledge?: { readonly agent_id: Id; readonly task_id: Id; readonly uuid: string };
  readonly reconcile?: { readonly tasks?: readonly { readonly task_id: Id; readonly agent_id?: Id }[] };
  readonly shutdown?: object;
  readonly message?: object;
  readonly update_framework?: SubscribeBody;
}
