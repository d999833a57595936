/** What operators do to agents: drain, deactivate, reactivate. See maintenance.ts for what they plan. */

import { markAgentGone } from './agents.ts';
import { rescindAll } from './offers.ts';
import type { AgentEntry, MasterState } from './model.ts';

export interface DrainOrder {
  readonly maxGraceMs: number | undefined;
  readonly markGone: boolean;
}

/** DRAIN_AGENT: no offers any more, its tasks are killed; gone at the end when asked. False: no such agent. */
export function drainAgent(master: MasterState, id: string, order: DrainOrder): boolean {
  const agent = master.agents.get(id);
  if (agent === undefined) return false;
  agent.drain = { ...order, done: false };
  deactivateAgent(master, id);
  if (agent.connected) agent.link.drain(order);
  watchDrain(master, agent);
  return true;
}

export function deactivateAgent(master: MasterState, id: string): boolean {
  const agent = master.agents.get(id);
  if (agent === undefined) return false;
  agent.deactivated = true;
  rescindAll(master, agent);
  return true;
}

/** Its resources are offered again from the next cycle on. */
export function reactivateAgent(master: MasterState, id: string): boolean {
  const agent = master.agents.get(id);
  if (agent === undefined) return false;
  agent.deactivated = false;
  agent.drain = undefined;
  return true;
}

/** Draining is over when the last task's end has been acknowledged. */
export function watchDrain(master: MasterState, agent: AgentEntry): void {
  if (agent.drain === undefined || agent.drain.done || agent.tasks.size > 0) return;
  agent.drain.done = true;
  if (agent.drain.markGone) markAgentGone(master, agent.id);
}
