/** Arithmetic on resources, their JSON, and the texts Mesos prints them with. */

import { test } from 'uvu';
import assert from 'node:assert/strict';
import { resourceError, resourcesFromJson, resourcesToJson } from '../../mesos-master/resource-json.ts';
import {
  add,
  allocated,
  contains,
  describe,
  milliOf,
  scalar,
  subtract,
  unallocated,
  type Resources,
} from '../../mesos-master/resources.ts';

const ports = (...ranges: readonly (readonly [number, number])[]): Resources => [{ name: 'ports', ranges }];
const etl = { type: 'STATIC', role: 'etl' } as const;

test('what is added can be taken away again, and nothing is left of it', () => {
  const whole = [scalar('cpus', 4), scalar('mem', 32), ...ports([1, 10])];
  const part = [scalar('cpus', 0.1), ...ports([3, 4])];
  assert.deepEqual(subtract(add(whole, part), whole), [scalar('cpus', 0.1)]);
  assert.equal(describe(subtract(whole, part)), 'cpus:3.9; mem:32; ports:[1-2, 5-10]');
  assert.deepEqual(add(subtract(whole, part), part), whole);
  assert.deepEqual(subtract(whole, whole), []);
});

test('scalars keep three decimals and no more', () => {
  let sum: Resources = [];
  for (let count = 0; count < 1_000; count++) sum = add(sum, [scalar('cpus', 0.1)]);
  assert.equal(describe(sum), 'cpus:100');
  assert.equal(scalar('cpus', 0.0015).milli, 2);
});

test('neighbouring ranges become one', () => {
  assert.equal(describe(add(ports([1, 2], [5, 6]), ports([3, 4]))), 'ports:[1-6]');
});

test('a part is contained only with the same reservation and allocation', () => {
  const reserved = [{ ...scalar('cpus', 2), reservations: [etl] }];
  assert.ok(contains(reserved, [{ ...scalar('cpus', 2), reservations: [etl] }]));
  assert.ok(!contains(reserved, [scalar('cpus', 1)]));
  assert.ok(!contains(allocated([scalar('cpus', 2)], 'a'), allocated([scalar('cpus', 1)], 'b')));
  assert.ok(!contains([scalar('cpus', 2)], [scalar('cpus', 1.5), scalar('cpus', 1)]));
  assert.ok(contains(ports([1, 10]), ports([2, 3], [9, 10])));
  assert.ok(!contains(ports([1, 10]), ports([9, 11])));
  assert.deepEqual(unallocated(allocated(reserved, 'x')), reserved);
});

test('the texts of Mesos', () => {
  const resources = allocated([...ports([31_000, 32_000]), { ...scalar('cpus', 0.1), reservations: [etl] }, scalar('mem', 99_968)], '*');
  assert.equal(
    describe(resources),
    'ports(allocated: *):[31000-32000]; cpus(allocated: *)(reservations: [(STATIC,etl)]):0.1; mem(allocated: *):99968',
  );
  const dynamic = { ...scalar('cpus', 1), reservations: [{ type: 'DYNAMIC', role: 'etl', principal: 'p' }] as const };
  assert.equal(describe([dynamic]), 'cpus(reservations: [(DYNAMIC,etl,p)]):1');
});

test('JSON in the form that the framework understands', () => {
  const resources: Resources = allocated(
    [
      { ...scalar('cpus', 2), reservations: [etl] },
      { name: 'tags', items: ['a'] },
    ],
    'etl',
  );
  assert.deepEqual(resourcesToJson(resources, { multiRole: true, refinement: false }), [
    { name: 'cpus', type: 'SCALAR', scalar: { value: 2 }, role: 'etl', allocation_info: { role: 'etl' } },
    { name: 'tags', type: 'SET', set: { item: ['a'] }, role: '*', allocation_info: { role: 'etl' } },
  ]);
  for (const format of [
    { multiRole: true, refinement: false },
    { multiRole: true, refinement: true },
  ]) {
    assert.deepEqual(resourcesFromJson(resourcesToJson(resources, format)), resources);
  }
});

test('a literal 0 vanishes, and what rounds to 0 or less is an error', () => {
  const cpus = (value: number): Parameters<typeof resourceError>[0] => [{ name: 'cpus', type: 'SCALAR', scalar: { value } }];
  assert.deepEqual(resourcesFromJson(cpus(0)), []);
  assert.equal(resourceError(cpus(0)), undefined);
  assert.equal(resourceError(cpus(0.0005)), undefined);
  assert.equal(resourceError(cpus(0.0004)), "Resource 'cpus:0' is invalid: Invalid scalar resource: value <= 0");
  assert.equal(resourceError(cpus(-1)), "Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0");
  assert.equal(milliOf(resourcesFromJson([...cpus(1), ...cpus(2)]), 'cpus'), 3_000);
});

test.run();
