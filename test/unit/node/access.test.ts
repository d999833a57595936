import assert from 'node:assert/strict';
import { test } from 'uvu';
import { checkExposure, readToken } from '../../../src/node/access.ts';
import { loadConfig } from '../../../src/node/config/load-config.ts';

const api = (host: string): ReturnType<typeof loadConfig>['api'] => ({ ...loadConfig({}).api, host });

test('without a token only loopback is listened on', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) checkExposure(api(host), undefined);
  for (const host of ['0.0.0.0', '::', '192.168.1.1', '127.0.0.1.example']) {
    assert.throws(() => checkExposure(api(host), undefined), /api\.tokenFile/, host);
  }
});

test('with a token any address may be listened on', () => {
  checkExposure(api('0.0.0.0'), 'a token of some length');
});

test('no token file means no token', () => {
  assert.equal(readToken(api('127.0.0.1')), undefined);
});

test.run();
