/**
 * An executor whose only agent is this machine. Owns the connection to the host: opens it, opens it again after it broke,
 * and gives each connection an Agent of its own.
 *
 *     stopped -> connecting -> connected -> (lost) -> connecting ...
 *
 * Invariant: a connection is opened only after all that the one before had under way has ended, so no launch of an earlier
 * connection can come to life after a later one has looked.
 */

import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Executor, ExecutorCommand, ExecutorSession, LogChunk, LogRequest, Resources } from '../port.ts';
import { Agent } from './agent.ts';
import { identityFor, identityText, readIdentity } from './identity.ts';
import type { Identity } from './identity.ts';
import type { MachineOptions } from './machine.ts';
import { isTaskId } from './task-host.ts';
import type { TaskHost, TaskReport } from './task-host.ts';

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

export interface LocalExecutorOptions extends MachineOptions {
  readonly kind: string;
  readonly host: TaskHost;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The identity as stored, for logs read on a node that does not lead. */
  readonly identity?: (() => string | undefined) | undefined;
  /** What this machine offers; asked at each connection. */
  total(): Resources;
}

/** The state of one start(): ends at stop(). */
interface Run {
  readonly session: ExecutorSession;
  readonly identity: Identity;
  readonly ended: AbortController;
  agent: Agent | undefined;
  /** Ends the connection that stands, with why. */
  lose: ((reason: string) => void) | undefined;
  /** Failed attempts in a row, the loss of a connection included. */
  failures: number;
  done: Promise<void>;
}

export class LocalExecutor implements Executor {
  readonly kind: string;
  readonly #options: LocalExecutorOptions;
  #run: Run | undefined;
  #lastIdentity: Identity | undefined;
  #connections = 0;

  constructor(options: LocalExecutorOptions) {
    this.kind = options.kind;
    this.#options = options;
  }

  start(session: ExecutorSession): void {
    const before = this.#run;
    before?.ended.abort();
    before?.lose?.('started anew');
    const ended = new AbortController();
    // A new one counts from when it is stored. Should this term end before, nothing was launched under it.
    const identity = identityFor(session.identity);
    const run: Run = { session, identity, ended, agent: undefined, lose: undefined, failures: 0, done: Promise.resolve() };
    this.#lastIdentity = identity;
    this.#run = run;
    run.done = (before?.done ?? Promise.resolve()).then(() => this.#keepConnected(run));
  }

  perform(command: ExecutorCommand): void {
    const agent = this.#run?.agent;
    if (agent !== undefined) return agent.perform(command);
    // What was asked is durable with the caller, who asks again after the next `connected`.
    this.#options.logger.debug({ executor: this.kind, command: command.type }, 'not connected: command dropped');
  }

  async stop(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined) return;
    run.ended.abort();
    run.lose?.('stopped');
    await run.done;
  }

  async readLog(request: LogRequest): Promise<LogChunk | undefined> {
    const { host, identity } = this.#options;
    const owner = this.#run?.identity ?? readIdentity(identity?.()) ?? this.#lastIdentity;
    return owner !== undefined && isTaskId(request.task.taskId) ? host.readLog(request, owner) : undefined;
  }

  async #keepConnected(run: Run): Promise<void> {
    const { clock } = this.#options;
    while (!run.ended.signal.aborted) {
      await this.#connect(run);
      if (run.ended.signal.aborted) return;
      const waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (run.failures - 1));
      await clock.sleep(waitMs * (0.5 + clock.random() / 2), run.ended.signal);
    }
  }

  /** One connection from its beginning to its end, or one attempt at it. */
  async #connect(run: Run): Promise<void> {
    const { host, logger } = this.#options;
    const lost = new Promise<string>((resolve) => {
      run.lose = resolve;
    });
    let agent: Agent | undefined;
    try {
      const early: TaskReport[] = [];
      const changed = (report: TaskReport): void => (agent === undefined ? void early.push(report) : agent.changed(report));
      const found = await host.open({ changed, disconnected: (reason) => run.lose?.(reason) }, run.identity);
      if (run.ended.signal.aborted) return;
      agent = this.#createAgent(run);
      run.agent = agent;
      run.failures = 0;
      logger.info({ executor: this.kind, identity: run.identity.id, tasks: found.length }, 'executor connected');
      agent.begin(identityText(run.identity), [...found, ...early]);
      this.#disconnected(run, await lost);
    } catch (error) {
      this.#disconnected(run, messageOf(error));
    } finally {
      await agent?.close();
      await host.close();
    }
  }

  /** Said once for each outage, at once: what is still under way is waited for afterwards. */
  #disconnected(run: Run, reason: string): void {
    void run.agent?.close();
    run.agent = undefined;
    run.lose = undefined;
    run.failures += 1;
    if (run.ended.signal.aborted || run.failures > 1) return;
    this.#options.logger.warn({ executor: this.kind, reason }, 'executor disconnected');
    run.session.emit({ type: 'disconnected', reason, final: false });
  }

  #createAgent(run: Run): Agent {
    const { host, clock, logger, hostname, attributes = {} } = this.#options;
    this.#connections += 1;
    const agentId = this.#agentId();
    const offerPrefix = `${agentId}-${clock.now().toString(36)}-${this.#connections}-`;
    const info = { agentId, hostname, attributes, offerPrefix, total: this.#options.total() };
    const failed = (error: unknown): void => run.lose?.(messageOf(error));
    return new Agent({ info, host, clock, logger, emit: (event) => run.session.emit(event), failed });
  }

  #agentId(): string {
    return `${this.kind}@${this.#options.hostname}`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
