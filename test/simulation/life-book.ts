/** Which tasks run where: two attempts of one run may run at once only when the older one was out of reach for as long as its job says. */

import type { TaskLaunch } from '../../src/executor/port.ts';
import type { History } from '../invariants/history.ts';
import { InvariantViolation } from '../invariants/violation.ts';
import type { MesosAgent } from './mesos-agent.ts';

export class LifeBook {
  readonly #fail: (error: unknown) => void;
  readonly #running = new Map<string, Map<string, MesosAgent>>();
  /** Tasks whose agents were out of reach while they ran: they may be given up. */
  readonly #doubted = new Set<string>();
  /** Of frameworks that were removed: nobody waits for them. */
  readonly #disowned = new Set<string>();
  /** What has ended where it ran, whoever knows. */
  readonly #over = new Set<string>();
  readonly #history: () => History;

  constructor(fail: (error: unknown) => void, history: () => History) {
    this.#fail = fail;
    this.#history = history;
  }

  disown(agents: readonly MesosAgent[]): void {
    for (const agent of agents) for (const taskId of agent.tasks.keys()) this.#disowned.add(taskId);
  }

  doubt(agents: readonly MesosAgent[]): void {
    for (const agent of agents) for (const taskId of agent.tasks.keys()) this.#doubted.add(taskId);
  }

  get count(): number {
    let count = 0;
    for (const tasks of this.#running.values()) count += tasks.size;
    return count;
  }

  hasEnded(taskId: string): boolean {
    return this.#over.has(taskId);
  }

  onLife(agent: MesosAgent, launch: TaskLaunch, life: 'began' | 'ended'): void {
    const id = `${launch.job}#${launch.run}`;
    const tasks = this.#running.get(id) ?? new Map<string, MesosAgent>();
    if (life === 'ended') {
      this.#over.add(launch.taskId);
      tasks.delete(launch.taskId);
      if (tasks.size === 0) this.#running.delete(id);
      return;
    }
    for (const [taskId, other] of tasks) {
      if (this.#disowned.has(taskId) || (this.#doubted.has(taskId) && this.#isGivenUp(launch, taskId))) continue;
      this.#fail(
        new InvariantViolation(
          'one-attempt',
          `${launch.taskId} began on ${agent.id} while ${taskId} still ran on ${other.id}, which was not out of reach as long as the job says`,
          [launch.job],
        ),
      );
    }
    tasks.set(launch.taskId, agent);
    this.#running.set(id, tasks);
  }

  /** Whether what is stored says of an older task of the run that it was given up, and in time. */
  #isGivenUp({ job, run: number }: TaskLaunch, older: string): boolean {
    const history = this.#history();
    const run = history.run(job, number);
    const attempt = run?.attempts.find(({ taskId }) => taskId === older);
    if (!run?.spec || attempt?.endedAt === undefined || attempt.unreachableSince === undefined) return false;
    return attempt.endedAt - attempt.unreachableSince >= history.resolve(run.spec).unreachableTimeoutMs;
  }
}
