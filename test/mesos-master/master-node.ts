/**
 * One master: its port, its process and what it says at each stage of its life.
 *
 *   down (refuses) -> no-routes (404) -> recovering (503) -> up: leading, or following (307), or leaderless (503)
 *
 * A new process has forgotten everything; what it learns lives in a MasterState while it leads.
 */

import type { Clock } from '../../src/clock/clock.ts';
import type { MasterPort } from './agent/agent.ts';
import { masterPort, newMaster } from './core/master-state.ts';
import type { Domain, MasterAddress, MasterState, Registry } from './core/model.ts';
import type { Faults } from './faults.ts';
import type { History } from './history.ts';
import { answerUnauthorized, authenticate, type Credentials } from './http/credentials.ts';
import { answer, answerJson, answerNotAllowed, answerNotFound, answerText, type Exchange } from './http/exchange.ts';
import { HttpFront, type TlsFiles } from './http/front.ts';
import { maintenanceEndpoint } from './http/maintenance.ts';
import { operatorCall } from './http/operator.ts';
import { schedulerCall } from './http/scheduler.ts';
import type { Subscription } from './http/subscription.ts';
import { frameworksView, metricsView, slavesView, stateView, tasksView } from './http/views.ts';
import { ProcessClock } from './process-clock.ts';
import type { Seeded } from './seeded.ts';
import type { Timing } from './timing.ts';
import type { Call } from './wire/call.ts';
import type { MesosEvent } from './wire/event.ts';

export type Stage = 'down' | 'no-routes' | 'recovering' | 'up';

export interface NodeParts {
  readonly hostname: string;
  readonly domain: Domain | undefined;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly seeded: Seeded;
  readonly history: History;
  readonly registry: Registry;
  readonly faults: Faults;
  readonly credentials: Credentials;
  readonly interleave: boolean;
  readonly splitChunks: boolean;
  readonly tls: TlsFiles | undefined;
  /** Whom this master takes for the leader; undefined: nobody is. */
  readonly leader: () => MasterAddress | undefined;
  readonly onCall: (call: Call) => void;
  readonly onEvent: (event: MesosEvent) => void;
}

export class MasterNode {
  /** 0 until it has listened for the first time. */
  port: number;
  stage: Stage = 'down';
  /** Of the process. */
  id = '';
  process: ProcessClock;
  /** While it leads. */
  state: MasterState | undefined;
  door: MasterPort | undefined;
  readonly subscriptions = new Set<Subscription>();
  readonly #parts: NodeParts;
  readonly #front: HttpFront;

  constructor(parts: NodeParts, port: number) {
    this.#parts = parts;
    this.port = port;
    this.process = new ProcessClock(parts.clock);
    this.#front = new HttpFront((exchange) => this.process.post(() => this.#serve(exchange)), parts.tls);
  }

  get address(): MasterAddress {
    return { hostname: this.#parts.hostname, port: this.port };
  }

  /** Starts the process; it answers 404 to everything until the stage is changed. */
  async start(): Promise<void> {
    this.process = new ProcessClock(this.#parts.clock);
    this.id = this.#parts.seeded.uuid();
    this.stage = 'no-routes';
    this.port = await this.#front.listen(this.port);
  }

  /** SIGKILL: every connection ends in mid-sentence. */
  async kill(): Promise<void> {
    this.stage = 'down';
    this.process.kill();
    this.state = undefined;
    this.door = undefined;
    this.subscriptions.clear();
    await this.#front.close();
  }

  lead(): MasterState {
    const { domain, timing, seeded, history, registry, interleave } = this.#parts;
    const { id, address, process: clock } = this;
    this.state = newMaster({ id, address, domain, clock, timing, seeded, history, registry, interleave });
    this.door = masterPort(this.state);
    return this.state;
  }

  #serve(exchange: Exchange): void {
    const path = exchange.path.replace(/^\/master(?=\/)/, '');
    if (this.stage === 'no-routes') return answerNotFound(exchange);
    const local = this.#localView(path);
    if (local !== undefined) return answerView(exchange, local);
    if (path === '/redirect') return this.#redirect(exchange, '');
    if (path === '/api/v1/scheduler') return this.#serveScheduler(exchange);
    const view = path === '/api/v1' ? undefined : VIEWS[path];
    const maintenance = maintenanceEndpoint(path);
    if (view === undefined && maintenance === undefined && path !== '/api/v1') return answerNotFound(exchange);
    if (this.stage === 'recovering') return answerText(exchange, 503, 'Master has not finished recovery');
    const { state } = this;
    if (state === undefined) return this.#redirect(exchange, path + exchange.query);
    if (view !== undefined) return answerJson(exchange, view(state));
    if (maintenance !== undefined) return maintenance(state, exchange);
    return exchange.method === 'POST' ? operatorCall(state, exchange) : answerNotAllowed(exchange, 'POST');
  }

  #serveScheduler(exchange: Exchange): void {
    const asked = authenticate(exchange, this.#parts.credentials);
    if (!asked.allowed) return answerUnauthorized(exchange, 'mesos-master-scheduler');
    if (this.stage === 'recovering') return answerText(exchange, 503, 'Master has not finished recovery');
    const { state: master, subscriptions: open } = this;
    if (master === undefined) return this.#redirect(exchange, `/api/v1/scheduler${exchange.query}`);
    if (exchange.method !== 'POST') return answerNotAllowed(exchange, 'POST');
    const { faults, splitChunks, onCall, onEvent } = this.#parts;
    schedulerCall({ master, faults, splitChunks, onCall, onEvent, open }, exchange, asked.principal);
  }

  /** To the leader as this master knows it, which may be dead. */
  #redirect(exchange: Exchange, path: string): void {
    const leader = this.#parts.leader();
    if (leader === undefined) return answerText(exchange, 503, 'No leader elected');
    const base = `//${leader.hostname}:${leader.port}`;
    answer(exchange, { status: 307, headers: { Location: path === '' ? base : `${base}/master${path}` } });
  }

  /** Served by every master, leading or not. */
  #localView(path: string): unknown {
    if (path === '/health') return '';
    if (path === '/version') return { version: '1.12.0' };
    if (path === '/metrics/snapshot') return this.state === undefined ? { 'master/elected': 0 } : metricsView(this.state);
    return undefined;
  }
}

const VIEWS: Readonly<Record<string, (master: MasterState) => unknown>> = {
  '/state': stateView,
  '/slaves': slavesView,
  '/frameworks': frameworksView,
  '/tasks': tasksView,
};

function answerView(exchange: Exchange, view: unknown): void {
  if (view === '') answer(exchange, { status: 200 });
  else answerJson(exchange, view);
}
