/**
 * Plays a recording of a real master against the stand-in: makes the same calls, does to agents and masters what was
 * done then, and compares every answer and every event. Ids are labels (`O3`, `S0`, `u2`): bound at first sight, equal ever after.
 *
 * Updates are compared in order for each task and source; other orders that matter are listed in the recording's `order`.
 */

import assert from 'node:assert/strict';
import { systemClock } from '../../../src/clock/system-clock.ts';
import type { AgentHandle } from '../../mesos-master/agent-handle.ts';
import { StandInMaster } from '../../mesos-master/master.ts';
import { Probe, send, type RawAnswer } from '../../mesos-master/probe.ts';
import { ScriptedRunner, shellScript, type Script } from '../../mesos-master/runner/scripted.ts';
import type { TaskRun } from '../../mesos-master/runner/runner.ts';
import { scaledTiming } from '../../mesos-master/timing.ts';
import type { MesosEvent, OfferJson, TaskStatusJson } from '../../mesos-master/wire/event.ts';
import { Labels } from './labels.ts';
import { bodyOf, taskInfo } from './replay-bodies.ts';
import type { RecordedTask, Recording, Step } from './recording.ts';
import { isAbout, sameAmounts, sameNames } from './replay-matches.ts';

const LIMIT_MS = 8_000;

export async function replay(recording: Recording): Promise<void> {
  const { speed, agents, masters = 1 } = recording;
  const runner = new ScriptedRunner(systemClock, (run) => scaledScript(run, recording));
  const timing = { ...scaledTiming(speed), killGraceMs: 10_000 * speed, masterRefusesMs: 1, ...recording.timing };
  const master = await StandInMaster.start({
    seed: 7,
    masters,
    runner,
    timing,
    agents: agents.map(({ cpus, mem, disk }, index) => ({ name: `S${index}`, resources: { cpus, mem, disk, ports: [[31_000, 32_000]] } })),
  });
  const player = new Player(master, runner, recording);
  try {
    for (const [index, step] of recording.steps.entries()) {
      await player.play(step).catch((error: unknown) => {
        throw new Error(`step ${index} ${JSON.stringify(step)}: ${String(error)}`, { cause: error });
      });
    }
    player.checkOrder();
    player.checkRest();
  } finally {
    player.close();
    await master.stop();
  }
}

function scaledScript(run: TaskRun, { speed, ends }: Recording): Script {
  const image = run.info.container?.docker?.image ?? '';
  if (image.startsWith('nosuch/')) return { end: { how: 'launch-failed', message: failedPull(image) } };
  const script = shellScript(run);
  return { ...script, durationMs: ends === 'when expected' ? Number.POSITIVE_INFINITY : (script.durationMs ?? 0) * speed };
}

function failedPull(image: string): string {
  const cause = 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on <dns>:53: no such host';
  return `Failed to run 'docker -H unix:///var/run/docker.sock pull ${image}': exited with status 1; stderr='Error response from daemon: ${cause}\n'`;
}

class Player {
  readonly #master: StandInMaster;
  readonly #runner: ScriptedRunner;
  readonly #recording: Recording;
  readonly #labels = new Labels();
  readonly #probes = new Map<string, Probe>();
  /** Events of each probe that no step has claimed yet. */
  readonly #open = new Map<Probe, Set<MesosEvent>>();
  readonly #seen = new Map<Probe, number>();
  readonly #agents = new Map<string, AgentHandle>();

  constructor(master: StandInMaster, runner: ScriptedRunner, recording: Recording) {
    this.#master = master;
    this.#runner = runner;
    this.#recording = recording;
    for (const agent of master.agents) {
      this.#agents.set(agent.name, agent);
      this.#labels.bind(agent.name, agent.id);
    }
  }

  async play(step: Step): Promise<void> {
    if (step.do !== undefined) return this.#perform(step.do, step);
    if (step.call === 'SUBSCRIBE') return this.#subscribe(step);
    if (step.call !== undefined) return this.#call(step.call, step);
    if (step.subscribed !== undefined) return this.#expectSubscribed(step.subscribed, step);
    if (step.update !== undefined) return this.#expectUpdate(step.update, step);
    if (step.offer !== undefined) return this.#expectOffer(step.offer, step);
    if (step.rescind !== undefined) {
      await this.#claim(step, (event) => event.type === 'RESCIND' && event.rescind.offer_id.value === this.#labels.id(step.rescind ?? ''));
    } else if (step.failure !== undefined) {
      await this.#claim(step, (event) => event.type === 'FAILURE' && event.failure.agent_id.value === this.#labels.id(step.failure ?? ''));
    } else if (step.error !== undefined) {
      await this.#claim(step, (event) => event.type === 'ERROR' && event.error.message === step.error);
    } else if (step.closed !== undefined) {
      const closed = step.closed === 'EOF-chunk0' ? 'clean' : 'cut';
      await this.#until(() => this.#probe(step).closed === closed);
    }
  }

