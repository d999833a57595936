/**
 * The executor as the rest of Kairos sees it: something that offers resources and runs tasks.
 * Events come up, commands go down; both are plain data. Adapters: mesos/, docker/, process/.
 *
 * The order that makes it safe (docs/architecture.md, "How a decision becomes a fact"):
 *  - a task's id is durable before `launch` is performed, and an id is launched at most once, ever;
 *  - a status is durable before `acknowledge` is performed; an unacknowledged status comes again, also after a restart;
 *  - after every `connected` nothing is launched before `reconciled`.
 * Words (task, offer, agent, status, reconcile) are those of Apache Mesos.
 */

/** Cores, MiB, MiB, devices, and host ports as inclusive ranges. */
export interface Resources {
  readonly cpus: number;
  readonly mem: number;
  readonly disk: number;
  readonly gpus: number;
  readonly ports: readonly PortRange[];
}

export type PortRange = readonly [begin: number, end: number];

export type Attribute =
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'scalar'; readonly value: number }
  | { readonly type: 'ranges'; readonly value: readonly PortRange[] }
  | { readonly type: 'set'; readonly value: readonly string[] };

/** Resources on one agent that may be used now. Gone after use, decline, rescind, or the connection's end. */
export interface Offer {
  readonly id: string;
  readonly agentId: string;
  readonly hostname: string;
  /** Where the agent answers (`host:port`), kept with the attempt to find its logs later. Empty: not needed. */
  readonly address: string;
  /** Offers with the same pool (one agent, one role) may be spent together in one launch. */
  readonly pool: string;
  readonly resources: Resources;
  /** At most this many tasks are to be launched on the agent with it: more would only queue there. Absent: no bound. */
  readonly launches?: number;
  /** The agent is to be taken down this long from now; 0: so soon that nothing is to be put there. Absent: not that anybody has planned. */
  readonly lastsMs?: number;
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly region?: string;
  readonly zone?: string;
  /** The region is another than the one the cluster is led from: for jobs that ask for it only. */
  readonly isRemote?: true;
}

/** Somebody asks for everything back that we have on an agent, because it is to be taken down. */
export interface InverseOffer {
  readonly id: string;
  /** Absent: on every agent. */
  readonly agentId?: string;
  /** It is to be taken down this long from now; 0: at any moment. */
  readonly lastsMs: number;
}

export interface Volume {
  readonly containerPath: string;
  /** Absolute path on the host, or the name of a Docker volume. */
  readonly source: string;
  readonly mode: 'ro' | 'rw';
  /** Of a Docker volume: the driver that has it, for storage outside the agent. Absent: Docker's own. */
  readonly driver?: string;
  /** What the driver is told when it makes the volume. */
  readonly driverOptions?: Readonly<Record<string, string>>;
}

export interface PortMapping {
  /** 0: any of the offer's ports. */
  readonly hostPort: number;
  /** 0: the same as the host port. Ignored on the host network. */
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp';
  readonly name?: string;
}

export interface Artifact {
  readonly uri: string;
  readonly extract: boolean;
  readonly executable: boolean;
  readonly cache: boolean;
  readonly destination?: string;
}

/** How much more than it asked for a task may use when the agent has it to spare. Never less than what it asked for. */
export interface ResourceLimits {
  readonly cpus?: number;
  /** MiB. */
  readonly mem?: number;
}

/** What a task runs, with every default filled in. `mem` and `disk` in MiB. */
export interface TaskSpec {
  readonly image?: string;
  /** Array: exec form, no shell. String: run by `/bin/sh -c`. Absent: what the image itself runs. */
  readonly command?: string | readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Variables whose values are secrets: the name of the secret of each. See secrets.ts. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly cpus: number;
  readonly mem: number;
  readonly disk: number;
  readonly gpus: number;
  /** Absent: the executor's own rule (a container: `mem` is the limit, cpus are a weight). */
  readonly limits?: ResourceLimits;
  /** Size of /dev/shm in MiB. Absent: the executor's. */
  readonly shmSize?: number;
  /** The container's host name, where it has one of its own. */
  readonly hostname?: string;
  /** `host`, `bridge`, `none`, or the name of a user network. */
  readonly network: string;
  readonly ports: readonly PortMapping[];
  readonly volumes: readonly Volume[];
  readonly artifacts: readonly Artifact[];
  readonly dockerParameters: readonly { readonly key: string; readonly value: string }[];
  /** The name of the secret that holds the credentials for the image's registry, as a Docker `config.json`. See secrets.ts. */
  readonly pullSecret?: string;
  /** `missing`: pull only when the agent lacks the image. */
  readonly pull: 'always' | 'missing' | 'never';
}

/** Where one attempt was put, and the handle to find it again. */
export interface TaskRef {
  readonly taskId: string;
  readonly agentId: string;
  /** The offer's address at launch. */
  readonly address: string;
}

/** One task to launch. `env` is complete: the job's own and Kairos's variables. */
export interface TaskLaunch extends TaskRef {
  readonly job: string;
  readonly run: number;
  readonly attempt: number;
  readonly task: TaskSpec;
  readonly env: Readonly<Record<string, string>>;
  /** Host ports chosen for `task.ports`, in the same order. */
  readonly ports: readonly number[];
  /** Time between the polite and the forced end when it is killed. */
  readonly killGraceMs: number;
  /** What `task.pullSecret` names. Filled in on the way to the executor; see secrets.ts. */
  readonly registryConfig?: string;
  /** After this long it is killed, by who leads; an executor that can end it by itself does so a while later, should nobody lead. */
  readonly timeoutMs?: number;
  readonly labels: Readonly<Record<string, string>>;
}

