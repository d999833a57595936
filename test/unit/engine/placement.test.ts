import assert from 'node:assert/strict';
import { test } from 'uvu';
import type { WaitingRecord } from '../../../src/engine/records.ts';
import { EngineRig } from '../../support/engine-rig.ts';

const due = 'R1/2026-03-01T01:00:00Z/PT1H';
const small = { cpus: 1, mem: 200, disk: 0, gpus: 0, ports: [] };

function rigWithout(): EngineRig {
  const rig = new EngineRig({ exclusive: false, offline: true });
  rig.executor({ type: 'connected', identity: 'f', exclusive: false });
  rig.executor({ type: 'reconciled' });
  return rig;
}

const commandsOf = (rig: EngineRig): string[] => rig.commands.map((command) => command.type);

test('with nothing waiting offers are declined and suppressed, and revived when something waits', () => {
  const rig = rigWithout();
  rig.offer();
  assert.deepEqual(commandsOf(rig).slice(-2), ['suppress', 'decline']);
  rig.define({ name: 'a', schedule: due });
  rig.advanceTo('2026-03-01T01:00:00Z');
  assert.equal(commandsOf(rig).at(-1), 'revive');
});

test('an unplaceable run does not hold up another, nor does it make offers go to and fro', () => {
  const rig = rigWithout();
  rig.define({ name: 'huge', schedule: due, task: { command: 'x', cpus: 64 }, priority: 9 });
  rig.define({ name: 'small', schedule: due, priority: 0 });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.offer('a1', { resources: small });
  assert.deepEqual(rig.taskIds(), ['small.1.1']);
  const revives = commandsOf(rig).filter((type) => type === 'revive').length;
  rig.status('small.1.1', 'running');
  rig.decide();
  assert.equal(commandsOf(rig).filter((type) => type === 'revive').length, revives);
});

test('higher priority goes first, but waiting counts too', () => {
  const rig = rigWithout();
  rig.define({ name: 'old', schedule: 'R1/2026-03-01T00:30:00Z/PT1H', priority: 0, task: { command: 'x', cpus: 1 } });
  rig.define({ name: 'high', schedule: due, priority: 9, task: { command: 'x', cpus: 1 } });
  rig.define({ name: 'low', schedule: due, priority: 1, task: { command: 'x', cpus: 1 } });
  rig.advanceTo('2026-03-01T01:00:00Z');
  for (let i = 0; i < 3; i++) rig.offer('a1', { resources: small });
  assert.deepEqual(rig.taskIds().slice(0, 3), ['old.1.1', 'high.1.1', 'low.1.1']);
});

test('the intent is durable in the step that launches, several tasks in one launch', () => {
  const rig = rigWithout();
  rig.define({ name: 'a', schedule: due });
  rig.define({ name: 'b', schedule: due });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.offer();
  const step = rig.steps.find((one) => one.commands.some((command) => command.type === 'launch'));
  assert.deepEqual(
    step?.writes.map(({ key }) => key),
    ['runs/a/1', 'runs/b/1'],
  );
  for (const { value } of step?.writes ?? []) assert.match(value ?? '', /"state":"launching"/);
});

test('no more tasks are launched on an offer than its executor will take', () => {
  const rig = rigWithout();
  for (const name of ['a', 'b', 'c']) rig.define({ name, schedule: due });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.offer('a1', { launches: 2 });
  assert.equal(rig.launches.length, 2);
  rig.offer('a1', { launches: 2 });
  assert.equal(rig.launches.length, 3);
});

test('an agent that is to be taken down gets only what is over by then', () => {
  const rig = rigWithout();
  rig.define({ name: 'long', schedule: due, timeout: 'PT2H' });
  rig.define({ name: 'short', schedule: due, timeout: 'PT1H' });
  rig.define({ name: 'unbound', schedule: due });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.offer('a1', { lastsMs: 5_400_000 });
  assert.deepEqual(rig.taskIds().sort(), ['short.1.1', 'unbound.1.1']);
  rig.offer('a2');
  assert.deepEqual(rig.taskIds().sort(), ['long.1.1', 'short.1.1', 'unbound.1.1']);
});

const agentsOf = (rig: EngineRig): string[] => rig.launches.map((task) => task.agentId).sort();

function placeFour(placement: 'pack' | 'spread'): EngineRig {
  const rig = rigWithout();
  for (const name of ['a', 'b', 'c', 'd']) rig.define({ name, schedule: due, placement, task: { command: 'x', cpus: 1, mem: 32 } });
  rig.advanceTo('2026-03-01T01:00:00Z');
  const large = { cpus: 2, mem: 4000, disk: 0, gpus: 0, ports: [] };
  const offers = ['a1', 'a2', 'a3'].map((agentId, index) => ({
    id: `x${index}`,
    agentId,
    hostname: agentId,
    address: '',
    pool: `${agentId}/*`,
    attributes: {},
    resources: agentId === 'a3' ? large : { ...large, cpus: 4 + index },
  }));
  rig.executor({ type: 'offers', offers });
  return rig;
}