  checkOrder(): void {
    for (const wanted of this.#recording.order ?? []) {
      const found = [...this.#probes.values()].some((probe) => {
        const names = probe.events.flatMap((event) => this.#namesOf(event));
        let from = 0;
        return wanted.every((name) => {
          const index = names.indexOf(name, from);
          from = index + 1;
          return index >= 0;
        });
      });
      assert.ok(found, `in this order: ${wanted.join(', ')}`);
    }
  }

  /** Nothing may have come that was not recorded, but heartbeats, repetitions, and offers (and their end) of another cycle. */
  checkRest(): void {
    for (const probe of this.#probes.values()) this.#gather(probe);
    for (const [probe, open] of this.#open) {
      for (const event of open) {
        if (event.type === 'OFFERS' || event.type === 'HEARTBEAT' || event.type === 'SUBSCRIBED') continue;
        if (event.type === 'RESCIND' && !this.#labels.isBound(event.rescind.offer_id.value)) continue;
        if (event.type === 'UPDATE' && this.#isRepeated(probe, event.update.status)) continue;
        if (event.type === 'UPDATE' && this.#recording.goesOn?.includes(event.update.status.task_id.value)) continue;
        if (event.type === 'UPDATE' && !this.#recording.steps.some((step) => step.update === event.update.status.task_id.value)) continue;
        assert.fail(`not recorded: ${JSON.stringify(event)}`);
      }
    }
  }

  close(): void {
    for (const probe of this.#probes.values()) probe.close();
  }

  #isRepeated(probe: Probe, status: TaskStatusJson): boolean {
    return status.uuid !== undefined && probe.statuses.filter((one) => one.uuid === status.uuid).length > 1;
  }

  async #subscribe(step: Step): Promise<void> {
    const address = this.#master.addresses[step.at ?? 0] ?? '';
    const capabilities = [{ type: 'MULTI_ROLE' }, ...(step.partitionAware === false ? [] : [{ type: 'PARTITION_AWARE' }])];
    const info = { name: step.who, checkpoint: step.checkpoint ?? true, capabilities };
    const framework = step.framework === undefined || step.framework === null ? {} : { frameworkId: this.#labels.id(step.framework) };
    if ((step.status ?? 200) === 200) {
      const probe = await Probe.subscribe({ address, info, ...framework });
      this.#probes.set(step.who ?? '', probe);
      this.#labels.bind(`stream ${step.who}`, probe.streamId);
      return;
    }
    const answer = await send({ address, body: { type: 'SUBSCRIBE', subscribe: { framework_info: { user: 'root', ...info } } } });
    this.#compareAnswer(step, answer);
  }

  async #call(type: string, step: Step): Promise<void> {
    const body = { ...bodyOf(type, step, this.#labels, this.#recording.speed), ...step.body };
    const framework =
      step.framework === undefined || step.framework === null ? {} : { framework_id: { value: this.#labels.id(step.framework) } };
    const probe = this.#probe(step);
    const stream = step.stream ?? probe.streamId;
    const sent = { address: this.#master.address, headers: { 'Mesos-Stream-Id': stream }, body: { type, ...framework, ...body } };
    if (step.status === 0) {
      await assert.rejects(send(sent));
      return;
    }
    this.#compareAnswer(step, await send(sent));
  }

  #compareAnswer(step: Step, answer: RawAnswer): void {
    assert.equal(answer.status, step.status);
    if (step.status !== 404) assert.equal(answer.body, this.#labels.fill(step.answer ?? ''));
    if (step.location !== undefined) {
      const port = this.#master.addresses[0]?.split(':')[1] ?? '';
      assert.equal(answer.headers.location, step.location.replace('{leader}', port));
    }
  }

  async #expectSubscribed(label: string, step: Step): Promise<void> {
    const event = await this.#claim(step, (one) => one.type === 'SUBSCRIBED');
    if (event.type === 'SUBSCRIBED') this.#labels.match(label, event.subscribed.framework_id.value);
  }

  async #expectOffer(label: string, step: Step): Promise<void> {
    const offer = await this.#findOffer(step);
    this.#labels.bind(label, offer.id.value);
  }

  /** How freed resources fall into offers depends on the cycle's phase: another split is taken when the recorded one does not come. */
  #findOffer(step: Step): Promise<OfferJson> {
    const agentId = this.#labels.id(step.agent ?? '');
    const patientUntil = systemClock.monotonic() + 500;
    return this.#until(() => {
      const held = this.#probe(step).offers.filter(
        ({ id, agent_id }) => agent_id.value === agentId && !this.#labels.isBound(id.value) && !this.#isRescinded(step, id.value),
      );
      const { resources } = step;
      if (resources === undefined) return held[0];
      const exact = held.find((offer) => sameAmounts(offer, resources));
      return exact ?? (systemClock.monotonic() > patientUntil ? held.find((offer) => sameNames(offer, resources)) : undefined);
    });
  }

  #isRescinded(step: Step, offerId: string): boolean {
    return this.#probe(step).events.some((event) => event.type === 'RESCIND' && event.rescind.offer_id.value === offerId);
  }

  async #expectUpdate(taskId: string, step: Step): Promise<void> {
    const source = `SOURCE_${step.source}`;
    const ends = source === 'SOURCE_EXECUTOR' && (step.state === 'FINISHED' || step.state === 'FAILED');
    if (ends && this.#recording.ends === 'when expected') this.#runner.end(taskId);
    const event = await this.#claim(step, (one) => one.type === 'UPDATE' && isAbout(one.update.status, taskId, source));
    if (event.type === 'UPDATE') this.#compareUpdate(step, event.update.status);
  }

  #compareUpdate(step: Step, status: TaskStatusJson): void {
    const has = (['executor_id', 'data', 'unreachable_time'] as const).filter((field) => status[field] !== undefined) as string[];
    if (status.container_status?.executor_pid !== undefined) has.push('executor_pid');
    const seen = {
      state: status.state.replace('TASK_', ''),
      reason: status.reason?.replace('REASON_', ''),
      message: status.message,
      agent: status.agent_id?.value,
      hasUuid: status.uuid !== undefined,
      hasContainer: status.container_status !== undefined,
      has: has.sort(),
    };
    const wanted = {
      state: step.state,
      reason: step.reason,
      message: step.message === undefined ? undefined : this.#labels.fill(step.message),
      agent: step.agent === undefined ? undefined : this.#labels.id(step.agent),
      hasUuid: step.uuid !== undefined,
      hasContainer: step.container !== undefined,
      has: [...(step.has ?? [])].sort(),
    };
    assert.deepEqual(seen, wanted);
    if (step.uuid !== undefined) this.#labels.match(step.uuid, status.uuid ?? '');
    if (step.container !== undefined) this.#labels.match(step.container, status.container_status?.container_id.value ?? '');
  }

  async #perform(what: string, step: Step): Promise<void> {
    const agent = step.agent === undefined ? undefined : this.#agents.get(step.agent);
    switch (what) {
      case 'subscribe':
        await this.#subscribe(step);
        return this.#expectSubscribed(step.as ?? step.framework ?? 'F0', step);
      case 'run':
        return this.#run(step);
      case 'await':
        return this.#awaitTasks(step);
      case 'awaitEnd':
        await this.#until(() => step.tasks?.every((id) => this.#master.history.count('end', String(id)) > 0));
        return undefined;
      case 'awaitUnreachable':
        await this.#until(() => this.#master.state?.registry.unreachable.has(agent?.id ?? ''));
        return undefined;
      case 'awaitLeader':
        await this.#until(() => this.#master.address === this.#master.addresses[step.master ?? 0]);
        return undefined;
      case 'offer':
        return this.#expectOffer(step.offer ?? '', step);
      case 'forget':
        await this.#settle();
        for (const probe of this.#probes.values()) this.#gather(probe).clear();
        return undefined;
      case 'loseExecutor':
        this.#agents.get('S0')?.loseExecutor(this.#probe({ who: 'CK' }).frameworkId, step.task ?? '');
        return undefined;
      case 'endTask':
        this.#runner.end(step.task ?? '', step.status === undefined ? undefined : { how: 'exited', status: step.status });
        return undefined;
      case 'killMaster':
        return this.#master.killMaster();
      case 'bootMaster':
        return this.#master.bootMaster(0, { agentsAfterMs: Number.POSITIVE_INFINITY, until: step.stage ?? 'up' });
      case 'agentsReturn':
        for (const one of this.#master.agents) await one.reconnect();
        return undefined;
      default:
        assert.ok(agent, `a step does ${what} to no agent`);
        return this.#performOn(agent, what, step);
    }
  }

  async #performOn(agent: AgentHandle, what: string, step: Step): Promise<void> {
    switch (what) {
      case 'kill':
        return agent.kill();
      case 'stop':
        return agent.stop();
      case 'resume':
        return agent.resume();
      case 'restart':
        return agent.restart();
      case 'replace':
        await agent.replace();
        this.#agents.set(step.becomes ?? '', agent);
        return this.#labels.bind(step.becomes ?? '', agent.id);
      case 'unregister':
        return agent.unregister();
      case 'markGone':
        return agent.markGone();
      case 'drain':
        return agent.drain({ maxGraceMs: step.maxGraceMs, markGone: step.markGone ?? false });
      case 'deactivate':
        return agent.deactivate();
      case 'reactivate':
        return agent.reactivate();
      default:
        assert.fail(`a step does ${what}`);
    }
  }

  /** Launches tasks that the recording found running already. */
  async #run(step: Step): Promise<void> {
    const tasks = (step.tasks ?? []) as readonly RecordedTask[];
    for (const agent of new Set(tasks.map((task) => task.agent))) {
      const offer = await this.#findOffer({ who: step.who ?? '', agent });
      this.#labels.bind(`used ${offer.id.value}`, offer.id.value);
      const infos = tasks.filter((task) => task.agent === agent).map((task) => taskInfo(task, this.#labels, this.#recording.speed));
      const operations = [{ type: 'LAUNCH', launch: { task_infos: infos } }];
      const accept = { offer_ids: [offer.id], operations, filters: { refuse_seconds: 0 } };
      await this.#probe(step).call('ACCEPT', { accept });
    }
  }

  async #awaitTasks(step: Step): Promise<void> {
    for (const id of step.tasks as readonly string[]) {
      if (step.state === 'FINISHED') await this.#until(() => this.#master.history.count('start', id) > 0);
      if (step.state === 'FINISHED') this.#runner.end(id);
      for (let state = ''; state !== `TASK_${step.state}`; ) {
        const event = await this.#claim(step, (one) => one.type === 'UPDATE' && isAbout(one.update.status, id, 'SOURCE_EXECUTOR'));
        if (event.type !== 'UPDATE') continue;
        state = event.update.status.state;
        const isLast = state === `TASK_${step.state}`;
        if (step.acks === true || !isLast) await this.#probe(step).acknowledge(event.update.status);
      }
    }
    await this.#settle();
  }

  /** Waits until acknowledgements are on the agents' disks. */
  #settle(): Promise<void> {
    return systemClock.sleep(30);
  }

