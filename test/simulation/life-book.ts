/** Which tasks run where: two attempts of one run may run at once only when the older one was out of reach meanwhile. */

import type { TaskLaunch } from '../../src/executor/port.ts';
import { InvariantViolation } from '../invariants/violation.ts';
import type { MesosAgent } from './mesos-agent.ts';

export class LifeBook {
  readonly #fail: (error: unknown) => void;
  readonly #running = new Map<string, Map<string, MesosAgent>>();
  /** Tasks whose agents were out of reach while they ran: they may be given up. */
  readonly #doubted = new Set<string>();

  constructor(fail: (error: unknown) => void) {
    this.#fail = fail;
  }

  doubt(agents: readonly MesosAgent[]): void {
    for (const agent of agents) for (const taskId of agent.tasks.keys()) this.#doubted.add(taskId);
  }

  get count(): number {
    let count = 0;
    for (const tasks of this.#running.values()) count += tasks.size;
    return count;
  }

  onLife(agent: MesosAgent, launch: TaskLaunch, life: 'began' | 'ended'): void {
    const id = `${launch.job}#${launch.run}`;
    const tasks = this.#running.get(id) ?? new Map<string, MesosAgent>();
    if (life === 'ended') {
      tasks.delete(launch.taskId);
      if (tasks.size === 0) this.#running.delete(id);
      return;
    }
    for (const [taskId, other] of tasks) {
      if (this.#doubted.has(taskId)) continue;
      this.#fail(
        new InvariantViolation(
          'one-attempt',
          `${launch.taskId} began on ${agent.id} while ${taskId} still ran on ${other.id}, which was never out of reach`,
          [launch.job],
        ),
      );
    }
    tasks.set(launch.taskId, agent);
    this.#running.set(id, tasks);
  }
}
