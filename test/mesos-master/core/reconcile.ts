/** RECONCILE, and KILL of tasks that the master does not hold, which answers like it. */

import type { KillBody } from '../wire/call.ts';
import { isPartitionAware, type Framework, type MasterState, type Task } from './model.ts';
import { reportedState, sendMasterStatus } from './statuses.ts';

const REASON = 'REASON_RECONCILIATION';

export interface Question {
  readonly taskId: string;
  readonly agentId: string | undefined;
}

/** No tasks named: every task held on registered agents. Silence is an answer: "nothing", or "cannot tell yet". */
export function reconcile(master: MasterState, framework: Framework, questions: readonly Question[]): void {
  if (questions.length > 0) {
    for (const question of questions) answer(master, framework, question);
    return;
  }
  const tasks = [...framework.tasks.values()];
  for (const task of master.interleave ? master.seeded.shuffled(tasks) : tasks) latest(master, framework, task);
}

/** Sends the order to the agent that has the task; a wrong agent id or a cut-off agent makes it vanish. */
export function kill(master: MasterState, framework: Framework, body: KillBody): void {
  const taskId = body.task_id.value;
  const agentId = body.agent_id?.value;
  master.history.note({
    kind: 'kill',
    frameworkId: framework.id,
    taskId,
    agentId: agentId ?? '',
    streamId: framework.stream?.id ?? '',
  });
  const task = framework.tasks.get(taskId);
  if (task === undefined) return answer(master, framework, { taskId, agentId });
  if (agentId !== undefined && agentId !== task.agentId) return;
  const agent = master.agents.get(task.agentId);
  if (agent?.connected) agent.link.kill({ frameworkId: framework.id, taskId, policy: body.kill_policy });
}

function answer(master: MasterState, framework: Framework, { taskId, agentId }: Question): void {
  const task = framework.tasks.get(taskId);
  if (task !== undefined) return latest(master, framework, task);
  // An agent that may still come back and tell of this task: nothing is said, now or later.
  if (agentId === undefined ? master.recovered.size > 0 : master.recovered.has(agentId)) return;
  const found = verdict(master, agentId);
  sendMasterStatus(master, framework, {
    taskId,
    agentId,
    reason: REASON,
    message: `Reconciliation: ${found.text}`,
    state: isPartitionAware(framework) ? found.state : 'TASK_LOST',
    unreachableSince: found.since,
  });
}

interface Verdict {
  readonly state: string;
  readonly text: string;
  readonly since?: number;
}

function verdict(master: MasterState, agentId: string | undefined): Verdict {
  if (agentId === undefined) return { state: 'TASK_UNKNOWN', text: 'Task is unknown' };
  if (master.agents.has(agentId)) return { state: 'TASK_GONE', text: 'Task is unknown to the agent' };
  const since = master.registry.unreachable.get(agentId);
  if (since !== undefined) return { state: 'TASK_UNREACHABLE', text: 'Task is unreachable', since };
  if (master.registry.gone.has(agentId)) return { state: 'TASK_GONE_BY_OPERATOR', text: 'Task is gone' };
  return { state: 'TASK_UNKNOWN', text: 'Task is unknown' };
}

function latest(master: MasterState, framework: Framework, task: Task): void {
  sendMasterStatus(master, framework, {
    taskId: task.id,
    state: reportedState(task),
    message: 'Reconciliation: Latest task state',
    reason: REASON,
    agentId: task.agentId,
    containerStatus: task.containerStatus,
  });
}
