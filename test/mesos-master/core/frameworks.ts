/** Subscriptions: a framework's arrival, takeover, disconnection, expiry and teardown. */

import { clearFilters, requestAllocation } from './allocator.ts';
import { checkFrameworkInfo } from './framework-rules.ts';
import { discardInverse } from './inverse-offers.ts';
import type { Domain, EventStream, Framework, FrameworkFacts, MasterState } from './model.ts';
import { discardOffer, domainToJson } from './offers.ts';
import { keepCompleted, releaseTask } from './tasks.ts';
import type { FrameworkInfo, SubscribeBody } from '../wire/call.ts';

/** `--max_completed_frameworks`. */
const KEPT_FRAMEWORKS = 50;

export interface Subscription {
  readonly body: SubscribeBody;
  readonly stream: EventStream;
  readonly principal: string | undefined;
}

/** Either makes `stream` the framework's subscription, or ends it with an ERROR event. */
export function subscribe(master: MasterState, { body, stream, principal }: Subscription): void {
  const givenId = body.framework_info.id?.value;
  const known = givenId === undefined ? undefined : master.frameworks.get(givenId);
  const error = subscriptionError(master, { body, known, principal });
  if (error !== undefined) return refuseStream(stream, error);
  const framework = known ?? addFramework(master, nextId(master, givenId), factsOf(body.framework_info));
  const wasConnected = framework.stream !== undefined;
  if (framework.stream !== undefined) {
    dropSubscription(master, framework, 'Framework failed over');
  }
  framework.stopFailover();
  takeInfo(framework, body, known !== undefined);
  framework.recovered = false;
  framework.principal ??= principal ?? body.framework_info.principal;
  framework.stream = stream;
  master.history.note({ kind: 'subscribe', frameworkId: framework.id, streamId: stream.id });
  greet(master, framework, stream);
  for (const agent of master.agents.values()) if (agent.connected) agent.link.frameworkUpdated(framework.id);
  // A takeover frees the offers of the old subscription, and what is merely freed waits for the cycle.
  if (!wasConnected) requestAllocation(master);
}

function subscriptionError(
  master: MasterState,
  asked: { readonly body: SubscribeBody; readonly known: Framework | undefined; readonly principal: string | undefined },
): string | undefined {
  const id = asked.body.framework_info.id?.value;
  if (id !== undefined && master.completed.has(id)) return 'Framework has been removed';
  const error = checkFrameworkInfo(asked.body);
  if (error !== undefined) return error;
  const principal = asked.principal ?? asked.body.framework_info.principal;
  if (asked.known !== undefined && !asked.known.recovered && asked.known.principal !== principal) {
    return "Changing framework's principal is not allowed.";
  }
  return undefined;
}

function greet(master: MasterState, framework: Framework, stream: EventStream): void {
  const { id, address, domain } = master;
  stream.send({
    type: 'SUBSCRIBED',
    subscribed: {
      framework_id: { value: framework.id },
      heartbeat_interval_seconds: master.timing.heartbeatMs / 1000,
      master_info: masterInfo(id, address, domain),
    },
  });
  const beat = (): void => {
    stream.send({ type: 'HEARTBEAT' });
    framework.stopHeartbeat = master.clock.timer(master.timing.heartbeatMs, beat);
  };
  framework.stopHeartbeat();
  if (master.interleave && master.seeded.chance(0.5)) {
    framework.stopHeartbeat = master.clock.timer(master.seeded.next() * master.timing.eventAllocationMs, beat);
  } else {
    beat();
  }
}

export function masterInfo(id: string, address: { readonly hostname: string; readonly port: number }, domain?: Domain): object {
  return {
    id,
    ip: 16777343,
    port: address.port,
    pid: `master@127.0.0.1:${address.port}`,
    hostname: address.hostname,
    version: '1.12.0',
    address: { hostname: address.hostname, ip: '127.0.0.1', port: address.port },
    ...(domain === undefined ? {} : { domain: domainToJson(domain) }),
    capabilities: [{ type: 'AGENT_UPDATE' }, { type: 'AGENT_DRAINING' }, { type: 'QUOTA_V2' }],
  };
}

/** The connection of a subscription is over. Harmless for a stream that was replaced before. */
export function disconnected(master: MasterState, stream: EventStream): void {
  const framework = [...master.frameworks.values()].find((one) => one.stream === stream);
  if (framework === undefined) return;
  deactivate(master, framework);
  const timeoutMs = (framework.info.failover_timeout ?? 0) * 1000;
  framework.stopFailover = master.clock.timer(timeoutMs, () => removeFramework(master, framework));
}

