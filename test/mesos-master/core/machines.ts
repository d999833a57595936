/** Machines of the maintenance schedule: which agents are on them. Both parts of the id must match; the host name in any case. */

import type { AgentInfo, Machine, MachineId, Registry } from './model.ts';

/** Every agent of the stand-in is on loopback. */
const AGENT_IP = '127.0.0.1';

export function machineKey({ hostname, ip }: MachineId): string {
  return `${hostname.toLowerCase()}\n${ip}`;
}

export function isOnMachine(info: AgentInfo, id: MachineId): boolean {
  return machineKey({ hostname: info.hostname, ip: AGENT_IP }) === machineKey(id);
}

/** The agent's machine, if the schedule names it. */
export function machineOf(info: AgentInfo, registry: Registry): Machine | undefined {
  return registry.machines.get(machineKey({ hostname: info.hostname, ip: AGENT_IP }));
}
