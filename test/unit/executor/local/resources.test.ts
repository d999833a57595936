import assert from 'node:assert/strict';
import { test } from 'uvu';
import {
  addResources,
  fitsResources,
  isNothing,
  NO_RESOURCES,
  portRanges,
  subtractResources,
} from '../../../../src/executor/local/resources.ts';
import type { Resources } from '../../../../src/executor/port.ts';

const some = (part: Partial<Resources>): Resources => ({ ...NO_RESOURCES, ...part });

test('tenths add up without dust', () => {
  let sum = NO_RESOURCES;
  for (let count = 0; count < 10; count += 1) sum = addResources(sum, some({ cpus: 0.1 }));
  assert.equal(sum.cpus, 1);
  assert.equal(subtractResources(sum, some({ cpus: 0.7 })).cpus, 0.3);
});

test('ports are taken out of ranges and merged back', () => {
  const all = some({ ports: [[100, 109]] });
  const taken = some({ ports: portRanges([100, 104, 105, 109]) });
  const left = subtractResources(all, taken);
  assert.deepEqual(left.ports, [
    [101, 103],
    [106, 108],
  ]);
  assert.deepEqual(addResources(left, taken), all);
});

test('what fits is all there, ports included', () => {
  const whole = some({ cpus: 1, mem: 100, ports: [[10, 20]] });
  assert.ok(fitsResources(some({ cpus: 1, mem: 100, ports: [[12, 13]] }), whole));
  assert.ok(!fitsResources(some({ cpus: 1.001 }), whole));
  assert.ok(!fitsResources(some({ gpus: 1 }), whole));
  assert.ok(!fitsResources(some({ ports: [[20, 21]] }), whole));
});

test('nothing goes below zero', () => {
  assert.ok(isNothing(subtractResources(some({ cpus: 1, ports: [[1, 2]] }), some({ cpus: 2, ports: [[0, 5]] }))));
});

test.run();
