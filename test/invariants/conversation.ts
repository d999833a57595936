/**
 * What a leader and its executor say to each other in one term: the rules performed, offers and reconciled-first, and of killed and
 * acknowledged what a step alone does not show (words: invariants.ts). Told of everything in order: what the leader hears, each decision
 * before any of it is committed, the decision's steps as they land, and commands as they are performed.
 */

import type { TaskRef, ExecutorCommand, ExecutorEvent, Offer, TaskStatus } from '../../src/executor/port.ts';
import type { RunRecord } from '../../src/engine/records.ts';
import { parseTaskId } from '../../src/engine/task-id.ts';
import type { Revision } from '../../src/store/port.ts';
import { aliveIn, aliveTask, checkCommands, type CommandOf, of } from './command-rules.ts';
import type { DecisionContext, History, Step } from './history.ts';
import { ASK_ALL_MS, PATIENCE_MS, UNFIT_MS } from './limits.ts';
import { checkKept, type Kept, isSomethingWaiting, waitingIn } from './offer-rules.ts';
import { Pace } from './pace.ts';
import type { AttributesOf } from './placement-rules.ts';
import { checkReturned } from './returned-offers.ts';
import { InvariantViolation } from './violation.ts';

/** Steps that are committed and performed together. */
export interface CommandBatch {
  /** Of its commit in the term; absent: it has none, as it writes nothing. */
  readonly sequence?: number;
  readonly steps: readonly (readonly ExecutorCommand[])[];
}

export interface DecisionMade {
  readonly batches: readonly CommandBatch[];
  readonly context: DecisionContext;
  readonly isBehind: boolean;
  readonly quarantined: ReadonlySet<string>;
}

export interface ConversationOptions {
  readonly history: History;
  readonly term: Revision;
  /** Whether the term stands: once it does not, others write, and the leader may not know yet. */
  readonly isCurrent: () => boolean;
  /** Whether a commit of the term has landed. */
  readonly hasLanded: (sequence: number) => boolean;
  /** Whether the task's end is known where it ran, and on its way. */
  readonly isEnding: (task: TaskRef) => boolean;
  readonly attributesOf: AttributesOf;
}

/** A decision, as the next one is to find it carried out. */
interface Last extends DecisionMade {
  readonly isConnected: boolean;
  readonly connection: number;
  readonly mayLaunch: boolean;
  readonly areOffersWanted: boolean;
  /** The offers that it gave back, and how long those are not to come again. */
  readonly returned: readonly Offer[];
  readonly refusals: readonly number[];
  /** Everything alive is to be asked about. */
  readonly owesAsk: boolean;
}

const GOING_ON: ReadonlySet<string> = new Set(['staging', 'starting', 'running']);
const STARTED: ReadonlySet<string> = new Set(['starting', 'running']);
const TOLD_LATER: ReadonlySet<string> = new Set(['staging', 'killing', 'unreachable']);

const NO_STEP: Omit<Step, 'context'> = { jobs: new Map(), requests: new Map() };

