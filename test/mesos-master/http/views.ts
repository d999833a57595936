/** What a leading master shows of itself: small but true subsets of /state, /slaves, /frameworks and /metrics/snapshot. */

import type { AgentEntry, Framework, MasterState, Task } from '../core/model.ts';
import { describeValue, milliOf, reservedTo, type Resources } from '../resources.ts';

export function stateView(master: MasterState): object {
  return {
    version: '1.12.0',
    id: master.id,
    pid: `master@127.0.0.1:${master.address.port}`,
    hostname: master.address.hostname,
    start_time: master.startedAt / 1000,
    activated_slaves: [...master.agents.values()].filter(isActive).length,
    deactivated_slaves: [...master.agents.values()].filter((agent) => !isActive(agent)).length,
    unreachable_slaves: master.registry.unreachable.size,
    leader: `master@127.0.0.1:${master.address.port}`,
    ...slavesView(master),
    ...frameworksView(master),
  };
}

export function slavesView(master: MasterState): { readonly slaves: object[]; readonly recovered_slaves: object[] } {
  return {
    slaves: [...master.agents.values()].map(slaveView),
    recovered_slaves: [...master.recovered].map((id) => ({ id, hostname: master.registry.admitted.get(id)?.hostname })),
  };
}

export function frameworksView(master: MasterState): { readonly frameworks: object[]; readonly completed_frameworks: object[] } {
  return {
    frameworks: [...master.frameworks.values()].map(frameworkView),
    completed_frameworks: [...master.completed.values()].map(frameworkView),
  };
}

export function tasksView(master: MasterState): object {
  const tasks = [...master.frameworks.values()].flatMap((framework) => [...framework.tasks.values(), ...framework.completed]);
  return { tasks: tasks.map(taskView) };
}

export function metricsView(master: MasterState): Record<string, number> {
  const agents = [...master.agents.values()];
  const frameworks = [...master.frameworks.values()];
  const tasks = frameworks.flatMap((framework) => [...framework.tasks.values()]);
  const inState = (state: string): number => tasks.filter((task) => task.state === state).length;
  const total = (name: string): number => agents.reduce((sum, agent) => sum + milliOf(agent.info.resources, name), 0) / 1000;
  const used = (name: string): number => tasks.reduce((sum, task) => sum + (task.released ? 0 : milliOf(task.resources, name)), 0) / 1000;
  return {
    'master/elected': 1,
    'master/uptime_secs': (master.clock.now() - master.startedAt) / 1000,
    'master/slaves_active': agents.filter(isActive).length,
    'master/slaves_inactive': agents.filter((agent) => !isActive(agent)).length,
    'master/slaves_connected': agents.filter((agent) => agent.connected).length,
    'master/slaves_disconnected': agents.filter((agent) => !agent.connected).length,
    'master/slaves_unreachable': master.registry.unreachable.size,
    'master/frameworks_active': frameworks.filter((one) => one.stream !== undefined).length,
    'master/frameworks_connected': frameworks.filter((one) => one.stream !== undefined).length,
    'master/frameworks_disconnected': frameworks.filter((one) => one.stream === undefined).length,
    'master/outstanding_offers': master.offers.size,
    'master/cpus_total': total('cpus'),
    'master/cpus_used': used('cpus'),
    'master/mem_total': total('mem'),
    'master/mem_used': used('mem'),
    'master/tasks_staging': inState('TASK_STAGING'),
    'master/tasks_starting': inState('TASK_STARTING'),
    'master/tasks_running': inState('TASK_RUNNING'),
    'master/tasks_killing': inState('TASK_KILLING'),
    'master/tasks_unreachable': frameworks.reduce((sum, one) => sum + one.unreachable.size, 0),
  };
}

