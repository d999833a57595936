/**
 * The metrics of one node. Callers say what happened; which series that moves is decided here.
 *
 * Each instance has a registry of its own, so that the nodes of a simulated cluster do not share counters. Values that can be
 * read at any time (queue depth, replica lag) are not pushed: `provide` gives a function that is called once per scrape.
 * Never holds a label whose values users can make more of; see series.ts.
 */

import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import {
  ACTIVE_RUN_STATES,
  COMMIT_RESULTS,
  COUNTERS,
  EXECUTOR_EVENTS,
  EXECUTOR_KINDS,
  GAUGES,
  HISTOGRAMS,
  HTTP_METHODS,
  OFFER_RESULTS,
  REQUEST_TYPES,
  RUN_OUTCOMES,
  VERDICTS,
} from './series.ts';
import type {
  ActiveRunState,
  AttemptFault,
  AttemptOutcome,
  CommitResult,
  ExecutorEventType,
  HistogramSeries,
  OfferResult,
  RequestType,
  RunOutcome,
  Series,
  VerdictLabel,
} from './series.ts';

/** What is read at the time of a scrape. Must be quick and must not throw. */
export interface Readings {
  readonly jobs: () => number;
  readonly jobsQuarantined: () => number;
  readonly activeRuns: () => Readonly<Record<ActiveRunState, number>>;
  /** Runs that wait for an offer, and for how long the oldest has; 0 when there is none. */
  readonly queue: () => { readonly depth: number; readonly oldestSeconds: number };
  readonly storeUp: () => boolean;
  readonly replicaLagSeconds: () => number;
}

export interface HttpExchange {
  readonly method: string;
  /** The route's template (`/v1/jobs/:name`), never the path; undefined when no route matched. */
  readonly route: string | undefined;
  readonly status: number;
  /** Absent for a stream, whose length says nothing of the server. */
  readonly seconds?: number;
}

/** These gauges of prom-client end in `_total`, which Prometheus keeps for counters; the same numbers exist by type. */
const MISNAMED_DEFAULTS = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total'];

export class Metrics {
  readonly #registry = new Registry();
  readonly #counters = countersIn(this.#registry);
  readonly #histograms = histogramsIn(this.#registry);
  readonly #gauges = gaugesIn(this.#registry);
  #readings: Partial<Readings> = {};

  /** Adds functions to be asked at every scrape; one given before under the same name is replaced. */
  provide(readings: Partial<Readings>): void {
    this.#readings = { ...this.#readings, ...readings };
  }

