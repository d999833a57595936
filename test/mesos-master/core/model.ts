/**
 * What one master process knows. Lost when it ends, except the Registry, which stands for the replicated log that
 * all masters of a cluster share.
 */

import type { CancelTimer } from '../../../src/clock/clock.ts';
import type { History } from '../history.ts';
import type { ProcessClock } from '../process-clock.ts';
import type { Resources } from '../resources.ts';
import type { Seeded } from '../seeded.ts';
import type { Timing } from '../timing.ts';
import type { FrameworkInfo, KillPolicy, OfferConstraints, TaskInfo } from '../wire/call.ts';
import type { AttributeJson, ContainerStatus, MesosEvent, TaskStatusJson } from '../wire/event.ts';

/** The open answer to a SUBSCRIBE. */
export interface EventStream {
  /** The Mesos-Stream-Id. */
  readonly id: string;
  send(event: MesosEvent): void;
  /** The clean end: what was sent, then the last chunk. */
  end(): void;
}

export interface AgentInfo {
  readonly scheme: string;
  readonly hostname: string;
  readonly port: number;
  readonly resources: Resources;
  readonly attributes: readonly AttributeJson[];
  readonly domain?: Domain;
  /** The capability TASK_RESOURCE_LIMITS. */
  readonly limitsResources: boolean;
}

export interface Domain {
  readonly region: string;
  readonly zone: string;
}

export interface Unavailability {
  readonly startMs: number;
  /** Undefined: for good. */
  readonly durationMs?: number;
}

export interface MachineId {
  readonly hostname: string;
  readonly ip: string;
}

/** One that the maintenance schedule names. */
export interface Machine {
  readonly id: MachineId;
  readonly mode: 'DRAINING' | 'DOWN';
  readonly unavailability: Unavailability;
}

export interface Framework {
  readonly id: string;
  info: FrameworkInfo;
  roles: readonly string[];
  capabilities: ReadonlySet<string>;
  constraints: OfferConstraints | undefined;
  /** The principal that it belongs to; undefined without authentication. */
  principal: string | undefined;
  stream: EventStream | undefined;
  /** Known from a re-registered agent only. */
  recovered: boolean;
  readonly suppressed: Set<string>;
  /** Declined resources by role and agent (allocator.ts). */
  readonly filters: Map<string, Filter[]>;
  /** Until when (monotonic) it is not asked about an agent again. */
  readonly inverseFilters: Map<string, number>;
  /** On registered agents, until a terminal update is acknowledged. */
  readonly tasks: Map<string, Task>;
  readonly unreachable: Map<string, Task>;
  readonly completed: Task[];
  readonly offers: Map<string, Offer>;
  /** Allocated and offered, in thousandths, by role and resource name: what fair sharing counts. */
  readonly shares: Map<string, Map<string, number>>;
  stopHeartbeat: CancelTimer;
  stopFailover: CancelTimer;
  readonly registeredAt: number;
}

export interface Filter {
  readonly refused: Resources;
  readonly until: number;
}

export interface Task {
  readonly id: string;
  readonly frameworkId: string;
  agentId: string;
  readonly info: TaskInfo;
  readonly role: string;
  /** With their allocation. */
  readonly resources: Resources;
  /** The newest state that the agent told, even while older updates wait for their acknowledgement. */
  state: string;
  /** State and uuid of the update sent last; what RECONCILE answers. */
  updateState: string | undefined;
  updateUuid: string | undefined;
  containerStatus: ContainerStatus | undefined;
  readonly statuses: TaskStatusJson[];
  released: boolean;
}

export interface Drain {
  readonly maxGraceMs: number | undefined;
  readonly markGone: boolean;
  done: boolean;
}

export interface AgentEntry {
  readonly id: string;
  readonly info: AgentInfo;
  link: AgentLink;
  /** Its process has a connection to this master. */
  connected: boolean;
  /** By DEACTIVATE_AGENT or DRAIN_AGENT. */
  deactivated: boolean;
  drain: Drain | undefined;
  unavailability: Unavailability | undefined;
  /** Out now, by framework. */
  readonly inverseOffers: Map<string, InverseOffer>;
  /** The last answer of each framework to an inverse offer. */
  readonly answers: Map<string, { readonly status: 'ACCEPT' | 'DECLINE'; readonly at: number }>;
  available: Resources;
  readonly tasks: Map<string, Task>;
  readonly offers: Map<string, Offer>;
  stopPings: CancelTimer;
  registeredAt: number;
}

