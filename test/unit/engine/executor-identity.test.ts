import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { identityOf, withIdentity, withoutIdentity } from '../../../src/engine/executor-identity.ts';

const test = suite('executor identity');

test('each kind keeps its own, whichever was connected last', () => {
  const first = withIdentity(undefined, 'docker', 'd');
  assert.deepEqual(first, { kind: 'docker', identity: 'd' });
  const second = withIdentity(first, 'process', 'p');
  assert.deepEqual(second, { kind: 'process', identity: 'p', others: { docker: 'd' } });
  assert.equal(identityOf(second, 'docker'), 'd');
  assert.equal(identityOf(second, 'mesos'), undefined);
  assert.deepEqual(withIdentity(second, 'docker', 'd'), { kind: 'docker', identity: 'd', others: { process: 'p' } });
  assert.equal(withIdentity(second, 'process', 'p'), undefined, 'nothing new');
});

test('one can be taken away, and the others stay', () => {
  const record = { kind: 'mesos', identity: 'f', others: { docker: 'd' } };
  assert.deepEqual(withoutIdentity(record, 'mesos'), { kind: 'docker', identity: 'd' });
  assert.deepEqual(withoutIdentity(record, 'docker'), { kind: 'mesos', identity: 'f' });
  assert.equal(withoutIdentity({ kind: 'mesos', identity: 'f' }, 'mesos'), undefined);
});

test.run();
