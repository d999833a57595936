/**
 * The model of one Mesos agent: it runs tasks in virtual time and tells of them with acknowledged, repeated updates, one at a time
 * per task. Tasks go on while the agent's process is down, as checkpointed Docker tasks do. What it does is from the observed
 * behaviour of Mesos 1.12.
 */

import type { CancelTimer } from '../../src/clock/clock.ts';
import type { TaskLaunch } from '../../src/executor/port.ts';
import { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

export type MesosState =
  | 'STAGING'
  | 'STARTING'
  | 'RUNNING'
  | 'KILLING'
  | 'FINISHED'
  | 'FAILED'
  | 'KILLED'
  | 'ERROR'
  | 'DROPPED'
  | 'LOST'
  | 'GONE'
  | 'GONE_BY_OPERATOR'
  | 'UNREACHABLE'
  | 'UNKNOWN';

export interface MesosUpdate {
  readonly taskId: string;
  readonly agentId: string | undefined;
  readonly state: MesosState;
  /** Present: to be acknowledged. */
  readonly uuid?: string;
  readonly reason?: string;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly outOfMemory?: boolean;
  /** An answer to a question, not news. */
  readonly isAnswer?: boolean;
}

export const TERMINAL: ReadonlySet<MesosState> = new Set([
  'FINISHED',
  'FAILED',
  'KILLED',
  'ERROR',
  'DROPPED',
  'LOST',
  'GONE',
  'GONE_BY_OPERATOR',
]);

export interface AgentTask {
  readonly launch: TaskLaunch;
  /** Whose it is. */
  readonly frameworkId: string;
  phase: 'starting' | 'running' | 'over';
  /** Not acknowledged yet, oldest first. */
  readonly updates: MesosUpdate[];
  resends: number;
  cancelResend: CancelTimer | undefined;
  cancelStep: CancelTimer | undefined;
  isKilling: boolean;
}

/** Shares of what gets lost on the way from the master to its agents. May be changed at any time. */
export interface AgentLosses {
  kills: number;
  acknowledgements: number;
}

export interface AgentOptions {
  readonly id: string;
  readonly hostname: string;
  readonly rack: string;
  readonly cpus: number;
  readonly mem: number;
  readonly time: VirtualTime;
  /** Of the whole simulation: what a task does depends on its id alone. */
  readonly seed: string;
  /** Share of updates lost on the way to the master. */
  readonly lossRate: number;
  /** Share of tasks that never start: the executor does not register. */
  readonly brokenStartRate: number;
  /** Share of tasks that never start without a word: an image is fetched for ever. */
  readonly stuckStartRate: number;
  /** Share of tasks that wait long for their executor, and start then: an image is fetched slowly, others wait before them. */
  readonly slowStartRate: number;
  readonly losses: AgentLosses;
  /** Counts what happened. */
  readonly note: (what: string) => void;
  readonly forward: (agent: MesosAgent, update: MesosUpdate) => void;
  /** Something began or ended to run, for the checker. */
  readonly onLife: (agent: MesosAgent, launch: TaskLaunch, life: 'began' | 'ended') => void;
}

const FIRST_RESEND_MS = 10_000;
const LONGEST_RESEND_MS = 600_000;
/** How long an executor takes to end when its framework is gone. */
export const SHUTDOWN_GRACE_MS = 10_000;
/** How long a task waits for its executor where that is slow. */
const SLOW_START_MS = [30_000, 2_700_000] as const;
/** A task that hangs: ten years. */
const NEVER_MS = 315_360_000_000;

export class MesosAgent {
  readonly options: AgentOptions;
  readonly tasks = new Map<string, AgentTask>();
  readonly #random: Random;
  readonly #lossRandom: Random;
  isUp = true;
  /** The master knows that it is there. */
  isRegistered = true;
  #uuids = 0;

  constructor(options: AgentOptions) {
    this.options = options;
    this.#random = new Random(`${options.seed}/${options.id}`);
    this.#lossRandom = new Random(`${options.seed}/${options.id}/losses`);
  }

  get id(): string {
    return this.options.id;
  }

  /** Takes a launch that the master sent. */
  run(launch: TaskLaunch, frameworkId: string): void {
    const fate = fateOf(this.options.seed, launch, this.options.brokenStartRate);
    const task: AgentTask = {
      ...{ launch, frameworkId, phase: 'starting', updates: [], resends: 0, isKilling: false },
      ...{ cancelResend: undefined, cancelStep: undefined },
    };
    this.tasks.set(launch.taskId, task);
    this.options.onLife(this, launch, 'began');
    const { time } = this.options;
    if (fate.isRejected) {
      task.cancelStep = time.after(fate.startMs, () => this.#end(task, { state: 'FAILED', reason: 'REASON_CONTAINER_LAUNCH_FAILED' }));
      return;
    }
    if (new Random(`${this.options.seed}/stuck/${launch.taskId}`).chance(this.options.stuckStartRate)) return;
    if (fate.isBroken) {
      const state = { state: 'FAILED', reason: 'REASON_EXECUTOR_REGISTRATION_TIMEOUT' } as const;
      task.cancelStep = time.after(60_000, () => this.#end(task, state));
      return;
    }
    task.cancelStep = time.after(fate.startMs + this.#waitMs(launch), () => {
      this.#tell(task, { state: 'STARTING' });
      task.cancelStep = time.after(fate.startMs, () => {
        task.phase = 'running';
        this.#tell(task, { state: 'RUNNING' });
        task.cancelStep = time.after(fate.runMs, () => this.#end(task, fate.end));
      });
    });
  }

  /** How long a task is queued for its executor. */
  #waitMs({ taskId }: TaskLaunch): number {
    const random = new Random(`${this.options.seed}/slow/${taskId}`);
    if (!random.chance(this.options.slowStartRate)) return 0;
    this.options.note('task queued for its executor');
    return random.logarithmic(...SLOW_START_MS);
  }

  #isLost(share: number, what: string): boolean {
    if (share === 0 || !this.#lossRandom.chance(share)) return false;
    this.options.note(`${what} lost before the agent`);
    return true;
  }

  /** Answers whether it knows the task. */
  kill(taskId: string, graceMs: number): boolean {
    const task = this.tasks.get(taskId);
    if (!task || task.phase === 'over') return false;
    if (this.#isLost(this.options.losses.kills, 'order to kill')) return true;
    if (task.isKilling) return true;
    task.isKilling = true;
    if (task.phase === 'starting') {
      task.cancelStep?.();
      this.#end(task, { state: 'KILLED', reason: 'REASON_TASK_KILLED_DURING_LAUNCH' });
      return true;
    }
    this.#tell(task, { state: 'KILLING' });
    const endsInMs = Math.ceil(graceMs * this.#random.next());
    const natural = task.cancelStep;
    this.options.time.after(endsInMs, () => {
      if (task.phase === 'over') return;
      natural?.();
      this.#end(task, { state: 'KILLED' });
    });
    return true;
  }

  /** All its tasks are to end, each within its own grace or less. */
  drain(): void {
    const { time, note } = this.options;
    for (const task of this.tasks.values()) {
      time.after(this.#lossRandom.int(0, SHUTDOWN_GRACE_MS), () => {
        if (task.phase === 'over') return;
        task.cancelStep?.();
        note('task drained');
        this.#end(task, { state: 'KILLED', reason: 'REASON_AGENT_DRAINING' });
      });
    }
  }

  /** The executor of a task dies. */
  breakExecutor(taskId: string): void {
    const task = this.tasks.get(taskId);
    if (!task || task.phase === 'over') return;
    task.cancelStep?.();
    this.#end(task, { state: 'FAILED', reason: 'REASON_EXECUTOR_TERMINATED' });
  }

  /** Reports that a task the master sent never arrived, or was killed before it did. */
  drop({ launch, frameworkId }: Pick<AgentTask, 'launch' | 'frameworkId'>, state: 'DROPPED' | 'KILLED'): void {
    const task: AgentTask = {
      ...{ launch, frameworkId, phase: 'over', updates: [], resends: 0, isKilling: false },
      ...{ cancelResend: undefined, cancelStep: undefined },
    };
    this.tasks.set(launch.taskId, task);
    this.#tell(task, { state, reason: 'REASON_RECONCILIATION' });
  }

  /** The machine is gone, tasks and all. */
  destroy(): void {
    this.isUp = false;
    for (const task of this.tasks.values()) this.#forget(task);
  }

  /** The master has removed these frameworks: their tasks end within the executors' grace, and nobody is told. */
  shutDown(isRemoved: (frameworkId: string) => boolean): void {
    for (const task of this.tasks.values()) {
      if (!isRemoved(task.frameworkId)) continue;
      this.options.time.after(this.#random.int(0, SHUTDOWN_GRACE_MS), () => this.#forget(task));
    }
  }

  #forget(task: AgentTask): void {
    task.cancelStep?.();
    task.cancelResend?.();
    if (task.phase !== 'over') this.options.onLife(this, task.launch, 'ended');
    task.phase = 'over';
    task.updates.length = 0;
    this.tasks.delete(task.launch.taskId);
  }

  acknowledge(taskId: string, uuid: string): void {
    const task = this.tasks.get(taskId);
    if (!task || task.updates[0]?.uuid !== uuid) return;
    if (this.#isLost(this.options.losses.acknowledgements, 'acknowledgement')) return;
    task.updates.shift();
    task.cancelResend?.();
    task.resends = 0;
    if (task.updates.length > 0) this.#send(task);
    else if (task.phase === 'over') this.tasks.delete(taskId);
  }

  /** A new subscriber, or a new connection to the master: what is not acknowledged is sent at once. */
  resendAll(): void {
    for (const task of this.tasks.values()) {
      if (task.updates.length === 0) continue;
      task.cancelResend?.();
      task.resends = 0;
      this.#send(task);
    }
  }

  #end(task: AgentTask, end: Omit<MesosUpdate, 'taskId' | 'agentId' | 'uuid'>): void {
    task.phase = 'over';
    this.options.onLife(this, task.launch, 'ended');
    this.#tell(task, task.isKilling && end.state !== 'FINISHED' ? { ...end, state: 'KILLED' } : end);
  }

  #tell(task: AgentTask, update: Omit<MesosUpdate, 'taskId' | 'agentId' | 'uuid'>): void {
    this.#uuids += 1;
    task.updates.push({ ...update, taskId: task.launch.taskId, agentId: this.id, uuid: `${this.id}-${this.#uuids}` });
    if (task.updates.length === 1) this.#send(task);
  }

  #send(task: AgentTask): void {
    const update = task.updates[0];
    if (!update) return;
    const delayMs = Math.min(LONGEST_RESEND_MS, FIRST_RESEND_MS * 2 ** task.resends);
    task.resends += 1;
    task.cancelResend = this.options.time.after(delayMs, () => this.#send(task));
    if (!this.isUp || !this.isRegistered || this.#random.chance(this.options.lossRate)) return;
    this.options.forward(this, update);
  }
}

interface TaskFate {
  readonly startMs: number;
  readonly runMs: number;
  readonly isBroken: boolean;
  readonly isRejected: boolean;
  readonly end: Omit<MesosUpdate, 'taskId' | 'agentId' | 'uuid'>;
}

/** What becomes of a task if nobody interferes: told by its labels and its id. */
function fateOf(seed: string, launch: TaskLaunch, brokenStartRate: number): TaskFate {
  const random = new Random(`${seed}/task/${launch.taskId}`);
  const meanMs = Number(launch.labels['meanMs'] ?? '1000');
  const failRate = Number(launch.labels['failRate'] ?? '0');
  const startMs = random.int(20, 500);
  const hangs = random.chance(Number(launch.labels['hangRate'] ?? '0'));
  const runMs = hangs ? NEVER_MS : Math.min(6 * meanMs, random.exponential(meanMs));
  const isBroken = random.chance(brokenStartRate);
  const isRejected = random.chance(Number(launch.labels['rejectRate'] ?? '0'));
  if (!random.chance(failRate)) return { startMs, runMs, isBroken, isRejected, end: { state: 'FINISHED', exitCode: 0 } };
  const end = random.pick<TaskFate['end']>([
    { state: 'FAILED', exitCode: 1 },
    { state: 'FAILED', exitCode: 2 },
    { state: 'FAILED', exitCode: 75 },
    { state: 'FAILED', exitCode: 137, signal: 'SIGKILL', outOfMemory: true },
    { state: 'FAILED', signal: 'SIGSEGV' },
  ]);
  return { startMs, runMs, isBroken, isRejected, end };
}