export interface Offer {
  readonly id: string;
  readonly frameworkId: string;
  readonly agentId: string;
  readonly role: string;
  readonly resources: Resources;
  stopTimer: CancelTimer;
}

export interface InverseOffer {
  readonly id: string;
  readonly frameworkId: string;
  readonly agentId: string;
  stopTimer: CancelTimer;
}

export interface RunTask {
  readonly info: TaskInfo;
  readonly frameworkId: string;
  readonly framework: FrameworkFacts;
  readonly role: string;
  readonly resources: Resources;
}

/** What an agent needs to know, and tells a new master, about a framework. */
export interface FrameworkFacts {
  readonly info: FrameworkInfo;
  readonly checkpoint: boolean;
  readonly capabilities: ReadonlySet<string>;
}

/** Messages from a master to an agent's process. Never delivered to one that is dead, late to one that is frozen. */
export interface AgentLink {
  run(task: RunTask): void;
  kill(order: { readonly frameworkId: string; readonly taskId: string; readonly policy: KillPolicy | undefined }): void;
  acknowledge(ack: { readonly frameworkId: string; readonly taskId: string; readonly uuid: string }): void;
  /** A scheduler (re)subscribed: unacknowledged updates go to it at once. */
  frameworkUpdated(frameworkId: string): void;
  registered(agentId: string): void;
  /** With the tasks that the master believes to be on the agent. */
  reregistered(expected: readonly { readonly frameworkId: string; readonly taskId: string }[]): void;
  drain(drain: { readonly maxGraceMs: number | undefined; readonly markGone: boolean }): void;
  shutdownFramework(frameworkId: string): void;
  shutdown(): void;
}

/** What an agent tells about one of its tasks when it re-registers. */
export interface AgentTaskReport extends RunTask {
  readonly state: string;
  readonly updateState: string | undefined;
  readonly updateUuid: string | undefined;
  readonly containerStatus: ContainerStatus | undefined;
}

export interface AgentReport {
  readonly info: AgentInfo;
  readonly link: AgentLink;
  readonly tasks: readonly AgentTaskReport[];
  readonly frameworks: ReadonlyMap<string, FrameworkFacts>;
}

export interface Registry {
  readonly admitted: Map<string, AgentInfo>;
  /** Agent id to the time it became unreachable. */
  readonly unreachable: Map<string, number>;
  readonly gone: Set<string>;
  /** The maintenance schedule, by machineKey(). */
  readonly machines: Map<string, Machine>;
}

export interface MasterAddress {
  readonly hostname: string;
  readonly port: number;
}

export interface MasterState {
  readonly id: string;
  readonly address: MasterAddress;
  /** Where it is; agents that say where they are register with no other. */
  readonly domain: Domain | undefined;
  readonly clock: ProcessClock;
  readonly timing: Timing;
  readonly seeded: Seeded;
  readonly history: History;
  readonly registry: Registry;
  /** Interleaves events and answers as the seed says, instead of always in one order. */
  readonly interleave: boolean;
  readonly frameworks: Map<string, Framework>;
  /** Torn down or expired; ids are refused until this process ends. */
  readonly completed: Map<string, Framework>;
  readonly agents: Map<string, AgentEntry>;
  /** Agents known from the registry that have not re-registered with this process. */
  readonly recovered: Set<string>;
  readonly offers: Map<string, Offer>;
  readonly inverseOffers: Map<string, InverseOffer>;
  readonly counters: { framework: number; agent: number; offer: number };
  allocationRequested: boolean;
  readonly startedAt: number;
}

export function isPartitionAware(framework: { readonly capabilities: ReadonlySet<string> }): boolean {
  return framework.capabilities.has('PARTITION_AWARE');
}

export function taskKey(frameworkId: string, taskId: string): string {
  return `${frameworkId}\n${taskId}`;
}
