import assert from 'node:assert/strict';
import { createVerify, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import { parseServiceAccount, serviceAccount } from '../../../../src/executor/mesos/dcos-service-account.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const KEYS = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

interface Login {
  readonly uid: string;
  readonly token: string;
}

async function withLoginServer(
  answer: (logins: readonly Login[]) => readonly [number, string],
  body: (url: string, logins: Login[]) => Promise<void>,
) {
  const logins: Login[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      logins.push(JSON.parse(Buffer.concat(chunks).toString()) as Login);
      const [status, text] = answer(logins);
      response.writeHead(status).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}/acs/api/v1/auth/login`, logins);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function accountAt(url: string) {
  return parseServiceAccount(JSON.stringify({ uid: 'kairos', private_key: KEYS.privateKey, login_endpoint: url, scheme: 'RS256' }));
}

test('it logs in once with a signed request, and again only after a refusal', async () => {
  await withLoginServer(
    (logins) => [200, JSON.stringify({ token: `t${logins.length}` })],
    async (url, logins) => {
      const clock = new ManualClock();
      const authenticator = serviceAccount({ account: accountAt(url), clock });
      assert.deepEqual(await Promise.all([authenticator.authorization(), authenticator.authorization()]), ['token=t1', 'token=t1']);
      const [header, payload, signature] = logins[0]!.token.split('.');
      assert.ok(createVerify('RSA-SHA256').update(`${header}.${payload}`).verify(KEYS.publicKey, signature!, 'base64url'));
      const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as { uid: string; exp: number };
      assert.deepEqual(claims, { uid: 'kairos', exp: clock.now() / 1000 + 300 });
      authenticator.forget();
      assert.equal(await authenticator.authorization(), 'token=t2');
    },
  );
});

test('a refused login is told without its secret, and tried again at the next request', async () => {
  await withLoginServer(
    (logins) => (logins.length === 1 ? [401, 'no'] : [200, '{"token":"t"}']),
    async (url) => {
      const authenticator = serviceAccount({ account: accountAt(url), clock: new ManualClock() });
      await assert.rejects(authenticator.authorization(), /refuses the login of service account 'kairos' \(401\)/);
      assert.equal(await authenticator.authorization(), 'token=t');
    },
  );
});

test('an answer without a token is an error', async () => {
  await withLoginServer(
    () => [200, '<html>'],
    async (url) => {
      const authenticator = serviceAccount({ account: accountAt(url), clock: new ManualClock() });
      await assert.rejects(authenticator.authorization(), /without a token/);
    },
  );
});

test('an account that lacks a field is refused by the name of the field, never by its value', () => {
  const good = { uid: 'u', private_key: 'SECRET', login_endpoint: 'https://m/login' };
  const bad: readonly (readonly [string, RegExp])[] = [
    ['SECRET', /'uid'/],
    ['{"uid": SECRET', /'uid'/],
    [JSON.stringify({ ...good, uid: '' }), /'uid'/],
    [JSON.stringify({ ...good, private_key: 1 }), /'private_key'/],
    [JSON.stringify({ ...good, login_endpoint: 'm/login' }), /'login_endpoint' must be a URL/],
  ];
  for (const [text, message] of bad) {
    assert.throws(
      () => parseServiceAccount(text),
      (error: unknown) => error instanceof TypeError && message.test(error.message) && !error.message.includes('SECRET'),
    );
  }
});

test.run();
