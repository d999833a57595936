/** The master's table of tasks: adding, releasing what they used, and removing them. */

import { addShare, release } from './books.ts';
import { taskKey, type AgentEntry, type Framework, type MasterState, type RunTask, type Task } from './model.ts';

const KEPT_COMPLETED = 1_000;

export function addTask(master: MasterState, agent: AgentEntry, run: RunTask): Task {
  const task: Task = {
    id: run.info.task_id.value,
    frameworkId: run.frameworkId,
    agentId: agent.id,
    info: run.info,
    role: run.role,
    resources: run.resources,
    state: 'TASK_STAGING',
    updateState: undefined,
    updateUuid: undefined,
    containerStatus: undefined,
    statuses: [],
    released: false,
  };
  agent.tasks.set(taskKey(task.frameworkId, task.id), task);
  const framework = master.frameworks.get(task.frameworkId);
  framework?.tasks.set(task.id, task);
  return task;
}

/** Gives the task's resources back to the agent, once. */
export function releaseTask(master: MasterState, task: Task): void {
  if (task.released) return;
  task.released = true;
  const agent = master.agents.get(task.agentId);
  const framework = master.frameworks.get(task.frameworkId);
  if (framework !== undefined) addShare(framework, task.role, { resources: task.resources, sign: -1 });
  if (agent !== undefined) release(agent, task.resources);
}

/** Forgets a task; it is shown as completed from now on. */
export function removeTask(master: MasterState, task: Task): void {
  releaseTask(master, task);
  master.agents.get(task.agentId)?.tasks.delete(taskKey(task.frameworkId, task.id));
  const framework = master.frameworks.get(task.frameworkId);
  if (framework === undefined) return;
  framework.tasks.delete(task.id);
  keepCompleted(framework, task);
}

export function keepCompleted(framework: Framework, task: Task): void {
  framework.completed.push(task);
  if (framework.completed.length > KEPT_COMPLETED) framework.completed.shift();
}
