/** A node's API without HTTP: the real writers of definitions and requests over the node's store and copy; what a person is told is noted. */

import { DefinitionIndex } from '../../src/api/definition-index.ts';
import { DefinitionWriter } from '../../src/api/definition-writer.ts';
import { ApiError } from '../../src/api/errors.ts';
import { SuspensionWriter } from '../../src/api/suspension-writer.ts';
import { RequestWriter } from '../../src/api/request-writer.ts';
import type { Clock } from '../../src/clock/clock.ts';
import { JOBS, runsPrefix } from '../../src/engine/keys.ts';
import type { RequestBody, RunRecord } from '../../src/engine/records.ts';
import type { ChildrenMode } from '../../src/job/check-edit.ts';
import type { JobGraph } from '../../src/job/graph.ts';
import type { JobRecord } from '../../src/job/job.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import { StoreError } from '../../src/store/errors.ts';
import type { Revision, Store, Transaction, TransactionResult } from '../../src/store/port.ts';
import type { Replica } from '../../src/store/replica.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

export type Definition = JobRecord<JobSpec>;

/** What a person, or the node, was told of a write. */
export type Answer = 'done' | 'conflict' | 'refused' | 'unknown';

export interface ApiOptions {
  readonly nodeId: string;
  readonly store: Store;
  readonly replica: Replica;
  readonly clock: Clock;
  /** Unique words, in order. */
  readonly ids: () => string;
  /** Told of every transaction. */
  readonly onAnswer: (transaction: Transaction, answer: Answer) => void;
  /** A person was told that a job is now defined so, or not any more. */
  readonly onDefined: (name: string, spec: JobSpec | undefined, revision: Revision) => void;
}

const AUTHOR = { by: 'someone', preconditions: {} } as const;

export class ApiClient {
  readonly #options: ApiOptions;
  readonly #index: DefinitionIndex;
  readonly #definitions: DefinitionWriter;
  readonly #requests: RequestWriter;
  readonly #suspension: SuspensionWriter;

  constructor(options: ApiOptions) {
    this.#options = options;
    const { store } = options;
    const watched = { get: (key: string) => store.get(key), transact: (transaction: Transaction) => this.#transact(transaction) };
    const deps = { ...options, store: watched, logger: silentLogger };
    this.#index = new DefinitionIndex(options.replica, silentLogger);
    this.#definitions = new DefinitionWriter(deps, this.#index);
    this.#requests = new RequestWriter(deps);
    this.#suspension = new SuspensionWriter(deps);
  }

  get graph(): JobGraph {
    return this.#index.graph;
  }

  definitions(): Definition[] {
    return this.#options.replica.list(JOBS).map((entry) => JSON.parse(entry.value) as Definition);
  }

  /** Numbers of a job's runs, those that are over or those that are not. */
  runsOf(name: string, isOver: boolean): number[] {
    const runs = this.#options.replica.list(runsPrefix(name)).map((entry) => JSON.parse(entry.value) as RunRecord);
    return runs.filter((run) => (run.endedAt !== undefined) === isOver).map((run) => run.number);
  }

  failedRunsOf(name: string): number[] {
    const runs = this.#options.replica.list(runsPrefix(name)).map((entry) => JSON.parse(entry.value) as RunRecord);
    return runs.filter(({ state }) => state === 'failed' || state === 'killed').map((run) => run.number);
  }

  backfillsOf(name: string): string[] {
    const runs = this.#options.replica.list(runsPrefix(name)).map((entry) => JSON.parse(entry.value) as RunRecord);
    return runs.flatMap(({ trigger }) => (trigger.type === 'schedule' && trigger.backfill !== undefined ? [trigger.backfill] : []));
  }

  put(spec: JobSpec): Promise<string> {
    return told(async () => {
      const { revision } = await this.#definitions.put(spec, AUTHOR);
      if (revision !== undefined) this.#options.onDefined(spec.name, spec, revision);
    });
  }

  setSuspended(name: string, suspended: boolean): Promise<string> {
    return told(() => this.#definitions.setSuspended(name, suspended, AUTHOR));
  }

  delete(name: string, children: ChildrenMode): Promise<string> {
    return told(async () => {
      const { revision } = await this.#definitions.delete(name, children, AUTHOR);
      if (revision !== undefined) this.#options.onDefined(name, undefined, revision);
    });
  }

  /** Maintenance: the whole cluster. */
  suspendAll(suspended: boolean): Promise<string> {
    return told(() => this.#suspension.set(suspended, 'someone'));
  }

  request(body: RequestBody): Promise<string> {
    return told(() => this.#requests.submit(body, 'someone'));
  }

  async #transact(transaction: Transaction): Promise<TransactionResult> {
    const { store, onAnswer } = this.#options;
    try {
      const result = await store.transact(transaction);
      onAnswer(transaction, result.ok ? 'done' : 'conflict');
      return result;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      onAnswer(transaction, error.code === 'unavailable' ? 'refused' : 'unknown');
      throw error;
    }
  }
}

/** What a person reads in the answer. */
async function told(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return 'done';
  } catch (error) {
    if (error instanceof ApiError || error instanceof StoreError) return `${error.code}: ${error.message}`;
    throw error;
  }
}