test('tasks are packed onto the fullest agent that has room', () => {
  assert.deepEqual(agentsOf(placeFour('pack')), ['a1', 'a1', 'a3', 'a3']);
});

test('a job that asks for it is spread over agents, the emptiest first, then in turn', () => {
  const rig = placeFour('spread');
  assert.deepEqual(agentsOf(rig), ['a1', 'a2', 'a2', 'a3']);
  assert.equal(rig.launches[0]?.agentId, 'a2');
});

test('spreading comes back to an agent with room when the others are full', () => {
  const rig = rigWithout();
  for (let i = 0; i < 5; i++) rig.define({ name: `j${i}`, schedule: due, placement: 'spread', task: { command: 'x', cpus: 1, mem: 32 } });
  rig.advanceTo('2026-03-01T01:00:00Z');
  const at = { hostname: 'h', address: '', attributes: {} };
  const offers = [
    { ...at, id: 'x1', agentId: 'a1', pool: 'a1/*', resources: { ...small, cpus: 4, mem: 4000 } },
    { ...at, id: 'x2', agentId: 'a2', pool: 'a2/*', resources: { ...small, cpus: 1, mem: 4000 } },
  ];
  rig.executor({ type: 'offers', offers });
  assert.deepEqual(agentsOf(rig), ['a1', 'a1', 'a1', 'a1', 'a2']);
});

test('offers of one pool are spent together', () => {
  const rig = rigWithout();
  rig.define({ name: 'a', schedule: due, task: { command: 'x', cpus: 2, mem: 300 } });
  rig.advanceTo('2026-03-01T01:00:00Z');
  const first = { id: 'x1', agentId: 'a1', hostname: 'h', address: '', pool: 'a1/*', attributes: {}, resources: small };
  rig.executor({ type: 'offers', offers: [first, { ...first, id: 'x2' }] });
  const launch = rig.commands.find((command) => command.type === 'launch');
  assert.deepEqual(launch?.type === 'launch' && launch.offerIds, ['x1', 'x2']);
});

test('constraints choose among agents, also those that count the job’s own tasks', () => {
  const rig = rigWithout();
  rig.define({ name: 'spread', schedule: 'R/2026-03-01T00:10:00Z/PT10M', overlap: 'allow', constraints: [['@hostname', 'UNIQUE']] });
  rig.define({ name: 'racked', schedule: due, constraints: [['rack', 'LIKE', 'r[12]']] });
  rig.advanceTo('2026-03-01T00:20:00Z');
  rig.offer('a1');
  assert.equal(rig.runs('spread').filter((run) => run.state === 'launching').length, 1);
  rig.failOver(0, { connect: false });
  rig.executor({ type: 'connected', identity: 'f', exclusive: false });
  rig.executor({ type: 'reconciled' });
  rig.offer('a1');
  assert.equal(rig.runs('spread').filter((run) => run.state === 'launching').length, 1, 'a1 has one already');
  rig.offer('a2');
  assert.equal(rig.runs('spread').filter((run) => run.state === 'launching').length, 2);
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.offer('a3', { attributes: { rack: { type: 'text', value: 'r3' } } });
  assert.equal(rig.story('racked'), '1 pending');
  rig.offer('a4', { attributes: { rack: { type: 'text', value: 'r2' } } });
  assert.equal(rig.run('racked', 1)?.attempts[0]?.agentId, 'a4');
});

test('constraints that count go by tasks that had a constraint on the attribute themselves', () => {
  const rig = rigWithout();
  const job = { name: 'job', schedule: 'R/2026-03-01T00:10:00Z/PT10M', overlap: 'allow' } as const;
  rig.define(job);
  rig.advanceTo('2026-03-01T00:10:00Z');
  rig.offer('a1');
  rig.define({ ...job, constraints: [['@hostname', 'UNIQUE']] });
  for (const at of ['2026-03-01T00:20:00Z', '2026-03-01T00:30:00Z']) {
    rig.advanceTo(at);
    rig.offer('a1');
  }
  assert.equal(rig.story('job'), '1 launching, 2 launching, 3 pending');
});

test('host ports are chosen from the offer, none twice', () => {
  const rig = rigWithout();
  const ports = [{ hostPort: 0 }, { hostPort: 31001 }];
  rig.define({ name: 'p', schedule: due, task: { command: 'x', ports } });
  rig.define({ name: 'q', schedule: due, task: { command: 'x', ports: [{ hostPort: 0 }] } });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.offer('a1', { resources: { ...small, mem: 1000, ports: [[31000, 31002]] } });
  const chosen = rig.launches.flatMap((launch) => launch.ports);
  assert.deepEqual(
    [...chosen].sort((a, b) => a - b),
    [31000, 31001, 31002],
  );
  assert.deepEqual(rig.run('p', 1)?.attempts[0]?.ports?.[1], 31001);
});

