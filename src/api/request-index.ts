/**
 * What became of requests. One that waits is in the store; the leader removes it in the commit that has its effect, and writes there
 * what became of it. Results are kept for a while only; of older requests, a run that one started carries its id, and to find that run
 * quickly the job of each request that passes by is remembered for a while.
 */

import type { Clock } from '../clock/clock.ts';
import { JOBS, REQUESTS, requestKey, resultKey, runKey, runsPrefix } from '../engine/keys.ts';
import type { Refusal, Request, RequestResult, RunRecord } from '../engine/records.ts';
import type { ReplicaView } from './deps.ts';
import { maybeRecord, readRecord } from './records.ts';

const REMEMBERED = 10_000;
/** Jobs whose runs are looked through between two chances for others. */
const SLICE = 200;

export type RequestFate =
  | { readonly state: 'pending'; readonly request: Request }
  | { readonly state: 'refused'; readonly request: Request; readonly refusal: Refusal }
  /** `run`: the one it started or killed, or was to run again or to mark; absent: there is none, or it is not kept any more. */
  | { readonly state: 'taken'; readonly request: Request | undefined; readonly run: RunRecord | undefined };

export class RequestIndex {
  readonly #replica: ReplicaView;
  readonly #seen = new Map<string, Request>();
  #unsubscribe: (() => void) | undefined;

  constructor(replica: ReplicaView) {
    this.#replica = replica;
  }

  open(): void {
    this.#unsubscribe ??= this.#replica.subscribe((batch) => {
      for (const { key, value } of batch.changes) if (value !== undefined && key.startsWith(REQUESTS)) this.#remember(key, value);
    });
    for (const { key, value } of this.#replica.list(REQUESTS)) this.#remember(key, value);
  }

  close(): void {
    this.#unsubscribe?.();
  }

  /** undefined: nothing is known of it. */
  async find(id: string, clock: Pick<Clock, 'sleep'>): Promise<RequestFate | undefined> {
    const entry = this.#replica.get(requestKey(id));
    if (entry !== undefined) return { state: 'pending', request: readRecord<Request>(entry) };
    const result = maybeRecord<RequestResult>(this.#replica.get(resultKey(id)));
    if (result !== undefined) return this.#fateOf(result);
    const request = this.#seen.get(id);
    const run = request === undefined ? await this.#search(id, clock) : this.#runOf(request);
    return request === undefined && run === undefined ? undefined : { state: 'taken', request, run };
  }

  #fateOf({ request, refusal, run: made }: RequestResult): RequestFate {
    if (refusal !== undefined) return { state: 'refused', request, refusal };
    const number = made ?? ('run' in request ? request.run : undefined);
    const run = number === undefined ? undefined : maybeRecord<RunRecord>(this.#replica.get(runKey(request.job, number)));
    return { state: 'taken', request, run };
  }

  #runOf(request: Request): RunRecord | undefined {
    const { id, job, type } = request;
    if (type === 'retry' || type === 'mark') return maybeRecord<RunRecord>(this.#replica.get(runKey(job, request.run)));
    // A backfill's runs are many; they are found with the job.
    return type === 'backfill' || type === 'cancel-backfill' ? undefined : this.#among(job, id);
  }

  /** Of a request that passed before this node started the job is not known: all runs are looked through, in slices. */
  async #search(id: string, clock: Pick<Clock, 'sleep'>): Promise<RunRecord | undefined> {
    let jobs = 0;
    for (const { key } of this.#replica.list(JOBS)) {
      const run = this.#among(key.slice(JOBS.length), id);
      if (run !== undefined) return run;
      jobs += 1;
      if (jobs % SLICE === 0) await clock.sleep(0);
    }
    return undefined;
  }

  /** By their text alone: reading all is dearer. */
  #among(job: string, id: string): RunRecord | undefined {
    for (const entry of this.#replica.list(runsPrefix(job))) {
      if (!entry.value.includes(id)) continue;
      const run = readRecord<RunRecord>(entry);
      if (run.trigger.type === 'request' && run.trigger.id === id) return run;
      if (run.kill?.reason.data?.['request'] === id || run.reason?.data?.['request'] === id) return run;
    }
    return undefined;
  }

  #remember(key: string, value: string): void {
    const id = key.slice(REQUESTS.length);
    this.#seen.set(id, readRecord<Request>({ key, value, modRevision: 0n }));
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= REMEMBERED) return;
      this.#seen.delete(oldest);
    }
  }
}
