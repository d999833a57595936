import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { didYouMean, nearestName } from '../../../src/job/nearest-name.ts';

const test = suite('nearest name');

const names = ['schedule', 'task', 'timeout', 'timeZone'];

for (const [slip, meant] of [
  ['scheduel', 'schedule'],
  ['Schedule', 'schedule'],
  ['taks', 'task'],
  ['timezone', 'timeZone'],
  ['time_zone', 'timeZone'],
  ['tiemout', 'timeout'],
] as const) {
  test(`${slip} is taken for ${meant}`, () => assert.equal(nearestName(slip, names), meant));
}

test('what is far from everything is taken for nothing', () => {
  assert.equal(nearestName('constraints', names), undefined);
  assert.equal(nearestName('', names), undefined);
  assert.equal(didYouMean('xyz', names), '');
  assert.equal(didYouMean('taks', names), '; did you mean "task"?');
});

test.run();