export type TaskState =
  /** Accepted, no sign from the task yet. */
  | 'staging'
  | 'starting'
  | 'running'
  | 'killing'
  /** Ended by itself with exit code 0. */
  | 'finished'
  /** Ended by itself otherwise: exit code, signal, out of memory. The task's own doing. */
  | 'failed'
  /** Ended because it was asked to. */
  | 'killed'
  /** Never ran, and never will as defined: an image that does not exist, invalid parameters. The definition's fault. */
  | 'rejected'
  /** Never ran, through no fault of the task: offer no longer valid, agent too busy, image registry down. */
  | 'not-launched'
  /** Over (or as good as), result unknown: agent gone, executor died. */
  | 'lost'
  /** Cut off; may still run, may come back. */
  | 'unreachable'
  /** The executor, asked, knows nothing of this task and is in a position to know. */
  | 'unknown';

export interface TaskStatus {
  readonly taskId: string;
  readonly agentId?: string;
  readonly state: TaskState;
  /** When it happened, by the executor's clock, if told. Milliseconds since the epoch. */
  readonly at?: number;
  readonly exitCode?: number;
  /** Name of the signal that ended the task (`SIGKILL`). */
  readonly signal?: string;
  readonly outOfMemory?: boolean;
  /** Short stable word, for people and rules: `image-missing`, `agent-removed`, `REASON_…`. */
  readonly reason?: string;
  readonly message?: string;
  /** Present when the status must be acknowledged once it is durable; handed back in `acknowledge`. */
  readonly ack?: string;
}

export type ExecutorEvent =
  /**
   * The connection stands. Offers held before are void. `identity` (Mesos: the framework id; else local/identity.ts) is to be made
   * durable before anything else is asked of the executor. `exclusive`: nobody else wants these offers, so they may be kept.
   */
  | { readonly type: 'connected'; readonly identity: string; readonly exclusive: boolean }
  /** The connection is lost; the adapter goes on trying unless `final`. Offers held are void. */
  | { readonly type: 'disconnected'; readonly reason: string; readonly final: boolean }
  /** Every task asked for on this connection has been answered, or as far as can be known now: one for several `reconcile` at once. */
  | { readonly type: 'reconciled' }
  | { readonly type: 'offers'; readonly offers: readonly Offer[] }
  | { readonly type: 'rescinded'; readonly offerId: string }
  /** Each is to be answered; one that is not answered, or whose answer has aged, comes again. */
  | { readonly type: 'inverse-offers'; readonly inverseOffers: readonly InverseOffer[] }
  | { readonly type: 'status'; readonly status: TaskStatus }
  /** The agent is gone or cut off; its offers are void. Statuses of its tasks come apart. */
  | { readonly type: 'agent-lost'; readonly agentId: string };

export type ExecutorCommand =
  /** Spends all offers named (same pool) on these tasks; the rest of them comes back as new offers. */
  | { readonly type: 'launch'; readonly offerIds: readonly string[]; readonly tasks: readonly TaskLaunch[] }
  /** Polite end, then forced after `graceMs`. Repeating it is harmless. */
  | { readonly type: 'kill'; readonly task: TaskRef; readonly graceMs: number }
  | { readonly type: 'acknowledge'; readonly taskId: string; readonly agentId: string; readonly ack: string }
  /** Gives offers back; the same resources are not offered again for `refuseMs` unless revived. */
  | { readonly type: 'decline'; readonly offerIds: readonly string[]; readonly refuseMs: number }
  /** What we say to inverse offers: a promise or a warning to who plans, it changes nothing here. */
  | { readonly type: 'answer-inverse-offers'; readonly answers: readonly InverseAnswer[] }
  /** No offers wanted until `revive`. */
  | { readonly type: 'suppress' }
  | { readonly type: 'revive' }
  /** Ask for the status of each of these; `unknown` is an answer. Also reports tasks of ours not in the list. */
  | { readonly type: 'reconcile'; readonly tasks: readonly TaskRef[] }
  /** The runs of these tasks are no longer kept: logs and remains may go. */
  | { readonly type: 'forget'; readonly tasks: readonly TaskRef[] };

export interface InverseAnswer {
  readonly id: string;
  /** Ids of the tasks that may still run when the agent is taken down. None: agreed. */
  readonly inTheWay: readonly string[];
}

export interface LogChunk {
  readonly data: Uint8Array;
  /** Byte offset of `data` in the whole log. */
  readonly offset: number;
  /** Bytes the log has now, if known. */
  readonly size: number | undefined;
}

export interface LogRequest {
  readonly task: TaskRef;
  readonly stream: 'stdout' | 'stderr';
  /** Byte offset to read from; negative counts from the end. */
  readonly offset: number;
  /** At most this many bytes come back. */
  readonly length: number;
}

export interface ExecutorSession {
  /** What the last leader's `connected` gave, if there was one. */
  readonly identity: string | undefined;
  /** Called for each event, in order. Must not throw. */
  emit(event: ExecutorEvent): void;
}

export interface Executor {
  /** For logs and metrics: `mesos`, `docker`, `process`. */
  readonly kind: string;

  /** Connects and goes on trying; says `connected` when it stands. Called by the leader at the start of its term. */
  start(session: ExecutorSession): void;

  /** Does what it is told, in order, without waiting: success and failure both come back as events. Must not throw. */
  perform(command: ExecutorCommand): void;

  /** Leaves tasks running; emits nothing any more. Resolves when quiet. A later start() begins anew. */
  stop(): Promise<void>;

  /** Reads a task's log; works on any node that can reach the agent, started or not. `undefined`: there is none (any more). */
  readLog(request: LogRequest): Promise<LogChunk | undefined>;
}