export function drainInfo(agent: AgentEntry): object | undefined {
  if (agent.drain === undefined) return undefined;
  const { maxGraceMs, markGone, done } = agent.drain;
  const grace = maxGraceMs === undefined ? {} : { max_grace_period: { nanoseconds: maxGraceMs * 1e6 } };
  return { state: done ? 'DRAINED' : 'DRAINING', config: { ...grace, mark_gone: markGone } };
}

export function isActive(agent: AgentEntry): boolean {
  return agent.connected && !agent.deactivated;
}

function slaveView(agent: AgentEntry): object {
  const { hostname, port, resources, attributes } = agent.info;
  const tasks = [...agent.tasks.values()].filter((task) => !task.released);
  const drain = drainInfo(agent);
  return {
    id: agent.id,
    hostname,
    port,
    pid: `slave(1)@127.0.0.1:${port}`,
    attributes: Object.fromEntries(
      attributes.map((one) => [one.name, one.text?.value ?? one.scalar?.value ?? rangesText(one.ranges?.range ?? [])]),
    ),
    registered_time: agent.registeredAt / 1000,
    active: isActive(agent),
    deactivated: agent.deactivated,
    version: '1.12.0',
    resources: totals(resources),
    used_resources: totals(tasks.flatMap((task) => task.resources)),
    offered_resources: totals([...agent.offers.values()].flatMap((offer) => offer.resources)),
    reserved_resources: reserved(resources),
    unreserved_resources: totals(resources.filter((one) => one.reservations === undefined)),
    ...(drain === undefined ? {} : { drain_info: drain }),
  };
}

function rangesText(ranges: readonly { readonly begin: number; readonly end: number }[]): string {
  return `[${ranges.map(({ begin, end }) => `${begin}-${end}`).join(', ')}]`;
}

function reserved(resources: Resources): object {
  const roles = new Set(resources.flatMap((one) => reservedTo(one) ?? []));
  return Object.fromEntries([...roles].map((role) => [role, totals(resources.filter((one) => reservedTo(one) === role))]));
}

function totals(resources: Resources): object {
  const scalars = Object.fromEntries(['cpus', 'mem', 'disk', 'gpus'].map((name) => [name, milliOf(resources, name) / 1000]));
  const ports = resources.find((one) => one.name === 'ports');
  return ports === undefined ? scalars : { ...scalars, ports: describeValue(ports) };
}

function frameworkView(framework: Framework): object {
  const tasks = [...framework.tasks.values()];
  return {
    id: framework.id,
    name: framework.info.name,
    user: framework.info.user,
    ...(framework.principal === undefined ? {} : { principal: framework.principal }),
    roles: framework.roles,
    active: framework.stream !== undefined,
    connected: framework.stream !== undefined,
    recovered: framework.recovered,
    failover_timeout: framework.info.failover_timeout ?? 0,
    checkpoint: framework.info.checkpoint ?? false,
    capabilities: [...framework.capabilities],
    registered_time: framework.registeredAt / 1000,
    tasks: tasks.map(taskView),
    unreachable_tasks: [...framework.unreachable.values()].map(taskView),
    completed_tasks: framework.completed.map(taskView),
    offers: [...framework.offers.keys()],
    used_resources: totals(tasks.flatMap((task) => (task.released ? [] : task.resources))),
    offered_resources: totals([...framework.offers.values()].flatMap((offer) => offer.resources)),
  };
}

function taskView(task: Task): object {
  return {
    id: task.id,
    name: task.info.name,
    framework_id: task.frameworkId,
    executor_id: '',
    slave_id: task.agentId,
    state: task.state,
    resources: totals(task.resources),
    role: task.role,
    statuses: task.statuses.map(({ state, timestamp, container_status }) => ({
      state,
      timestamp,
      ...(container_status ? { container_status } : {}),
    })),
    ...(task.info.labels?.labels === undefined ? {} : { labels: task.info.labels.labels }),
    ...(task.info.discovery === undefined ? {} : { discovery: task.info.discovery }),
  };
}
