/**
 * The part of the Mesos v1 scheduler API that Kairos speaks, as its JSON reads (include/mesos/v1/scheduler/scheduler.proto
 * and mesos.proto). Types only. A field is optional when a real master has been seen to leave it out.
 */

export interface Value<T> {
  readonly value: T;
}

export interface RawRange {
  readonly begin: number;
  readonly end: number;
}

export interface RawReservation {
  readonly type?: 'STATIC' | 'DYNAMIC';
  readonly role?: string;
  readonly principal?: string;
}

/** One entry of an offer's or a task's resources. Fields that are not named here are carried along untouched. */
export interface RawResource {
  readonly name: string;
  readonly type: 'SCALAR' | 'RANGES' | 'SET';
  readonly scalar?: Value<number>;
  readonly ranges?: { readonly range?: readonly RawRange[] };
  readonly set?: { readonly item?: readonly string[] };
  /** Before RESERVATION_REFINEMENT: the role the entry is reserved for; `*`: unreserved. */
  readonly role?: string;
  /** With RESERVATION_REFINEMENT: the stack of reservations, each for a role below the one before; empty or absent: unreserved. */
  readonly reservations?: readonly RawReservation[];
  readonly allocation_info?: { readonly role?: string };
  readonly disk?: { readonly persistence?: unknown; readonly source?: unknown; readonly volume?: unknown };
  readonly revocable?: unknown;
  readonly shared?: unknown;
  readonly provider_id?: unknown;
}

export interface RawAttribute {
  readonly name: string;
  readonly type: 'TEXT' | 'SCALAR' | 'RANGES' | 'SET';
  readonly text?: Value<string>;
  readonly scalar?: Value<number>;
  readonly ranges?: { readonly range?: readonly RawRange[] };
  readonly set?: { readonly item?: readonly string[] };
}

export interface RawAddress {
  readonly hostname?: string;
  readonly ip?: string;
  readonly port: number;
}

export interface RawUnavailability {
  readonly start: { readonly nanoseconds: number };
  readonly duration?: { readonly nanoseconds: number };
}

export interface RawDomain {
  readonly fault_domain?: { readonly region?: { readonly name: string }; readonly zone?: { readonly name: string } };
}

export interface RawOffer {
  readonly id: Value<string>;
  readonly framework_id: Value<string>;
  readonly agent_id: Value<string>;
  readonly hostname: string;
  readonly url?: { readonly scheme?: string; readonly address?: RawAddress; readonly path?: string };
  readonly domain?: RawDomain;
  readonly resources?: readonly RawResource[];
  readonly attributes?: readonly RawAttribute[];
  readonly allocation_info?: { readonly role?: string };
  readonly unavailability?: RawUnavailability;
}

export interface RawStatus {
  readonly task_id: Value<string>;
  readonly state: string;
  readonly message?: string;
  readonly source?: string;
  readonly reason?: string;
  readonly agent_id?: Value<string>;
  readonly executor_id?: Value<string>;
  /** Seconds since the epoch, with a fraction. */
  readonly timestamp?: number;
  /** Base64 of 16 bytes. Present: it must be acknowledged. */
  readonly uuid?: string;
}

export interface Subscribed {
  readonly framework_id: Value<string>;
  readonly heartbeat_interval_seconds?: number;
  readonly master_info?: RawMaster;
}

export interface RawMaster {
  readonly id?: string;
  readonly hostname?: string;
  readonly version?: string;
  readonly address?: RawAddress;
  /** Where it is; agents with a domain register only with a master that has one. */
  readonly domain?: RawDomain;
}

