/** The people: they create, edit, suspend, resume, delete, start and kill, through any node that serves. */

import type { RequestBody } from '../../src/engine/records.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import type { ApiClient, Definition } from './api-client.ts';
import type { Random } from './random.ts';
import { drawSpec, type WorkloadStyle } from './workload.ts';

export interface TrafficOptions {
  readonly random: Random;
  readonly style: WorkloadStyle;
  readonly maxJobs: number;
  readonly line: (what: string) => void;
  /** Answers whether there is time left to do anything after it. */
  readonly wait: (ms: number) => Promise<boolean>;
}

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #insisting: Random;
  #names = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#insisting = options.random.fork('insisting');
  }

  /** Makes one job, under a name that was or was not used before. */
  async create(api: ApiClient, now: number): Promise<void> {
    const { random, style, line } = this.#options;
    const isReused = random.chance(0.2) && this.#names > 0;
    if (!isReused) this.#names += 1;
    const name = `job.${isReused ? random.int(1, this.#names) : this.#names}`;
    if (api.graph.has(name)) return;
    const spec = drawSpec(random, name, { graph: api.graph, style, now });
    if (spec) line(`create ${name}: ${await api.put(spec)}`);
  }

  async something(api: ApiClient, now: number): Promise<void> {
    const { random, maxJobs, line } = this.#options;
    const definitions = api.definitions();
    if (definitions.length === 0 || (definitions.length < maxJobs && random.chance(0.3))) return this.create(api, now);
    const definition = random.pick(definitions);
    const { name } = definition.spec;
    const act = random.pick([
      'run',
      'run',
      'kill',
      'kill',
      'edit',
      'edit',
      'tweak',
      'suspend',
      'suspend',
      'delete',
      'retry',
      'mark',
      'backfill',
      'backfill',
      'cancel',
      'cancel',
      'maintain',
    ] as const);
    switch (act) {
      case 'run':
        return line(
          `run ${name}: ${await api.request({ type: 'run', job: name, ...(random.chance(0.3) ? { env: { EXTRA: '1' } } : {}) })}`,
        );
      case 'kill':
        return line(`kill of ${name}: ${await api.request({ type: 'kill', job: name, run: this.#someRun(api, name, false) })}`);
      case 'edit':
        return this.#edit(api, definition, now);
      case 'tweak':
        return line(`tweak ${name}: ${await api.put({ ...definition.spec, priority: random.int(0, 9) })}`);
      case 'suspend':
        return this.#waver(api, name);
      case 'retry':
        return line(`retry of ${name}: ${await api.request({ type: 'retry', job: name, run: this.#someRun(api, name, true) })}`);
      case 'mark':
        return line(
          `mark of ${name}: ${await api.request({ type: 'mark', job: name, run: this.#someRun(api, name, random.chance(0.8)) })}`,
        );
      case 'backfill':
        return this.#backfill(api, definition, now);
      case 'cancel': {
        const ids = api.backfillsOf(name);
        return line(
          `cancel ${name}: ${await api.request({ type: 'cancel-backfill', job: name, backfill: ids.length > 0 ? random.pick(ids) : 'none', kill: random.chance(0.3) })}`,
        );
      }
      case 'maintain':
        return this.maintain(api, random.chance(0.3));
      case 'delete':
        return line(`delete ${name}: ${await api.delete(name, random.pick(['refuse', 'detach', 'delete']))}`);
    }
  }

  /** Asks a job that is suspended to start something, or marks a run of it. */
  async insist(api: ApiClient, now: number): Promise<void> {
    const random = this.#insisting;
    const suspended = api.definitions().filter(({ spec }) => spec.suspended === true);
    if (suspended.length === 0) return;
    const job = random.pick(suspended).spec.name;
    const failed = api.failedRunsOf(job);
    const run = failed.length > 0 ? random.pick(failed) : 1;
    const from = now - Math.round(random.logarithmic(60_000, 7_200_000));
    const body = random.pick<RequestBody>([
      { type: 'retry', job, run },
      { type: 'retry', job, run },
      { type: 'mark', job, run },
      { type: 'backfill', job, from, to: now, limit: random.int(1, 3) },
      { type: 'run', job },
    ]);
    this.#options.line(`${body.type} of ${job}, which is suspended: ${await api.request(body)}`);
  }

  /** Suspends or resumes a job, now and then several times before a leader may have seen any of it. */
  async #waver(api: ApiClient, name: string): Promise<void> {
    const { random } = this.#options;
    for (let left = random.chance(0.3) ? random.int(2, 4) : 1; left > 0; left--) {
      const definition = api.definitions().find(({ spec }) => spec.name === name);
      if (definition) await this.toggle(api, definition);
      if (left > 1 && !(await this.#options.wait(random.logarithmic(100, 600_000)))) return;
    }
  }

  async toggle(api: ApiClient, { spec }: Definition): Promise<void> {
    const suspended = !(spec.suspended ?? false);
    this.#options.line(`${suspended ? 'suspend' : 'resume'} ${spec.name}: ${await api.setSuspended(spec.name, suspended)}`);
  }

  /** Suspends or resumes the whole cluster. */
  async maintain(api: ApiClient, isBeginning: boolean): Promise<void> {
    this.#options.line(`${isBeginning ? 'suspend' : 'resume'} the cluster: ${await api.suspendAll(isBeginning)}`);
  }

  async #backfill(api: ApiClient, { spec }: Definition, now: number): Promise<void> {
    const { random, line } = this.#options;
    const from = now - Math.round(random.logarithmic(60_000, 7_200_000));
    const to = Math.min(now, from + Math.round(random.logarithmic(60_000, 3_600_000)));
    line(`backfill ${spec.name}: ${await api.request({ type: 'backfill', job: spec.name, from, to, limit: random.int(1, 3) })}`);
  }

  #someRun(api: ApiClient, name: string, isOver: boolean): number {
    const { random } = this.#options;
    const numbers = api.runsOf(name, isOver);
    return numbers.length > 0 ? random.pick(numbers) : random.int(1, 20);
  }

  /** Another definition under the same name. */
  async #edit(api: ApiClient, { spec: old }: Definition, now: number): Promise<void> {
    const { random, style, line } = this.#options;
    const spec = drawSpec(random, old.name, { graph: api.graph, style, now });
    if (!spec) return;
    const { schedule: _schedule, timeZone: _zone, after: _after, join: _join, ...rest } = spec;
    const edited: JobSpec = random.chance(0.5) ? spec : { ...rest, ...schedulingOf(old) };
    line(`edit ${old.name}: ${await api.put(edited)}`);
  }
}

function schedulingOf({ schedule, timeZone, after, join }: JobSpec): Partial<JobSpec> {
  return {
    ...(schedule === undefined ? {} : { schedule }),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(after === undefined ? {} : { after }),
    ...(join === undefined ? {} : { join }),
  };
}
