/** The books of what is free on an agent and what a framework has of the cluster, in use or on offer. */

import { add, subtract, unallocated, type Resources } from '../resources.ts';
import type { AgentEntry, Framework } from './model.ts';

export function release(agent: AgentEntry, resources: Resources): void {
  agent.available = add(agent.available, unallocated(resources));
}

export function occupy(agent: AgentEntry, resources: Resources): void {
  agent.available = subtract(agent.available, unallocated(resources));
}

export function addShare(framework: Framework, role: string, change: { readonly resources: Resources; readonly sign: 1 | -1 }): void {
  const share = framework.shares.get(role) ?? new Map<string, number>();
  framework.shares.set(role, share);
  for (const { name, milli } of change.resources) {
    if (milli !== undefined) share.set(name, (share.get(name) ?? 0) + change.sign * milli);
  }
}