/** Every event of the v1 scheduler API. A master may send a type that is newer than this list: see readEvent(). */
export type MesosEvent =
  | { readonly type: 'SUBSCRIBED'; readonly subscribed: Subscribed }
  | { readonly type: 'HEARTBEAT' }
  | { readonly type: 'OFFERS'; readonly offers: { readonly offers?: readonly RawOffer[] } }
  | { readonly type: 'RESCIND'; readonly rescind: { readonly offer_id: Value<string> } }
  | { readonly type: 'INVERSE_OFFERS'; readonly inverse_offers: { readonly inverse_offers?: readonly RawInverseOffer[] } }
  | { readonly type: 'RESCIND_INVERSE_OFFER'; readonly rescind_inverse_offer: { readonly inverse_offer_id: Value<string> } }
  | { readonly type: 'UPDATE'; readonly update: { readonly status: RawStatus } }
  | { readonly type: 'UPDATE_OPERATION_STATUS' }
  | { readonly type: 'MESSAGE' }
  | { readonly type: 'FAILURE'; readonly failure: RawFailure }
  | { readonly type: 'ERROR'; readonly error: { readonly message: string } };

export interface RawInverseOffer {
  readonly id: Value<string>;
  /** Absent: everything we have anywhere is asked for. */
  readonly agent_id?: Value<string>;
  readonly unavailability?: RawUnavailability;
}

/** An agent's end, or with `executor_id` an executor's. */
export interface RawFailure {
  readonly agent_id?: Value<string>;
  readonly executor_id?: Value<string>;
  readonly status?: number;
}

export interface RawLabel {
  readonly key: string;
  readonly value: string;
}

export interface RawVolume {
  readonly container_path: string;
  readonly mode: 'RO' | 'RW';
  readonly host_path?: string;
  readonly source?: { readonly type: 'DOCKER_VOLUME'; readonly docker_volume: RawDockerVolume };
}

export interface RawDockerVolume {
  readonly name: string;
  readonly driver?: string;
  readonly driver_options?: { readonly parameter: readonly RawParameter[] };
}

export interface RawParameter {
  readonly key: string;
  readonly value: string;
}

export interface RawPortMapping {
  readonly host_port: number;
  readonly container_port: number;
  readonly protocol?: 'tcp' | 'udp';
}

export interface RawDocker {
  readonly image: string;
  readonly network: 'HOST' | 'BRIDGE' | 'NONE' | 'USER';
  readonly port_mappings?: readonly RawPortMapping[];
  readonly parameters?: readonly RawParameter[];
  readonly force_pull_image?: boolean;
}

export interface RawContainer {
  readonly type: 'DOCKER' | 'MESOS';
  readonly docker?: RawDocker;
  readonly mesos?: { readonly image: { readonly type: 'DOCKER'; readonly docker: RawImage; readonly cached: boolean } };
  readonly network_infos?: readonly { readonly name: string; readonly port_mappings?: readonly RawPortMapping[] }[];
  readonly volumes?: readonly RawVolume[];
  readonly hostname?: string;
  /** `shm_size` in MiB; only with an IPC namespace of its own. */
  readonly linux_info?: { readonly ipc_mode: 'PRIVATE'; readonly shm_size: number };
}

export interface RawImage {
  readonly name: string;
  /** A Docker config.json with the registry's credentials, in base64. */
  readonly config?: { readonly type: 'VALUE'; readonly value: { readonly data: string } };
}

export interface RawCommand {
  readonly shell: boolean;
  readonly value?: string;
  readonly arguments?: readonly string[];
  readonly user?: string;
  readonly environment?: { readonly variables: readonly { readonly name: string; readonly value: string }[] };
  readonly uris?: readonly RawUri[];
}

export interface RawUri {
  readonly value: string;
  readonly extract: boolean;
  readonly executable: boolean;
  readonly cache: boolean;
  readonly output_file?: string;
}

export interface RawKillPolicy {
  readonly grace_period: { readonly nanoseconds: number };
}

export interface RawTaskInfo {
  readonly name: string;
  readonly task_id: Value<string>;
  readonly agent_id: Value<string>;
  readonly resources: readonly RawResource[];
  readonly command: RawCommand;
  readonly container?: RawContainer;
  readonly labels?: { readonly labels: readonly RawLabel[] };
  readonly kill_policy?: RawKillPolicy;
  readonly max_completion_time?: { readonly nanoseconds: number };
  /** By resource, `cpus` and `mem` only; Mesos 1.10 and later. */
  readonly limits?: { readonly cpus?: Value<number>; readonly mem?: Value<number> };
  readonly discovery?: RawDiscovery;
}