test('whatever came in whatever order, nothing waits for what an offer at hand has room for', () => {
  const rig = new EngineRig({ exclusive: false, offline: true });
  rig.executor({ type: 'connected', identity: 'f', exclusive: true });
  rig.executor({ type: 'reconciled' });
  for (let cpus = 1; cpus <= 6; cpus++) rig.define({ name: `j${cpus}`, overlap: 'allow', task: { command: 'x', cpus, mem: 1 } });
  const free = new Map<string, number>();
  const offer = (agentId: string, cpus: number): void => {
    free.set(agentId, (free.get(agentId) ?? 0) + cpus);
    rig.offer(agentId, { resources: { ...small, cpus } });
  };
  let chance = 7;
  let seen = rig.launches.length;
  const upTo = (most: number): number => 1 + ((chance = (chance * 48_271) % 2_147_483_647) % most);
  for (let step = 0; step < 400; step++) {
    const agentId = `a${upTo(4)}`;
    if (upTo(10) > 5) rig.request({ type: 'run', job: `j${upTo(6)}` });
    else if (upTo(10) > 1) offer(agentId, upTo(3));
    else {
      free.delete(agentId);
      rig.executor({ type: 'agent-lost', agentId });
    }
    // What a launch leaves over is offered anew, and may be launched on again.
    while (seen < rig.launches.length) {
      const before = new Map(free);
      for (const launch of rig.launches.slice(seen)) free.set(launch.agentId, (free.get(launch.agentId) ?? 0) - launch.task.cpus);
      const used = new Set(rig.launches.slice(seen).map((launch) => launch.agentId));
      seen = rig.launches.length;
      for (const agent of used) {
        const left = free.get(agent) ?? 0;
        assert.ok(left >= 0, `${agent} had ${before.get(agent)}`);
        free.delete(agent);
        if (left > 0) offer(agent, left);
      }
    }
    const roomiest = Math.max(0, ...free.values());
    for (let cpus = 1; cpus <= roomiest; cpus++)
      assert.doesNotMatch(rig.story(`j${cpus}`), /pending/, `step ${step}: ${roomiest} are free`);
  }
  assert.ok(rig.launches.length > 50);
});

test('for what waits it is written down which offer came nearest and what it lacked', () => {
  const rig = rigWithout();
  rig.define({
    name: 'big',
    schedule: due,
    task: { command: 'x', cpus: 4 },
    constraints: [['rack', 'EQUALS', 'r1']],
    startingDeadline: 'PT1M',
  });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.offer('far', { resources: { ...small, cpus: 1 } });
  rig.advance(6000);
  rig.offer('near', { resources: { ...small, cpus: 3 }, attributes: { rack: { type: 'text', value: 'r1' } } });
  rig.advance(6000);
  const waiting = JSON.parse(rig.store.get('executor/waiting') ?? '{}') as WaitingRecord;
  assert.equal(waiting.shapes.length, 1);
  assert.equal(waiting.shapes[0]?.runs, 1);
  assert.deepEqual(waiting.shapes[0]?.shortage?.nearest, {
    agentId: 'near',
    hostname: 'near.test',
    lacks: [{ what: 'cpus', wanted: 4, offered: 3 }],
  });
  rig.advance(60_000);
  assert.match(rig.run('big', 1)?.reason?.text ?? '', /near\.test, lacked cpus \(4 wanted, 3 offered\)/);
  rig.advance(10_000);
  assert.deepEqual((JSON.parse(rig.store.get('executor/waiting') ?? '{}') as WaitingRecord).shapes, []);
});

test('a rescinded offer and a lost agent are not used', () => {
  const rig = new EngineRig({ offline: true });
  rig.executor({ type: 'connected', identity: 'f', exclusive: true });
  rig.executor({ type: 'reconciled' });
  const offer = { id: 'gone', agentId: 'a1', hostname: 'h', address: '', pool: 'a1/*', attributes: {}, resources: small };
  rig.executor({ type: 'offers', offers: [offer] });
  rig.executor({ type: 'rescinded', offerId: 'gone' });
  rig.executor({ type: 'offers', offers: [{ ...offer, id: 'lost' }] });
  rig.executor({ type: 'agent-lost', agentId: 'a1' });
  rig.define({ name: 'a', schedule: due });
  rig.advanceTo('2026-03-01T01:00:00Z');
  assert.equal(rig.story('a'), '1 pending');
});

test('the executor’s identity is durable before anything is asked of it', () => {
  const rig = new EngineRig();
  const step = rig.steps.find((one) => one.commands.some((command) => command.type === 'reconcile'));
  assert.equal(step?.writes[0]?.key, 'executor/identity');
});

test.run();
