/** Status updates from agents on their way to schedulers, and acknowledgements on their way back. */

import { sendStatus } from './statuses.ts';
import { taskKey, type Framework, type MasterState } from './model.ts';
import { releaseTask, removeTask } from './tasks.ts';
import { TERMINAL_STATES, type TaskStatusJson } from '../wire/event.ts';

export interface AgentUpdate {
  readonly agentId: string;
  readonly frameworkId: string;
  readonly status: TaskStatusJson;
  /** The newest state the agent knows, while this update may be an older one that waits for its acknowledgement. */
  readonly latestState: string;
}

/** From an agent that is not registered here it is dropped; the agent sends it again. */
export function statusUpdate(master: MasterState, update: AgentUpdate): void {
  const agent = master.agents.get(update.agentId);
  const framework = master.frameworks.get(update.frameworkId);
  if (agent === undefined || framework === undefined) return;
  const { status, latestState } = update;
  const task = agent.tasks.get(taskKey(framework.id, status.task_id.value));
  if (task !== undefined) {
    const wasTerminal = TERMINAL_STATES.has(task.state);
    if (!wasTerminal) task.state = latestState;
    task.updateState = status.state;
    task.updateUuid = status.uuid;
    task.containerStatus = status.container_status ?? task.containerStatus;
    if (task.statuses.at(-1)?.state !== status.state) task.statuses.push(status);
    if (TERMINAL_STATES.has(latestState)) releaseTask(master, task);
  }
  sendStatus(framework, status);
}

/** Anything that does not fit is ignored without a word, as Mesos does. */
export function acknowledge(
  master: MasterState,
  framework: Framework,
  ack: { readonly agentId: string; readonly taskId: string; readonly uuid: string },
): void {
  const { agentId, taskId, uuid } = ack;
  const streamId = framework.stream?.id ?? '';
  master.history.note({ kind: 'ack', frameworkId: framework.id, taskId, agentId, streamId, detail: uuid });
  const agent = master.agents.get(agentId);
  if (agent === undefined || !agent.connected) return;
  const task = agent.tasks.get(taskKey(framework.id, taskId));
  if (task?.updateUuid === uuid && TERMINAL_STATES.has(task.updateState ?? '')) removeTask(master, task);
  agent.link.acknowledge({ frameworkId: framework.id, taskId, uuid });
}
