/** A new master process, and the door through which agents reach it. */

import type { MasterPort } from '../agent/agent.ts';
import { startAllocating } from './allocator.ts';
import {
  agentAnswers,
  agentDisconnected,
  agentSilent,
  giveUpRecovered,
  registerAgent,
  reregisterAgent,
  unregisterAgent,
} from './agents.ts';
import type { MasterState } from './model.ts';
import { statusUpdate } from './updates.ts';

export type MasterParts = Pick<
  MasterState,
  'id' | 'address' | 'domain' | 'clock' | 'timing' | 'seeded' | 'history' | 'registry' | 'interleave'
>;

/** Starts to lead: waits for the agents that the registry knows, and allocates. */
export function newMaster(parts: MasterParts): MasterState {
  const master: MasterState = {
    ...parts,
    frameworks: new Map(),
    completed: new Map(),
    agents: new Map(),
    recovered: new Set(parts.registry.admitted.keys()),
    offers: new Map(),
    inverseOffers: new Map(),
    counters: { framework: 0, agent: 0, offer: 0 },
    allocationRequested: false,
    startedAt: parts.clock.now(),
  };
  startAllocating(master);
  master.clock.timer(master.timing.agentReregisterTimeoutMs, () => giveUpRecovered(master));
  return master;
}

export function masterPort(master: MasterState): MasterPort {
  const { clock } = master;
  return {
    register: (info, link) => clock.post(() => registerAgent(master, info, link)),
    reregister: (id, report) => clock.post(() => reregisterAgent(master, id, report)),
    update: (update) => clock.post(() => statusUpdate(master, update)),
    unregister: (id) => clock.post(() => unregisterAgent(master, id)),
    disconnected: (id) => clock.post(() => agentDisconnected(master, id)),
    silent: (id) => clock.post(() => agentSilent(master, id)),
    answers: (id, whenLost) => clock.post(() => agentAnswers(master, id, whenLost)),
  };
}
