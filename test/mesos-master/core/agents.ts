/**
 * Agents as the master sees them: registered, disconnected, unreachable, back, removed, gone, drained.
 *
 *   register -> connected <-> disconnected --(no pong for agentPingMs x maxAgentPings)--> unreachable
 *                  ^                                                                          |
 *                  +------------------------ re-register -------------------------------------+
 *   removed (unregistered, replaced), gone (by an operator): never back under the same id.
 */

import { requestAllocation } from './allocator.ts';
import { addShare, occupy } from './books.ts';
import { recoverFramework } from './frameworks.ts';
import { machineOf } from './machines.ts';
import { rescindAll } from './offers.ts';
import {
  isPartitionAware,
  type AgentEntry,
  type AgentInfo,
  type AgentLink,
  type AgentReport,
  type Framework,
  type MasterState,
  type Task,
} from './model.ts';
import { sendMasterStatus } from './statuses.ts';
import { addTask, keepCompleted, releaseTask, removeTask } from './tasks.ts';
import { TERMINAL_STATES } from '../wire/event.ts';

/** A new agent; returns its id. An agent known at the same address is replaced. */
export function registerAgent(master: MasterState, info: AgentInfo, link: AgentLink): string | undefined {
  if (isOnDownMachine(master, info)) {
    link.shutdown();
    return undefined;
  }
  if (hasNoPlace(master, info)) return undefined;
  for (const other of [...master.agents.values()]) {
    if (other.info.port !== info.port || other.info.hostname !== info.hostname) continue;
    removeAgent(master, other, {
      state: () => 'TASK_LOST',
      reason: 'REASON_AGENT_REMOVED',
      message: `Agent ${other.info.hostname} removed: a new agent registered at the same address`,
    });
    master.registry.admitted.delete(other.id);
  }
  const id = `${master.id}-S${master.counters.agent++}`;
  master.registry.admitted.set(id, info);
  addAgent(master, id, { info, link });
  link.registered(id);
  requestAllocation(master);
  return id;
}

/** An agent that has had an id before: after a restart of either side, or after it was unreachable. */
export function reregisterAgent(master: MasterState, id: string, report: AgentReport): void {
  if (master.registry.gone.has(id) || isOnDownMachine(master, report.info)) return report.link.shutdown();
  if (hasNoPlace(master, report.info)) return undefined;
  const known = master.agents.get(id);
  if (known !== undefined) reconnect(master, known, report);
  else readmit(master, id, report);
  const agent = master.agents.get(id) as AgentEntry;
  // Those that are over too: an agent that died again has forgotten what it had to tell of a task that it never got.
  const expected = [...agent.tasks.values()].map((task) => ({ frameworkId: task.frameworkId, taskId: task.id }));
  report.link.reregistered(expected);
  const frameworkIds = new Set([...report.frameworks.keys(), ...expected.map((task) => task.frameworkId)]);
  for (const frameworkId of frameworkIds) {
    if (master.frameworks.get(frameworkId)?.stream !== undefined) report.link.frameworkUpdated(frameworkId);
    else if (master.completed.has(frameworkId)) report.link.shutdownFramework(frameworkId);
  }
  if (agent.drain !== undefined && !agent.drain.done) report.link.drain(agent.drain);
  requestAllocation(master);
}

/** The agent's process closed its connection: its offers are void, its tasks go on (if checkpointed). */
export function agentDisconnected(master: MasterState, id: string): void {
  const agent = master.agents.get(id);
  if (agent === undefined || !agent.connected) return;
  agent.connected = false;
  rescindAll(master, agent);
  for (const task of [...agent.tasks.values()]) {
    const framework = master.frameworks.get(task.frameworkId);
    if (framework === undefined || framework.info.checkpoint) continue;
    removeTask(master, task);
    sendMasterStatus(master, framework, {
      taskId: task.id,
      state: 'TASK_LOST',
      message: `Agent ${agent.info.hostname} disconnected`,
      reason: 'REASON_AGENT_DISCONNECTED',
      agentId: id,
    });
  }
}

