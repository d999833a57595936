import assert from 'node:assert/strict';
import { suite } from 'uvu';
import type { WaitingRecord } from '../../../src/engine/records.ts';
import { describeShortage } from '../../../src/engine/shortage.ts';
import type { Offer } from '../../../src/executor/port.ts';
import { EngineRig, type SpecInput } from '../../support/engine-rig.ts';

const test = suite('shortage');

type Agent = Partial<Offer['resources']>;

/** A run by hand that no agent has room for, and has waited for long enough to be mentioned. */
function waiting(agents: Record<string, Agent>, spec: Partial<SpecInput> = {}): EngineRig {
  const rig = new EngineRig({ offer: { cpus: 0, mem: 0, disk: 0, ports: [] } });
  const resources = { cpus: 1, mem: 100, disk: 100, gpus: 0, ports: [] };
  for (const [name, agent] of Object.entries(agents)) rig.offer(name, { resources: { ...resources, ...agent } });
  rig.define({ name: 'j', overlap: 'allow', task: { command: 'true', cpus: 2, mem: 200 }, ...spec });
  rig.request({ type: 'run', job: 'j' });
  rig.advance(5_000);
  return rig;
}

const written = (rig: EngineRig): WaitingRecord => JSON.parse(rig.store.get('executor/waiting') ?? '') as WaitingRecord;
const nearestOf = (rig: EngineRig): unknown => written(rig).shapes[0]?.shortage?.nearest;

test('the offer that lacks the fewest things is the nearest', () => {
  const rig = waiting({ b1: { cpus: 1.9, mem: 199 }, b2: { cpus: 0.1, mem: 200 }, b3: { cpus: 1, mem: 1 } });
  assert.deepEqual(nearestOf(rig), { agentId: 'b2', hostname: 'b2.test', lacks: [{ what: 'cpus', wanted: 2, offered: 0.1 }] });
  assert.equal(written(rig).shapes[0]?.shortage?.offers, 4);
});

test('of those that lack as many things, the one that has the larger part is', () => {
  const rig = waiting({ b1: { cpus: 1, mem: 50 }, b2: { cpus: 0.5, mem: 190 }, b3: { cpus: 1.1, mem: 10 } });
  const lacks = [
    { what: 'cpus', wanted: 2, offered: 0.5 },
    { what: 'mem', wanted: 200, offered: 190 },
  ];
  assert.deepEqual(nearestOf(rig), { agentId: 'b2', hostname: 'b2.test', lacks });
});

test('a constraint that is not met is a lack like any other', () => {
  const rig = waiting({ b1: { cpus: 2, mem: 200 } }, { constraints: [['rack', 'UNIQUE']] });
  assert.deepEqual(nearestOf(rig), {
    agentId: 'b1',
    hostname: 'b1.test',
    lacks: [{ what: 'constraint', constraint: ['rack', 'UNIQUE', ''] }],
  });
  const named = waiting({ b1: { cpus: 2, mem: 200 } }, { constraints: [['rack', 'EQUALS', 'r1']] });
  assert.match(JSON.stringify(nearestOf(named)), /"constraint":\["rack","EQUALS","r1"\]/);
});

test('a lack is said in words', () => {
  const said = (...lacks: NonNullable<Parameters<typeof describeShortage>[0]>['nearest']['lacks'][number][]): string =>
    describeShortage({ at: 0, offers: 3, nearest: { agentId: 'a1', hostname: 'h1', lacks } });
  assert.equal(describeShortage(undefined), 'no offer came');
  assert.equal(
    said({ what: 'cpus', wanted: 2, offered: 1 }, { what: 'ports' }),
    'the nearest of 3 offers, of h1, lacked cpus (2 wanted, 1 offered) and ports',
  );
  assert.match(said({ what: 'constraint', constraint: ['rack', 'UNIQUE', ''] }), /lacked the constraint rack UNIQUE$/);
  assert.match(said({ what: 'time' }), /lacked time before/);
  assert.match(said({ what: 'reserved' }), /lacked freedom \(it is kept for a larger run/);
  assert.match(said({ what: 'region', region: 'eu' }), /lacked nearness \(it is in region eu/);
});

test('how the executor stands is written when it changes', () => {
  const rig = new EngineRig({ offline: true });
  assert.equal(rig.store.has('executor/waiting'), false);
  rig.executor({ type: 'connected', identity: 'rig-1', exclusive: true });
  assert.equal(written(rig).executor, 'reconciling');
  rig.executor({ type: 'reconciled' });
  assert.equal(written(rig).executor, 'ready');
  const { length } = rig.steps;
  rig.decide();
  rig.advance(60_000);
  assert.equal(
    rig.steps.slice(length).some((step) => step.writes.some(({ key }) => key === 'executor/waiting')),
    false,
  );
  rig.executor({ type: 'disconnected', reason: 'x', final: false });
  assert.equal(written(rig).executor, 'disconnected');
});

test('what has waited for five seconds is mentioned, looked at again every five, and forgotten when it waits no more', () => {
  const rig = new EngineRig({ offer: { cpus: 1 } });
  rig.define({ name: 'j', overlap: 'allow', task: { command: 'true', cpus: 2 } });
  rig.request({ type: 'run', job: 'j' });
  const since = rig.now;
  rig.advance(4_999);
  assert.deepEqual(written(rig).shapes, []);
  rig.advance(1);
  const [shape, ...others] = written(rig).shapes;
  assert.deepEqual([others, shape?.since, shape?.runs, shape?.shortage?.at], [[], since, 1, rig.now]);
  rig.advance(1);
  rig.request({ type: 'run', job: 'j' });
  assert.equal(written(rig).shapes[0]?.runs, 1);
  rig.advance(4_999);
  assert.deepEqual([written(rig).shapes[0]?.runs, written(rig).shapes[0]?.since], [2, since]);
  rig.offer('b1', { resources: { cpus: 4, mem: 1_000, disk: 1_000, gpus: 0, ports: [] } });
  assert.equal(rig.story('j'), '1 launching, 2 launching');
  rig.advance(5_000);
  assert.deepEqual(written(rig).shapes, []);
});

test('two hundred shapes are mentioned', () => {
  const rig = new EngineRig({ offer: { cpus: 0 } });
  for (let index = 0; index < 201; index++) {
    rig.define({ name: `j${index}`, task: { command: 'true', cpus: 1 + index } });
    rig.request({ type: 'run', job: `j${index}` });
  }
  rig.advance(5_000);
  assert.equal(written(rig).shapes.length, 200);
});

test.run();
