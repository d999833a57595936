/**
 * ACCEPT and DECLINE. An ACCEPT uses up every valid offer that it names, whatever becomes of its tasks; a bad offer
 * drops all tasks, a bad scalar all tasks of its operation, anything else only the task itself.
 */

import { resourceError, resourcesFromJson } from '../resource-json.ts';
import { add, describe, subtract, type Resources } from '../resources.ts';
import type { AcceptBody, Filters, Id, TaskInfo } from '../wire/call.ts';
import { refuse } from './allocator.ts';
import { addShare, release } from './books.ts';
import { discardOffer, takeOffer } from './offers.ts';
import type { AgentEntry, Framework, MasterState, Offer } from './model.ts';
import { offersError } from './offer-rules.ts';
import { droppedState, sendMasterStatus } from './statuses.ts';
import { taskError } from './task-rules.ts';
import { addTask } from './tasks.ts';

/** Checks and takes the offers at once, and gives the rest to be done: the launches, which a busy master does later. */
export function accept(master: MasterState, framework: Framework, body: AcceptBody): () => void {
  const launches = (body.operations ?? []).flatMap((operation) =>
    operation.type === 'LAUNCH' ? [operation.launch?.task_infos ?? []] : [],
  );
  const ids = body.offer_ids ?? [];
  const error = offersError(master, framework, ids);
  const offers = ownOffers(master, framework, ids);
  const [first] = offers;
  const agent = first && master.agents.get(first.agentId);
  if (error !== undefined || first === undefined || agent === undefined) {
    for (const offer of offers) discardOffer(master, offer);
    const message = `Task launched with invalid offers: ${error ?? ''}`;
    return () => dropTasks(master, framework, { tasks: launches.flat(), reason: 'REASON_INVALID_OFFERS', message });
  }
  for (const offer of offers) takeOffer(master, offer);
  const offered = offers.reduce<Resources>((sum, offer) => add(sum, offer.resources), []);
  const spending: Spending = {
    agent,
    role: first.role,
    streamId: framework.stream?.id ?? '',
    left: offered,
    refuseSeconds: body.filters?.refuse_seconds,
  };
  return () => launchAll(master, framework, { launches, spending });
}

function launchAll(
  master: MasterState,
  framework: Framework,
  { launches, spending }: { readonly launches: readonly (readonly TaskInfo[])[]; readonly spending: Spending },
): void {
  const { agent, role, refuseSeconds: seconds } = spending;
  const tasks = launches.flat();
  if (master.agents.get(agent.id) !== agent) {
    return dropTasks(master, framework, { tasks, reason: 'REASON_AGENT_REMOVED', message: 'Agent removed' });
  }
  if (agent.connected) for (const group of launches) launch(master, framework, { tasks: group, spending });
  else dropTasks(master, framework, { tasks, reason: 'REASON_AGENT_DISCONNECTED', message: 'Agent disconnected' });
  release(agent, spending.left);
  refuse(master, framework, { role, agentId: agent.id, resources: spending.left, seconds });
}

/** Offers that are not (or no longer) the framework's are ignored. */
export function decline(
  master: MasterState,
  framework: Framework,
  body: { readonly offer_ids?: readonly Id[]; readonly filters?: Filters },
): void {
  for (const offer of ownOffers(master, framework, body.offer_ids ?? [])) {
    discardOffer(master, offer);
    refuse(master, framework, { ...offer, seconds: body.filters?.refuse_seconds });
  }
}

interface Spending {
  readonly agent: AgentEntry;
  readonly role: string;
  /** Of the ACCEPT, which may be performed after a takeover. */
  readonly streamId: string;
  left: Resources;
  readonly refuseSeconds: number | undefined;
}

interface Launch {
  readonly tasks: readonly TaskInfo[];
  readonly spending: Spending;
}

function launch(master: MasterState, framework: Framework, { tasks, spending }: Launch): void {
  const poison = tasks.map((task) => resourceError(task.resources ?? [])).find((error) => error !== undefined);
  for (const info of tasks) {
    const wanted = add([], resourcesFromJson(info.resources ?? [], spending.role));
    const { agent, left } = spending;
    const error = poison ?? taskError({ info, framework, agent, wanted, left });
    if (error !== undefined) refuseTask(master, framework, { info, error });
    else {
      spending.left = subtract(left, wanted);
      startTask(master, framework, { info, wanted, spending });
    }
  }
}

interface AcceptedTask {
  readonly info: TaskInfo;
  readonly wanted: Resources;
  readonly spending: Spending;
}

function startTask(master: MasterState, framework: Framework, { info, wanted, spending }: AcceptedTask): void {
  const { agent, role, streamId } = spending;
  const run = {
    info,
    frameworkId: framework.id,
    framework: { info: framework.info, checkpoint: framework.info.checkpoint ?? false, capabilities: framework.capabilities },
    role,
    resources: wanted,
  };
  addTask(master, agent, run);
  addShare(framework, role, { resources: wanted, sign: 1 });
  master.history.note({
    kind: 'launch',
    frameworkId: framework.id,
    taskId: info.task_id.value,
    agentId: agent.id,
    streamId,
    detail: describe(wanted),
  });
  agent.link.run(run);
}

function refuseTask(master: MasterState, framework: Framework, refused: { readonly info: TaskInfo; readonly error: string }): void {
  sendMasterStatus(master, framework, {
    taskId: refused.info.task_id.value,
    state: 'TASK_ERROR',
    message: refused.error,
    reason: 'REASON_TASK_INVALID',
    agentId: refused.info.agent_id.value,
  });
}

function dropTasks(
  master: MasterState,
  framework: Framework,
  dropped: { readonly tasks: readonly TaskInfo[]; readonly reason: string; readonly message: string },
): void {
  for (const info of dropped.tasks) {
    sendMasterStatus(master, framework, {
      taskId: info.task_id.value,
      state: droppedState(framework),
      message: dropped.message,
      reason: dropped.reason,
      agentId: info.agent_id.value,
    });
  }
}

/** The framework's own among these ids, each once. */
function ownOffers(master: MasterState, framework: Framework, ids: readonly Id[]): readonly Offer[] {
  const unique = [...new Set(ids.map(({ value }) => value))];
  return unique.flatMap((id) => {
    const offer = master.offers.get(id);
    return offer?.frameworkId === framework.id ? [offer] : [];
  });
}