/** The agent stopped answering pings: counted from here, it is unreachable 5 to 6 pings later. */
export function agentSilent(master: MasterState, id: string): void {
  const agent = master.agents.get(id);
  if (agent === undefined) return;
  const { agentPingMs, maxAgentPings } = master.timing;
  const sinceLastPing = (master.clock.now() - agent.registeredAt) % agentPingMs;
  agent.stopPings();
  agent.stopPings = master.clock.timer(agentPingMs - sinceLastPing + agentPingMs * maxAgentPings, () => markUnreachable(master, agent));
}

/** As if its pings had run out now. */
export function loseAgent(master: MasterState, id: string): void {
  const agent = master.agents.get(id);
  if (agent !== undefined) markUnreachable(master, agent);
}

/** It answers again. What it says may have come just after its pings had run out: it gets none any more, and notices that. */
export function agentAnswers(master: MasterState, id: string, whenLost: () => void): void {
  master.agents.get(id)?.stopPings();
  if (master.registry.unreachable.has(id)) whenLost();
}

export function unregisterAgent(master: MasterState, id: string): void {
  const agent = master.agents.get(id);
  if (agent === undefined) return;
  removeAgent(master, agent, {
    state: () => 'TASK_LOST',
    reason: 'REASON_AGENT_REMOVED',
    message: `Agent ${agent.info.hostname} removed: the agent unregistered`,
  });
  master.registry.admitted.delete(id);
}

/** MARK_AGENT_GONE. Returns whether there was such an agent. */
export function markAgentGone(master: MasterState, id: string): boolean {
  const agent = master.agents.get(id);
  const known = agent !== undefined || master.recovered.delete(id) || master.registry.unreachable.delete(id);
  if (!known) return false;
  master.registry.gone.add(id);
  master.registry.admitted.delete(id);
  if (agent === undefined) return true;
  removeAgent(master, agent, {
    state: (framework) => (isPartitionAware(framework) ? 'TASK_GONE_BY_OPERATOR' : 'TASK_LOST'),
    reason: 'REASON_AGENT_REMOVED_BY_OPERATOR',
    message: 'Agent has been marked gone',
  });
  agent.link.shutdown();
  return true;
}

/** Its machine is taken down: it is told to end, and its tasks are lost at once, for it may not hear it. */
export function bringDownAgent(master: MasterState, agent: AgentEntry): void {
  removeAgent(master, agent, {
    state: () => 'TASK_LOST',
    reason: 'REASON_AGENT_REMOVED',
    message: `Agent ${agent.info.hostname} removed: Operator initiated 'Machine DOWN'`,
  });
  master.registry.admitted.delete(agent.id);
  agent.link.shutdown();
}

/** Agents that did not come back after a new master took over: announced by a FAILURE only. */
export function giveUpRecovered(master: MasterState): void {
  for (const id of [...master.recovered]) {
    master.recovered.delete(id);
    master.registry.unreachable.set(id, master.clock.now());
    master.registry.admitted.delete(id);
    announceFailure(master, id);
  }
}

export function announceFailure(master: MasterState, agentId: string): void {
  for (const framework of master.frameworks.values()) {
    framework.stream?.send({ type: 'FAILURE', failure: { agent_id: { value: agentId } } });
  }
}

interface Removal {
  readonly state: (framework: Framework) => string;
  readonly reason: string;
  readonly message: string;
  readonly unreachableSince?: number;
}

function markUnreachable(master: MasterState, agent: AgentEntry): void {
  const since = master.clock.now();
  master.registry.unreachable.set(agent.id, since);
  master.registry.admitted.delete(agent.id);
  removeAgent(master, agent, {
    state: (framework) => (isPartitionAware(framework) ? 'TASK_UNREACHABLE' : 'TASK_LOST'),
    reason: 'REASON_AGENT_REMOVED',
    message: 'health check timed out',
    unreachableSince: since,
  });
}

