import assert from 'node:assert/strict';
import { test } from 'uvu';
import { LaunchWindow } from '../../../../src/executor/mesos/launch-window.ts';
import { GATHER_MS, HOLD_MS, OfferGate } from '../../../../src/executor/mesos/offer-gate.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { AGENT, offer } from './fixtures.ts';

function setup(launchesPerAgent = 4) {
  const clock = new ManualClock();
  const window = new LaunchWindow({ initial: launchesPerAgent });
  const told: string[] = [];
  const givenBack: string[] = [];
  const gate = new OfferGate({
    clock,
    window,
    onOffers: (offers) => told.push(...offers.map(({ raw, room }) => `${raw.id.value}:${room}`)),
    onGiveBack: (ids) => givenBack.push(...ids),
  });
  const launch = (...ids: string[]): void => ids.forEach((id) => window.launched(id, AGENT, clock.monotonic()));
  const hear = (id: string): void => {
    const agentId = window.heard(id, clock.monotonic(), false);
    if (agentId !== undefined) gate.roomMade(agentId);
  };
  return { clock, gate, told, givenBack, launch, hear };
}

test('offers of an agent with room are told on at once, with the room it has', () => {
  const { gate, told, launch } = setup();
  launch('t1');
  gate.receive([offer('o1')]);
  assert.deepEqual(told, ['o1:3']);
});

test('an agent with its fill of launches is not offered until half of them were heard of', () => {
  const { gate, told, launch, hear } = setup();
  launch('t1', 't2', 't3', 't4');
  gate.receive([offer('o1')]);
  assert.deepEqual(told, []);
  hear('t1');
  assert.deepEqual(told, []);
  // Both were quick, so the window has grown by two meanwhile.
  hear('t2');
  assert.deepEqual(told, ['o1:4']);
});

test('with some room but less than half, it is told on after a moment', async () => {
  const { clock, gate, told, launch } = setup();
  launch('t1', 't2', 't3');
  gate.receive([offer('o1')]);
  await clock.advance(GATHER_MS - 1);
  assert.deepEqual(told, []);
  await clock.advance(1);
  assert.deepEqual(told, ['o1:1']);
});

test('with no room for long it is given back, never sat on', async () => {
  const { clock, gate, told, givenBack, launch } = setup();
  launch('t1', 't2', 't3', 't4');
  gate.receive([offer('o1')]);
  await clock.advance(HOLD_MS + GATHER_MS);
  assert.deepEqual([told, givenBack], [[], ['o1']]);
  assert.equal(gate.take('o1'), undefined);
  assert.equal(clock.pending, 0);
});

test('only an offer that was told on is worth telling its rescind', () => {
  const { gate, launch } = setup();
  gate.receive([offer('o1')]);
  assert.equal(gate.rescind('o1'), true);
  assert.equal(gate.rescind('o1'), false);
  launch('t1', 't2', 't3', 't4');
  gate.receive([offer('o2')]);
  assert.equal(gate.rescind('o2'), false);
});

test('an offer is spent once, and the offers of a lost agent are void', () => {
  const { gate } = setup();
  gate.receive([offer('o1'), offer('o2'), offer('o3', { agent_id: { value: 'other' } })]);
  assert.equal(gate.take('o1')?.id.value, 'o1');
  assert.equal(gate.take('o1'), undefined);
  gate.agentLost(AGENT);
  assert.equal(gate.take('o2'), undefined);
  assert.equal(gate.take('o3')?.id.value, 'o3');
});

test('when the subscription ends nothing is held and no timer is left', () => {
  const { clock, gate, told, launch } = setup();
  launch('t1', 't2', 't3', 't4');
  gate.receive([offer('o1')]);
  gate.clear();
  assert.equal(clock.pending, 0);
  assert.deepEqual(told, []);
});

test.run();
