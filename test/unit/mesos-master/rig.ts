/** What tests of the stand-in begin with: a fast one, and short ways to say what a scheduler sends. */

import { systemClock } from '../../../src/clock/system-clock.ts';
import { StandInMaster, type StandInOptions } from '../../mesos-master/master.ts';
import { Probe, type ProbeOptions, type RawAnswer } from '../../mesos-master/probe.ts';
import { scaledTiming } from '../../mesos-master/timing.ts';
import type { OfferJson, TaskStatusJson } from '../../mesos-master/wire/event.ts';

/** 50 times as fast as a real one, but for what must not be overtaken on a busy machine. */
export const FAST = { ...scaledTiming(0.02), heartbeatMs: 15_000, statusRetryMs: 60_000, eventAllocationMs: 2, ackMs: 1 };

export interface Rig {
  readonly master: StandInMaster;
  subscribe(options?: Partial<ProbeOptions>): Promise<Probe>;
  stop(): Promise<void>;
}

export async function setup(options: StandInOptions = {}): Promise<Rig> {
  const master = await StandInMaster.start({ seed: 11, ...options, timing: { ...FAST, ...options.timing } });
  const probes: Probe[] = [];
  return {
    master,
    subscribe: async (given = {}) => {
      const probe = await Probe.subscribe({ address: master.address, ...given });
      probes.push(probe);
      await master.until(() => probe.frameworkId !== '' || probe.error !== undefined);
      return probe;
    },
    stop: async () => {
      for (const probe of probes) probe.close();
      await master.stop();
    },
  };
}

/** Runs a test with a stand-in that is stopped afterwards. */
export function withRig(options: StandInOptions, body: (rig: Rig) => Promise<void>): () => Promise<void> {
  return async () => {
    const rig = await setup(options);
    try {
      await body(rig);
    } finally {
      await rig.stop();
    }
  };
}

export async function firstOffer(rig: Rig, probe: Probe, fits: (offer: OfferJson) => boolean = () => true): Promise<OfferJson> {
  await rig.master.until(() => probe.offers.some(fits));
  return probe.offers.find(fits) as OfferJson;
}

export interface TaskParts {
  readonly id: string;
  readonly agentId: string;
  /** `resources` in full, or amounts. */
  readonly resources?: readonly object[];
  readonly cpus?: number;
  readonly mem?: number;
  readonly command?: string;
  readonly docker?: boolean;
  readonly more?: Readonly<Record<string, unknown>>;
}

export function taskInfo(parts: TaskParts): Record<string, unknown> {
  const { id, agentId, cpus = 0.1, mem = 32, command = 'true' } = parts;
  return {
    name: id,
    task_id: { value: id },
    agent_id: { value: agentId },
    resources: parts.resources ?? [amount('cpus', cpus), amount('mem', mem)],
    command: { shell: true, value: command },
    ...(parts.docker ? { container: { type: 'DOCKER', docker: { image: 'busybox' } } } : {}),
    ...parts.more,
  };
}

export function amount(name: string, value: number | string, more: object = {}): object {
  return { name, type: 'SCALAR', scalar: { value }, ...more };
}

/** ACCEPT with one LAUNCH operation for each group of tasks; nothing is refused afterwards. */
export function accept(probe: Probe, offerIds: readonly string[], groups: readonly (readonly object[])[]): Promise<RawAnswer> {
  const operations = groups.map((tasks) => ({ type: 'LAUNCH', launch: { task_infos: tasks } }));
  const offer_ids = offerIds.map((value) => ({ value }));
  return probe.call('ACCEPT', { accept: { offer_ids, operations, filters: { refuse_seconds: 0 } } });
}

/** Launches one task on the first offer that is there and waits for a state of it. */
export async function launch(
  rig: Rig,
  probe: Probe,
  parts: Omit<TaskParts, 'agentId'> & { readonly until: string },
): Promise<TaskStatusJson> {
  await rig.master.until(() => probe.offers.some((offer) => rig.master.state?.offers.has(offer.id.value)));
  const offer = probe.offers.find((one) => rig.master.state?.offers.has(one.id.value)) as OfferJson;
  await accept(probe, [offer.id.value], [[taskInfo({ ...parts, agentId: offer.agent_id.value })]]);
  return stateOf(rig, probe, { id: parts.id, state: parts.until });
}

export async function stateOf(
  rig: Rig,
  probe: Probe,
  wanted: { readonly id: string; readonly state: string; readonly source?: string },
): Promise<TaskStatusJson> {
  const fits = (status: TaskStatusJson): boolean =>
    status.state === `TASK_${wanted.state}` && (wanted.source === undefined || status.source === `SOURCE_${wanted.source}`);
  await rig.master.until(() => probe.statusesOf(wanted.id).some(fits));
  return probe.statusesOf(wanted.id).find(fits) as TaskStatusJson;
}

/** `STATE SOURCE reason message` of each status of a task, without repetitions of a uuid. */
export function story(probe: Probe, taskId: string): readonly string[] {
  const seen = new Set<string>();
  return probe.statusesOf(taskId).flatMap((status) => {
    if (status.uuid !== undefined && seen.has(status.uuid)) return [];
    seen.add(status.uuid ?? '');
    return [brief(status)];
  });
}

export function brief({ state, source, reason, message }: TaskStatusJson): string {
  const parts = [state.replace('TASK_', ''), source.replace('SOURCE_', ''), reason?.replace('REASON_', ''), message];
  return parts.filter((part) => part !== undefined).join(' ');
}

/** To see that nothing comes. */
export function pause(ms: number): Promise<void> {
  return systemClock.sleep(ms);
}
