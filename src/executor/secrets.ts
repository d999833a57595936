/**
 * Secrets of a task: variables, and credentials for the image's registry, that the definition only names. They are looked up by the
 * leader's node at the moment of the launch and handed to the executor with the launch; nothing above this file ever sees a value, so
 * none is stored or logged.
 */

import type { Executor, ExecutorCommand, ExecutorSession, LogChunk, LogRequest, TaskLaunch, TaskStatus } from './port.ts';

/** Values by name, as they are now. */
export interface SecretSource {
  /** Throws with a message that names the secret and never its value. */
  read(name: string): string;
}

/** An executor whose launches have their secrets filled in. `source` undefined: tasks with secrets are rejected. */
export function withSecrets(executor: Executor, source: SecretSource | undefined): Executor {
  return new SecretExecutor(executor, source);
}

class SecretExecutor implements Executor {
  readonly kind: string;
  readonly #executor: Executor;
  readonly #source: SecretSource | undefined;
  #session: ExecutorSession | undefined;

  constructor(executor: Executor, source: SecretSource | undefined) {
    this.kind = executor.kind;
    this.#executor = executor;
    this.#source = source;
  }

  start(session: ExecutorSession): void {
    this.#session = session;
    this.#executor.start(session);
  }

  perform(command: ExecutorCommand): void {
    this.#executor.perform(command.type === 'launch' ? this.#fill(command) : command);
  }

  async stop(): Promise<void> {
    this.#session = undefined;
    await this.#executor.stop();
  }

  readLog(request: LogRequest): Promise<LogChunk | undefined> {
    return this.#executor.readLog(request);
  }

  /** Tasks whose secrets can't be had stay behind; with none left the offers go back. */
  #fill(command: Extract<ExecutorCommand, { type: 'launch' }>): ExecutorCommand {
    if (!command.tasks.some(hasSecrets)) return command;
    const tasks: TaskLaunch[] = [];
    for (const launch of command.tasks) {
      const filled = this.#withValues(launch);
      if ('state' in filled) this.#session?.emit({ type: 'status', status: filled });
      else tasks.push(filled);
    }
    if (tasks.length === 0) return { type: 'decline', offerIds: command.offerIds, refuseMs: 0 };
    return { ...command, tasks };
  }

  #withValues(launch: TaskLaunch): TaskLaunch | TaskStatus {
    const { secrets = {}, pullSecret } = launch.task;
    if (!hasSecrets(launch)) return launch;
    const { taskId, agentId } = launch;
    const source = this.#source;
    if (source === undefined) {
      const message = 'task.secrets, task.pullSecret: there are none: no executor.secretsDirectory is configured';
      return { taskId, agentId, state: 'rejected', reason: 'secrets-unsupported', message };
    }
    try {
      const values = Object.entries(secrets).map(([variable, name]) => [variable, source.read(name)] as const);
      // What Kairos itself sets can't be overridden by a secret either.
      const env = { ...Object.fromEntries(values), ...launch.env };
      return { ...launch, env, ...(pullSecret === undefined ? {} : { registryConfig: source.read(pullSecret) }) };
    } catch (error) {
      // Another node may have it, or it is being replaced: the infrastructure's failure, with a bound of its own.
      const message = error instanceof Error ? error.message : String(error);
      return { taskId, agentId, state: 'not-launched', reason: 'secret-unavailable', message };
    }
  }
}

function hasSecrets({ task }: TaskLaunch): boolean {
  return task.secrets !== undefined || task.pullSecret !== undefined;
}
