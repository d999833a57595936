import assert from 'node:assert/strict';
import { test } from 'uvu';
import { containerName, isNamespace, parseContainerName } from '../../../../src/executor/docker/container-name.ts';

const NAMES = [
  [{ prefix: 'n', taskId: 'a.b-c_d.7.2', isAcknowledged: false }, 'n.a.b-c_d.7.2'],
  [{ prefix: 'n', taskId: 'a.1.1', killBy: 123, isAcknowledged: false }, 'n.a.1.1.kill-123'],
  [{ prefix: 'n', taskId: 'a.1.1', isAcknowledged: true }, 'n.a.1.1.acknowledged'],
  [{ prefix: 'n-x', taskId: 'a.kill-5.1.1', killBy: 6, isAcknowledged: true }, 'n-x.a.kill-5.1.1.kill-6.acknowledged'],
] as const;

for (const [name, text] of NAMES) {
  test(`${text} is written and read`, () => {
    assert.equal(containerName(name), text);
    assert.deepEqual(parseContainerName(`/${text}`), name);
  });
}

test('names of another form are not read', () => {
  for (const text of ['/postgres', '/n.', '/-n.a', '/.a']) assert.equal(parseContainerName(text), undefined, text);
});

test('a namespace has no dot, so that names can be taken apart in one way', () => {
  assert.ok(isNamespace('prod_1-eu'));
  assert.ok(!isNamespace('prod.1'));
  assert.ok(!isNamespace(''));
});

test.run();
