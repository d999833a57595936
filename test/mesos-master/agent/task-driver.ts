/**
 * Runs an agent's tasks: orders from the master to the runner, reports from the runner to status updates.
 * A report that the agent's process has not read when it dies, or that comes later, waits in the task until the process has recovered.
 */

import { taskKey, type RunTask } from '../core/model.ts';
import type { RunReport } from '../runner/runner.ts';
import type { KillPolicy } from '../wire/call.ts';
import type { StandInAgent } from './agent.ts';
import { newTask, statusOf, type AgentTask } from './agent-task.ts';
import { LaunchQueue } from './launch-queue.ts';
import { ENDED_UNSEEN, KILLED_DURING_LAUNCH, outcomeOf, registrationTimedOut, unknownToAgent, type Outcome } from './outcome.ts';
import { UpdateStream } from './update-stream.ts';

interface TaskName {
  readonly frameworkId: string;
  readonly taskId: string;
}

export class TaskDriver {
  readonly #agent: StandInAgent;
  #queue: LaunchQueue;
  /** Updates about tasks that the agent does not have. */
  readonly #strays = new Map<string, UpdateStream>();

  constructor(agent: StandInAgent) {
    this.#agent = agent;
    this.#queue = new LaunchQueue(agent.parts.launchesPerSecond);
  }

