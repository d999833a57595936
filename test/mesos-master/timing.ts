/**
 * Every duration of the stand-in, by name. The defaults are those of a real Mesos 1.12 with default flags
 * (docs/mesos.md); tests give smaller ones. All in milliseconds unless the name says otherwise.
 */

export interface Timing {
  /** Between two HEARTBEAT events; told to the scheduler as `heartbeat_interval_seconds`. */
  readonly heartbeatMs: number;
  /** `--allocation_interval`: between two allocation cycles. Also the least time a decline filter holds. */
  readonly allocationMs: number;
  /** Longest wait of an allocation that an event asked for (SUBSCRIBE, REVIVE, a new agent). */
  readonly eventAllocationMs: number;
  /** `filters.refuse_seconds` when a call gives none. */
  readonly defaultRefuseMs: number;
  /** `--offer_timeout`; undefined: offers never expire. */
  readonly offerTimeoutMs: number | undefined;
  /** First retry of a status update that is not acknowledged; doubles each time. */
  readonly statusRetryMs: number;
  readonly statusRetryMaxMs: number;
  /** From an ACKNOWLEDGE to its being on the agent's disk. An agent that dies sooner sends the update again. */
  readonly ackMs: number;
  /** `--agent_ping_timeout`, and how many may be missed before the agent is unreachable. */
  readonly agentPingMs: number;
  readonly maxAgentPings: number;
  /** `--agent_reregister_timeout`: how long a new master waits for agents it knows from the registry. */
  readonly agentReregisterTimeoutMs: number;
  /** From the start of an agent's process to its (re-)registration. */
  readonly agentRecoveryMs: number;
  /** From a new leader being up to the agents' re-registration, where agents watch an election. */
  readonly agentFollowsLeaderMs: number;
  /** From a master's death to the agents' re-registration, where agents have a fixed `--master`. */
  readonly agentNoticesMasterMs: number;
  /** A starting master: connections refused, then 404 (no routes yet), then 503 (recovering). */
  readonly masterRefusesMs: number;
  readonly masterNoRoutesMs: number;
  readonly masterRecoversMs: number;
  /** How long followers point at a dead leader. */
  readonly zookeeperSessionMs: number;
  /** From ACCEPT to TASK_STARTING on an idle agent, and on to TASK_RUNNING. */
  readonly commandStartingMs: number;
  readonly commandRunningMs: number;
  /** Shortest time from TASK_RUNNING to a command task's end. */
  readonly commandShortestMs: number;
  readonly dockerStartingMs: number;
  readonly dockerRunningMs: number;
  /** How long the Docker executor looks for a container that could not be created. */
  readonly dockerInspectMs: number;
  /** A pull that fails, from ACCEPT. */
  readonly dockerPullMs: number;
  /** `--executor_registration_timeout`. */
  readonly executorRegistrationMs: number;
  /** `--executor_shutdown_grace_period`: from TERM to KILL when nothing else is said. */
  readonly killGraceMs: number;
}

export const REAL_TIMING: Timing = {
  heartbeatMs: 15_000,
  allocationMs: 1_000,
  eventAllocationMs: 10,
  defaultRefuseMs: 5_000,
  offerTimeoutMs: undefined,
  statusRetryMs: 10_000,
  statusRetryMaxMs: 600_000,
  ackMs: 15,
  agentPingMs: 15_000,
  maxAgentPings: 5,
  agentReregisterTimeoutMs: 600_000,
  agentRecoveryMs: 4_000,
  agentFollowsLeaderMs: 450,
  agentNoticesMasterMs: 72_000,
  masterRefusesMs: 600,
  masterNoRoutesMs: 60,
  masterRecoversMs: 90,
  zookeeperSessionMs: 10_000,
  commandStartingMs: 320,
  commandRunningMs: 20,
  commandShortestMs: 150,
  dockerStartingMs: 250,
  dockerRunningMs: 500,
  dockerInspectMs: 5_000,
  dockerPullMs: 500,
  executorRegistrationMs: 60_000,
  killGraceMs: 5_000,
};

/** The real timing with every duration multiplied by `factor`; the count of pings stays. */
export function scaledTiming(factor: number): Timing {
  const scaled = Object.entries(REAL_TIMING).map(([name, value]) => [name, name === 'maxAgentPings' ? value : value * factor]);
  return { ...Object.fromEntries(scaled), offerTimeoutMs: undefined } as Timing;
}