  /** Waits for the first unclaimed event of the step's probe that fits, and claims it. */
  #claim(step: Step, fits: (event: MesosEvent) => boolean): Promise<MesosEvent> {
    const probe = this.#probe(step);
    return this.#until(() => {
      const open = this.#gather(probe);
      for (const event of open) {
        if (!fits(event)) continue;
        open.delete(event);
        return event;
      }
      return undefined;
    });
  }

  #gather(probe: Probe): Set<MesosEvent> {
    const open = this.#open.get(probe) ?? new Set<MesosEvent>();
    this.#open.set(probe, open);
    for (const event of probe.events.slice(this.#seen.get(probe) ?? 0)) open.add(event);
    this.#seen.set(probe, probe.events.length);
    return open;
  }

  #namesOf(event: MesosEvent): readonly string[] {
    if (event.type === 'UPDATE') return [`update ${event.update.status.task_id.value} ${event.update.status.state.replace('TASK_', '')}`];
    if (event.type === 'RESCIND') return [`rescind ${this.#labels.labelOf(event.rescind.offer_id.value)}`];
    if (event.type === 'FAILURE') return [`failure ${this.#labels.labelOf(event.failure.agent_id.value)}`];
    if (event.type === 'OFFERS') return event.offers.offers.map((offer) => `offer ${this.#labels.labelOf(offer.id.value)}`);
    return [];
  }

  #probe({ who = '' }: Step): Probe {
    const probe = this.#probes.get(who);
    assert.ok(probe, `${who} has not subscribed`);
    return probe;
  }

  async #until<T>(look: () => T | undefined | false): Promise<T> {
    const end = systemClock.monotonic() + LIMIT_MS;
    for (;;) {
      const value = look();
      if (value !== undefined && value !== false) return value;
      assert.ok(systemClock.monotonic() < end, `not within ${LIMIT_MS} ms; last events: ${this.#lastEvents()}`);
      await systemClock.sleep(3);
    }
  }

  #lastEvents(): string {
    return [...this.#probes]
      .map(([who, probe]) => `${who}: ${JSON.stringify(probe.events.slice(-4)).replaceAll(/"data":"[^"]*"/g, '"data":"…"')}`)
      .join('\n');
  }
}