export interface RawDiscovery {
  readonly visibility: 'FRAMEWORK' | 'CLUSTER' | 'EXTERNAL';
  readonly name: string;
  readonly ports?: { readonly ports: readonly { readonly number: number; readonly name?: string; readonly protocol: string }[] };
}

export interface FrameworkInfo {
  readonly user: string;
  readonly name: string;
  readonly id?: Value<string>;
  readonly roles: readonly string[];
  readonly principal?: string;
  readonly hostname?: string;
  readonly webui_url?: string;
  readonly checkpoint: boolean;
  /** Seconds. */
  readonly failover_timeout: number;
  readonly capabilities: readonly { readonly type: string }[];
}

export interface SubscribeCall {
  readonly type: 'SUBSCRIBE';
  readonly framework_id?: Value<string>;
  readonly subscribe: { readonly framework_info: FrameworkInfo };
}

export interface Filters {
  readonly refuse_seconds: number;
}

export interface ReconcileTask {
  readonly task_id: Value<string>;
  readonly agent_id?: Value<string>;
}

/** Every call but SUBSCRIBE, before the framework id is put in. */
export type CallBody =
  | { readonly type: 'ACCEPT'; readonly accept: AcceptBody }
  | { readonly type: 'DECLINE'; readonly decline: { readonly offer_ids: readonly Value<string>[]; readonly filters: Filters } }
  | { readonly type: 'KILL'; readonly kill: KillBody }
  | { readonly type: 'ACKNOWLEDGE'; readonly acknowledge: AcknowledgeBody }
  | { readonly type: 'RECONCILE'; readonly reconcile: { readonly tasks: readonly ReconcileTask[] } }
  | { readonly type: 'ACCEPT_INVERSE_OFFERS'; readonly accept_inverse_offers: InverseAnswerBody }
  | { readonly type: 'DECLINE_INVERSE_OFFERS'; readonly decline_inverse_offers: InverseAnswerBody }
  | { readonly type: 'SUPPRESS'; readonly suppress: { readonly roles: readonly string[] } }
  | { readonly type: 'REVIVE'; readonly revive: { readonly roles: readonly string[] } };

export interface AcceptBody {
  readonly offer_ids: readonly Value<string>[];
  readonly operations: readonly { readonly type: 'LAUNCH'; readonly launch: { readonly task_infos: readonly RawTaskInfo[] } }[];
  readonly filters: Filters;
}

export interface InverseAnswerBody {
  readonly inverse_offer_ids: readonly Value<string>[];
  readonly filters: Filters;
}

export interface KillBody {
  readonly task_id: Value<string>;
  readonly agent_id?: Value<string>;
  readonly kill_policy?: RawKillPolicy;
}

export interface AcknowledgeBody {
  readonly agent_id: Value<string>;
  readonly task_id: Value<string>;
  readonly uuid: string;
}

/** The text of one record as an event; `undefined` for a type that this version does not know. Throws on what is not JSON. */
export function readEvent(record: Uint8Array): MesosEvent | undefined {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(record));
  return isEvent(parsed) ? parsed : undefined;
}

/** The body each event type must bring; empty: none. */
const EVENT_BODY: Readonly<Record<MesosEvent['type'], string>> = {
  SUBSCRIBED: 'subscribed',
  HEARTBEAT: '',
  OFFERS: 'offers',
  RESCIND: 'rescind',
  INVERSE_OFFERS: 'inverse_offers',
  RESCIND_INVERSE_OFFER: 'rescind_inverse_offer',
  UPDATE: 'update',
  UPDATE_OPERATION_STATUS: '',
  MESSAGE: '',
  FAILURE: 'failure',
  ERROR: 'error',
};

function isEvent(value: unknown): value is MesosEvent {
  if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string') return false;
  if (!Object.hasOwn(EVENT_BODY, value.type)) return false;
  const body = EVENT_BODY[value.type as MesosEvent['type']];
  return body === '' || Object.hasOwn(value, body);
}
