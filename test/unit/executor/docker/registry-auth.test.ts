import assert from 'node:assert/strict';
import { test } from 'uvu';
import { registryAuth } from '../../../../src/executor/docker/registry-auth.ts';

const auth = Buffer.from('robot:a:b').toString('base64');

function read(config: object, image: string): unknown {
  return JSON.parse(Buffer.from(registryAuth(JSON.stringify(config), image), 'base64url').toString());
}

test('credentials are those of the image’s registry, whichever way they are written', () => {
  const config = {
    auths: { 'r.example:5000': { auth }, 'https://q.example': { username: 'u', password: 'p' }, localhost: { identitytoken: 't' } },
  };
  assert.deepEqual(read(config, 'r.example:5000/a/b:1'), { username: 'robot', password: 'a:b', serveraddress: 'r.example:5000' });
  assert.deepEqual(read(config, 'q.example/b'), { username: 'u', password: 'p', serveraddress: 'https://q.example' });
  assert.equal(registryAuth(JSON.stringify(config), 'q.example/b').length % 4, 0);
  assert.deepEqual(read(config, 'localhost/b'), { identitytoken: 't', serveraddress: 'localhost' });
});

test('an image without a registry is Docker Hub’s', () => {
  const config = { auths: { 'https://index.docker.io/v1/': { auth } } };
  for (const image of ['busybox', 'team/app:1', 'docker.io/team/app'])
    assert.deepEqual(read(config, image), { username: 'robot', password: 'a:b', serveraddress: 'https://index.docker.io/v1/' });
});

test('what can’t be used is named without a credential', () => {
  const table: readonly (readonly [string, RegExp])[] = [
    ['{"auths":{"x":{}}', /is not JSON/],
    ['{}', /has no auths/],
    ['null', /has no auths/],
    ['{"auths":{"q.example":{"auth":"eA=="}}}', /no credentials for r\.example/],
    ['{"auths":{"r.example":{"auth":"czNjcmV0"}}}', /not usable/],
  ];
  for (const [config, expected] of table) {
    assert.throws(
      () => registryAuth(config, 'r.example/a'),
      (error: unknown) => error instanceof RangeError && expected.test(error.message) && !/czNjcmV0|s3cret/.test(error.message),
    );
  }
});

test.run();