export class Conversation {
  readonly #options: ConversationOptions;
  readonly #pace: Pace;
  #isConnected = false;
  #connections = 0;
  /** What the leader was told, and whether that was so. */
  #isSaidReconciled = false;
  #isReconciled = false;
  #owesAsk = false;
  #askedAllAt: number | undefined;
  /** Since the connection stands: when each task was asked about first, and what was answered. */
  readonly #asked = new Map<string, number>();
  readonly #answered = new Set<string>();
  /** Offers at hand, those known of earlier, and since when an agent's are kept. */
  readonly #offers = new Map<string, Offer>();
  readonly #known = new Set<string>();
  #isRescinded = false;
  #kept: Kept | undefined;
  #areOffersWanted = true;
  /** Statuses that are to be acknowledged, in order, and what each said. */
  #unacknowledged: TaskStatus[] = [];
  readonly #said = new Map<string, TaskStatus>();
  /** Tasks that were said to be going on. */
  readonly #goingOn = new Set<string>();
  /** Batches that are to be performed. */
  readonly #due: (CommandBatch & { readonly connection: number })[] = [];
  #performed = 0;
  #last: Last | undefined;
  /** Of the last decision that asked about everything: what it did not name, if it did not. */
  #unasked: readonly string[] | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#pace = new Pace(options.history);
  }

  // ── What the leader hears ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** `now`: by a clock that never steps. */
  hear(event: ExecutorEvent, now: number): void {
    switch (event.type) {
      case 'connected':
      case 'disconnected':
        return this.#connect(event.type === 'connected');
      case 'reconciled':
        this.#isSaidReconciled = true;
        this.#isReconciled ||= this.#findUnanswered(now) === undefined;
        return;
      case 'offers':
        for (const offer of event.offers) this.#known.add(offer.id);
        for (const offer of event.offers) this.#offers.set(offer.id, offer);
        return;
      case 'rescinded':
        this.#offers.delete(event.offerId);
        this.#isRescinded = true;
        return;
      case 'agent-lost':
        for (const { id, agentId } of this.#offers.values()) if (agentId === event.agentId) this.#offers.delete(id);
        return;
      case 'status':
        return this.#hearStatus(event.status);
      case 'inverse-offers':
        return;
    }
  }

  #connect(isConnected: boolean): void {
    this.#isConnected = isConnected;
    if (isConnected) this.#connections += 1;
    this.#isSaidReconciled = false;
    this.#isReconciled = false;
    this.#owesAsk = isConnected;
    this.#asked.clear();
    this.#answered.clear();
    this.#offers.clear();
    this.#kept = undefined;
    if (isConnected) this.#areOffersWanted = true;
  }

  #hearStatus(status: TaskStatus): void {
    this.#answered.add(status.taskId);
    if (GOING_ON.has(status.state)) this.#goingOn.add(status.taskId);
    if (status.state === 'staging') this.#pace.confirm(status.taskId);
    if (status.ack === undefined) return;
    this.#unacknowledged.push(status);
    this.#said.set(status.ack, status);
  }

  /** Something alive that was not asked about on this connection, or not answered for. What is said of an end may come later. */
  #findUnanswered(now: number): string | undefined {
    for (const { attempt } of aliveIn(this.#options.history)) {
      const { taskId } = attempt;
      const askedAt = this.#asked.get(taskId);
      if (askedAt === undefined) return `${taskId} was not asked about`;
      if (this.#answered.has(taskId) || now - askedAt >= PATIENCE_MS || this.#options.isEnding(attempt)) continue;
      return `${taskId} was not answered for`;
    }
    return undefined;
  }

  // ── What it decides ───────────────────────────────────────────────────────────────────────────────────────────────────────

  decide(made: DecisionMade, monotonic: number): void {
    this.#passOverVoid();
    const [due] = this.#due;
    if (due) fail('performed', `${describe(due.steps.flat()[this.#performed])} was never performed, and the leader goes on`, '');
    if (this.#options.isCurrent()) this.#judge(made, monotonic);
    const connection = this.#connections;
    for (const batch of made.batches) if (batch.steps.some((step) => step.length > 0)) this.#due.push({ ...batch, connection });
  }

  #judge(made: DecisionMade, monotonic: number): void {
    const { batches, context } = made;
    const commands = batches.flatMap(({ steps }) => steps.flat());
    const takesAll = this.#last?.isBehind !== true;
    this.#settle();
    this.#checkLaunches(of(commands, 'launch'), monotonic);
    this.#takeAcknowledged(of(commands, 'acknowledge'), made, takesAll);
    this.#pace.decide(commands, context.now, takesAll);
    for (const batch of batches) this.#checkFenced(batch);
    for (const { task } of of(commands, 'kill')) {
      if (!aliveTask(this.#options.history, task.taskId) && !this.#goingOn.has(task.taskId))
        fail('killed', `${task.taskId} is to be killed, and nobody said that it is going on`, task.taskId);
    }
    const declines = of(commands, 'decline');
    const returned = this.#takeBack(declines);
    const refusals = declines.map(({ refuseMs }) => refuseMs);
    for (const { type } of commands) if (type === 'suppress' || type === 'revive') this.#areOffersWanted = type === 'revive';
    this.#checkHeld(context);
    this.#askedAllAt = this.#askedAllAt === undefined ? undefined : Math.min(this.#askedAllAt, context.now);
    const isTimeToAsk = this.#askedAllAt !== undefined && context.now - this.#askedAllAt >= ASK_ALL_MS;
    const [isConnected, mayLaunch, areOffersWanted] = [this.#isConnected, this.#isSaidReconciled, this.#areOffersWanted];
    const owesAsk = isConnected && (this.#owesAsk || isTimeToAsk);
    this.#last = { ...made, isConnected, connection: this.#connections, mayLaunch, areOffersWanted, returned, refusals, owesAsk };
    this.#unasked = undefined;
    this.#owesAsk = false;
    this.#isRescinded = false;
  }

  /** reconciled-first, and offers: what is launched is launched with offers at hand, where they are. */
  #checkLaunches(launches: readonly CommandOf<'launch'>[], now: number): void {
    for (const { offerIds, tasks } of launches) {
      const [first] = tasks;
      const task = first?.taskId ?? '';
      const why = this.#isReconciled ? undefined : (this.#findUnanswered(now) ?? 'the executor did not say so');
      if (why !== undefined) fail('reconciled-first', `${task} is launched before everything alive was answered for: ${why}`, task);
      const offers = offerIds.map((id) => this.#offers.get(id) ?? fail('offers', `${task} is launched with ${id}, which is void`, task));
      const stray = offers.find((offer) => offer.agentId !== first?.agentId || offer.pool !== offers[0]?.pool);
      if (stray ?? offers.length === 0)
        fail('offers', `${task} is launched with ${stray?.id ?? 'no offer'}, which is none of its agent`, task);
      for (const id of offerIds) this.#offers.delete(id);
    }
  }

  /** acknowledged: in the order in which they were heard, none left out; of a job in quarantine none. */
  #takeAcknowledged(commands: readonly CommandOf<'acknowledge'>[], { quarantined }: DecisionMade, takesAll: boolean): void {
    const isOpen = ({ taskId }: TaskStatus): boolean => !quarantined.has(parseTaskId(taskId)?.job ?? '');
    this.#unacknowledged = this.#unacknowledged.filter(isOpen);
    for (const { taskId, agentId, ack } of commands) {
      const status = this.#unacknowledged.shift();
      if (status?.taskId === taskId && status.ack === ack && (status.agentId ?? '') === agentId) continue;
      fail('acknowledged', `${taskId} ${ack} is acknowledged, while ${status?.taskId ?? 'nothing'} ${status?.ack ?? ''} is to be`, taskId);
    }
    const [left] = this.#unacknowledged;
    if (takesAll && left) fail('acknowledged', `that ${left.taskId} is ${left.state} was heard, and is not acknowledged`, left.taskId);
  }

  /** fenced: what no record knows may be a newer leader's, so that a leader must know that it still is one. */
  #checkFenced({ sequence, steps }: CommandBatch): void {
    if (sequence !== undefined) return;
    for (const command of steps.flat()) {
      const taskId = command.type === 'kill' ? command.task.taskId : command.type === 'acknowledge' ? command.taskId : undefined;
      const id = taskId === undefined ? undefined : parseTaskId(taskId);
      if (taskId === undefined || !id || this.#options.history.run(id.job, id.run)) continue;
      fail('fenced', `${taskId}, which no record knows, gets a ${command.type} without a commit`, taskId);
    }
  }

  /** Returns what was at hand of them, but for what goes along with an offer that was rescinded. */
  #takeBack(declines: readonly CommandOf<'decline'>[]): Offer[] {
    const returned = declines
      .flatMap(({ offerIds, refuseMs }) => (refuseMs > 0 ? offerIds : []))
      .flatMap((id) => this.#offers.get(id) ?? []);
    for (const { offerIds, refuseMs } of declines) {
      const unknown = offerIds.find((id) => !this.#known.has(id));
      if (unknown !== undefined) fail('offers', `${unknown} is declined, and was never heard of`, '');
      if (refuseMs <= 0 && !this.#isRescinded) fail('offers', `${offerIds.join(' ')} are declined so that they come again at once`, '');
      for (const id of offerIds) this.#offers.delete(id);
    }
    return returned;
  }

  /** offers: what was not used went back, but for what is kept. */
  #checkHeld({ now }: DecisionContext): void {
    if (!this.#isConnected || !this.#isSaidReconciled) return;
    this.#kept = checkKept(this.#options.history, [...this.#offers.values()], { now, before: this.#kept });
  }

  /** Judges the last decision, which is carried out by now. */
  #settle(): void {
    const last = this.#last;
    if (!last) return;
    const missing = this.#unasked ?? ['all of it'];
    if (last.owesAsk && last.connection === this.#connections && missing.length > 0)
      fail('reconciled-first', `everything alive is to be asked about, but for ${missing[0]}`, missing[0]);
    this.#pace.settle(last);
    if (last.isConnected && last.mayLaunch) this.#checkWanted(last);
  }

  /** offers: they are wanted while something waits, and come again soon then. */
  #checkWanted({ areOffersWanted, returned, refusals, quarantined, context }: Last): void {
    const { history, attributesOf } = this.#options;
    const may = isSomethingWaiting(history, context, 'perhaps');
    const must = isSomethingWaiting(history, context, 'surely', quarantined);
    if (areOffersWanted && may === undefined) fail('offers', 'nothing waits, and offers are asked for', '');
    if (must === undefined) return;
    if (!areOffersWanted) fail('offers', `${must} waits, and no offers are wanted`, must);
    const longest = Math.max(0, ...refusals);
    if (longest > UNFIT_MS) fail('offers', `${must} waits, and offers are declined for ${longest} ms`, must);
    const isInTime = ({ deadline = Infinity }: RunRecord): boolean => deadline > context.now;
    const waiting = waitingIn(history).filter((run) => !quarantined.has(run.job) && isInTime(run));
    checkReturned(history, returned, { waiting, attributesOf });
  }

  // ── What becomes of it ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A step has just been applied to the history; one that writes nothing is about to be performed. */
  land(step: Step, commands: readonly ExecutorCommand[]): void {
    const { history, term } = this.#options;
    checkCommands(history, step, { commands, term });
    for (const command of of(commands, 'acknowledge')) this.#checkDurable(command);
    const asks = of(commands, 'reconcile').flatMap(({ tasks }) => tasks.map(({ taskId }) => taskId));
    if (!commands.some(({ type }) => type === 'reconcile') || !this.#last) return;
    const unasked = [...aliveIn(history)].map(({ attempt }) => attempt.taskId).filter((taskId) => !asks.includes(taskId));
    if (this.#unasked === undefined || unasked.length < this.#unasked.length) this.#unasked = unasked;
    if (unasked.length === 0) this.#askedAllAt = this.#last.context.now;
  }

  /** acknowledged: in the step that has what the status says. */
  #checkDurable({ taskId, ack }: CommandOf<'acknowledge'>): void {
    const state = this.#said.get(ack)?.state ?? '';
    const alive = aliveTask(this.#options.history, taskId);
    if (!alive || TOLD_LATER.has(state)) return;
    if (STARTED.has(state) && alive.attempt.startedAt !== undefined) return;
    fail('acknowledged', `that ${taskId} is ${state} is acknowledged by a step that does not know it`, taskId);
  }

  /** performed: each command once, in order, when its commit has landed. */
  perform(command: ExecutorCommand, now: number): void {
    this.#passOverVoid();
    const [batch] = this.#due;
    const next = batch?.steps.flat()[this.#performed];
    if (!batch || next !== command) return fail('performed', `${describe(command)} instead of ${describe(next)}`, '');
    if (batch.sequence !== undefined && !this.#options.hasLanded(batch.sequence))
      fail('performed', `${describe(command)} before its commit has landed`, '');
    this.#goOn(batch);
    if (command.type === 'reconcile') for (const { taskId } of command.tasks) if (!this.#asked.has(taskId)) this.#asked.set(taskId, now);
  }

  /** Questions that were decided on before the executor connected anew are not asked: all is asked about again. */
  #passOverVoid(): void {
    for (let [batch] = this.#due; batch && batch.connection !== this.#connections; [batch] = this.#due) {
      if (batch.steps.flat()[this.#performed]?.type !== 'reconcile') return;
      this.#goOn(batch);
    }
  }

  #goOn(batch: CommandBatch): void {
    if (batch.sequence === undefined && this.#performed === 0 && this.#options.isCurrent())
      for (const step of batch.steps) this.land({ ...NO_STEP, context: this.#last?.context }, step);
    this.#performed += 1;
    if (this.#performed < batch.steps.flat().length) return;
    this.#performed = 0;
    this.#due.shift();
  }
}

function describe(command: ExecutorCommand | undefined): string {
  return command === undefined ? 'nothing' : JSON.stringify(command).slice(0, 300);
}

function fail(invariant: string, message: string, taskId: string | undefined): never {
  const job = parseTaskId(taskId ?? '')?.job;
  throw new InvariantViolation(invariant, message, job === undefined ? [] : [job]);
}