/** TEARDOWN: the stream ends without a word about the tasks, which are killed. */
export function teardown(master: MasterState, framework: Framework): void {
  const { stream } = framework;
  deactivate(master, framework);
  removeFramework(master, framework);
  stream?.end();
}

/** Ends the subscription with an ERROR; the framework stays. */
export function dropSubscription(master: MasterState, framework: Framework, message: string): void {
  const { stream } = framework;
  deactivate(master, framework);
  if (stream !== undefined) refuseStream(stream, message);
}

/** A framework that only an agent told of, after a restart of the master. */
export function recoverFramework(master: MasterState, id: string, facts: FrameworkFacts): void {
  if (master.frameworks.has(id) || master.completed.has(id)) return;
  const framework = addFramework(master, id, facts);
  framework.recovered = true;
}

/** Takes over what a new SUBSCRIBE or UPDATE_FRAMEWORK may change; user and checkpoint stay as they were. */
export function takeInfo(framework: Framework, body: SubscribeBody, keep: boolean): void {
  const given = body.framework_info;
  const { user, checkpoint = false } = framework.info;
  framework.info = keep ? { ...given, user, checkpoint, id: { value: framework.id } } : { ...given, id: { value: framework.id } };
  framework.roles = rolesOf(given);
  framework.capabilities = capabilitiesOf(given);
  framework.constraints = body.offer_constraints;
  framework.suppressed.clear();
  for (const role of body.suppressed_roles ?? []) framework.suppressed.add(role);
}

export function revive(master: MasterState, framework: Framework, roles: readonly string[]): void {
  const named = roles.filter((role) => framework.roles.includes(role));
  if (roles.length > 0 && named.length === 0) return;
  clearFilters(framework, named);
  for (const role of named.length > 0 ? named : framework.roles) framework.suppressed.delete(role);
  requestAllocation(master);
}

export function suppress(framework: Framework, roles: readonly string[]): void {
  const named = roles.length === 0 ? framework.roles : roles.filter((role) => framework.roles.includes(role));
  for (const role of named) framework.suppressed.add(role);
}

function removeFramework(master: MasterState, framework: Framework): void {
  for (const task of framework.tasks.values()) {
    master.agents.get(task.agentId)?.tasks.delete(`${framework.id}\n${task.id}`);
    releaseTask(master, task);
    task.state = 'TASK_KILLED';
    keepCompleted(framework, task);
  }
  framework.tasks.clear();
  framework.unreachable.clear();
  master.frameworks.delete(framework.id);
  master.completed.set(framework.id, framework);
  const [oldest] = master.completed.keys();
  if (master.completed.size > KEPT_FRAMEWORKS && oldest !== undefined) master.completed.delete(oldest);
  for (const agent of master.agents.values()) if (agent.connected) agent.link.shutdownFramework(framework.id);
}

function deactivate(master: MasterState, framework: Framework): void {
  framework.stream = undefined;
  framework.stopHeartbeat();
  framework.stopFailover();
  for (const offer of [...framework.offers.values()]) discardOffer(master, offer);
  discardInverse(master, framework);
}

function refuseStream(stream: EventStream, message: string): void {
  stream.send({ type: 'ERROR', error: { message } });
  stream.end();
}

function nextId(master: MasterState, given: string | undefined): string {
  return given ?? `${master.id}-${String(master.counters.framework++).padStart(4, '0')}`;
}

function addFramework(master: MasterState, id: string, facts: FrameworkFacts): Framework {
  const framework: Framework = {
    id,
    info: facts.info,
    roles: rolesOf(facts.info),
    capabilities: facts.capabilities,
    constraints: undefined,
    principal: undefined,
    stream: undefined,
    recovered: false,
    suppressed: new Set(),
    filters: new Map(),
    inverseFilters: new Map(),
    tasks: new Map(),
    unreachable: new Map(),
    completed: [],
    offers: new Map(),
    shares: new Map(),
    stopHeartbeat: () => undefined,
    stopFailover: () => undefined,
    registeredAt: master.clock.now(),
  };
  master.frameworks.set(id, framework);
  return framework;
}

export function factsOf(info: FrameworkInfo): FrameworkFacts {
  return { info, checkpoint: info.checkpoint ?? false, capabilities: capabilitiesOf(info) };
}

function capabilitiesOf(info: FrameworkInfo): ReadonlySet<string> {
  return new Set((info.capabilities ?? []).flatMap(({ type }) => (type === undefined ? [] : [type])));
}

function rolesOf(info: FrameworkInfo): readonly string[] {
  return capabilitiesOf(info).has('MULTI_ROLE') ? (info.roles ?? []) : [info.role ?? '*'];
}