  /** Adds the process's own metrics (cpu, memory, event loop). Once per process is enough. */
  includeProcess(build: { readonly version: string; readonly node: string }): void {
    collectDefaultMetrics({ register: this.#registry });
    for (const name of MISNAMED_DEFAULTS) this.#registry.removeSingleMetric(name);
    this.#gauges.buildInfo.set({ version: build.version, node: build.node }, 1);
  }

  /** The first attempt of a scheduled run was launched this long after its nominal time. */
  runLaunched(latenessSeconds: number): void {
    this.#histograms.runLateness.observe(Math.max(latenessSeconds, 0));
  }

  runEnded(outcome: RunOutcome): void {
    this.#counters.runs.inc({ outcome });
  }

  attemptEnded(outcome: AttemptOutcome, fault: AttemptFault): void {
    this.#counters.attempts.inc({ outcome, fault });
  }

  /** `count` nominal times got this verdict. */
  verdictGiven(verdict: VerdictLabel, count = 1): void {
    this.#counters.verdicts.inc({ verdict }, count);
  }

  requestTaken(type: RequestType): void {
    this.#counters.requests.inc({ type });
  }

  /** The engine decided on what had gathered. */
  decided(seconds: number): void {
    this.#histograms.decideDuration.observe(seconds);
  }

  /** A commit was answered, or its outcome found out, after `seconds`. */
  committed(result: CommitResult, seconds: number, writes: number): void {
    this.#counters.commits.inc({ result });
    this.#histograms.commitDuration.observe(seconds);
    this.#histograms.commitWrites.observe(writes);
  }

  offersChanged(result: OfferResult, count = 1): void {
    this.#counters.offers.inc({ result }, count);
  }

  termBegan(term: bigint): void {
    this.#gauges.leader.set(1);
    this.#gauges.term.set(Number(term));
    this.#counters.leaderChanges.inc();
  }

  termEnded(): void {
    this.#gauges.leader.set(0);
    this.#counters.leaderChanges.inc();
  }

  /** A decision came to nothing: the engine threw. */
  engineFailed(): void {
    this.#counters.engineFailures.inc();
  }

  /** Keys in which this node's copy was found to differ from the store. */
  discrepanciesFound(count: number): void {
    this.#counters.storeDiscrepancies.inc(count);
  }

  executorEvent(type: ExecutorEventType): void {
    this.#counters.executorEvents.inc({ type });
  }

  executorConnected(kind: string): void {
    this.#gauges.executorConnected.set({ kind: known(EXECUTOR_KINDS, kind) }, 1);
  }

  executorDisconnected(kind: string): void {
    this.#gauges.executorConnected.set({ kind: known(EXECUTOR_KINDS, kind) }, 0);
  }

  httpAnswered(exchange: HttpExchange): void {
    const labels = { method: known(HTTP_METHODS, exchange.method), route: exchange.route ?? 'none' };
    this.#counters.httpRequests.inc({ ...labels, status: exchange.status });
    if (exchange.seconds !== undefined) this.#histograms.httpDuration.observe(labels, exchange.seconds);
  }

  /** What a scrape gets. */
  async expose(): Promise<{ readonly contentType: string; readonly body: string }> {
    this.#read();
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #read(): void {
    const { jobs, jobsQuarantined, activeRuns, queue, storeUp, replicaLagSeconds } = this.#readings;
    const gauges = this.#gauges;
    if (jobs) gauges.jobs.set(jobs());
    if (jobsQuarantined) gauges.jobsQuarantined.set(jobsQuarantined());
    if (storeUp) gauges.storeUp.set(storeUp() ? 1 : 0);
    if (replicaLagSeconds) gauges.replicaLag.set(replicaLagSeconds());
    if (queue) {
      const { depth, oldestSeconds } = queue();
      gauges.queueDepth.set(depth);
      gauges.queueAge.set(oldestSeconds);
    }
    if (activeRuns) {
      const counts = activeRuns();
      for (const state of ACTIVE_RUN_STATES) gauges.runsActive.set({ state }, counts[state]);
    }
  }
}

type Counters = Record<keyof typeof COUNTERS, Counter>;
type Histograms = Record<keyof typeof HISTOGRAMS, Histogram>;
type Gauges = Record<keyof typeof GAUGES, Gauge>;

function countersIn(registry: Registry): Counters {
  const counters: Counters = mapValues(COUNTERS, (series: Series) => new Counter(settings(registry, series)));
  // From zero, so that the first event already is a rise that rate() and alerts see.
  for (const outcome of RUN_OUTCOMES) counters.runs.inc({ outcome }, 0);
  for (const verdict of VERDICTS) counters.verdicts.inc({ verdict }, 0);
  for (const type of REQUEST_TYPES) counters.requests.inc({ type }, 0);
  for (const result of COMMIT_RESULTS) counters.commits.inc({ result }, 0);
  for (const result of OFFER_RESULTS) counters.offers.inc({ result }, 0);
  for (const type of EXECUTOR_EVENTS) counters.executorEvents.inc({ type }, 0);
  return counters;
}

function histogramsIn(registry: Registry): Histograms {
  return mapValues(HISTOGRAMS, (series: HistogramSeries) => {
    return new Histogram({ ...settings(registry, series), buckets: [...series.buckets] });
  });
}

function gaugesIn(registry: Registry): Gauges {
  return mapValues(GAUGES, (series: Series) => new Gauge(settings(registry, series)));
}

function settings(
  registry: Registry,
  { name, help, labels = [] }: Series,
): { name: string; help: string; labelNames: string[]; registers: Registry[] } {
  return { name, help, labelNames: [...labels], registers: [registry] };
}

function mapValues<Key extends string, From, To>(table: Readonly<Record<Key, From>>, make: (from: From) => To): Record<Key, To> {
  const made = Object.entries<From>(table).map(([key, from]) => [key, make(from)]);
  return Object.fromEntries(made) as Record<Key, To>;
}

/** `value` when it is on the list, else the list's catch-all, `other`. */
function known(list: readonly string[], value: string): string {
  return list.includes(value) ? value : 'other';
}
