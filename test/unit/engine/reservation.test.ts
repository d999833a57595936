import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { RESERVATION_MS, RESERVE_AFTER_MS } from '../../../src/engine/limits.ts';
import type { WaitingRecord } from '../../../src/engine/records.ts';
import { EngineRig } from '../../support/engine-rig.ts';

const test = suite('reservation');

const TICK_MS = 10_000;
const FULL_CPUS = 4;

/** Agents of four cpus that offer all they have free each tick, and whose tasks of one cpu end one by one, as if in an endless stream. */
class Farm {
  readonly rig: EngineRig;
  readonly #free: Map<string, number>;
  readonly #offered = new Map<string, { agentId: string; cpus: number }>();
  readonly #tasks = new Map<string, { agentId: string; cpus: number }>();
  /** Agents whose tasks never end. */
  readonly stuck = new Set<string>();
  #seen = 0;
  #offers = 0;

  constructor(agents: readonly string[], exclusive = false) {
    this.#free = new Map(agents.map((name) => [name, FULL_CPUS]));
    this.rig = new EngineRig({ offline: true, exclusive: false });
    this.rig.executor({ type: 'connected', identity: 'f', exclusive });
    this.rig.executor({ type: 'reconciled' });
  }

  define(name: string, cpus: number, priority = 0): void {
    this.rig.define({ name, overlap: 'allow', priority, task: { command: 'x', cpus, mem: 1 } });
  }

