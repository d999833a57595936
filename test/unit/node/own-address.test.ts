import assert from 'node:assert/strict';
import { test } from 'uvu';
import { ownAddress } from '../../../src/node/own-address.ts';

test('what is advertised is taken as it is', () => {
  assert.deepEqual(ownAddress('kairos-1:4400', { host: '127.0.0.1', port: 4401 }), { address: 'kairos-1:4400' });
});

test('an address of this machine that others reach goes without its name', () => {
  assert.deepEqual(ownAddress('', { host: '192.0.2.7', port: 4400 }), { address: '192.0.2.7:4400' });
});

test('loopback, and all addresses, hold good on this machine only', () => {
  const [one, all] = ['127.0.0.1', '0.0.0.0'].map((host) => ownAddress('', { host, port: 4400 }));
  assert.equal(one?.address, '127.0.0.1:4400');
  assert.match(one?.loopbackOf ?? '', /./);
  assert.deepEqual(all, { address: '0.0.0.0:4400', loopbackOf: one?.loopbackOf });
  assert.ok(ownAddress('', { host: '::1', port: 4400 }).loopbackOf);
});

test.run();