/** An update per task, a rescind per offer, one FAILURE: in this order. */
function removeAgent(master: MasterState, agent: AgentEntry, removal: Removal): void {
  agent.stopPings();
  for (const task of [...agent.tasks.values()]) {
    const framework = master.frameworks.get(task.frameworkId);
    if (framework === undefined) continue;
    if (removal.unreachableSince === undefined) removeTask(master, task);
    else setAside(master, framework, task);
    if (TERMINAL_STATES.has(task.state)) continue;
    sendMasterStatus(master, framework, { ...removal, taskId: task.id, state: removal.state(framework), agentId: agent.id });
  }
  rescindAll(master, agent);
  master.agents.delete(agent.id);
  announceFailure(master, agent.id);
}

function setAside(master: MasterState, framework: Framework, task: Task): void {
  releaseTask(master, task);
  framework.tasks.delete(task.id);
  if (TERMINAL_STATES.has(task.state)) keepCompleted(framework, task);
  else framework.unreachable.set(task.id, task);
}

/** A master without a domain does not answer agents that have one: it could not tell whether they are remote. */
function hasNoPlace(master: MasterState, info: AgentInfo): boolean {
  return info.domain !== undefined && master.domain === undefined;
}

function isOnDownMachine(master: MasterState, info: AgentInfo): boolean {
  return machineOf(info, master.registry)?.mode === 'DOWN';
}

function addAgent(master: MasterState, id: string, parts: { readonly info: AgentInfo; readonly link: AgentLink }): AgentEntry {
  const agent: AgentEntry = {
    id,
    info: parts.info,
    link: parts.link,
    connected: true,
    deactivated: false,
    drain: undefined,
    unavailability: machineOf(parts.info, master.registry)?.unavailability,
    inverseOffers: new Map(),
    answers: new Map(),
    available: parts.info.resources,
    tasks: new Map(),
    offers: new Map(),
    stopPings: () => undefined,
    registeredAt: master.clock.now(),
  };
  master.agents.set(id, agent);
  return agent;
}

function reconnect(master: MasterState, agent: AgentEntry, report: AgentReport): void {
  agent.link = report.link;
  agent.connected = true;
  agent.stopPings();
  agent.registeredAt = master.clock.now();
  for (const told of report.tasks) {
    const task = agent.tasks.get(`${told.frameworkId}\n${told.info.task_id.value}`);
    if (task === undefined || TERMINAL_STATES.has(task.state)) continue;
    task.state = told.state;
    if (TERMINAL_STATES.has(told.state)) releaseTask(master, task);
  }
}

/** Adds an agent with its tasks. Schedulers hear of tasks that were unreachable, and of no others. */
function readmit(master: MasterState, id: string, report: AgentReport): void {
  const wasUnreachable = master.registry.unreachable.delete(id);
  master.recovered.delete(id);
  master.registry.admitted.set(id, report.info);
  const agent = addAgent(master, id, report);
  for (const [frameworkId, facts] of report.frameworks) recoverFramework(master, frameworkId, facts);
  for (const told of report.tasks) {
    const framework = master.frameworks.get(told.frameworkId);
    if (framework === undefined) continue;
    const task = addTask(master, agent, told);
    task.state = told.state;
    task.updateState = told.updateState;
    task.updateUuid = told.updateUuid;
    task.containerStatus = told.containerStatus;
    if (TERMINAL_STATES.has(task.state)) task.released = true;
    else {
      occupy(agent, task.resources);
      addShare(framework, task.role, { resources: task.resources, sign: 1 });
    }
    if (wasUnreachable) tellBack(master, framework, task);
  }
}

function tellBack(master: MasterState, framework: Framework, task: Task): void {
  framework.unreachable.delete(task.id);
  sendMasterStatus(master, framework, {
    taskId: task.id,
    state: task.state,
    message: 'Unreachable agent re-reregistered',
    reason: 'REASON_AGENT_REREGISTERED',
    agentId: task.agentId,
    containerStatus: task.containerStatus,
  });
}