  run(order: RunTask): void {
    const { parts, tasks, frameworks, process } = this.#agent;
    const key = taskKey(order.frameworkId, order.info.task_id.value);
    frameworks.set(order.frameworkId, order.framework);
    const updates = this.#newStream(key, { frameworkId: order.frameworkId, taskId: order.info.task_id.value });
    const task = newTask({ order, containerId: parts.seeded.uuid(), updates });
    // A task of the same id whose last acknowledgement is still on its way to the disk.
    tasks.get(key)?.updates.stop();
    tasks.set(key, task);
    task.stopRegistration = process.timer(parts.timing.executorRegistrationMs, () => {
      this.#abort(task, registrationTimedOut(task.kind, parts.timing.executorRegistrationMs));
    });
    this.#queue.add(process, () => {
      if (!task.over) this.#launch(task);
    });
  }

  kill(order: TaskName & { readonly policy: KillPolicy | undefined }): void {
    const task = this.#agent.tasks.get(taskKey(order.frameworkId, order.taskId));
    if (task === undefined || task.over) return;
    if (!task.started) return this.#abort(task, KILLED_DURING_LAUNCH);
    if (task.killed || task.draining) return;
    task.killed = true;
    this.#announceKilling(task);
    task.running?.kill(graceOf(order.policy) ?? graceOf(task.order.info.kill_policy) ?? this.#agent.parts.timing.killGraceMs);
  }

  /** On disk only `ackMs` later. */
  acknowledge(ack: TaskName & { readonly uuid: string }): void {
    const { process, parts, tasks } = this.#agent;
    const key = taskKey(ack.frameworkId, ack.taskId);
    process.timer(parts.timing.ackMs, () => {
      tasks.get(key)?.updates.acknowledge(ack.uuid);
      this.#strays.get(key)?.acknowledge(ack.uuid);
    });
  }

  /** Sends what is unacknowledged again, for one framework or for all. */
  resume(frameworkId: string | undefined): void {
    const prefix = frameworkId === undefined ? '' : taskKey(frameworkId, '');
    for (const [key, task] of this.#agent.tasks) if (key.startsWith(prefix)) task.updates.resume();
    for (const [key, stray] of this.#strays) if (key.startsWith(prefix)) stray.resume();
  }

  /** Tells the master of tasks that it expects here and that are not. */
  compare(expected: readonly TaskName[]): void {
    for (const { frameworkId, taskId } of expected) {
      const key = taskKey(frameworkId, taskId);
      if (this.#agent.tasks.has(key)) continue;
      const stream = this.#newStream(key, { frameworkId, taskId });
      this.#strays.set(key, stream);
      const aware = this.#agent.frameworks.get(frameworkId)?.capabilities.has('PARTITION_AWARE') ?? true;
      stream.push(this.#status(taskId, unknownToAgent(aware)));
    }
  }

  drain(drain: { readonly maxGraceMs: number | undefined; readonly markGone: boolean }): void {
    for (const task of this.#agent.tasks.values()) {
      if (task.over || task.draining) continue;
      if (!task.started) {
        this.#abort(task, KILLED_DURING_LAUNCH);
        continue;
      }
      task.draining = true;
      task.drainGone = drain.markGone;
      const own = graceOf(task.order.info.kill_policy) ?? this.#agent.parts.timing.killGraceMs;
      // A command executor was seen to keep its own grace, a Docker executor to obey the operator's.
      task.running?.kill(task.kind === 'docker' ? Math.min(own, drain.maxGraceMs ?? own) : own);
    }
  }

  shutdownFramework(frameworkId: string): void {
    for (const [key, task] of this.#agent.tasks) {
      if (task.order.frameworkId === frameworkId) this.#remove(key, task, 'destroy');
    }
    this.#agent.frameworks.delete(frameworkId);
  }

  /** The process is dead. What had no executor yet is forgotten, and commands that are not checkpointed die with it. */
  processDied(): void {
    this.#queue = new LaunchQueue(this.#agent.parts.launchesPerSecond);
    for (const stray of this.#strays.values()) stray.stop();
    this.#strays.clear();
    for (const [key, task] of this.#agent.tasks) {
      const checkpointed = task.order.framework.checkpoint;
      if (!task.started || (!checkpointed && task.kind === 'command')) this.#remove(key, task, 'destroy');
    }
  }

  /** The process is up again: containers that are not checkpointed go, reports that nobody read become updates. */
  recover(): void {
    for (const [key, task] of this.#agent.tasks) {
      if (!task.order.framework.checkpoint) {
        this.#remove(key, task, 'destroy');
        continue;
      }
      const ended = task.unread.some(({ report }) => report.type === 'ended');
      if (ended && task.kind === 'command') this.#finish(task, ENDED_UNSEEN);
      else this.#read(task);
    }
  }

  loseExecutor(key: string): void {
    const task = this.#agent.tasks.get(key);
    if (task === undefined || task.over) return;
    task.running?.destroy();
    this.#report(task, { type: 'ended', end: { how: 'executor-lost' } });
  }

  destroyAll(): void {
    for (const [key, task] of this.#agent.tasks) this.#remove(key, task, 'destroy');
  }

  /** Forgets all tasks and lets them run. */
  abandonAll(): void {
    for (const [key, task] of this.#agent.tasks) this.#remove(key, task, 'abandon');
    this.#agent.frameworks.clear();
  }

  #launch(task: AgentTask): void {
    const { parts } = this.#agent;
    const agentId = this.#agent.id ?? '';
    const { info, frameworkId, role } = task.order;
    const image = info.container?.type === 'MESOS' ? info.container.mesos?.image : undefined;
    if (image !== undefined && !parts.provisionsImages) {
      const message = `Unsupported container image type: ${image.type === 'APPC' ? 1 : 2}`;
      return this.#handle(task, { type: 'ended', end: { how: 'launch-failed', message } });
    }
    const owner = { agentId, frameworkId, executorId: task.id, containerId: task.containerId };
    task.running = parts.runner.launch(
      {
        info,
        kind: task.kind,
        frameworkId,
        agentId,
        role,
        containerId: task.containerId,
        sandbox: parts.runner.needsSandbox ? parts.sandboxes.create(owner) : '',
        user: info.command?.user ?? task.order.framework.info.user,
        agentEndpoint: `${parts.info.hostname}:${parts.info.port}`,
        timing: parts.timing,
      },
      (report) => this.#report(task, report),
    );
  }

  /** From the runner, at any time. */
  #report(task: AgentTask, report: RunReport): void {
    const { process } = this.#agent;
    if (report.type !== 'running') this.#note(report.type === 'ended' ? 'end' : 'start', task);
    if (task.over) return;
    task.unread.push({ report, at: this.#agent.parts.clock.now() });
    process.post(() => this.#read(task));
  }

  #read(task: AgentTask): void {
    for (const { report, at } of task.unread.splice(0)) {
      task.reportedAt = at;
      this.#handle(task, report);
    }
  }

  #handle(task: AgentTask, report: RunReport): void {
    if (task.over) return;
    switch (report.type) {
      case 'starting':
        task.started = true;
        task.pid = report.pid;
        task.stopRegistration();
        this.#limitCompletion(task);
        return this.#update(task, { state: 'TASK_STARTING', source: 'SOURCE_EXECUTOR' });
      case 'running': {
        const data = report.data === undefined ? {} : { data: report.data };
        // A kill may have been announced already; the executor says so after RUNNING no more.
        if (task.state === 'TASK_KILLING') return undefined;
        return this.#update(task, { state: 'TASK_RUNNING', source: 'SOURCE_EXECUTOR', ...data });
      }
      default:
        return this.#finish(task, outcomeOf(report.end, { ...task, gone: task.drainGone }));
    }
  }

  #limitCompletion(task: AgentTask): void {
    const limit = task.order.info.max_completion_time?.nanoseconds;
    if (limit === undefined) return;
    const { clock, timing } = this.#agent.parts;
    task.stopCompletion = clock.timer(limit / 1e6, () => {
      task.timedOut = true;
      // A container gets no grace.
      task.running?.kill(task.kind === 'docker' ? 0 : timing.killGraceMs);
    });
  }

  #announceKilling(task: AgentTask): void {
    if (!task.order.framework.capabilities.has('TASK_KILLING_STATE')) return;
    this.#update(task, { state: 'TASK_KILLING', source: 'SOURCE_EXECUTOR' });
  }

  /** Ends a task that has no executor yet. */
  #abort(task: AgentTask, outcome: Outcome): void {
    if (task.over || task.started) return;
    task.running?.destroy();
    this.#finish(task, outcome);
  }

  #finish(task: AgentTask, outcome: Outcome): void {
    task.over = true;
    task.stopRegistration();
    task.stopCompletion();
    this.#update(task, outcome);
  }

  #update(task: AgentTask, outcome: Outcome): void {
    task.state = outcome.state;
    const status = this.#status(task.id, outcome, task);
    this.#note('update', task, outcome.state);
    task.updates.push(status);
  }

  #status(taskId: string, outcome: Outcome, task?: AgentTask): ReturnType<typeof statusOf> {
    const { parts, id } = this.#agent;
    return statusOf({
      agentId: id ?? '',
      taskId,
      ...(task === undefined ? {} : { task }),
      outcome,
      at: (outcome.source === 'SOURCE_EXECUTOR' ? task?.reportedAt : undefined) ?? parts.clock.now(),
      uuid: parts.seeded.uuidBytes().toString('base64'),
    });
  }

  #newStream(key: string, name: TaskName): UpdateStream {
    const agent = this.#agent;
    return new UpdateStream({
      clock: () => agent.process,
      timing: agent.parts.timing,
      forward: (status) => {
        const latestState = agent.tasks.get(key)?.state ?? status.state;
        agent.master?.update({ agentId: agent.id ?? '', frameworkId: name.frameworkId, status, latestState });
      },
      onDone: () => {
        agent.tasks.delete(key);
        this.#strays.delete(key);
      },
    });
  }

  #remove(key: string, task: AgentTask, how: 'destroy' | 'abandon'): void {
    if (how === 'destroy' && !task.over) {
      task.running?.destroy();
      this.#note('end', task);
    }
    task.over = true;
    task.stopRegistration();
    task.stopCompletion();
    task.updates.stop();
    this.#agent.tasks.delete(key);
  }

  #note(kind: 'start' | 'end' | 'update', task: AgentTask, detail = ''): void {
    this.#agent.parts.history.note({
      kind,
      frameworkId: task.order.frameworkId,
      taskId: task.id,
      agentId: this.#agent.id ?? '',
      detail,
    });
  }
}

function graceOf(policy: KillPolicy | undefined): number | undefined {
  const nanoseconds = policy?.grace_period?.nanoseconds;
  return nanoseconds === undefined ? undefined : nanoseconds / 1e6;
}
