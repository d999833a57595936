/**
 * The operators' maintenance schedule. A machine goes Up -> Draining (it is in the schedule) -> Down (its agents are shut down and
 * kept away) -> Up; nothing of it happens by itself when a time has come. The schedule outlives the master's process.
 */

import { bringDownAgent } from './agents.ts';
import { requestAllocation } from './allocator.ts';
import { replan } from './inverse-offers.ts';
import { isOnMachine, machineKey } from './machines.ts';
import type { AgentEntry, Machine, MachineId, MasterState, Unavailability } from './model.ts';
import { rescindAll } from './offers.ts';

export interface Window {
  readonly machines: readonly MachineId[];
  readonly unavailability: Unavailability;
}

/** Replaces the schedule. Returns Mesos's words for what is wrong with it; then nothing has changed. */
export function setSchedule(master: MasterState, windows: readonly Window[]): string | undefined {
  const error = scheduleError(master, windows);
  if (error !== undefined) return error;
  const planned = new Map(windows.flatMap((window) => window.machines.map((id) => [machineKey(id), { id, window }] as const)));
  for (const [key, machine] of [...master.registry.machines]) {
    if (planned.has(key)) continue;
    master.registry.machines.delete(key);
    replanMachine(master, machine.id, undefined);
  }
  for (const [key, { id, window }] of planned) {
    const mode = master.registry.machines.get(key)?.mode ?? 'DRAINING';
    master.registry.machines.set(key, { id, mode, unavailability: window.unavailability });
    replanMachine(master, id, window.unavailability);
  }
  requestAllocation(master);
  return undefined;
}

/** Maintenance begins: the agents of these machines are told to end, their tasks are lost. */
export function startMaintenance(master: MasterState, ids: readonly MachineId[]): string | undefined {
  const error = machinesError(ids) ?? unlisted(master, ids, 'DRAINING');
  if (error !== undefined) return error;
  for (const id of ids) {
    const machine = master.registry.machines.get(machineKey(id)) as Machine;
    master.registry.machines.set(machineKey(id), { ...machine, mode: 'DOWN' });
    for (const agent of agentsOn(master, id)) bringDownAgent(master, agent);
  }
  return undefined;
}

/** Maintenance is over: the machines leave the schedule, and agents may register from them again. */
export function stopMaintenance(master: MasterState, ids: readonly MachineId[]): string | undefined {
  const error = machinesError(ids) ?? unlisted(master, ids, 'DOWN');
  if (error !== undefined) return error;
  for (const id of ids) master.registry.machines.delete(machineKey(id));
  return undefined;
}

/** For one agent alone, whatever machine it is on. */
export function planMaintenance(master: MasterState, agentId: string, planned: Unavailability | undefined): boolean {
  const agent = master.agents.get(agentId);
  if (agent === undefined) return false;
  replanAgent(master, agent, planned);
  requestAllocation(master);
  return true;
}

function replanMachine(master: MasterState, id: MachineId, planned: Unavailability | undefined): void {
  for (const agent of agentsOn(master, id)) replanAgent(master, agent, planned);
}

/** Outstanding offers are taken back: new ones tell of the plan. */
function replanAgent(master: MasterState, agent: AgentEntry, planned: Unavailability | undefined): void {
  rescindAll(master, agent);
  replan(master, agent, planned);
}

function agentsOn(master: MasterState, id: MachineId): AgentEntry[] {
  return [...master.agents.values()].filter((agent) => isOnMachine(agent.info, id));
}

function scheduleError(master: MasterState, windows: readonly Window[]): string | undefined {
  const seen = new Set<string>();
  for (const { machines, unavailability } of windows) {
    if (machines.length === 0) return 'List of machines in the maintenance window is empty';
    if ((unavailability.durationMs ?? 0) < 0) return "Unavailability 'duration' is negative";
    for (const id of machines) {
      const error = machineError(id) ?? repeated(id, seen);
      if (error !== undefined) return error;
      seen.add(machineKey(id));
    }
  }
  for (const [key, { id, mode }] of master.registry.machines) {
    if (mode === 'DOWN' && !seen.has(key)) return `Machine '${JSON.stringify(id)}' is deactivated and cannot be removed from the schedule`;
  }
  return undefined;
}

function machinesError(ids: readonly MachineId[]): string | undefined {
  if (ids.length === 0) return 'List of machines is empty';
  const seen = new Set<string>();
  for (const id of ids) {
    const error = machineError(id) ?? repeated(id, seen);
    if (error !== undefined) return error;
    seen.add(machineKey(id));
  }
  return undefined;
}

function unlisted(master: MasterState, ids: readonly MachineId[], mode: Machine['mode']): string | undefined {
  for (const id of ids) {
    const machine = master.registry.machines.get(machineKey(id));
    const text = `Machine '${JSON.stringify(id)}' is not`;
    if (mode === 'DRAINING' && machine === undefined) return `${text} part of a maintenance schedule`;
    if (machine?.mode !== mode) return `${text} in ${mode} mode and cannot be brought ${mode === 'DOWN' ? 'up' : 'down'}`;
  }
  return undefined;
}

function machineError({ hostname, ip }: MachineId): string | undefined {
  return hostname === '' && ip === '' ? "Both 'hostname' and 'ip' for a machine are empty" : undefined;
}

function repeated(id: MachineId, seen: ReadonlySet<string>): string | undefined {
  return seen.has(machineKey(id)) ? `Machine '${JSON.stringify(id)}' appears more than once in the schedule` : undefined;
}
