/** A master process and an agent without sockets, in virtual time: for the real durations, to the millisecond. */

import { StandInAgent, type MasterPort } from '../../mesos-master/agent/agent.ts';
import { Sandboxes } from '../../mesos-master/agent/sandboxes.ts';
import { agentInfo } from '../../mesos-master/agent-spec.ts';
import { perform } from '../../mesos-master/core/calls.ts';
import { disconnected, subscribe } from '../../mesos-master/core/frameworks.ts';
import { masterPort, newMaster } from '../../mesos-master/core/master-state.ts';
import type { EventStream, Framework, MasterState, Registry } from '../../mesos-master/core/model.ts';
import { History } from '../../mesos-master/history.ts';
import { ProcessClock } from '../../mesos-master/process-clock.ts';
import { ScriptedRunner } from '../../mesos-master/runner/scripted.ts';
import { Seeded } from '../../mesos-master/seeded.ts';
import { REAL_TIMING, type Timing } from '../../mesos-master/timing.ts';
import type { Call } from '../../mesos-master/wire/call.ts';
import type { MesosEvent, OfferJson, TaskStatusJson } from '../../mesos-master/wire/event.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { taskInfo, type TaskParts } from './rig.ts';

export interface TimedEvent {
  /** Milliseconds since the rig began. */
  readonly at: number;
  readonly event: MesosEvent;
}

export class VirtualRig {
  readonly clock = new ManualClock();
  readonly events: TimedEvent[] = [];
  readonly master: MasterState;
  readonly door: MasterPort;
  readonly agent: StandInAgent;
  readonly history: History;
  readonly #stream: EventStream = {
    id: 'stream',
    send: (event) => void this.events.push({ at: this.clock.monotonic(), event }),
    end: () => undefined,
  };

  constructor(timing: Partial<Timing> = {}, launchesPerSecond?: number) {
    const { clock } = this;
    this.history = new History(() => clock.now());
    const registry: Registry = { admitted: new Map(), unreachable: new Map(), gone: new Set(), machines: new Map() };
    const shared = { timing: { ...REAL_TIMING, ...timing }, seeded: new Seeded(3), history: this.history, registry };
    const address = { hostname: 'localhost', port: 5050 };
    this.master = newMaster({ ...shared, id: 'master', address, domain: undefined, clock: new ProcessClock(clock), interleave: false });
    this.door = masterPort(this.master);
    this.agent = new StandInAgent({
      ...shared,
      clock,
      name: 'a',
      info: { ...agentInfo({ resources: { cpus: 200, mem: 100_000 } }, 5051), scheme: 'http' },
      runner: new ScriptedRunner(clock),
      launchesPerSecond,
      sandboxes: new Sandboxes(''),
      provisionsImages: false,
    });
  }

  /** Registers the agent and subscribes. */
  async begin(info: Readonly<Record<string, unknown>> = {}): Promise<this> {
    this.agent.connect(this.door);
    await this.clock.advance(5);
    const framework_info = {
      user: 'root',
      name: 'x',
      roles: ['*'],
      checkpoint: true,
      failover_timeout: 3600,
      capabilities: CAPABILITIES,
      ...info,
    };
    subscribe(this.master, { body: { framework_info }, stream: this.#stream, principal: undefined });
    await this.clock.advance(20);
    return this;
  }

  get framework(): Framework {
    const [framework] = this.master.frameworks.values();
    if (framework === undefined) throw new Error('no framework is subscribed');
    return framework;
  }

  call(call: Omit<Call, 'framework_id'>): void {
    perform(this.master, this.framework, call);
  }

  closeStream(): void {
    disconnected(this.master, this.#stream);
  }

  get offers(): readonly { readonly at: number; readonly offer: OfferJson }[] {
    return this.events.flatMap(({ at, event }) => (event.type === 'OFFERS' ? event.offers.offers.map((offer) => ({ at, offer })) : []));
  }

  statuses(taskId: string): readonly { readonly at: number; readonly status: TaskStatusJson }[] {
    return this.events.flatMap(({ at, event }) =>
      event.type === 'UPDATE' && event.update.status.task_id.value === taskId ? [{ at, status: event.update.status }] : [],
    );
  }

  /** Acknowledges everything that waits for it, now and every 10 ms while time goes on. */
  async advanceAcknowledging(ms: number): Promise<void> {
    const done = new Set<TaskStatusJson>();
    for (let gone = 0; gone < ms; gone += 10) {
      for (const { event } of this.events) {
        if (event.type !== 'UPDATE' || event.update.status.uuid === undefined || done.has(event.update.status)) continue;
        done.add(event.update.status);
        const { agent_id = { value: '' }, task_id, uuid } = event.update.status;
        this.call({ type: 'ACKNOWLEDGE', acknowledge: { agent_id, task_id, uuid } });
      }
      await this.clock.advance(10);
    }
  }

  /** Launches on the newest offer. */
  launch(tasks: readonly Omit<TaskParts, 'agentId'>[]): void {
    const offer = this.offers.at(-1)?.offer;
    if (offer === undefined) throw new Error('no offer');
    const task_infos = tasks.map((task) => taskInfo({ ...task, agentId: offer.agent_id.value })) as never[];
    const operations = [{ type: 'LAUNCH', launch: { task_infos } }];
    this.call({ type: 'ACCEPT', accept: { offer_ids: [offer.id], operations, filters: { refuse_seconds: 0 } } });
  }
}

const CAPABILITIES = [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }];
