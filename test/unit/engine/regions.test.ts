/** Only a job that asks where it runs goes to another region than the one the cluster is led from. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { asksForRegion } from '../../../src/engine/constraints.ts';
import type { WaitingRecord } from '../../../src/engine/records.ts';
import { describeShortage } from '../../../src/engine/shortage.ts';
import type { ConstraintSpec } from '../../../src/job/spec.ts';
import { EngineRig } from '../../support/engine-rig.ts';

const due = 'R1/2026-03-01T01:00:00Z/PT1H';
const FAR = { region: 'us', zone: 'us-1', isRemote: true } as const;
const NEAR = { region: 'eu', zone: 'eu-1' } as const;

/** A job with these constraints, due; what it was launched on. */
function placedOn(
  constraints: readonly ConstraintSpec[],
  offers: readonly (readonly [agent: string, where: object])[],
): (string | undefined)[] {
  const rig = new EngineRig({ exclusive: false, offline: true });
  rig.executor({ type: 'connected', identity: 'f', exclusive: false });
  rig.executor({ type: 'reconciled' });
  rig.define({ name: 'a', schedule: due, constraints: [...constraints] as ConstraintSpec[] });
  rig.advanceTo('2026-03-01T01:00:00Z');
  for (const [agent, where] of offers) rig.offer(agent, where);
  return rig.launches.map(({ agentId }) => agentId);
}

test('a job that asks for no region runs only where the cluster is led from', () => {
  assert.deepEqual(placedOn([], [['far', FAR]]), []);
  assert.deepEqual(
    placedOn(
      [],
      [
        ['far', FAR],
        ['near', NEAR],
      ],
    ),
    ['near'],
  );
  assert.deepEqual(placedOn([], [['nowhere', {}]]), ['nowhere']);
  assert.deepEqual(
    placedOn(
      [
        ['rack', 'UNLIKE', 'x'],
        ['@hostname', 'UNIQUE'],
      ],
      [['far', FAR]],
    ),
    [],
  );
});

test('a job that asks for a region goes there, and nowhere else', () => {
  assert.deepEqual(
    placedOn(
      [['@region', 'EQUALS', 'us']],
      [
        ['near', NEAR],
        ['far', FAR],
      ],
    ),
    ['far'],
  );
  assert.deepEqual(placedOn([['@region', 'IN', 'eu,us']], [['far', FAR]]), ['far']);
  assert.deepEqual(
    placedOn(
      [['@region', 'EQUALS', 'eu']],
      [
        ['far', FAR],
        ['near', NEAR],
      ],
    ),
    ['near'],
  );
  assert.deepEqual(placedOn([['@region', 'GROUP_BY']], [['far', FAR]]), ['far']);
});

test('a zone by its name is asked for; any zones are not', () => {
  assert.deepEqual(placedOn([['@zone', 'EQUALS', 'us-1']], [['far', FAR]]), ['far']);
  assert.deepEqual(placedOn([['@zone', 'GROUP_BY']], [['far', FAR]]), []);
  const asks = (operator: ConstraintSpec[1], attribute = '@zone'): boolean => asksForRegion([{ attribute, operator, value: 'x' }]);
  const operators = ['EQUALS', 'IS', 'IN', 'LIKE', 'UNLIKE', 'UNIQUE', 'CLUSTER', 'GROUP_BY', 'MAX_PER'] as const;
  assert.deepEqual(
    operators.filter((operator) => asks(operator)),
    ['EQUALS', 'IS', 'IN', 'LIKE'],
  );
  assert.ok(operators.every((operator) => asks(operator, '@region')));
  assert.ok(!asks('EQUALS', 'region'));
});

test('a run for which there are only remote agents says so', () => {
  const rig = new EngineRig({ exclusive: false, offline: true });
  rig.executor({ type: 'connected', identity: 'f', exclusive: false });
  rig.executor({ type: 'reconciled' });
  rig.define({ name: 'a', schedule: due });
  rig.advanceTo('2026-03-01T01:00:00Z');
  rig.offer('far', FAR);
  rig.advance(10_000);
  rig.offer('far', FAR);
  const { shapes } = JSON.parse(rig.store.get('executor/waiting')!) as WaitingRecord;
  assert.deepEqual(shapes[0]!.shortage!.nearest.lacks, [{ what: 'region', region: 'us' }]);
  const text = describeShortage(shapes[0]!.shortage);
  assert.equal(
    text,
    'the nearest of 1 offers, of far.test, lacked nearness (it is in region us, where only jobs run that ask for @region)',
  );
});

test.run();