  /** Asks for small runs, lets one task of each agent end, and offers what is free. */
  tick(smalls: number): void {
    for (let i = 0; i < smalls; i++) this.rig.request({ type: 'run', job: 'small' });
    this.#settle();
    const ended = new Set<string>();
    for (const [taskId, { agentId, cpus }] of this.#tasks) {
      if (ended.has(agentId) || this.stuck.has(agentId)) continue;
      ended.add(agentId);
      this.#tasks.delete(taskId);
      this.rig.finish(taskId);
      this.#give(agentId, cpus);
    }
    for (const [agentId, cpus] of this.#free) if (cpus > 0) this.#offer(agentId, cpus);
    this.rig.advance(TICK_MS);
    this.#settle();
  }

  ticks(count: number, smalls: number): void {
    for (let i = 0; i < count; i++) this.tick(smalls);
  }

  offersOf(agentId: string): readonly string[] {
    return [...this.#offered].filter(([, offer]) => offer.agentId === agentId).map(([id]) => id);
  }

  /** How many cpus the tasks of a job hold. */
  runningOn(agentId: string): number {
    return [...this.#tasks.values()].filter((task) => task.agentId === agentId).reduce((sum, { cpus }) => sum + cpus, 0);
  }

  #offer(agentId: string, cpus: number): void {
    this.#offers += 1;
    this.#free.set(agentId, 0);
    this.#offered.set(`farm${this.#offers}`, { agentId, cpus });
    this.rig.offer(agentId, { id: `farm${this.#offers}`, resources: { cpus, mem: 1000, disk: 1000, gpus: 0, ports: [] } });
    this.#settle();
  }

  #give(agentId: string, cpus: number): void {
    this.#free.set(agentId, (this.#free.get(agentId) ?? 0) + cpus);
  }

  /** Takes what the engine has said since. */
  #settle(): void {
    for (const command of this.rig.commands.slice(this.#seen)) {
      if (command.type !== 'launch' && command.type !== 'decline') continue;
      for (const id of command.offerIds) {
        const offer = this.#offered.get(id);
        if (offer) this.#give(offer.agentId, offer.cpus);
        this.#offered.delete(id);
      }
      for (const { taskId, agentId, task } of command.type === 'launch' ? command.tasks : []) {
        this.#give(agentId, -task.cpus);
        this.#tasks.set(taskId, { agentId, cpus: task.cpus });
      }
    }
    this.#seen = this.rig.commands.length;
  }
}

/** So many ticks take longer than a run must wait before an agent is kept for it. */
const LONG = RESERVE_AFTER_MS / TICK_MS + 1;

/** Agents busy with small runs, of which more wait, and a large one that has come then. */
function crowded(agents: readonly string[], largeCpus = FULL_CPUS, exclusive = false): Farm {
  const farm = new Farm(agents, exclusive);
  farm.define('small', 1);
  farm.define('large', largeCpus);
  farm.ticks(5, 5 * agents.length);
  farm.rig.request({ type: 'run', job: 'large' });
  return farm;
}

const small = (farm: Farm): number => farm.rig.taskIds().filter((id) => id.startsWith('small.')).length;
const waiting = (farm: Farm): WaitingRecord => JSON.parse(farm.rig.store.get('executor/waiting') ?? '') as WaitingRecord;
const reservedOf = (farm: Farm): unknown[] => waiting(farm).shapes.flatMap(({ reserved }) => (reserved ? [reserved.agentId] : []));

test('a large run gets its agent in the face of an endless stream of small ones', () => {
  for (const exclusive of [false, true]) {
    const farm = crowded(['a1', 'a2'], FULL_CPUS, exclusive);
    farm.ticks(LONG - 2, 2);
    assert.equal(farm.rig.story('large'), '1 pending', 'nothing is kept for it yet');
    const before = small(farm);
    farm.ticks(10, 2);
    assert.match(farm.rig.story('large'), /^1 (launching|running|succeeded)$/);
    assert.ok(small(farm) > before + 5, 'the other agent went on');
  }
});

test('a run that would fit no agent, were it empty, has none kept', () => {
  const farm = crowded(['a1', 'a2'], FULL_CPUS + 1);
  farm.ticks(3 * LONG, 2);
  const before = small(farm);
  farm.ticks(10, 2);
  assert.equal(small(farm) - before, 20);
  assert.equal(farm.rig.story('large'), '1 pending');
  assert.deepEqual(reservedOf(farm), []);
});

test('nothing is kept where constraints stand in the way', () => {
  const farm = crowded(['a1']);
  farm.rig.request({ type: 'kill', job: 'large', run: 1 });
  farm.rig.define({ name: 'large', task: { command: 'x', cpus: 4, mem: 1 }, constraints: [['rack', 'EQUALS', 'r1']] });
  farm.rig.request({ type: 'run', job: 'large' });
  farm.ticks(2 * LONG, 1);
  assert.deepEqual(reservedOf(farm), []);
});

test('one agent is kept at a time', () => {
  const farm = crowded(['a1', 'a2', 'a3']);
  farm.define('broad', 3);
  farm.rig.request({ type: 'run', job: 'broad' });
  for (const agent of ['a1', 'a2', 'a3']) farm.stuck.add(agent);
  farm.ticks(LONG, 3);
  farm.stuck.clear();
  farm.tick(3);
  assert.equal(reservedOf(farm).length, 1);
});

/** Two agents, of which the one that is kept never gets empty. */
function inVain(): { farm: Farm; kept: string } {
  const farm = crowded(['a1']);
  farm.ticks(LONG - 2, 1);
  for (let i = 0; i < 3 && reservedOf(farm).length === 0; i++) farm.tick(1);
  farm.stuck.add('a1');
  assert.deepEqual(reservedOf(farm), ['a1']);
  return { farm, kept: 'a1' };
}

test('an agent is kept no longer when the clock has stepped back', () => {
  const { farm, kept } = inVain();
  farm.rig.now -= 3_600_000;
  farm.rig.decide();
  farm.ticks(RESERVATION_MS / TICK_MS - 2, 0);
  assert.ok(farm.offersOf(kept).length > 0);
  farm.ticks(3, 0);
  assert.deepEqual(farm.offersOf(kept), []);
});

test('an agent that is kept in vain is let go, and rests for as long', () => {
  const { farm, kept } = inVain();
  const held = farm.runningOn(kept);
  assert.ok(held > 0 && held < FULL_CPUS);
  const before = small(farm);
  farm.ticks(RESERVATION_MS / TICK_MS - 2, 1);
  assert.equal(small(farm), before, 'worse ranked runs wait');
  farm.ticks(3, 1);
  assert.equal(small(farm), before + FULL_CPUS - held, 'they take what was kept');
  assert.deepEqual(reservedOf(farm), []);
  farm.stuck.clear();
  const rested = small(farm);
  farm.ticks(10, 1);
  assert.ok(small(farm) >= rested + 10, 'it rests');
});

test('the next turn is longer, so that tasks that take longer end in it', () => {
  const { farm } = inVain();
  farm.ticks((2 * RESERVATION_MS) / TICK_MS, 1);
  farm.stuck.clear();
  for (let i = 0; i < LONG && reservedOf(farm).length === 0; i++) farm.tick(1);
  const [reserved] = waiting(farm).shapes.flatMap((shape) => shape.reserved ?? []);
  assert.ok(reserved && reserved.until - farm.rig.now > 1.5 * RESERVATION_MS);
});

test('what has had its turn in vain goes behind the next', () => {
  const { farm } = inVain();
  farm.define('broad', 3);
  farm.rig.request({ type: 'run', job: 'broad' });
  farm.ticks(RESERVATION_MS / TICK_MS + 3, 1);
  assert.deepEqual(reservedOf(farm), [], 'the agent rests for others too');
  farm.stuck.clear();
  farm.ticks(RESERVATION_MS / TICK_MS + 2, 1);
  assert.match(farm.rig.story('broad'), /^1 (launching|running|succeeded)$/);
});

test('what ranks before it is launched on the agent that is kept all the same', () => {
  const { farm } = inVain();
  farm.stuck.clear();
  farm.define('urgent', 1, 9);
  const before = farm.rig.launches.length;
  farm.rig.request({ type: 'run', job: 'urgent' });
  farm.tick(1);
  assert.deepEqual(farm.rig.taskIds().slice(before), ['urgent.1.1'], 'nine steps of priority are more than it has waited');
});

test('offers of the agent are kept until they are enough, and go back when nothing is kept for any more', () => {
  const { farm } = inVain();
  farm.stuck.clear();
  farm.tick(1);
  assert.ok(farm.offersOf('a1').length > 0, 'they are held, not declined');
  farm.rig.request({ type: 'kill', job: 'large', run: 1 });
  farm.tick(0);
  assert.deepEqual(reservedOf(farm), []);
  assert.deepEqual(farm.offersOf('a1'), []);
});

test('what was kept goes to who waits as soon as it is kept no more', () => {
  const { farm } = inVain();
  farm.stuck.clear();
  farm.tick(1);
  assert.ok(farm.offersOf('a1').length > 0);
  const before = small(farm);
  farm.rig.request({ type: 'kill', job: 'large', run: 1 });
  assert.ok(small(farm) > before, 'nothing new was offered');
});

test('a lost agent, a lost connection or a suspended cluster ends it', () => {
  const lost = inVain().farm;
  lost.rig.executor({ type: 'agent-lost', agentId: 'a1' });
  lost.rig.advance(TICK_MS);
  assert.deepEqual(reservedOf(lost), []);
  const cut = inVain().farm;
  cut.rig.executor({ type: 'disconnected', reason: 'x', final: false });
  cut.rig.advance(TICK_MS);
  assert.deepEqual(reservedOf(cut), []);
  const suspended = inVain().farm;
  suspended.rig.suspend({ from: suspended.rig.now, by: 'tester' });
  suspended.rig.advance(TICK_MS);
  assert.deepEqual(reservedOf(suspended), []);
  suspended.tick(0);
  assert.deepEqual(suspended.offersOf('a1'), []);
});

test('who waits behind it is told so', () => {
  const { farm } = inVain();
  farm.ticks(2, 1);
  const shape = waiting(farm).shapes.find(({ reserved }) => !reserved);
  assert.deepEqual(shape?.shortage?.nearest.lacks, [{ what: 'reserved' }]);
});

test('once what it was kept for is launched elsewhere, an agent is for whoever fits, in the same decision', () => {
  const rig = new EngineRig({ offline: true, exclusive: false });
  rig.executor({ type: 'connected', identity: 'f', exclusive: false });
  rig.executor({ type: 'reconciled' });
  const offer = (agentId: string, id: string, cpus: number): void =>
    rig.offer(agentId, { id, resources: { cpus, mem: 1000, disk: 1000, gpus: 0, ports: [] } });
  const define = (name: string, cpus: number): unknown => rig.define({ name, overlap: 'allow', task: { command: 'x', cpus, mem: 1 } });
  define('filler', 0.5);
  define('big', 1);
  define('small', 0.1);
  rig.request({ type: 'run', job: 'filler' });
  offer('a1', 'o1', 1);
  rig.request({ type: 'run', job: 'big' });
  rig.request({ type: 'run', job: 'big' });
  rig.advance(RESERVE_AFTER_MS);
  offer('a1', 'o2', 0.5);
  rig.request({ type: 'run', job: 'small' });
  assert.equal(rig.story('small'), '1 pending');
  offer('a2', 'o3', 1);
  assert.deepEqual(
    ['filler', 'big', 'small'].map((name) => rig.story(name)),
    ['1 launching', '1 launching, 2 pending', '1 launching'],
  );
});

test.run();
