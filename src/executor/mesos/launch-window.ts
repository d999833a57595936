/**
 * How many launches may be on their way on one agent: accepted, no sign of the task yet. An agent starts executors one after the
 * other, so more of them only wait longer, and past a minute Mesos gives up on them (REASON_EXECUTOR_REGISTRATION_TIMEOUT).
 * A burst of 200 on one small agent lost 22 to 79 tasks that way; 5 to 10 on their way give the best rate.
 *
 * The limit follows what the agent manages: it grows by one for each launch that is heard of quickly though the window was full,
 * and halves when one takes long or runs into Mesos' time-out. So it settles near what the agent starts in `quickMs`.
 */

export interface LaunchPace {
  /** Launches on their way on one agent, to begin with. */
  readonly initial: number;
  /** Never more than this. */
  readonly most: number;
  /** Heard of within this: the agent keeps up. */
  readonly quickMs: number;
  /** Heard of later than this: it does not. Well below the agents' `--executor_registration_timeout`. */
  readonly slowMs: number;
  /** A launch that nothing was heard of is no longer counted after this; reconciliation settles what became of it. */
  readonly forgetMs: number;
}

export const DEFAULT_LAUNCH_PACE: LaunchPace = { initial: 8, most: 64, quickMs: 5_000, slowMs: 20_000, forgetMs: 120_000 };

interface Flight {
  readonly agentId: string;
  readonly startedAt: number;
}

interface AgentWindow {
  limit: number;
  readonly tasks: Set<string>;
  /** When it was last full. */
  fullAt: number;
  /** No second halving for launches that began before the first. */
  halvedAt: number;
}

export class LaunchWindow {
  readonly #pace: LaunchPace;
  readonly #agents = new Map<string, AgentWindow>();
  readonly #flights = new Map<string, Flight>();

  constructor(pace: Partial<LaunchPace> = {}) {
    this.#pace = { ...DEFAULT_LAUNCH_PACE, ...pace };
  }

  /** How many more may be sent to this agent. `now` is monotonic, in milliseconds, here and below. */
  room(agentId: string, now: number): number {
    const agent = this.#agents.get(agentId);
    if (agent === undefined) return this.#pace.initial;
    this.#forgetOld(agent, now);
    return Math.max(agent.limit - agent.tasks.size, 0);
  }

  limit(agentId: string): number {
    return this.#agents.get(agentId)?.limit ?? this.#pace.initial;
  }

  launched(taskId: string, agentId: string, now: number): void {
    if (this.#flights.has(taskId)) return;
    const agent = this.#agents.get(agentId) ?? { limit: this.#pace.initial, tasks: new Set<string>(), fullAt: -1, halvedAt: -1 };
    this.#agents.set(agentId, agent);
    agent.tasks.add(taskId);
    this.#flights.set(taskId, { agentId, startedAt: now });
    if (agent.tasks.size >= agent.limit) agent.fullAt = now;
  }

  /** The task was heard of: it started, or it never will. The agent that has room again, if any. */
  heard(taskId: string, now: number, didTimeOut: boolean): string | undefined {
    const flight = this.#flights.get(taskId);
    const agent = flight === undefined ? undefined : this.#agents.get(flight.agentId);
    if (flight === undefined || agent === undefined) return undefined;
    this.#flights.delete(taskId);
    agent.tasks.delete(taskId);
    this.#adapt(agent, flight, didTimeOut ? Number.POSITIVE_INFINITY : now - flight.startedAt);
    if (agent.tasks.size === 0 && agent.limit === this.#pace.initial) this.#agents.delete(flight.agentId);
    return flight.agentId;
  }

  agentLost(agentId: string): void {
    for (const taskId of this.#agents.get(agentId)?.tasks ?? []) this.#flights.delete(taskId);
    this.#agents.delete(agentId);
  }

  clear(): void {
    this.#agents.clear();
    this.#flights.clear();
  }

  #adapt(agent: AgentWindow, flight: Flight, tookMs: number): void {
    if (tookMs > this.#pace.slowMs) {
      if (flight.startedAt < agent.halvedAt) return;
      agent.limit = Math.max(Math.floor(agent.limit / 2), 1);
      agent.halvedAt = flight.startedAt + Math.min(tookMs, this.#pace.forgetMs);
    } else if (tookMs < this.#pace.quickMs && agent.fullAt >= flight.startedAt) {
      agent.limit = Math.min(agent.limit + 1, this.#pace.most);
    }
  }

  #forgetOld(agent: AgentWindow, now: number): void {
    for (const taskId of agent.tasks) {
      const flight = this.#flights.get(taskId);
      // In order of launch: the first that is young ends it.
      if (flight !== undefined && now - flight.startedAt < this.#pace.forgetMs) return;
      agent.tasks.delete(taskId);
      this.#flights.delete(taskId);
    }
  }
}
