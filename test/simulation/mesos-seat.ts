/** What the model of a master keeps and says: its agents' seats, offers and what is free on them, subscriptions and their events. */

import type { Offer, TaskLaunch } from '../../src/executor/port.ts';
import { type AgentOptions, type AgentTask, type MesosState, type MesosUpdate, type MesosAgent, TERMINAL } from './mesos-agent.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

export type MasterEvent =
  | { readonly type: 'offers'; readonly offers: readonly Offer[] }
  | { readonly type: 'rescind'; readonly offerId: string }
  | { readonly type: 'failure'; readonly agentId: string }
  | { readonly type: 'update'; readonly update: MesosUpdate }
  /** The stream ends; `superseded`: by a newer subscription of the same framework. */
  | { readonly type: 'closed'; readonly superseded: boolean };

export interface Subscription {
  readonly id: number;
  readonly node: string;
  readonly frameworkId: string;
  readonly send: (event: MasterEvent) => void;
}

export interface LaunchSeen {
  readonly task: TaskLaunch;
  readonly subscription: Subscription;
}

export interface MasterOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly line: (what: string) => void;
  /** A task was accepted: it will run unless its agent loses it. */
  readonly onLaunch: (seen: LaunchSeen) => void;
  /** A scheduler subscribes as this framework; undefined: as a new one. */
  readonly onSubscribe: (asked: { readonly node: string; readonly frameworkId: string | undefined }) => void;
  /** A task was refused: it asks for more than was offered, or is known. */
  readonly onRefused: (task: TaskLaunch) => void;
  /** A terminal state was acknowledged: nobody will tell of it again. */
  readonly onAcknowledged: (update: MesosUpdate) => void;
  /** An order to kill reached the master. */
  readonly onKill: (taskId: string, graceMs: number) => void;
  /** It answers a question long after it was asked. */
  readonly onLateAnswer: () => void;
  readonly onLife: AgentOptions['onLife'];
  readonly losses: AgentOptions['losses'];
  /** Counts what happened. */
  readonly note: AgentOptions['note'];
}

export type Standing =
  | 'registered'
  /** Its process does not answer, for less than 75 s. */
  | 'disconnected'
  | 'unreachable'
  /** Another agent took its place: unknown from now on. */
  | 'removed'
  /** Marked as gone by an operator: it never comes back, and nothing of it runs. */
  | 'gone'
  /** Known from the registry after a master's restart, not back yet. */
  | 'awaited';

/** An agent as the master sees it. */
export interface Seat {
  readonly agent: MesosAgent;
  standing: Standing;
  /** It is being taken out of service: nothing of it is offered. */
  isDrained: boolean;
  /** The master's own view: what it accepted and has not forgotten. */
  readonly tasks: Map<string, { readonly launch: TaskLaunch; readonly frameworkId: string; state: MesosState }>;
  filter: { readonly until: number; readonly cpus: number; readonly mem: number } | undefined;
  cancelAway: (() => void) | undefined;
}

export interface OpenOffer {
  readonly offer: Offer;
  readonly seat: Seat;
}

/** Whether it will never be back. */
export const isOut = ({ standing }: Seat): boolean => standing === 'removed' || standing === 'gone';

export const thousandths = (amount: number): number => Math.round(amount * 1000);

/** What can be offered on a seat, in thousandths; undefined: too little, or what was declined not long ago. */
export function freeOf(
  { agent, filter, tasks, isDrained }: Seat,
  held: readonly OpenOffer[],
  now: number,
): { readonly cpus: number; readonly mem: number } | undefined {
  if (isDrained) return undefined;
  let cpus = thousandths(agent.options.cpus);
  let mem = thousandths(agent.options.mem);
  for (const { launch, state } of tasks.values()) {
    if (TERMINAL.has(state)) continue;
    cpus -= thousandths(launch.task.cpus);
    mem -= thousandths(launch.task.mem);
  }
  for (const { offer } of held) {
    cpus -= thousandths(offer.resources.cpus);
    mem -= thousandths(offer.resources.mem);
  }
  if (cpus < 10 || mem < 32_000) return undefined;
  const isFiltered = filter && filter.until > now && cpus / 1000 <= filter.cpus && mem / 1000 <= filter.mem;
  return isFiltered ? undefined : { cpus, mem };
}

export function latestState({ phase, isKilling, updates }: AgentTask): MesosState {
  const last = updates.at(-1);
  if (phase === 'over') return last?.state ?? 'GONE';
  if (phase === 'running') return isKilling ? 'KILLING' : 'RUNNING';
  return last?.state ?? 'STAGING';
}

export function makeOffer({ agent }: Seat, id: string, { cpus, mem }: { readonly cpus: number; readonly mem: number }): Offer {
  const { hostname, rack } = agent.options;
  return {
    ...{ id, agentId: agent.id, hostname, address: `${hostname}:5051`, pool: agent.id },
    resources: { cpus: cpus / 1000, mem: mem / 1000, disk: 10_000, gpus: 0, ports: [[31_000, 31_100]] },
    attributes: { rack: { type: 'text', value: rack } },
  };
}
