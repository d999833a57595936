/** What the engine says when an agent is to be taken down: who may still run there then. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import type { WaitingRecord } from '../../../src/engine/records.ts';
import { describeShortage } from '../../../src/engine/shortage.ts';
import type { InverseOffer } from '../../../src/executor/port.ts';
import { EngineRig } from '../../support/engine-rig.ts';

const HOUR = 3_600_000;
const due = 'R1/2026-03-01T01:00:00Z/PT1H';

/** Two jobs on a1, one that ends after 30 minutes and one that may run for ever, and one on a2 that has not begun. */
function setup(): EngineRig {
  const rig = new EngineRig({ exclusive: false, offline: true });
  rig.executor({ type: 'connected', identity: 'f', exclusive: false });
  rig.executor({ type: 'reconciled' });
  rig.define({ name: 'bounded', schedule: due, timeout: 'PT30M', killGrace: 'PT10S' });
  rig.define({ name: 'endless', schedule: due });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.offer('a1');
  rig.status('bounded.1.1', 'running');
  rig.status('endless.1.1', 'running');
  rig.define({ name: 'late', schedule: 'R1/2026-03-01T01:10:00Z/PT1H', timeout: 'PT30M' });
  rig.advanceTo('2026-03-01T01:10:00Z');
  rig.offer('a2');
  return rig;
}

function inTheWay(rig: EngineRig, ...inverseOffers: readonly InverseOffer[]): readonly (readonly string[])[] {
  rig.executor({ type: 'inverse-offers', inverseOffers });
  const answer = rig.commands.findLast((command) => command.type === 'answer-inverse-offers');
  assert.deepEqual(
    answer?.answers.map(({ id }) => id),
    inverseOffers.map(({ id }) => id),
  );
  return answer.answers.map((each) => each.inTheWay);
}

test('a task that has no timeout is in the way of every plan; one that has is, until it is sure to be over', () => {
  const rig = setup();
  // Begun 10 minutes ago, it is over in 20, and 10 seconds to be killed in.
  assert.deepEqual(inTheWay(rig, { id: 'i', agentId: 'a1', lastsMs: HOUR }), [['endless.1.1']]);
  assert.deepEqual(inTheWay(rig, { id: 'i', agentId: 'a1', lastsMs: 20 * 60_000 + 9_999 }), [['bounded.1.1', 'endless.1.1']]);
  assert.deepEqual(inTheWay(rig, { id: 'i', agentId: 'a1', lastsMs: 20 * 60_000 + 10_000 }), [['endless.1.1']]);
});

test('a task that has not begun may take its whole timeout from now on', () => {
  const rig = setup();
  assert.deepEqual(inTheWay(rig, { id: 'i', agentId: 'a2', lastsMs: 30 * 60_000 }), [['late.1.1']]);
  assert.deepEqual(inTheWay(rig, { id: 'i', agentId: 'a2', lastsMs: 30 * 60_000 + 10_000 }), [[]]);
});

test('each agent is answered for by itself, one with nothing of ours at once, and none named means all', () => {
  const rig = setup();
  assert.deepEqual(
    inTheWay(
      rig,
      { id: 'i', agentId: 'a1', lastsMs: HOUR },
      { id: 'j', agentId: 'a2', lastsMs: HOUR },
      { id: 'k', agentId: 'a3', lastsMs: 0 },
    ),
    [['endless.1.1'], [], []],
  );
  assert.deepEqual(inTheWay(rig, { id: 'l', lastsMs: 60_000 }), [['bounded.1.1', 'endless.1.1', 'late.1.1']]);
});

test('what is being killed is over when its grace is; what has ended is not there', () => {
  const rig = setup();
  rig.request({ type: 'kill', job: 'endless', run: 1 });
  assert.deepEqual(inTheWay(rig, { id: 'i', agentId: 'a1', lastsMs: HOUR }), [[]]);
  assert.deepEqual(inTheWay(rig, { id: 'i', agentId: 'a1', lastsMs: 0 }), [['bounded.1.1', 'endless.1.1']]);
  rig.status('endless.1.1', 'killed');
  rig.status('bounded.1.1', 'finished');
  assert.deepEqual(inTheWay(rig, { id: 'i', agentId: 'a1', lastsMs: 0 }), [[]]);
});

test('nothing is put on an agent that is as good as down, with or without a timeout, and what waits says so', () => {
  const rig = new EngineRig({ exclusive: false, offline: true });
  rig.executor({ type: 'connected', identity: 'f', exclusive: false });
  rig.executor({ type: 'reconciled' });
  rig.define({ name: 'a', schedule: due });
  rig.define({ name: 'b', schedule: due, timeout: 'PT1S' });
  rig.advanceTo('2026-03-01T01:00:00Z');
  for (let time = 0; time < 2; time++) {
    rig.offer('a1', { lastsMs: 0 });
    rig.advance(10_000);
  }
  assert.deepEqual(rig.launches, []);
  const { shapes } = JSON.parse(rig.store.get('executor/waiting')!) as WaitingRecord;
  assert.deepEqual(
    shapes.map(({ shortage }) => shortage?.nearest.lacks),
    [[{ what: 'time' }], [{ what: 'time' }]],
  );
  assert.equal(describeShortage(shapes[0]!.shortage), 'the nearest of 1 offers, of a1.test, lacked time before the agent’s maintenance');
});

test('a new leader knows it from what is stored, and answers while it is not reconciled yet', () => {
  const rig = setup();
  rig.failOver(1_000, { connect: false });
  rig.executor({ type: 'connected', identity: 'f', exclusive: false });
  assert.deepEqual(inTheWay(rig, { id: 'i', agentId: 'a1', lastsMs: HOUR }), [['endless.1.1']]);
});

test.run();
